"""Fleet overview: the board on the wall. One screen, from "can this be trusted" down to what is owed."""

from dashboards.source import annotations, variables
from dashboards.source.alerting import named
from dashboards.source.board import Board, Row
from dashboards.source.field import Field, above, fixed_colours
from dashboards.source.limits import limit
from dashboards.source.links import to_where_it_is
from dashboards.source.palette import BAD, CALM, SEVERITIES, WARNING
from dashboards.source.panels import Placed, bars, lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_FLOW, BY_INTEGRATION, known_zero, once
from dashboards.source.tables import Column, table_of
from exporter.collect.ageing import AGES

_KNOWN = "celigo_up{@account}"
_ANY_BAD = Field(steps=above((1, BAD), base=CALM))
_ANY_WARNING = Field(steps=above((1, WARNING), base=CALM))

_IT_IS_US = number(
    "Is it us? Parts of the exporter behind",
    "Scrapes of the exporter that fail, and collectors without a success for over %{stale_intervals} of their "
    "intervals. While this is not 0, everything below is what was known before. Normal: 0. From up and "
    "celigo_exporter_collector_last_success_timestamp_seconds.",
    now(
        '(sum(up{job=~"%{job}"} == bool 0) or vector(0)) + '
        + known_zero("count(celigo:collector_stale_seconds{@account})", 'up{job=~"%{job}"}')
    ),
    _ANY_BAD,
    size=(4, 3),
)
_IT_IS_CELIGO = number(
    "Is it Celigo? Calls that fail",
    "Share of the calls to integrator.io in the last 10 minutes that ended in 5xx, a time-out or without a connection. "
    "An alert comes above %{api_errors_ratio.percent}. Normal: below 1 %. From celigo_api_errors_total.",
    Query(
        "sum(rate(celigo_api_errors_total{@account, "
        'type=~"server_error|bad_gateway|unavailable|timeout|connect|dns|tls"}[10m])) '
        "/ (sum(rate(celigo_api_requests_total{@account}[10m])) > 0)"
    ),
    Field("percentunit", 1, above((limit("api_errors_ratio"), BAD), base=CALM)),
    size=(4, 3),
    trend=True,
)
_IT_IS_SLOW = number(
    "Is it slow? p95 of a call",
    "95 of 100 calls to integrator.io of the last 10 minutes took no longer. An alert comes above %{api_slow}. "
    "Normal: below 1 s. From celigo_api_request_duration_seconds.",
    Query("histogram_quantile(0.95, sum by (le) (rate(celigo_api_request_duration_seconds_bucket{@account}[10m])))"),
    Field("s", 2, above((limit("api_slow"), WARNING), base=CALM)),
    size=(4, 3),
    trend=True,
)
_IT_IS_AN_ENDPOINT = number(
    "Is it an endpoint? Connections offline",
    "Connections to your systems that integrator.io marks as offline. Flows through them cannot run. Normal: 0. "
    "From celigo_connection_online.",
    now(known_zero("count(celigo:connection_down{@account})", "celigo_connection_online{@account}")),
    _ANY_BAD,
    size=(4, 3),
)
_AGENTS = number(
    "On-premise agents offline",
    "Agents that sent no heartbeat lately; all connections behind them are cut off. Normal: 0. Accounts without an "
    "agent count as 0. From celigo_agent_online.",
    now(known_zero("count(celigo:agent_down{@account})", _KNOWN)),
    _ANY_BAD,
    size=(4, 3),
)
_PAGES = number(
    "Alerts that page now",
    "Critical alerts that fire. Each is named in the table below. Normal: 0. From the alert rules.",
    now(known_zero('count(ALERTS{@account, alertstate="firing", severity="critical"})', _KNOWN)),
    _ANY_BAD,
    size=(4, 3),
)


def _trouble(title: str, about: str, names: str, known: str, field: Field) -> Placed:
    """Flows with one of the conditions of alerts `names`."""
    count = f'count(group {BY_FLOW} (celigo:flow_trouble{{@account, trouble=~"{names}"}}))'
    return number(title, about, now(known_zero(count, known)), field, size=(4, 3))


_HEALTH = [
    _trouble(
        "Flows overdue",
        "Flows whose schedule wanted a run that has not begun, beyond their grace (%{grace_ratio.percent} of the "
        "interval, %{grace_least} to %{grace_most}) and not because of a connection that is offline. Normal: 0.",
        "CeligoFlowOverdue|CeligoFlowMissedRuns",
        "celigo_flow_next_expected_run_timestamp_seconds{@account}",
        _ANY_BAD,
    ),
    _trouble(
        "Flows whose runs fail",
        "Flows whose newest run failed; an alert pages at %{failed_runs} in a row. Normal: few, and not for long.",
        "CeligoFlowRunFailed|CeligoFlowFailingRepeatedly|CeligoFlowFailingSinceChange",
        "celigo_flow_consecutive_failed_runs{@account}",
        _ANY_WARNING,
    ),
    _trouble(
        "Runs that hang or wait",
        "Flows with a run that lasts %{stuck_factor} times as long as usual, has not moved for %{stalled}, is older "
        "than %{very_long}, or has been queued for %{queued}. Normal: 0.",
        "CeligoFlowRunStuck|CeligoFlowRunStalled|CeligoFlowRunVeryLong|CeligoFlowRetryingTooLong|CeligoFlowQueued",
        "celigo_active_runs{@account}",
        _ANY_WARNING,
    ),
    _trouble(
        "Listeners silent",
        "Flows that outside events start and that have been quiet for longer than is usual for them. Normal: 0. "
        "Needs profile full.",
        "CeligoListenerFlowSilent",
        "celigo_flow_expected_max_silence_seconds{@account}",
        _ANY_WARNING,
    ),
    _trouble(
        "Flows switched off lately",
        "Flows that are off and were on within the last %{turned_off_window}. Normal: 0, but for what somebody wanted.",
        "CeligoFlowTurnedOff",
        "celigo_flow_enabled{@account}",
        _ANY_WARNING,
    ),
    number(
        "Flows cut off by a connection",
        "Flows with a step whose connection is offline: they run again when it does. Normal: 0. From "
        "celigo_connection_online and celigo_flow_connection_info, so needs profile standard.",
        now(known_zero("count(celigo:flow_blocked{@account})", "celigo_connection_online{@account}")),
        _ANY_WARNING,
        size=(4, 3),
    ),
]


def _rate(counted: str) -> str:
    return f"rate(celigo_integration_{counted}_total{{@account}}[$__rate_interval])"


_RUNS = lines(
    "How many runs end a minute, and how?",
    "Runs of all flows that ended, a minute, by final status. From celigo_integration_runs_total.",
    [
        Query(
            f"60 * {once('status', _rate('runs'))}",
            "{{status}}",
        )
    ],
    Field("short"),
    size=(8, 6),
    stacked=True,
    columns=True,
    overrides=fixed_colours(("completed", "failed", "canceled")),
)
_RECORDS = lines(
    "How many records move a minute, and how many fail?",
    "Records of ended runs, a minute, by outcome: a long run's records all count when it ends. "
    "From celigo_integration_records_total.",
    [
        Query(
            f"60 * {once('outcome', _rate('records'))}",
            "{{outcome}}",
        )
    ],
    Field("short"),
    size=(8, 6),
    stacked=True,
    columns=True,
    overrides=fixed_colours(("success", "error", "ignored")),
)
_ACTIVE = lines(
    "What is in progress right now?",
    "Runs in progress by status. Many that are queued while few run: a connection's concurrency, or the account's, is "
    "used up. From celigo_active_runs.",
    [Query("sum by (status) (max by (account, environment, status) (celigo_active_runs{@account}))", "{{status}}")],
    Field("short"),
    size=(8, 6),
    stacked=True,
    overrides=fixed_colours(("running", "queued", "retrying", "canceling")),
)

_RANK = {"critical": "2", "warning": "1"}


def _ranked() -> str:
    firing = [
        f'{rank} * ALERTS{{@account, alertstate="firing", severity="{severity}"}}' for severity, rank in _RANK.items()
    ]
    return f"topk(10, {named('(' + ' or '.join(firing) + ')')})"


_WORST = table_of(
    "What is worst? Ten alerts that fire",
    "Alerts that fire now, critical ones first, with what they are about and for how long it has been so. "
    "From the alert rules; what is pending is not in it.",
    [
        _ranked(),
        f"(time() - {named('ALERTS_FOR_STATE{@account}')}) and {_ranked()}",
    ],
    [
        Column(
            "Value #A",
            "Severity",
            Field(states={"2": ("critical", SEVERITIES["critical"]), "1": ("warning", SEVERITIES["warning"])}),
            width=90,
            filled=True,
        ),
        Column("alertname", "Alert", width=265),
        Column("subject", "About", Field(links=(to_where_it_is(),))),
        Column("integration_name", "Integration", width=190),
        Column("team", "Team", width=100),
        Column("Value #B", "Since", Field("s", 0), width=90),
    ],
    size=(15, 12),
    none="No alert fires, as of the newest data",
    sort="Severity",
)
_AGED = "celigo_integration_open_errors_by_age"
_AGE = bars(
    "How old are the open errors?",
    "Open errors whose records were read, by how long ago they occurred; each age includes those that are older. After "
    "30 days an error can no longer be retried: those of the last bar lose what is needed for it within 3 days. From "
    "celigo_integration_open_errors_by_age and celigo_integration_open_errors_expiring.",
    [
        *(now(f'sum(max {BY_INTEGRATION} ({_AGED}{{@account, older_than="{age}"}}))', f"over {age}") for age in AGES),
        now(f"sum(max {BY_INTEGRATION} (celigo_integration_open_errors_expiring{{@account}}))", "about to be lost"),
    ],
    Field(steps=above(base=WARNING)),
    size=(5, 12),
)
_OPEN = number(
    "Open errors",
    "Errors that nobody has resolved. From celigo_integration_open_errors.",
    Query(once("", "celigo_integration_open_errors{@account}")),
    Field("short", 0, steps=((None, CALM),)),
    size=(4, 12),
    trend=True,
)

BOARD = Board(
    uid="celigo-fleet",
    title="Fleet overview",
    answers=(
        "Is it us, Celigo or an endpoint?",
        "What is unhealthy now, and what is worst?",
        "How much work is done, and how much is owed?",
    ),
    variables=(variables.account(), variables.environment()),
    rows=(
        Row([_IT_IS_US, _IT_IS_CELIGO, _IT_IS_SLOW, _IT_IS_AN_ENDPOINT, _AGENTS, _PAGES]),
        Row(_HEALTH),
        Row([_RUNS, _RECORDS, _ACTIVE]),
        Row([_WORST, _AGE, _OPEN]),
    ),
    annotations=(annotations.CRITICAL, annotations.FLOWS_TURNED_OFF, annotations.DEPLOYED),
)
