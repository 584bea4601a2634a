"""Incidents of connections and agents."""

from exporter.simulator import connection_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.overlays import Overlays
from exporter.simulator.resources import Agent, Backlog, Connection
from exporter.simulator.targets import named


class ConnectionIncidents:
    """Begins them; lifting the overlays ends them."""

    def __init__(self, engine: Engine, overlays: Overlays) -> None:
        self._engine = engine
        self._overlays = overlays

    def begin(self, incident_id: int, spec: kinds.ConnectionKind) -> None:
        """Let an incident take effect now."""
        if isinstance(spec, kinds.AgentOffline | kinds.AgentOnline):
            self._change_agent(incident_id, spec)
            return
        row = named(self._engine.account.connections, spec.connection, "connection")
        match spec:
            case kinds.ConnectionDeleted():
                self._overlays.put(incident_id, row, "deleted", value=True)
                self._engine.audit.record(self._engine.now_ms, "connection", row.id, "delete")
            case kinds.ConnectionQueue():
                backlog = Backlog(spec.messages, spec.per_minute, self._engine.now_ms)
                self._overlays.put(incident_id, row, "backlog", backlog)
            case kinds.ConnectionConcurrency():
                self._overlays.put(incident_id, row, "concurrency", spec.level)
            case kinds.ConnectionOffline() | kinds.ConnectionOnline():
                self._set_online(incident_id, row, online=isinstance(spec, kinds.ConnectionOnline))

    def _change_agent(self, incident_id: int, spec: kinds.AgentOffline | kinds.AgentOnline) -> None:
        agent = named(self._engine.account.agents, spec.agent, "agent")
        online = isinstance(spec, kinds.AgentOnline)
        self._set_online(incident_id, agent, online=online)
        for connection in self._engine.account.connections:
            if connection.agent_id == agent.id:
                self._set_online(incident_id, connection, online=online)

    def _set_online(self, incident_id: int, target: Connection | Agent, *, online: bool) -> None:
        self._overlays.put(incident_id, target, "offline_since_ms", None if online else self._engine.now_ms)
