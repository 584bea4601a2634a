"""Schedules and objectives: what should have happened and did not, and whether what was promised was kept."""

from dashboards.source import annotations, variables
from dashboards.source.board import Board, Row
from dashboards.source.boards.schedules_objectives import EXCUSED, OBJECTIVES, RECORDS, TIERS, TOO_OLD
from dashboards.source.boards.schedules_tables import CLOCKS, LATE, SILENT, STOPPED
from dashboards.source.charts import columns_by
from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.links import to_same_accounts
from dashboards.source.palette import BAD, CALM, GOOD, WARNING
from dashboards.source.panels import Placed, lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_FLOW, ON_FLOW, known_zero

_SIZE = (4, 3)
_ANY_BAD = Field(steps=above((1, BAD), base=CALM))
_ANY_WARNING = Field(steps=above((1, WARNING), base=CALM))
_SCHEDULED = "celigo_flow_next_expected_run_timestamp_seconds{@account}"
# What is known of schedules, and of flows at all, in a few series.
_PLANNED = "celigo:account_scheduled_flows{@account}"
_FLOWS = "celigo_integration_flows{@account}"
_OF_TEAM = f'and {ON_FLOW} celigo:flow_labels{{@account, team=~"$team"}}'
_OVERDUE = 'celigo:flow_trouble_named:schedule{@account, trouble="CeligoFlowOverdue", team=~"$team"}'


def _served(family: str) -> str:
    """Something that is there when the exporter serves `family`: a number, however many series that has."""
    return f'(celigo_exporter_series{{@account, family="{family}"}} > 0)'


def _trouble(title: str, about: str, name: str, known: str, field: Field) -> Placed:
    """Flows of the team with the condition of the alert `name`."""
    found = f'celigo:flow_trouble_named:schedule{{@account, trouble="{name}", team=~"$team"}}'
    return number(title, about, now(known_zero(f"count(group {BY_FLOW} ({found}))", known)), field, size=_SIZE)


_COUNTS = [
    number(
        "Scheduled flows",
        "Flows that are on and whose schedule can be read, so that it is known when they should run. "
        "From celigo_flow_next_expected_run_timestamp_seconds.",
        now(f"count(group {BY_FLOW} ({_SCHEDULED}) {_OF_TEAM})"),
        Field(steps=((None, CALM),)),
        size=_SIZE,
    ),
    _trouble(
        "Overdue now",
        "Flows whose schedule wanted a run that has not begun, beyond their grace (%{grace_ratio.percent} of the "
        "interval, %{grace_least} to %{grace_most}) and not because of a connection that is offline. Normal: 0. "
        "An alert comes after %{overdue_for}.",
        "CeligoFlowOverdue",
        _PLANNED,
        _ANY_BAD,
    ),
    number(
        "Overdue, share of the account",
        "Flows that are overdue among all scheduled flows of the account where it is highest, whatever the team. "
        "Above %{many_overdue_ratio.percent} and from %{many_overdue_flows} flows on an alert pages: then it is "
        "integrator.io's scheduler, or the licence. Normal: 0.",
        now(
            "max((count by (account, environment) (celigo:flow_late_seconds{@account}) "
            "/ celigo:account_scheduled_flows{@account}) or 0 * celigo:account_scheduled_flows{@account})"
        ),
        Field("percentunit", 1, above((limit("many_overdue_ratio"), BAD), base=CALM)),
        size=_SIZE,
    ),
    _trouble(
        "%{missed_runs} or more missed in a row",
        "Overdue flows that missed %{missed_runs} runs or more in a row; each of them pages. Normal: 0. "
        "From celigo_flow_consecutive_missed_runs, so needs profile standard.",
        "CeligoFlowMissedRuns",
        _served("celigo_flow_consecutive_missed_runs"),
        _ANY_BAD,
    ),
    number(
        "Late, with a connection offline",
        "Flows whose run has not come while a connection of theirs is offline. They are not counted as overdue: mend "
        "the connection. Normal: 0. From celigo_connection_online; needs profile standard.",
        now(
            known_zero(
                f"count(max {BY_FLOW} ({_SCHEDULED} < time()) and {ON_FLOW} celigo:flow_blocked{{@account}} "
                f"unless {ON_FLOW} celigo:flow_disabled{{@account}} {_OF_TEAM})",
                "celigo_connection_online{@account}",
            )
        ),
        Field(steps=above((1, WARNING), base=CALM), links=(to_same_accounts("celigo-connections", "Connections"),)),
        size=_SIZE,
    ),
    _trouble(
        "Listeners silent",
        "Flows that events or other flows start and that have been quiet for longer than is usual for them. Normal: 0. "
        "An alert comes after %{silent_for}. Needs profile full.",
        "CeligoListenerFlowSilent",
        _served("celigo_flow_expected_max_silence_seconds"),
        _ANY_WARNING,
    ),
    _trouble(
        "Switched off lately",
        "Flows that are off and were on within the last %{turned_off_window}. Normal: 0, but for what somebody wanted. "
        "From celigo_flow_enabled.",
        "CeligoFlowTurnedOff",
        _FLOWS,
        _ANY_WARNING,
    ),
    _trouble(
        "Lost their schedule lately",
        "Flows that are on, have no schedule and had one within the last %{turned_off_window}: nothing starts them any "
        "more. Normal: 0. From celigo_flow_schedule_configured.",
        "CeligoFlowUnscheduled",
        _FLOWS,
        _ANY_WARNING,
    ),
    _trouble(
        "Schedules that cannot be read",
        "Flows with a schedule of a form that the exporter does not know. Nothing is expected of them, so nobody is "
        "told when they stop. Normal: 0. From celigo_flow_schedule_unreadable; needs profile standard.",
        "CeligoFlowScheduleUnreadable",
        _PLANNED,
        _ANY_WARNING,
    ),
    _trouble(
        "Hit by a change of clocks soon",
        "Flows whose next run falls into the hour that the change of clocks removes, within %{dst_notice}. It will "
        "not happen. Normal: 0, but before the change. From celigo_flow_dst_skip_timestamp_seconds; needs profile "
        "standard.",
        "CeligoFlowDstSkipUpcoming",
        _PLANNED,
        _ANY_WARNING,
    ),
    TOO_OLD,
    EXCUSED,
]

_HOW_MANY = lines(
    "How many flows were overdue?",
    "Flows that were overdue beyond their grace, by team: the highest number at each step. Normal: 0. Many at once: "
    "integrator.io's scheduler or the licence; a few at the same hour each day: see below. "
    "From celigo_flow_next_expected_run_timestamp_seconds.",
    [
        Query(
            "max_over_time((label_replace(count by (team) "
            f'({_OVERDUE}), "team", "no team", "team", ""))[$__interval:1m])',
            "{{team}}",
        )
    ],
    Field(by_name=True, none="No flow was overdue"),
    size=(8, 9),
    stacked=True,
    columns=True,
)

# Where a run was due says more than for how long it has not come: a nightly one is late all day. A flow counts when
# it becomes late, at the instant at which the run was due.
_DUE = f"time() - ({_OVERDUE} unless {_OVERDUE} offset 10m)"
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def _by(label: str, of: str, all_of_them: str) -> str:
    """How often flows became late in the range, by `of` the instant at which the run was due, with 0 for the rest."""
    found = f'sum by ({label}) (sum_over_time(count_values("{label}", {of}({_DUE}))[$__range:10m]))'
    every = f'0 * last_over_time(count_values("{label}", {of}(vector(time())))[{all_of_them}])'
    return f'label_replace({found} or on ({label}) {every}, "{label}", "0$1", "{label}", "(.)")'


_BY_HOUR = columns_by(
    "hour",
    "At which hour do they not come? (UTC)",
    "How often flows became overdue in the chosen range, by the hour at which the missed run was due. Only the first "
    "missed run of a streak counts. Many at one hour: too much is scheduled at once, or something is down at that "
    "time. The hours are those of UTC.",
    _by("hour", "hour", "24h:1h"),
    Field(colour=GOOD, decimals=0),
    size=(10, 8),
)
_BY_WEEKDAY = columns_by(
    "day",
    "On which weekday? (UTC)",
    "How often flows became overdue in the chosen range, by the weekday on which the missed run was due. Choose some "
    "weeks to see a pattern. Only the first missed run of a streak counts.",
    _by("day", "day_of_week", "7d:1d"),
    Field(colour=GOOD, decimals=0),
    size=(5, 8),
    words={f"0{number}": name[:3] for number, name in enumerate(_WEEKDAYS)},
)

BOARD = Board(
    uid="celigo-schedules",
    title="Schedules and objectives",
    answers=(
        "Which runs did not come, and when do they not come?",
        "Which listeners are silent, and what is switched off?",
        "What will the next change of clocks skip?",
        "Is what was promised kept?",
    ),
    variables=(variables.account(), variables.environment(), variables.team()),
    rows=(
        Row(_COUNTS),
        Row([LATE, _HOW_MANY]),
        Row([_BY_HOUR, _BY_WEEKDAY, TIERS]),
        Row(OBJECTIVES, title="Which objectives are missed?"),
        Row([SILENT], title="Which listeners are silent?", collapsed=True),
        Row([STOPPED, CLOCKS], title="What no longer runs, and what the next change of clocks skips", collapsed=True),
        Row(RECORDS, title="Are records delivered as promised?", collapsed=True),
    ),
    annotations=(annotations.CRITICAL, annotations.FLOWS_TURNED_OFF, annotations.DEPLOYED),
    since="now-7d",
)
