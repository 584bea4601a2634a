"""Where capacity is short, who waits for it, and where an outage would hurt most: the lower half of a board."""

from dashboards.source.boards.connection_scope import CONNECTION, NAMED, named, named_once
from dashboards.source.field import Field, above, coloured, fixed_colours
from dashboards.source.limits import limit
from dashboards.source.links import into_integrator, to_integration
from dashboards.source.palette import BAD, BLUE, GOOD, UNKNOWN, WARNING
from dashboards.source.panels import bars, lines
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_CONNECTION, NAMED_INTEGRATION, ON_CONNECTION, among, app, once
from dashboards.source.tables import Column, table_of

CONCURRENCY = f"max {BY_CONNECTION} (celigo_connection_concurrency{{@connection}})"
HIGHEST = "celigo:connection_concurrency:max1d{@connection}"
_QUEUED = "celigo_connection_queue_messages{@connection}"
QUEUE = f"max {BY_CONNECTION} ({_QUEUED})"
CHANGES = f"max {BY_CONNECTION} (changes(celigo_connection_online{{@connection}}[%{{flapping_window}}]))"
_ONLINE = f"max {BY_CONNECTION} (celigo_connection_online{{@connection}})"
_RATIO = f"{CONCURRENCY} / {ON_CONNECTION} {HIGHEST}"
_SHORT = f"(topk(10, {QUEUE} > 0) or {ON_CONNECTION} bottomk(10, {_RATIO} < 1))"
_QUEUE_BEFORE = f"max {BY_CONNECTION} (celigo_connection_queue_messages{{@connection}} offset 30m)"
_STATE = Field(states={"0": ("offline", BAD), "1": ("online", GOOD)})


def _among_short(series: str) -> str:
    return among(_SHORT, ON_CONNECTION, series)


_WHY = (
    f"(2 + 0 * ({_RATIO} < %{{concurrency_ratio}}) or {ON_CONNECTION} 1 + 0 * ({QUEUE} > %{{backlog_messages}}) "
    f"or {ON_CONNECTION} 0 * ({QUEUE} or {ON_CONNECTION} {CONCURRENCY}))"
)
_SHORTAGE = table_of(
    "Where is capacity short?",
    "Connections with messages waiting, or that may make fewer requests at once than at some time of the last day. "
    "Alerts come below %{concurrency_ratio.percent} of the day's highest for %{concurrency_for}, and above "
    "%{backlog_messages} waiting and growing for %{backlog_for}. From celigo_connection_queue_messages and "
    "celigo_connection_concurrency, profile standard.",
    [
        app(_among_short(f"{_WHY} {NAMED}")),
        _among_short(QUEUE),
        _among_short(f"{QUEUE} - {ON_CONNECTION} {_QUEUE_BEFORE}"),
        _among_short(CONCURRENCY),
        _among_short(HIGHEST),
        _among_short(_RATIO),
    ],
    [
        CONNECTION,
        Column(
            "Value #A",
            "Why",
            Field(states={"2": ("cut", WARNING), "1": ("long queue", WARNING), "0": ("-", UNKNOWN)}),
            width=100,
        ),
        Column("Value #B", "Waiting", Field("short", None, above((limit("backlog_messages"), WARNING))), width=85),
        Column("Value #C", "In 30 min", Field("short"), width=85),
        Column("Value #D", "At once", Field("short", 0), width=75),
        Column("Value #E", "Day's highest", Field("short", 0), width=110),
        Column("Value #F", "Of it", Field("percentunit", 0), width=70),
    ],
    size=(12, 6),
    none="Nothing waits and no concurrency is cut, as of the newest data",
    sort="Why",
    then="Waiting",
)
_LONGEST = (
    f"topk(8, max {BY_CONNECTION} "
    "(max_over_time(celigo_connection_queue_messages{@connection}[$__range] @ end())) > 0)"
)
"""The same ones at each step, as they are chosen at the end."""
_QUEUES = lines(
    "How long are the queues?",
    "Messages waiting in the 8 queues that were longest in the time shown. An alert comes above %{backlog_messages} "
    "when it grows. From celigo_connection_queue_messages, profile standard.",
    [
        Query(
            f"max {BY_CONNECTION} ({among(_LONGEST, ON_CONNECTION, _QUEUED)}) {named_once(_LONGEST)}",
            "{{connection_name}}",
        )
    ],
    Field("short", steps=above((limit("backlog_messages"), WARNING))),
    size=(6, 6),
    names=True,
)
_ACTIVE = lines(
    "Do runs wait?",
    "Runs of the account in progress by status. Many queued while few run: a connection's concurrency, or the "
    "account's, is used up. From celigo_active_runs.",
    [Query("sum by (status) (max by (account, environment, status) (celigo_active_runs{@account}))", "{{status}}")],
    Field("short"),
    size=(6, 6),
    stacked=True,
    overrides=fixed_colours(("running", "queued", "retrying", "canceling")),
)
NOW = [_SHORTAGE, _QUEUES, _ACTIVE]


def _mean_wait(part: str) -> str:
    return once("", f"rate(celigo_run_queue_wait_seconds_{part}{{@account}}[$__rate_interval])")


_MEAN = lines(
    "How long do runs wait to begin?",
    "Mean time from the creation of a run to its start, of the account's runs that ended. From "
    "celigo_run_queue_wait_seconds.",
    [Query(f"{_mean_wait('sum')} / ({_mean_wait('count')} > 0)", "mean")],
    Field("s", colour=WARNING),
    size=(8, 8),
)
_BUCKETS = (
    "max by (account, environment, integration_id, le) (increase(celigo_run_queue_wait_seconds_bucket{@account}[30m]))"
)
_WAITING = table_of(
    "Whose runs wait longest?",
    "95 of 100 runs of the last half hour began within this time, the 10 integrations where it was longest. An alert "
    "comes above %{queue_wait} for %{queue_wait_for}. From celigo_run_queue_wait_seconds.",
    [app(f"topk(10, histogram_quantile(0.95, {_BUCKETS}) >= 0) {NAMED_INTEGRATION}")],
    [
        Column(
            "integration_name",
            "Integration",
            Field(links=(to_integration(), into_integrator("/integrations/{integration_id}/flows"))),
        ),
        Column("team", "Team", width=100),
        Column("Value", "p95", Field("s", 1, above((limit("queue_wait"), WARNING))), width=90),
    ],
    size=(8, 8),
    none="No run ended in the last half hour",
    sort="p95",
)
_LIMITED = lines(
    "Open errors of limits and lost connections",
    "Open errors that the other side answered with a limit, or because it could not be reached, of the whole account. "
    "An alert comes for %{class_errors} more in an hour. From "
    "celigo_integration_open_errors_by_classification, profile standard.",
    [
        Query(
            once(
                "classification",
                'celigo_integration_open_errors_by_classification{@account, classification=~"rate_limit|connection"}',
            ),
            "{{classification}}",
        )
    ],
    Field("short"),
    size=(8, 8),
    overrides=coloured({"rate_limit": WARNING, "connection": BAD}),
)
PAST = [_MEAN, _WAITING, _LIMITED]

_RADIUS_FIRST = f'topk(15, max {BY_CONNECTION} (celigo_connection_flows{{@connection, state="enabled"}}) > 0)'
_RADIUS = table_of(
    "Which connections carry most flows?",
    "The 15 connections with most enabled flows: what stops when one of them is offline. From celigo_connection_flows, "
    "profile standard.",
    [
        app(named(_RADIUS_FIRST)),
        among(_RADIUS_FIRST, ON_CONNECTION, _ONLINE),
    ],
    [
        CONNECTION,
        Column("type", "Type", width=110),
        Column("team", "Team", width=110),
        Column("agent_name", "Through agent", width=210),
        Column("Value #B", "State", _STATE, width=80),
        Column("Value #A", "Enabled flows", Field("short", 0, ((None, BLUE),), least=0), width=220, bar=True),
    ],
    size=(16, 9),
    none="No connection is used by an enabled flow",
    sort="Enabled flows",
)
_TYPES = bars(
    "Connections by type",
    "The 15 most frequent types of connections. From celigo_connection_info.",
    [now("sort_desc(topk(15, count by (type) (celigo:connection_labels{@connection})))", "{{type}}")],
    Field("short", 0, colour=BLUE),
    size=(8, 9),
)
_CHANGED = f"topk(15, {CHANGES} > 0)"
_SHARE_ONLINE = f"max {BY_CONNECTION} (avg_over_time(celigo_connection_online{{@connection}}[%{{flapping_window}}]))"
_FLAPPING = table_of(
    "Which go offline and come back?",
    "Connections that changed between online and offline within %{flapping_window}, either way. An alert comes from "
    "%{flapping_changes} changes on. From celigo_connection_online.",
    [
        app(f"{_CHANGED} {NAMED}"),
        among(_CHANGED, ON_CONNECTION, _ONLINE),
        among(_CHANGED, ON_CONNECTION, _SHARE_ONLINE),
    ],
    [
        CONNECTION,
        Column("type", "Type", width=100),
        Column("Value #A", "Changes", Field("short", 0, above((limit("flapping_changes"), WARNING))), width=90),
        Column("Value #C", "Online", Field("percentunit", 0), width=80),
        Column("Value #B", "Now", _STATE, width=80),
    ],
    size=(12, 8),
    none="No connection changed within %{flapping_window}",
    sort="Changes",
)
_DEBUGGED = f"max {BY_CONNECTION} (celigo_connection_debug_until_timestamp_seconds{{@connection}} > time())"
_DEBUG = table_of(
    "Where is debug logging on?",
    "Connections whose requests and answers integrator.io writes to its debug log, records included, and for how much "
    "longer. From celigo_connection_debug_until_timestamp_seconds, profile standard.",
    [app(f"({_DEBUGGED} - time()) {NAMED}")],
    [
        CONNECTION,
        Column("type", "Type", width=110),
        Column("team", "Team", width=110),
        Column("Value", "Still for", Field("s", 0), width=120),
    ],
    size=(12, 8),
    none="Debug logging is off everywhere",
    sort="Still for",
)
RISKS = [_RADIUS, _TYPES, _FLAPPING, _DEBUG]
