"""Section 2: which integrations and flows exist, what they are called, and their state."""

from exporter.expose.catalogue.own import CONFIGURATION
from exporter.expose.families import Metric

_FLOWS = "GET /v1/flows"

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
    "Name, integration and trigger of a flow. A listener is on_demand or chained until exports were read. Always 1.",
    f"{_FLOWS} and GET /v1/integrations and GET /v1/exports",
    ("flow_id", "flow_name", "integration_id", "integration_name", "trigger"),
)
FLOW_OWNER_INFO = Metric(
    "celigo_flow_owner_info",
    "gauge",
    "Team and tier that the configuration gives to the flow. Always 1.",
    CONFIGURATION,
    ("flow_id", "team", "tier"),
    "standard",
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
FLOW_LAST_EXPORT_TIMESTAMP_SECONDS = Metric(
    "celigo_flow_last_export_timestamp_seconds",
    "gauge",
    "Up to when the flow's delta export has read; absent for a flow without one.",
    "GET /v1/flows/{flowId}/lastExportDateTime",
    ("flow_id",),
    "full",
)
INTEGRATION_FLOWS = Metric(
    "celigo_integration_flows",
    "gauge",
    "Flows of the integration by state: enabled or disabled.",
    _FLOWS,
    ("integration_id", "state"),
)
FLOW_CONNECTION_INFO = Metric(
    "celigo_flow_connection_info",
    "gauge",
    "The flow has a step that uses the connection. Always 1.",
    f"{_FLOWS} and GET /v1/exports and GET /v1/imports",
    ("flow_id", "connection_id"),
    "standard",
)
