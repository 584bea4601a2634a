"""Objectives on the board about schedules: is data as fresh, and are records delivered, as was promised."""

from dashboards.source.boards.schedules_tables import FLOW, INTEGRATION, TEAM, chosen, of
from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, CALM, WARNING
from dashboards.source.panels import lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import (
    BY_FLOW,
    BY_INTEGRATION,
    NAMED_INTEGRATION,
    ON_FLOW,
    ON_INTEGRATION,
    known_zero,
)
from dashboards.source.tables import Column, table_of

_OBJECTIVE = "celigo_flow_slo_freshness_seconds{@account}"
_MISSED = "celigo:flow_freshness_missed{@account}"
_OF_TEAMS = 'celigo:flow_labels{@account, team=~"$team"}'
_IN_TROUBLE = 'celigo:flow_trouble_named:objectives{@account, team=~"$team"'
_BREACHED = f'{_IN_TROUBLE}, trouble="CeligoFreshnessSloBreached"}}'


TOO_OLD = number(
    "Objectives missed now",
    "Flows whose newest delivery is older than their freshness objective allows. Those that are off or have a "
    "connection offline are not in it, as they raise no alert of their own. Each pages after %{freshness_for}. "
    "Normal: 0. From celigo_flow_slo_freshness_seconds.",
    now(known_zero(f"count(group {BY_FLOW} ({_BREACHED}))", _MISSED)),
    Field(steps=above((1, BAD), base=CALM), none="no objectives"),
    size=(4, 3),
)
EXCUSED = number(
    "Missed while off or cut off",
    "Flows that are older than their objective allows but raise no alert of their own: they are off, a connection of "
    "theirs is offline or was within %{recovery}, or the collector of runs has fallen behind. Normal: 0. "
    "From celigo_flow_slo_freshness_seconds.",
    now(
        known_zero(
            f"count(({_MISSED} == 1) unless {ON_FLOW} {_BREACHED} and {ON_FLOW} {_OF_TEAMS})",
            _MISSED,
        )
    ),
    Field(steps=above((1, WARNING), base=CALM), none="no objectives"),
    size=(4, 3),
)
# From the conditions of the alert, which have names and are few; every flow at every step would take seconds.
_FLOWS = f"count by (tier) ({_OF_TEAMS} and {ON_FLOW} {_OBJECTIVE})"
_MISSING = f"count by (tier) ({_BREACHED})"


TIERS = table_of(
    "Is what was promised kept?",
    "Freshness by tier: flows with an objective, how many miss it now, and the share that missed it over a day. In the "
    "last %{freshness_window} a flow may miss it for %{freshness_ratio.percent} of the time: how much of that the "
    "average flow has used. What is off or cut off misses nothing here, as in the alert. From "
    "celigo_flow_slo_freshness_seconds.",
    [
        _FLOWS,
        _MISSING,
        f"sum_over_time(({_MISSING})[1d:5m]) / 288 / ({_FLOWS})",
        (
            f"sum_over_time(({_MISSING})[%{{freshness_window}}:5m]) * 300 / %{{freshness_window.seconds}} "
            f"/ ({_FLOWS}) / %{{freshness_ratio}}"
        ),
    ],
    [
        Column("tier", "Tier"),
        Column("Value #A", "Flows", Field(), width=80),
        Column("Value #B", "Missed now", Field(), width=105),
        Column("Value #C", "Missed in 24 h", Field("percentunit", 2), width=125),
        Column(
            "Value #D", "Budget used", Field("percentunit", 0, above((1, WARNING), base=CALM)), width=120, filled=True
        ),
    ],
    size=(9, 8),
    none="No flow has an objective",
    sort="Budget used",
)

# What explains it best comes first: each flow is shown with one reason.
_CAUSES = {
    "1": ("was stopped", WARNING, "CeligoFlowTurnedOff|CeligoFlowUnscheduled"),
    "2": ("no run came", BAD, "CeligoFlowOverdue|CeligoFlowMissedRuns|CeligoListenerFlowSilent"),
    "3": ("runs fail", BAD, "CeligoFlowRunFailed|CeligoFlowFailingRepeatedly|CeligoFlowFailingSinceChange"),
    "4": (
        "run hangs or waits",
        WARNING,
        "CeligoFlowRunStuck|CeligoFlowRunStalled|CeligoFlowRunVeryLong|CeligoFlowRetryingTooLong|CeligoFlowQueued",
    ),
    "5": ("runs have errors", WARNING, "CeligoFlowPartialErrors"),
}
_REASONS = {value: (word, colour) for value, (word, colour, _) in _CAUSES.items()}
_BECAUSE = " or ".join(
    f'{value} * group {BY_FLOW} (celigo:flow_trouble{{@account, trouble=~"{names}"}})'
    for value, (_, _, names) in _CAUSES.items()
)
_OFFENDERS = chosen(f"topk(25, max without (trouble) ({_IN_TROUBLE}}}))")
# The conditions of the two alerts have as their values the age of the delivery and the share of time.
_TOO_OLD_NOW = chosen(f"topk(25, max without (trouble) ({_BREACHED}))")
_TOO_OLD_OFTEN = chosen(f'topk(25, max without (trouble) ({_IN_TROUBLE}, trouble="CeligoFreshnessSloSlowBurn"}}))')
_WORST = table_of(
    "Which flows are too old, and why?",
    "Flows that are older than their objective allows, or were for over %{freshness_ratio.percent} of the last "
    "%{freshness_window}: 25 at most, without those that are off or have a connection offline. A delivery is a "
    "completed run that got at least half of its records through: where no reason is given, look at its errors. From "
    "celigo_flow_last_delivery_timestamp_seconds; needs profile standard.",
    [
        _TOO_OLD_NOW,
        of(_OFFENDERS, _OBJECTIVE),
        f"{_TOO_OLD_NOW} / {ON_FLOW} group_left () max {BY_FLOW} ({_OBJECTIVE})",
        _TOO_OLD_OFTEN,
        of(_OFFENDERS, f"({_BECAUSE})"),
    ],
    [
        FLOW,
        INTEGRATION,
        TEAM,
        Column("tier", "Tier", width=75),
        Column("Value #B", "Objective", Field("s", 1), width=95),
        Column("Value #A", "Age", Field("s", 1), width=105),
        Column("Value #C", "Of allowed", Field("percentunit", 0, above((1, BAD), base=CALM)), width=95, filled=True),
        Column(
            "Value #D",
            "Missed",
            Field("percentunit", 0, above((limit("freshness_ratio"), WARNING), base=CALM)),
            width=75,
            filled=True,
        ),
        Column("Value #E", "Because", Field(states=_REASONS), width=150),
    ],
    size=(17, 9),
    none="No objective is missed, but by flows that are off or cut off",
    sort="Of allowed",
)
_TOO_OLD_THEN = lines(
    "How many flows missed their objective?",
    "Flows that were older than their freshness objective allows, by tier: the highest number at each step. Those that "
    "were off or had a connection offline are not in it. Normal: 0. From celigo_flow_slo_freshness_seconds.",
    [
        Query(
            "max_over_time((label_replace(count by (tier) "
            f'({_BREACHED}), "tier", "no tier", "tier", ""))[$__interval:1m])',
            "{{tier}}",
        )
    ],
    Field(by_name=True, none="No objective was missed"),
    size=(7, 9),
    stacked=True,
    columns=True,
)
OBJECTIVES = [_WORST, _TOO_OLD_THEN]

_ALLOWED = "(1 - %{record_objective})"


def _burn(window: str) -> str:
    return f"celigo:integration_record_error_ratio:rate{window}{{@account}}"


_OF_TEAM = 'celigo:integration_labels{@account, team=~"$team"}'
_INTEGRATIONS = f"(topk(25, ({_burn('6h')} > 0) and {ON_INTEGRATION} {_OF_TEAM}) {NAMED_INTEGRATION})"


def _of_integration(value: str) -> str:
    return f"0 * {_INTEGRATIONS} + {ON_INTEGRATION} group_left () (max {BY_INTEGRATION} ({value}))"


_BURNED = table_of(
    "Which integrations lose too many records?",
    "The 25 integrations with the highest share of failed records in six hours. Burn is how many times as fast as the "
    "objective of %{record_objective.percent} allows: above %{fast_burn} over an hour an alert pages, above "
    "%{slow_burn} over six hours one warns, if over %{record_errors} records failed. From "
    "celigo_integration_records_total.",
    [
        _of_integration(f"{_burn('15m')} / {_ALLOWED}"),
        _of_integration(f"{_burn('1h')} / {_ALLOWED}"),
        _of_integration(f"{_burn('6h')} / {_ALLOWED}"),
        _of_integration('increase(celigo_integration_records_total{@account, outcome="error"}[6h])'),
    ],
    [
        INTEGRATION,
        TEAM,
        Column("Value #A", "Burn 15 min", Field("short", 1), width=95),
        Column(
            "Value #B",
            "Burn 1 h",
            Field("short", 1, above((limit("fast_burn"), BAD), base=CALM)),
            width=85,
            filled=True,
        ),
        Column(
            "Value #C",
            "Burn 6 h",
            Field("short", 1, above((limit("slow_burn"), WARNING), base=CALM)),
            width=85,
            filled=True,
        ),
        Column("Value #D", "Failed in 6 h", Field("short", 0), width=100),
    ],
    size=(12, 9),
    none="No record failed in six hours, as of the newest data",
    sort="Burn 6 h",
)
# The end of the range decides which lines there are, so that they are the same at every step.
_FASTEST = (
    f"topk(10, max_over_time({_burn('1h')}[$__range:$__interval] @ end()) / {_ALLOWED} > %{{slow_burn}} "
    f"and {ON_INTEGRATION} {_OF_TEAM} @ end())"
)
_BURNING = lines(
    "Which integrations burned too fast over an hour?",
    "How many times as fast as the objective of %{record_objective.percent} allows records failed: the ten "
    "integrations that were furthest above %{slow_burn} in this range. An alert pages above %{fast_burn}. From "
    "celigo_integration_records_total.",
    [
        Query(
            f"({_burn('1h')} / {_ALLOWED} and {ON_INTEGRATION} {_FASTEST}) "
            f"* {ON_INTEGRATION} group_left (integration_name) {_OF_TEAM} @ end()",
            "{{integration_name}}",
        )
    ],
    Field("short", 1, above((limit("fast_burn"), BAD)), by_name=True, none="No integration burned too fast"),
    size=(12, 9),
    points=80,
)
RECORDS = [_BURNED, _BURNING]
