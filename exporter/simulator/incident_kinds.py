"""Every incident that changes the account, as the control API takes it."""

from exporter.simulator.connection_kinds import ConnectionKind, TokenKind
from exporter.simulator.flow_kinds import FlowKind, IntegrationKind
from exporter.simulator.governance_kinds import GovernanceKind
from exporter.simulator.run_kinds import ErrorsKind, OutcomeKind, RunKind

AccountIncident = (
    TokenKind | ConnectionKind | FlowKind | IntegrationKind | OutcomeKind | RunKind | ErrorsKind | GovernanceKind
)
