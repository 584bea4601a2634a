"""Integration: whether one integration works, what of it is wrong, how much it moves and what it owes."""

from dashboards.source import annotations, variables
from dashboards.source.alerting import alerts_now, alerts_then, flows_then
from dashboards.source.board import Board, Row
from dashboards.source.boards.integration_flows import CONNECTIONS, FLOWS
from dashboards.source.field import Field, above, drawn, fixed_colours
from dashboards.source.limits import limit
from dashboards.source.links import page_link
from dashboards.source.palette import BAD, BLUE, CALM, UNKNOWN, WARNING
from dashboards.source.panels import Placed, bars, lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_FLOW, BY_INTEGRATION, known_zero

_ANY_BAD = Field(steps=above((1, BAD), base=CALM))
_ANY_WARNING = Field(steps=above((1, WARNING), base=CALM))
_CALM = Field("short", 0, steps=((None, CALM),))
_SMALL = (4, 3)
_MOVED = "celigo:integration_records_success:increase1h"
_LINES = (8, 7)


def _flows_in(title: str, about: str, names: str, known: str, field: Field) -> Placed:
    """Flows of the integration with one of the conditions of alerts `names`."""
    count = f'count(group {BY_FLOW} (celigo:flow_trouble{{@flows, trouble=~"{names}"}}))'
    return number(title, about, now(known_zero(count, f"{known}{{@flows}}")), field, size=_SMALL)


def _sum(metric: str, more: str = "") -> str:
    return f"sum(max {BY_INTEGRATION} ({metric}{{@integration{more}}}))"


_STATE = [
    number(
        "Its flows: on and off",
        "Flows of the integration that are switched on, and those that are off and do not run. "
        "From celigo_integration_flows.",
        now(
            "sort(sum by (state) (max by (account, environment, integration_id, state) "
            "(celigo_integration_flows{@integration})))",
            "{{state}}",
        ),
        _CALM,
        size=_SMALL,
        words=True,
    ),
    _flows_in(
        "Flows late or silent",
        "Flows whose schedule wanted a run that has not begun, beyond their grace (%{grace_ratio.percent} of the "
        "interval, %{grace_least} to %{grace_most}), or that events start and that have been quiet for longer than is "
        "usual for them (profile full). Not because of a connection that is offline. Normal: 0. Alerts come after "
        "%{overdue_for} and %{silent_for}.",
        "CeligoFlowOverdue|CeligoFlowMissedRuns|CeligoListenerFlowSilent",
        "celigo_flow_enabled",
        _ANY_BAD,
    ),
    _flows_in(
        "Flows whose runs fail",
        "Flows whose newest run failed; an alert pages at %{failed_runs} in a row. Normal: 0. "
        "From celigo_flow_consecutive_failed_runs.",
        "CeligoFlowRunFailed|CeligoFlowFailingRepeatedly|CeligoFlowFailingSinceChange",
        "celigo_flow_enabled",
        _ANY_WARNING,
    ),
    _flows_in(
        "Runs that hang or wait",
        "Flows with a run that lasts %{stuck_factor} times as long as usual, has not moved for %{stalled}, is older "
        "than %{very_long}, or has been queued for %{queued}. Normal: 0.",
        "CeligoFlowRunStuck|CeligoFlowRunStalled|CeligoFlowRunVeryLong|CeligoFlowRetryingTooLong|CeligoFlowQueued",
        "celigo_flow_enabled",
        _ANY_WARNING,
    ),
    number(
        "Flows cut off",
        "Flows with a step whose connection is offline: they run again when it does. Normal: 0. The connections are "
        "in the table below. From celigo_connection_online and celigo_flow_connection_info; needs profile standard.",
        now(known_zero("count(celigo:flow_blocked{@flows})", "celigo_flow_connection_info{@flows}")),
        _ANY_WARNING,
        size=_SMALL,
    ),
    _flows_in(
        "Flows older than allowed",
        "Flows whose newest delivery is longer ago than their objective of freshness allows; an alert pages after "
        "%{freshness_for}. Unknown when none of them has such an objective (ownership in the configuration). "
        "From celigo_flow_slo_freshness_seconds; needs profile standard.",
        "CeligoFreshnessSloBreached",
        "celigo_flow_slo_freshness_seconds",
        _ANY_BAD,
    ),
]
_DEBT = [
    number(
        "Open errors",
        "Errors of its flows that nobody has resolved. From celigo_integration_open_errors.",
        Query(_sum("celigo_integration_open_errors")),
        _CALM,
        size=_SMALL,
        trend=True,
    ),
    number(
        "Errors that expire",
        "Open errors whose retry data integrator.io purges within 3 days: after that they can no longer be retried. "
        "An alert comes when it is so for %{expiring_for}. Normal: 0. From celigo_integration_open_errors_expiring; "
        "needs profile standard.",
        now(_sum("celigo_integration_open_errors_expiring")),
        _ANY_WARNING,
        size=_SMALL,
    ),
    number(
        "Records that succeed, 6 h",
        "Share of the records of the last six hours that did not fail. The objective is %{record_objective.percent}. "
        "Unknown when no record moved. From celigo_integration_records_total.",
        now("1 - max(celigo:integration_record_error_ratio:rate6h{@integration})"),
        Field("percentunit", 2, steps=((None, CALM),)),
        size=_SMALL,
    ),
    number(
        "Budget burn, 6 h",
        "How many times as fast as the objective of %{record_objective.percent} allows records failed in the last six "
        "hours. Below 1 the objective is kept. An alert comes above %{slow_burn}, when more than %{record_errors} "
        "records failed; faster burns within an hour are in the graph below. From celigo_integration_records_total.",
        now("max(celigo:integration_record_error_ratio:rate6h{@integration}) / (1 - %{record_objective})"),
        Field("short", 1, above((limit("slow_burn"), WARNING), base=CALM)),
        size=_SMALL,
    ),
    number(
        "Wait in queue, p95",
        "95 of 100 runs of the last half hour waited no longer before they began. An alert comes above %{queue_wait}. "
        "Unknown when no run ended. From celigo_run_queue_wait_seconds.",
        now(
            "histogram_quantile(0.95, sum by (le) (max by (account, environment, integration_id, le) "
            "(increase(celigo_run_queue_wait_seconds_bucket{@integration}[30m])))) >= 0"
        ),
        Field("s", 0, above((limit("queue_wait"), WARNING), base=CALM)),
        size=_SMALL,
    ),
    number(
        "Records, of a week ago",
        "Records that succeeded in the last hour against the same hour a week ago, which had over "
        "%{throughput_records} of them. An alert comes below %{throughput_ratio.percent} for %{throughput_for}. "
        "Normal: about 100 %. Unknown in the first week. From celigo_integration_records_total.",
        now(f"{_MOVED}{{@integration}} / ({_MOVED}{{@integration}} offset 1w > %{{throughput_records}})"),
        Field("percentunit", 0, ((None, WARNING), (limit("throughput_ratio"), CALM)), none="no past"),
        size=_SMALL,
    ),
]
_RUNS = lines(
    "How many runs end a minute, and how?",
    "Runs that ended, a minute, by final status. From celigo_integration_runs_total.",
    [
        Query(
            "60 * sum by (status) (max by (account, environment, integration_id, status) "
            "(rate(celigo_integration_runs_total{@integration}[$__rate_interval])))",
            "{{status}}",
        )
    ],
    Field("short"),
    size=_LINES,
    stacked=True,
    columns=True,
    overrides=fixed_colours(("completed", "failed", "canceled")),
)
_RECORDS = lines(
    "How many records move a minute?",
    "Records of ended runs, a minute, by outcome: a long run's records all count when it ends. "
    "From celigo_integration_records_total.",
    [
        Query(
            "60 * sum by (outcome) (max by (account, environment, integration_id, outcome) "
            "(rate(celigo_integration_records_total{@integration}[$__rate_interval])))",
            "{{outcome}}",
        )
    ],
    Field("short"),
    size=_LINES,
    stacked=True,
    columns=True,
    overrides=fixed_colours(("success", "error", "ignored")),
)
_BURN = lines(
    "Do more records fail than may?",
    "How many times as fast as the objective of %{record_objective.percent} allows records fail; 1 keeps it. An alert "
    "pages when an hour is above %{fast_burn} and warns when six hours are above %{slow_burn}, each with more than "
    "%{record_errors} failed records. From celigo_integration_records_total.",
    [
        Query(f"max(celigo:integration_record_error_ratio:{over}{{@integration}}) / (1 - %{{record_objective}})", name)
        for over, name in (("rate1h", "over an hour"), ("rate6h", "over six hours"))
    ],
    Field("short", 1, above((limit("slow_burn"), WARNING), (limit("fast_burn"), BAD))),
    size=_LINES,
    overrides=[drawn("over an hour", BLUE), drawn("over six hours", UNKNOWN)],
)


def _percentiles(title: str, about: str, metric: str, field: Field) -> Placed:
    """Half an hour is long enough for an integration with few runs, and what the alert asks about."""
    buckets = (
        f"sum by (le) (max by (account, environment, integration_id, le) (increase({metric}{{@integration}}[30m])))"
    )
    queries = [
        Query(f"histogram_quantile(0.5, {buckets}) >= 0", "half of them"),
        Query(f"histogram_quantile(0.95, {buckets}) >= 0", "95 of 100"),
    ]
    colours = [drawn("half of them", UNKNOWN), drawn("95 of 100", BLUE)]
    return lines(title, about, queries, field, size=_LINES, overrides=colours, powers=True)


_DURATION = _percentiles(
    "How long do runs take?",
    "So long took half of the runs that ended within half an hour, and 95 of 100 of them. A flow's own duration stands "
    "in the table of flows. From celigo_integration_run_duration_seconds.",
    "celigo_integration_run_duration_seconds_bucket",
    Field("s"),
)
_WAIT = _percentiles(
    "How long do runs wait first?",
    "From a run's creation to its start, for half of the runs that ended within half an hour and for 95 of 100. Long "
    "waits: a connection's or the account's concurrency is used up. An alert comes when 95 of 100 is above "
    "%{queue_wait} for %{queue_wait_for}. From celigo_run_queue_wait_seconds.",
    "celigo_run_queue_wait_seconds_bucket",
    Field("s", steps=above((limit("queue_wait"), WARNING))),
)
_ACTIVE = lines(
    "What is in progress?",
    "Runs in progress by status. Many that are queued while few run: a connection's concurrency is used up. "
    "From celigo_flow_active_runs.",
    [
        Query(
            "sum by (status) (max by (account, environment, flow_id, status) (celigo_flow_active_runs{@flows}))",
            "{{status}}",
        )
    ],
    Field("short", none="Nothing in progress"),
    size=_LINES,
    stacked=True,
    overrides=fixed_colours(("running", "queued", "retrying", "canceling")),
)


def _errors_by(title: str, about: str, label: str) -> Placed:
    metric = f"celigo_integration_open_errors_by_{label}"
    counts = f"sum by ({label}) (max by (account, environment, integration_id, {label}) ({metric}{{@integration}})) > 0"
    return _owed(title, f"{about} From {metric}", [now(f"sort_desc(topk(10, {counts}))", f"{{{{{label}}}}}")])


def _owed(title: str, about: str, queries: list[Query]) -> Placed:
    field = Field(steps=above(base=WARNING), none="No open errors, or none read")
    return bars(title, f"{about}; needs profile standard.", queries, field, size=(8, 9))


_ERRORS = [
    _errors_by(
        "Open errors: of which kind?",
        "Open errors whose records were read, by integrator.io's classification. Those of kind connection, rate_limit "
        "or governance are nobody's data: an alert comes at %{class_errors} new ones within an hour.",
        "classification",
    ),
    _errors_by(
        "Open errors: where do they arise?",
        "Open errors whose records were read, by the part of the flow that they came from; the ten with most.",
        "source",
    ),
    _owed(
        "Open errors: how old are they?",
        "Open errors whose records were read, by how long ago they occurred; each age includes those that are older. "
        "After 30 days an error can no longer be retried: those of the last bar lose what it needs within 3 days. From "
        "celigo_integration_open_errors_by_age and celigo_integration_open_errors_expiring",
        [
            *(
                now(_sum("celigo_integration_open_errors_by_age", f', older_than="{age}"'), f"over {age}")
                for age in ("1h", "24h", "7d", "25d")
            ),
            now(_sum("celigo_integration_open_errors_expiring"), "about to be lost"),
        ],
    ),
]
_ALERTS = alerts_now(
    "Which alerts fire?",
    "Alerts that fire now about the integration, its flows, their connections and agents, and those that say that the "
    "whole account stands or is not seen. From the alert rules; what is pending is not in it.",
    "@integration",
    "@flows",
    size=(12, 8),
)
_ALERTS_THEN = alerts_then(
    "Which alerts fired, and when?",
    "A band for each alert about the integration, its flows, connections and agents, while it fires, on the colour of "
    "its severity. From ALERTS of the alert rules.",
    "@integration",
    "@flows",
    size=(24, 11),
)
_FLOWS_THEN = flows_then(
    "Which flow was in trouble, and when?",
    "A band for each flow about which an alert fired, while it fires, on the colour of the worst. From ALERTS of the "
    "alert rules.",
    "@integration",
    size=(24, 9),
)

BOARD = Board(
    uid="celigo-integration",
    title="Integration",
    answers=(
        "Does this integration work now?",
        "What of it is wrong?",
        "How much does it move, and what does it owe?",
    ),
    variables=(
        variables.account(one=True),
        variables.environment(),
        variables.integration(one=True),
        variables.flows(),
        variables.app_of_account(),
    ),
    rows=(
        Row(_STATE),
        Row(_DEBT),
        Row([FLOWS]),
        Row([_ALERTS, CONNECTIONS]),
        Row([_RUNS, _RECORDS, _BURN]),
        Row([_DURATION, _WAIT, _ACTIVE]),
        Row(_ERRORS, title="What is owed: open errors"),
        Row([_FLOWS_THEN, _ALERTS_THEN], title="Alerts over time", collapsed=True),
    ),
    links=(page_link("This integration in integrator.io", "/integrations/${integration}/flows"),),
    annotations=(*annotations.of_integration("@integration"), annotations.DEPLOYED),
)
