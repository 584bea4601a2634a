"""Section 5: open errors."""

from exporter.expose.families import Metric

_ROLL_UP = "GET /v1/integrations/{integrationId}/errors"
_STEPS = "GET /v1/flows/{flowId}/errors"
_RECORDS = "GET /v1/flows/{flowId}/{stepId}/errors"

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
    "Name, type, adaptor and connection of an export or import: those with open errors, or all. Always 1.",
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
INTEGRATION_OPEN_ERRORS_BY_AGE = Metric(
    "celigo_integration_open_errors_by_age",
    "gauge",
    "Open errors of the integration whose records were read and that occurred longer ago than this; cumulative.",
    _RECORDS,
    ("integration_id", "older_than"),
    "standard",
)
INTEGRATION_OPEN_ERRORS_UNASSIGNED = Metric(
    "celigo_integration_open_errors_unassigned",
    "gauge",
    "Open errors of the integration whose records were read and that nobody is assigned to, as of that reading.",
    _RECORDS,
    ("integration_id",),
    "full",
)
INTEGRATION_OPEN_ERRORS_EXPIRING = Metric(
    "celigo_integration_open_errors_expiring",
    "gauge",
    "Open errors of the integration whose records were read and are purged within 3 days.",
    _RECORDS,
    ("integration_id",),
    "standard",
)
INTEGRATION_ERRORS_RESOLVED_TOTAL = Metric(
    "celigo_integration_errors_resolved_total",
    "counter",
    "Errors of the integration that were resolved, by a user or automatically; counted once their flow runs that day.",
    "POST /v1/flows/runs/stats",
    ("integration_id", "by"),
    "full",
)
OPEN_ERRORS_SAMPLED_RATIO = Metric(
    "celigo_open_errors_sampled_ratio",
    "gauge",
    "Share of the account's open errors whose records were read; at 1 the breakdowns are complete.",
    _RECORDS,
    tier="standard",
)
