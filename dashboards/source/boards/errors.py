"""Errors and ageing: where errors pile up, of what kind and how old they are, and whether anybody keeps up."""

from dashboards.source import annotations, variables
from dashboards.source.board import Board, Row
from dashboards.source.boards import error_kinds
from dashboards.source.boards.error_scope import (
    FLOW,
    INTEGRATION,
    NAMED_FLOWS,
    NAMED_INTEGRATIONS,
    OF_FLOWS,
    age,
    of_integrations,
    total,
)
from dashboards.source.field import Field, above, coloured
from dashboards.source.limits import limit
from dashboards.source.palette import BAD, BLUE, CALM, GOOD, GREEN, WARNING
from dashboards.source.panels import Placed, bars, lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_ACCOUNT, BY_FLOW, BY_INTEGRATION, ON_FLOW, ON_INTEGRATION, among, app
from dashboards.source.tables import Column, table_of

_COUNT = Field("short", steps=((None, CALM),))


def _figure(title: str, about: str, query: Query, field: Field = _COUNT) -> Placed:
    return number(title, about, query, field, size=(4, 3))


_OF_ACCOUNT = f"sum {BY_ACCOUNT} (max {BY_INTEGRATION} (celigo_integration_open_errors{{@account}}))"
_FIGURES = [
    _figure(
        "Open errors",
        "Errors that nobody has resolved, exact whatever was read of their records. A chosen team stands for the "
        "integrations in which it has a flow; lines are of all teams. From celigo_integration_open_errors.",
        now(total("celigo_integration_open_errors{@integration}")),
    ),
    _figure(
        "Change in 24 hours",
        "Open errors now less those of 24 hours ago: above 0 the pile grows. Unknown until there is a day of data. "
        "From celigo_integration_open_errors.",
        now(
            f"{total('celigo_integration_open_errors{@integration}')} - "
            f"{total('celigo_integration_open_errors{@integration} offset 24h')}"
        ),
    ),
    _figure(
        "Oldest open error",
        "How long ago it occurred. An alert comes for a flow above %{error_age}; after 30 days an error is purged. "
        "Flows whose errors were not all read are not in it. From celigo_flow_oldest_open_error_timestamp_seconds, "
        "profile standard.",
        now(f"max({age()})"),
        Field("s", 1, above((limit("error_age"), WARNING), base=CALM)),
    ),
    _figure(
        "Lost within 3 days",
        "Open errors that integrator.io purges within 3 days, with the data to retry them. Normal: 0. An alert comes "
        "when it lasts for %{expiring_for}. From celigo_integration_open_errors_expiring, profile standard.",
        now(total("celigo_integration_open_errors_expiring{@integration}")),
        Field("short", 0, above((1, WARNING), base=CALM)),
    ),
    _figure(
        "Assigned to nobody",
        "Open errors whose records were read and that nobody is assigned to. An alert comes for an integration when "
        "there are some for %{unassigned_for} and errors are over a day old. From "
        "celigo_integration_open_errors_unassigned, profile full.",
        now(total("celigo_integration_open_errors_unassigned{@integration}")),
    ),
    _figure(
        "Errors not read in detail",
        "Open errors of the accounts whose records were not read: while it is not 0, what stands here by age, class, "
        "source and code is a lower bound. Normal: 0. From celigo_open_errors_sampled_ratio, profile standard.",
        now(f"round(sum({_OF_ACCOUNT} * (1 - max {BY_ACCOUNT} (celigo_open_errors_sampled_ratio{{@account}}))))"),
        Field("short", steps=above((1, WARNING), base=CALM)),
    ),
]

_PILE = lines(
    "Does the pile grow?",
    "Open errors of what is chosen, whatever the team, and those of the same time a day before. From "
    "celigo_integration_open_errors.",
    [
        Query(total("celigo_integration_open_errors{@integration}", teams=False), "open"),
        Query(total("celigo_integration_open_errors{@integration} offset 24h", teams=False), "a day before"),
    ],
    Field("short"),
    size=(6, 7),
    points=120,
    overrides=coloured({"open": WARNING, "a day before": BLUE}),
)
_NEW = 'increase(celigo_integration_records_total{@integration, outcome="error"}[1h])'
_RESOLVED = "increase(celigo_integration_errors_resolved_total{@integration}[1h])"
_KEEPING_UP = lines(
    "Do we keep up? New and resolved, an hour",
    "Records that failed in the hour before, and errors that a user or integrator.io resolved, whatever the team. "
    "Resolved ones are only counted once their flow runs. From celigo_integration_records_total and, profile full, "
    "celigo_integration_errors_resolved_total.",
    [
        Query(total(_NEW, teams=False), "new"),
        Query(total(_RESOLVED, "by", teams=False), "resolved by {{by}}"),
    ],
    Field("short"),
    size=(6, 7),
    points=80,
    overrides=coloured({"new": BAD, "resolved by user": GOOD, "resolved by auto": GREEN}),
)


def _older_than(age: str) -> str:
    return total(f'celigo_integration_open_errors_by_age{{@integration, older_than="{age}"}}')


_AGES = bars(
    "How old are they?",
    "Open errors whose records were read, by how long ago they occurred. What is over 25 days old is purged at 30. "
    "From celigo_integration_open_errors_by_age, profile standard.",
    [
        now(f"clamp_min({error_kinds.READ} - {_older_than('1h')}, 0)", "up to 1 hour"),
        now(f"{_older_than('1h')} - {_older_than('24h')}", "1 to 24 hours"),
        now(f"{_older_than('24h')} - {_older_than('7d')}", "1 to 7 days"),
        now(f"{_older_than('7d')} - {_older_than('25d')}", "7 to 25 days"),
        now(_older_than("25d"), "over 25 days"),
    ],
    Field("short", colour=BLUE),
    size=(6, 7),
    overrides=coloured({"over 25 days": BAD, "7 to 25 days": WARNING}),
)

_RANKS = {
    "4": ("CeligoErrorStorm", "errors", "storm", BAD),
    "3": ("CeligoFlowPartialErrors", "throughput", "records fail", WARNING),
    "2": ("CeligoOpenErrorsGrowing", "errors", "growing", WARNING),
    "1": ("CeligoOpenErrorsAgeing", "errors", "ageing", WARNING),
}
_CONDITIONS = " or ".join(
    f'{rank} + 1e-9 * celigo:flow_trouble_named:{group}{{@integration, team=~"$team", trouble="{name}"}}'
    for rank, (name, group, _, _) in _RANKS.items()
)
_GRAVEST = f"floor(topk(30, max without (trouble) ({_CONDITIONS})))"
"""By rank, and among flows of the same by what the condition is about: so many errors, so old."""
_OPEN = "celigo:flow_open_errors{@account}"
_FAILING = 'celigo:flow_trouble{@account, trouble="CeligoFlowPartialErrors"}'
_TROUBLE = table_of(
    "Which flows need somebody?",
    "The 30 gravest flows with a condition of an alert, the gravest of each: storm, over %{storm_errors} more in an "
    "hour; records fail, over %{partial_errors_ratio.percent} of an hour's; growing, %{growing_errors} more in each of "
    "three times two hours; ageing, an error over %{error_age} old. From celigo:flow_trouble of the alert rules.",
    [
        app(_GRAVEST),
        among(_GRAVEST, ON_FLOW, _OPEN),
        f"({among(_GRAVEST, ON_FLOW, _OPEN)}) - {ON_FLOW} {_OPEN} offset 2h",
        age(_GRAVEST),
        f"max {BY_FLOW} ({among(_GRAVEST, ON_FLOW, _FAILING)})",
    ],
    [
        Column(
            "Value #A",
            "Why",
            Field(states={rank: (word, colour) for rank, (_, _, word, colour) in _RANKS.items()}),
            width=100,
            filled=True,
        ),
        FLOW,
        Column("integration_name", "Integration", width=190),
        Column("team", "Team", width=90),
        Column("Value #B", "Open", Field("short", 0), width=70),
        Column("Value #C", "In 2 h", Field("short", 0), width=70),
        Column("Value #E", "Fail", Field("percentunit", 0), width=60),
        Column("Value #D", "Oldest", Field("s", 1, above((limit("error_age"), WARNING))), width=100),
    ],
    size=(15, 8),
    none="No flow has a storm, growing or ageing errors, as of the newest data",
    sort="Why",
    then="Open",
)


_OPEN_ERRORS = "celigo_integration_open_errors{@integration}"
_LOST_FIRST = f"topk(15, {of_integrations('celigo_integration_open_errors_expiring{@integration}')} > 0)"
_LOST = table_of(
    "What is lost within 3 days?",
    "Integrations with errors that integrator.io purges within 3 days: retry or resolve these first. An alert comes "
    "after %{expiring_for}. From celigo_integration_open_errors_expiring, profile standard.",
    [
        app(f"{_LOST_FIRST} {NAMED_INTEGRATIONS}"),
        of_integrations(_OPEN_ERRORS, _LOST_FIRST),
    ],
    [
        INTEGRATION,
        Column("team", "Team", width=110),
        Column("Value #A", "Lost soon", Field("short", 0, above((1, WARNING))), width=100),
        Column("Value #B", "Open", Field("short", 0), width=80),
    ],
    size=(9, 8),
    none="Nothing that was read is lost within 3 days",
    sort="Lost soon",
)

_WORST_FIRST = f"topk(15, {of_integrations(_OPEN_ERRORS)} > 0)"
_OVER_A_WEEK = 'celigo_integration_open_errors_by_age{@integration, older_than="7d"}'
_UNASSIGNED = "celigo_integration_open_errors_unassigned{@integration}"
_INTEGRATIONS = table_of(
    "Which integrations have most?",
    "The 15 integrations with most open errors. From celigo_integration_open_errors; over 7 days and unassigned "
    "(profile full) are of those whose records were read.",
    [
        app(f"{_WORST_FIRST} {NAMED_INTEGRATIONS}"),
        f"{_WORST_FIRST} - {ON_INTEGRATION} max {BY_INTEGRATION} ({_OPEN_ERRORS} offset 24h)",
        of_integrations(_OVER_A_WEEK, _WORST_FIRST),
        of_integrations(_UNASSIGNED, _WORST_FIRST),
    ],
    [
        INTEGRATION,
        Column("team", "Team", width=100),
        Column("Value #A", "Open", Field("short", 0, ((None, WARNING),), least=0), width=180, bar=True),
        Column("Value #B", "In 24 h", Field("short", 0), width=80),
        Column("Value #C", "Over 7 d", Field("short", 0), width=85),
        Column("Value #D", "Unassigned", Field("short", 0), width=105),
    ],
    size=(12, 6),
    none="No open error, as of the newest data",
    sort="Open",
)

_FLOWS_FIRST = f"topk(15, ({_OPEN} > 0) {OF_FLOWS})"
_FLOWS = table_of(
    "Which flows have most?",
    "The 15 flows with most open errors. The oldest is only told of flows whose errors were all read; an alert comes "
    "above %{error_age}. From celigo_flow_open_errors and celigo_flow_oldest_open_error_timestamp_seconds.",
    [
        app(f"{_FLOWS_FIRST} {NAMED_FLOWS}"),
        f"{_FLOWS_FIRST} - {ON_FLOW} {_OPEN} offset 24h",
        age(_FLOWS_FIRST),
    ],
    [
        FLOW,
        Column("integration_name", "Integration", width=170),
        Column("Value #A", "Open", Field("short", 0, ((None, WARNING),), least=0), width=180, bar=True),
        Column("Value #B", "In 24 h", Field("short", 0), width=75),
        Column("Value #C", "Oldest", Field("s", 1, above((limit("error_age"), WARNING))), width=100),
    ],
    size=(12, 6),
    none="No open error, as of the newest data",
    sort="Open",
)

BOARD = Board(
    uid="celigo-errors",
    title="Errors and ageing",
    answers=(
        "Where do errors pile up, of what kind, and how old are they?",
        "Who owns them, and what is about to be lost?",
        "Are we keeping up?",
    ),
    variables=(variables.account(), variables.environment(), variables.team(), variables.integration()),
    rows=(
        Row(_FIGURES),
        Row([_PILE, _KEEPING_UP, error_kinds.CLASSES, _AGES]),
        Row([_TROUBLE, _LOST]),
        Row([_INTEGRATIONS, _FLOWS]),
        Row(error_kinds.KINDS, title="Of what kind, where in the flow, and whose?", collapsed=True),
        Row(error_kinds.STEPS, title="Which steps fail, and which records right now?", collapsed=True),
    ),
    annotations=(annotations.CRITICAL, annotations.DEPLOYED),
)
