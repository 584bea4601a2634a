"""Carries out account incidents on the engine's state, each by the module of its concern."""

from exporter.simulator.access import TokenGate
from exporter.simulator.connection_incidents import ConnectionIncidents
from exporter.simulator.connection_kinds import ConnectionKind, TokenKind
from exporter.simulator.engine import Engine
from exporter.simulator.error_incidents import ErrorIncidents
from exporter.simulator.flow_incidents import FlowIncidents
from exporter.simulator.flow_kinds import FlowKind, IntegrationKind
from exporter.simulator.governance_incidents import GovernanceIncidents
from exporter.simulator.governance_kinds import GovernanceKind
from exporter.simulator.incident_kinds import AccountIncident
from exporter.simulator.messages import bare
from exporter.simulator.outcome_incidents import OutcomeIncidents
from exporter.simulator.overlays import Overlays
from exporter.simulator.run_incidents import RunIncidents
from exporter.simulator.run_kinds import OutcomeKind, RunKind


class Mischief:
    """Begins and ends account incidents. The caller holds the engine's lock and has advanced it.

    `begin` raises LookupError with one clear line when a target does not exist, and has changed nothing then.
    """

    def __init__(self, engine: Engine, gate: TokenGate) -> None:
        self._engine = engine
        self._gate = gate
        self._overlays = Overlays()
        self._connections = ConnectionIncidents(engine, self._overlays)
        self._flows = FlowIncidents(engine, self._overlays)
        self._outcomes = OutcomeIncidents(engine, self._overlays)
        self._runs = RunIncidents(engine)
        self._errors = ErrorIncidents(engine)
        self._governance = GovernanceIncidents(engine, self._overlays)

    def begin(self, incident_id: int, spec: AccountIncident) -> None:
        """Let an incident take effect now."""
        if isinstance(spec, TokenKind):
            self._gate.deny(incident_id, bare(401, "Unauthorized"))
        elif isinstance(spec, ConnectionKind):
            self._connections.begin(incident_id, spec)
        elif isinstance(spec, FlowKind | IntegrationKind):
            self._flows.begin(incident_id, spec)
        elif isinstance(spec, OutcomeKind):
            self._outcomes.begin(incident_id, spec)
        elif isinstance(spec, RunKind):
            self._runs.begin(incident_id, spec)
        elif isinstance(spec, GovernanceKind):
            self._governance.begin(incident_id, spec)
        else:
            self._errors.begin(incident_id, spec)
        self._engine.refresh_down()
        self._engine.account.flows_moved()

    def end(self, incident_id: int) -> None:
        """Take back what can be taken back; an unknown id is no mistake."""
        self._gate.allow(incident_id)
        self._overlays.lift(incident_id)
        self._flows.end(incident_id)
        self._runs.end(incident_id)
        self._errors.end(incident_id)
        self._engine.refresh_down()
        self._engine.account.flows_moved()
