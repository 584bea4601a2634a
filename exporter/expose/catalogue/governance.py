"""Section 7: who changed what, what nobody watches, and what is paid for."""

from exporter.expose.families import Metric

_FLOWS = "GET /v1/flows"
_CONNECTIONS = "GET /v1/connections"

AUDIT_EVENTS_TOTAL = Metric(
    "celigo_audit_events_total",
    "counter",
    "Entries of the audit log since the exporter first saw the account.",
    "GET /v1/audit",
    ("resource_type", "event", "source"),
    "standard",
)
INTEGRATION_FLOWS_WITHOUT_NOTIFICATIONS = Metric(
    "celigo_integration_flows_without_notifications",
    "gauge",
    "Enabled flows of the integration that nobody is subscribed to.",
    "GET /v1/notifications",
    ("integration_id",),
    "standard",
)
ORPHANED_RESOURCES = Metric(
    "celigo_orphaned_resources",
    "gauge",
    "Connections, exports and imports that no flow uses, and enabled flows that nothing starts.",
    f"{_FLOWS} and GET /v1/exports and GET /v1/imports and {_CONNECTIONS}",
    ("kind",),
    "full",
)
LICENSE_EXPIRY_TIMESTAMP_SECONDS = Metric(
    "celigo_license_expiry_timestamp_seconds",
    "gauge",
    "When the licence ends; absent when it does not.",
    "GET /v1/licenses",
    ("license_id", "type"),
    "standard",
)
ENTITLEMENT_USED = Metric(
    "celigo_entitlement_used",
    "gauge",
    "How much of what the licence allows is in use.",
    "GET /v1/licenseEntitlementUsage",
    ("entitlement",),
    "standard",
)
ENTITLEMENT_LIMIT = Metric(
    "celigo_entitlement_limit",
    "gauge",
    "How much of it the licence allows, bought and added on.",
    "GET /v1/licenses",
    ("entitlement",),
    "standard",
)
