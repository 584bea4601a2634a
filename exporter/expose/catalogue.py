"""The one table of everything that is exported: name, type, labels, meaning, source, tier.

Names, labels and meanings are the public interface: one that is here keeps them. Series keys give label values in the
order of `labels`. The order of definition is the order in the document. Section 1 stands in
`exporter.expose.own_catalogue`.
"""

from exporter.expose.families import Metric
from exporter.expose.own_catalogue import HEALTH_CHECK_SUCCESS as HEALTH_CHECK_SUCCESS
from exporter.expose.own_catalogue import OWN
from exporter.expose.own_catalogue import UP as UP

_FLOWS = "GET /v1/flows"
_JOBS = "GET /v1/jobs"
_ACTIVE = "POST /v1/jobs/current"
_ROLL_UP = "GET /v1/integrations/{integrationId}/errors"
_STEPS = "GET /v1/flows/{flowId}/errors"
_RECORDS = "GET /v1/flows/{flowId}/{stepId}/errors"
_CONNECTIONS = "GET /v1/connections"

INTEGRATION_INFO = Metric(
    "celigo_integration_info",
    "gauge",
    "Name of an integration; id none stands for flows outside any integration. Always 1.",
    "GET /v1/integrations",
    ("integration_id", "integration_name"),
)
FLOW_INFO = Metric(
    "celigo_flow_info",
    "gauge",
    "Name, integration and trigger of a flow. Always 1.",
    f"{_FLOWS} and GET /v1/integrations",
    ("flow_id", "flow_name", "integration_id", "integration_name", "trigger"),
)
FLOW_ENABLED = Metric(
    "celigo_flow_enabled", "gauge", "Whether the flow is enabled (1) or disabled (0).", _FLOWS, ("flow_id",)
)
FLOW_SCHEDULE_CONFIGURED = Metric(
    "celigo_flow_schedule_configured",
    "gauge",
    "Whether the flow or one of its generators has a schedule (1) or not (0).",
    _FLOWS,
    ("flow_id",),
)
FLOW_LAST_MODIFIED_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_modified_timestamp_seconds",
    "gauge",
    "When the flow was last changed; absent when the API does not tell.",
    _FLOWS,
    ("flow_id",),
    "standard",
)
FLOW_LAST_EXECUTED_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_executed_timestamp_seconds",
    "gauge",
    "When the flow last ran according to its lastExecutedAt; absent when it never ran.",
    _FLOWS,
    ("flow_id",),
)
INTEGRATION_FLOWS = Metric(
    "celigo_integration_flows",
    "gauge",
    "Flows of the integration by state: enabled or disabled.",
    _FLOWS,
    ("integration_id", "state"),
)
FLOW_RUNS_TOTAL = Metric(
    "celigo_flow_runs_total",
    "counter",
    "Runs of the flow that ended since the exporter first saw the account, by final status; each counted once.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
FLOW_RECORDS_TOTAL = Metric(
    "celigo_flow_records_total",
    "counter",
    "Records of the flow's ended runs by outcome: sums of numSuccess, numError and numIgnore.",
    _JOBS,
    ("flow_id", "outcome"),
    "standard",
)
FLOW_RETRIES_TOTAL = Metric(
    "celigo_flow_retries_total",
    "counter",
    "Retry jobs of the flow that ended, by final status; they are not part of celigo_flow_runs_total.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
RUNS_UNKNOWN_TOTAL = Metric(
    "celigo_runs_unknown_total",
    "counter",
    "Jobs in progress that the API has no longer, so that their end is in no other counter, by job type.",
    _JOBS,
    ("type",),
)
INTEGRATION_RUNS_TOTAL = Metric(
    "celigo_integration_runs_total",
    "counter",
    "Runs of the integration's flows that ended, by final status; each counted once.",
    _JOBS,
    ("integration_id", "status"),
)
INTEGRATION_RECORDS_TOTAL = Metric(
    "celigo_integration_records_total",
    "counter",
    "Records of the integration's ended runs by outcome: sums of numSuccess, numError and numIgnore.",
    _JOBS,
    ("integration_id", "outcome"),
)
INTEGRATION_RUN_DURATION_SECONDS = Metric(
    "celigo_integration_run_duration_seconds",
    "histogram",
    "How long the integration's ended runs took, from startedAt to endedAt.",
    _JOBS,
    ("integration_id",),
    buckets=(1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0),
)
RUN_QUEUE_WAIT_SECONDS = Metric(
    "celigo_run_queue_wait_seconds",
    "histogram",
    "How long the integration's ended runs waited before they began, from createdAt to startedAt.",
    _JOBS,
    ("integration_id",),
    buckets=(1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0),
)
FLOW_LAST_RUN_DURATION_SECONDS = Metric(
    "celigo_flow_last_run_duration_seconds",
    "gauge",
    "How long the flow's newest ended run took; absent when it never started.",
    _JOBS,
    ("flow_id",),
    "standard",
)
FLOW_LAST_RUN_STATUS = Metric(
    "celigo_flow_last_run_status",
    "gauge",
    "Final status of the flow's newest ended run: 1 for the one it has, 0 for the others.",
    _JOBS,
    ("flow_id", "status"),
    "standard",
)
FLOW_LAST_RUN_RECORDS = Metric(
    "celigo_flow_last_run_records",
    "gauge",
    "Records of the flow's newest ended run by outcome.",
    _JOBS,
    ("flow_id", "outcome"),
    "standard",
)
FLOW_CONSECUTIVE_FAILED_RUNS = Metric(
    "celigo_flow_consecutive_failed_runs",
    "gauge",
    "Failed runs of the flow since its newest completed one.",
    _JOBS,
    ("flow_id",),
)
FLOW_CONSECUTIVE_EMPTY_RUNS = Metric(
    "celigo_flow_consecutive_empty_runs",
    "gauge",
    "Completed runs of the flow without any record since its newest completed run that had some.",
    _JOBS,
    ("flow_id",),
    "standard",
)
FLOW_ACTIVE_RUNS = Metric(
    "celigo_flow_active_runs",
    "gauge",
    "Runs of the flow in progress by status; only for flows that have one.",
    _ACTIVE,
    ("flow_id", "status"),
)
FLOW_OLDEST_ACTIVE_RUN_START_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_oldest_active_run_start_timestamp_seconds",
    "gauge",
    "Start of the flow's oldest run in progress of this status, its creation while it is queued.",
    _ACTIVE,
    ("flow_id", "status"),
)
FLOW_ACTIVE_RUN_PROGRESS_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_active_run_progress_timestamp_seconds",
    "gauge",
    "When a page or record counter of the flow's run in progress last moved; the longest ago of several runs.",
    _ACTIVE,
    ("flow_id",),
)
ACTIVE_RUNS = Metric(
    "celigo_active_runs",
    "gauge",
    "Runs of the account in progress by status.",
    _ACTIVE,
    ("status",),
)
FLOW_OPEN_ERRORS = Metric(
    "celigo_flow_open_errors",
    "gauge",
    "Open errors of the flow; a known zero is 0.",
    _ROLL_UP,
    ("flow_id",),
)
INTEGRATION_OPEN_ERRORS = Metric(
    "celigo_integration_open_errors",
    "gauge",
    "Open errors of all flows of the integration.",
    _ROLL_UP,
    ("integration_id",),
)
STEP_INFO = Metric(
    "celigo_step_info",
    "gauge",
    "Name, type, adaptor and connection of an export or import that has open errors. Always 1.",
    "GET /v1/exports and GET /v1/imports",
    ("step_id", "step_name", "step_type", "adaptor_type", "connection_id"),
    "standard",
)
STEP_OPEN_ERRORS = Metric(
    "celigo_step_open_errors",
    "gauge",
    "Open errors of a step of the flow; 0 once after they cleared, then absent.",
    _STEPS,
    ("flow_id", "step_id"),
    "standard",
)
FLOW_OLDEST_OPEN_ERROR_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_oldest_open_error_timestamp_seconds",
    "gauge",
    "When the flow's oldest open error occurred; absent unless all of its open errors were read.",
    _RECORDS,
    ("flow_id",),
    "standard",
)
FLOW_LAST_ERROR_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_error_timestamp_seconds",
    "gauge",
    "When the flow's newest error occurred, according to its lastErrorAt.",
    _ROLL_UP,
    ("flow_id",),
    "standard",
)
INTEGRATION_OPEN_ERRORS_BY_CLASSIFICATION = Metric(
    "celigo_integration_open_errors_by_classification",
    "gauge",
    "Open errors of the integration whose records were read, by classification.",
    _RECORDS,
    ("integration_id", "classification"),
    "standard",
)
INTEGRATION_OPEN_ERRORS_BY_SOURCE = Metric(
    "celigo_integration_open_errors_by_source",
    "gauge",
    "Open errors of the integration whose records were read, by where in the flow they arose.",
    _RECORDS,
    ("integration_id", "source"),
    "standard",
)
OPEN_ERRORS_BY_CODE = Metric(
    "celigo_open_errors_by_code",
    "gauge",
    "Open errors of the account whose records were read, by error code; rare codes together as other.",
    _RECORDS,
    ("code",),
    "standard",
)
OPEN_ERRORS_SAMPLED_RATIO = Metric(
    "celigo_open_errors_sampled_ratio",
    "gauge",
    "Share of the account's open errors whose records were read; at 1 the breakdowns are complete.",
    _RECORDS,
    tier="standard",
)
CONNECTION_INFO = Metric(
    "celigo_connection_info",
    "gauge",
    "Name, type and on-premise agent of a connection. Always 1.",
    _CONNECTIONS,
    ("connection_id", "connection_name", "type", "agent_id"),
)
CONNECTION_ONLINE = Metric(
    "celigo_connection_online",
    "gauge",
    "Whether the connection is online (1) or marked offline (0).",
    _CONNECTIONS,
    ("connection_id",),
)
CONNECTION_QUEUE_MESSAGES = Metric(
    "celigo_connection_queue_messages",
    "gauge",
    "Messages waiting in the connection's queue; absent when the API does not tell.",
    _CONNECTIONS,
    ("connection_id",),
    "standard",
)
CONNECTION_DEBUG_UNTIL_TIMESTAMP_SECONDS = Metric(
    "celigo_connection_debug_until_timestamp_seconds",
    "gauge",
    "Until when debug logging of the connection is on; absent when it was never switched on.",
    _CONNECTIONS,
    ("connection_id",),
    "standard",
)

CATALOGUE: tuple[Metric, ...] = (
    *OWN,
    *(value for value in list(vars().values()) if isinstance(value, Metric) and value not in OWN),
)
"""Every metric that this release exports, in the order of the document."""
