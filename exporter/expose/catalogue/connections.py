"""Section 6: connections and on-premise agents."""

from exporter.expose.families import Metric

_CONNECTIONS = "GET /v1/connections"
_AGENTS = "GET /v1/agents"

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
CONNECTION_FLOWS = Metric(
    "celigo_connection_flows",
    "gauge",
    "Flows with a step that uses the connection, by state: enabled or disabled.",
    f"{_CONNECTIONS} and GET /v1/flows and GET /v1/exports and GET /v1/imports",
    ("connection_id", "state"),
    "standard",
)
CONNECTION_CONCURRENCY = Metric(
    "celigo_connection_concurrency",
    "gauge",
    "How many requests the connection may make at once; absent when the API does not tell.",
    _CONNECTIONS,
    ("connection_id",),
    "standard",
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
AGENT_INFO = Metric(
    "celigo_agent_info",
    "gauge",
    "Name of an on-premise agent. Always 1.",
    _AGENTS,
    ("agent_id", "agent_name"),
)
AGENT_ONLINE = Metric(
    "celigo_agent_online",
    "gauge",
    "Whether the on-premise agent is online (1) or not (0); absent when the API does not tell.",
    _AGENTS,
    ("agent_id",),
)
AGENT_LAST_HEARTBEAT_TIMESTAMP_SECONDS = Metric(
    "celigo_agent_last_heartbeat_timestamp_seconds",
    "gauge",
    "When the on-premise agent last sent a heartbeat; absent when the API does not tell.",
    _AGENTS,
    ("agent_id",),
)
AGENT_CONNECTIONS = Metric(
    "celigo_agent_connections",
    "gauge",
    "Connections that go through the on-premise agent.",
    f"{_AGENTS} and {_CONNECTIONS}",
    ("agent_id",),
)
