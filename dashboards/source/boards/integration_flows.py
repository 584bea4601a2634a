"""Integration: the tables of its flows and of the connections that they use."""

from dashboards.source.alerting import WORST_STATES, worst_of_flows
from dashboards.source.field import Field, above
from dashboards.source.limits import limit
from dashboards.source.links import into_integrator, to_board, to_connection, to_flow
from dashboards.source.palette import BAD, CALM, OUTCOMES, UNKNOWN, WARNING
from dashboards.source.scope import BY_CONNECTION, BY_FLOW, NAMED_CONNECTION, ON_CONNECTION, app
from dashboards.source.tables import Column, table_of

_ENDS = {
    status: (status, CALM if status == "completed" else OUTCOMES[status])
    for status in ("completed", "failed", "canceled")
}
_LINKS = {"1": ("online", CALM), "2": ("offline", OUTCOMES["offline"])}
_IN_BUILDER = into_integrator("/integrations/{integration_id}/flowBuilder/{flow_id}")
_TO_ERRORS = to_board(
    "celigo-errors", "Errors of its integration",
    account="account", environment="environment", integration="integration_id",
)  # fmt: skip


def _of_flow(metric: str) -> str:
    return f"max {BY_FLOW} ({metric}{{@flows}})"


_TOOK = _of_flow("celigo_flow_last_run_duration_seconds")
_LONG = above((limit("duration_factor"), WARNING), base=CALM)
FLOWS = table_of(
    "Which of its flows is in trouble?",
    "Every flow of the integration, those with the worst alert first; pending: not for long enough yet. Late by: since "
    "its schedule wanted a run, when that is beyond its grace. Of usual: what the newest run took against the 95th "
    "percentile of its newest 50; an alert comes from %{duration_factor} times that and %{duration_least} on. "
    "Durations, successes and the newest status need profile standard.",
    [
        app(
            "max by (account, environment, flow_id, integration_id, flow_name, trigger, region) "
            "(celigo_flow_info{@integration} * on (account, environment) group_left (region) "
            "celigo:account_labels{@account})"
        ),
        _of_flow("celigo_flow_enabled"),
        worst_of_flows("@integration"),
        "max by (account, environment, flow_id, status) (celigo_flow_last_run_status{@flows} == 1)",
        _of_flow("celigo_flow_consecutive_failed_runs"),
        f"1000 * {_of_flow('celigo_flow_last_success_timestamp_seconds')}",
        f"1000 * {_of_flow('celigo_flow_next_expected_run_timestamp_seconds')}",
        "celigo:flow_late_seconds{@flows}",
        _TOOK,
        f"{_TOOK} / {_of_flow('celigo_flow_baseline_run_duration_seconds')}",
        _of_flow("celigo_flow_open_errors"),
        f"celigo:flow_blocked{{@flows}} + 1 or {_of_flow('celigo_flow_connection_info')}",
    ],
    [
        Column("flow_name", "Flow", Field(links=(to_flow(), _IN_BUILDER))),
        Column("trigger", "Started by", width=100),
        Column("Value #B", "Is", Field(states={"1": ("on", CALM), "0": ("off", UNKNOWN)}), width=60, filled=True),
        Column("Value #C", "Severity", Field(states=WORST_STATES, steps=((None, CALM),)), width=85, filled=True),
        Column("worst", "Worst alert", width=165),
        Column("Value #L", "Connections", Field(states=_LINKS, steps=((None, CALM),)), width=110, filled=True),
        Column("status", "Newest run", Field(states=_ENDS, steps=((None, CALM),)), width=105, filled=True),
        Column(
            "Value #E",
            "Failed in a row",
            Field("short", 0, above((1, WARNING), (limit("failed_runs"), BAD), base=CALM)),
            width=120,
            filled=True,
        ),
        Column("Value #F", "Newest success", Field("dateTimeFromNow"), width=140),
        Column("Value #G", "Next run wanted", Field("dateTimeFromNow"), width=145),
        Column("Value #H", "Late by", Field("s", 0, above((1, BAD), base=CALM)), width=85, filled=True),
        Column("Value #I", "Took", Field("s", 1), width=95),
        Column("Value #J", "Of usual", Field("percentunit", 0, _LONG), width=95, filled=True),
        Column("Value #K", "Open errors", Field("short", 0, links=(_TO_ERRORS,)), width=100),
    ],
    size=(24, 10),
    none="No flow of this integration is known",
    sort="Severity",
)
_USED = "group by (account, environment, connection_id, flow_id) (celigo_flow_connection_info{@flows})"
CONNECTIONS = table_of(
    "Are the connections of its flows online?",
    "Connections that steps of its flows use, offline ones first, and how many of its flows each cuts off when it is "
    "offline. An alert comes after %{offline_for} offline, and above %{backlog_messages} waiting messages while they "
    "grow. From celigo_connection_online and "
    "celigo_flow_connection_info; needs profile standard.",
    [
        f"(max {BY_CONNECTION} (celigo_connection_online{{@account}}) and {ON_CONNECTION} {_USED}) {NAMED_CONNECTION}",
        f"count {BY_CONNECTION} ({_USED})",
        f"max {BY_CONNECTION} (celigo_connection_queue_messages{{@account}}) and {ON_CONNECTION} {_USED}",
    ],
    [
        Column("connection_name", "Connection", Field(links=(to_connection(),))),
        Column("type", "Type", width=120),
        Column(
            "Value #A",
            "State",
            Field(states={"1": ("online", CALM), "0": ("offline", OUTCOMES["offline"])}),
            width=85,
            filled=True,
        ),
        Column("Value #B", "Flows", Field("short", 0), width=65),
        Column(
            "Value #C",
            "Waiting",
            Field("short", 0, above((limit("backlog_messages"), WARNING), base=CALM)),
            width=80,
            filled=True,
        ),
    ],
    size=(12, 8),
    none="No connection is known: needs profile standard",
    sort="State",
    ascending=True,
)
