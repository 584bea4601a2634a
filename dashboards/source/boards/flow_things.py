"""Flow: what belongs to it: connections, steps, open errors and plain facts."""

from dashboards.source.field import Field, above, drawn
from dashboards.source.limits import limit
from dashboards.source.links import to_connection
from dashboards.source.palette import CALM, OUTCOMES, WARNING
from dashboards.source.panels import lines, number
from dashboards.source.query import Query, now
from dashboards.source.scope import BY_CONNECTION, BY_FLOW, NAMED_CONNECTION, ON_CONNECTION
from dashboards.source.tables import Column, table_of

_USED = f"max {BY_CONNECTION} (celigo_flow_connection_info{{@flow}})"
_STEPS = (
    "max by (account, environment, step_id, step_name, step_type, adaptor_type, connection_id) "
    '(celigo_step_info{@account, step_id=~"$steps"})'
)
_ON_STEP = "on (account, environment, step_id)"
_OWING = "topk(100, max by (account, environment, flow_id, step_id) (celigo_step_open_errors{@flow}) > 0)"
_NAMES = (
    "max by (account, environment, flow_id, integration_id, flow_name, integration_name, team, tier) "
    "(celigo:flow_labels{@flow})"
)
_FROM_NOW = Field("dateTimeFromNow")


def _used(metric: str) -> str:
    return f"max {BY_CONNECTION} ({metric}{{@account}}) and {ON_CONNECTION} {_USED}"


CONNECTIONS = table_of(
    "Are its connections online?",
    "Connections that its steps use, offline ones first; while one is, the flow cannot run. Calls at once: what the "
    "connection allows. Waiting: messages in its queue; an alert comes above %{backlog_messages} while they grow. "
    "From celigo_connection_online and celigo_flow_connection_info; needs profile standard.",
    [
        f"({_used('celigo_connection_online')}) {NAMED_CONNECTION}",
        _used("celigo_connection_queue_messages"),
        _used("celigo_connection_concurrency"),
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
        Column(
            "Value #B",
            "Waiting",
            Field("short", 0, above((limit("backlog_messages"), WARNING), base=CALM)),
            width=85,
            filled=True,
        ),
        Column("Value #C", "Calls at once", Field("short", 0), width=110),
    ],
    size=(12, 7),
    none="No connection is known: needs profile standard",
    sort="State",
    ascending=True,
)
OPEN_ERRORS = lines(
    "Do its open errors grow?",
    "Open errors of the flow. An alert pages at %{storm_errors} more within an hour, and warns when they grow by more "
    "than %{growing_errors} every two hours for six. From celigo_flow_open_errors.",
    [Query("max(celigo_flow_open_errors{@flow})", "open errors")],
    Field("short", 0),
    size=(8, 7),
    overrides=[drawn("open errors", WARNING)],
)
_ERROR_TIMES = {
    "newest": "celigo_flow_last_error_timestamp_seconds",
    "oldest open": "celigo_flow_oldest_open_error_timestamp_seconds",
}
ERROR_AGES = number(
    "How old are its errors?",
    "How long ago its newest error occurred, and its oldest one that is open. An alert comes when that is "
    "older than %{error_age}; after 30 days an error can no longer be retried. The oldest is unknown until all open "
    "errors were read. Needs profile standard.",
    now(
        " or ".join(
            f'label_replace(time() - max({metric}{{@flow}}), "error", "{name}", "", "")'
            for name, metric in _ERROR_TIMES.items()
        ),
        "{{error}}",
    ),
    Field("s", 1, above((limit("error_age"), WARNING), base=CALM), none="no errors"),
    size=(5, 7),
    words=True,
)
STEP_ERRORS = table_of(
    "Which of its steps owe errors?",
    "Steps of the flow with open errors, most first, and the way to their connections. From "
    "celigo_step_open_errors; needs profile standard.",
    [
        f"{_OWING} * {_ON_STEP} group_left (step_name, step_type, adaptor_type, connection_id) {_STEPS}",
    ],
    [
        Column("step_name", "Step", Field(links=(to_connection(),))),
        Column("step_type", "Is an", width=90),
        Column("adaptor_type", "Adaptor", width=180),
        Column("Value", "Open errors", Field("short", 0), width=110),
    ],
    size=(11, 7),
    none="No step has open errors",
    sort="Open errors",
)
STEP_RECORDS = lines(
    "How many records does each step move a minute?",
    "Records of its steps in ended runs, a minute, by outcome. Only for flows that the configuration names "
    "(collectors.jobs.step_flows), and in profile full. From celigo_step_records_total.",
    [
        Query(
            "60 * sum by (step_name, outcome) (max by (account, environment, step_id, outcome) "
            "(rate(celigo_step_records_total{@flow}[$__rate_interval])) "
            f"* {_ON_STEP} group_left (step_name) {_STEPS})",
            "{{step_name}}: {{outcome}}",
        )
    ],
    Field("short", none="The configuration does not name this flow, or no run has ended"),
    size=(24, 8),
    table=True,
    names=True,
)


def _of_flow(metric: str, times: int = 1) -> str:
    factor = f"{times} * " if times != 1 else ""
    return f"{factor}max {BY_FLOW} ({metric}{{@flow}})"


FACTS = table_of(
    "What is it?",
    "Plain facts: what starts it, whose it is (ownership in the configuration), when it was last changed, up to when "
    "its delta export has read, which run the next change of clocks skips, and how many runs in a row had no record, "
    "with the longest such streak before. The delta position and the longest streak need profile full.",
    [
        _NAMES,
        "max by (account, environment, flow_id, trigger) (celigo_flow_info{@flow})",
        _of_flow("celigo_flow_schedule_interval_seconds"),
        _of_flow("celigo_flow_last_modified_timestamp_seconds", 1000),
        _of_flow("celigo_flow_last_executed_timestamp_seconds", 1000),
        _of_flow("celigo_flow_last_export_timestamp_seconds", 1000),
        _of_flow("celigo_flow_dst_skip_timestamp_seconds", 1000),
        _of_flow("celigo_flow_consecutive_empty_runs"),
        _of_flow("celigo_flow_baseline_max_empty_runs"),
    ],
    [
        Column("flow_name", "Flow"),
        Column("integration_name", "Integration"),
        Column("trigger", "Started by", width=100),
        Column("Value #C", "Every", Field("s", 1), width=100),
        Column("team", "Team", width=100),
        Column("tier", "Tier", width=80),
        Column("Value #D", "Edited", _FROM_NOW, width=130),
        Column("Value #E", "Last began", _FROM_NOW, width=130),
        Column("Value #F", "Delta read up to", _FROM_NOW, width=140),
        Column("Value #G", "Clocks skip a run", _FROM_NOW, width=140),
        Column("Value #H", "Empty runs in a row", Field("short", 0), width=150),
        Column("Value #I", "Most before", Field("short", 0), width=100),
    ],
    size=(24, 4),
    none="This flow is not known",
    sort="Flow",
)
