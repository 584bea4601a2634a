"""What the queries about errors have in common."""

from dashboards.source.field import Field
from dashboards.source.links import into_integrator, to_flow, to_integration
from dashboards.source.scope import BY_FLOW, BY_INTEGRATION, ON_FLOW, ON_INTEGRATION, among, once
from dashboards.source.tables import Column

OF_TEAM = (
    f'unless {ON_INTEGRATION} (celigo:integration_labels{{@integration, team!~"$team"}} '
    f'unless {ON_INTEGRATION} celigo:integration_teams{{@integration, team=~"$team", integration_id!~"$team"}})'
)
"""Keeps the integrations in which the chosen team has a flow.

It names those to leave out, which are none for all teams: `.*` matches every id too, so that nothing is read. To read
who owns what in every query of a board would cost more than all else.
"""
OF_FLOWS = (
    f'unless {ON_FLOW} (celigo:flow_labels{{@account, integration_id!~"$integration"}} '
    'or celigo:flow_labels{@integration, team!~"$team"})'
)
"""Keeps the flows of the chosen integrations and teams; likewise, nothing is read where all are chosen."""

NAMED_INTEGRATIONS = (
    f"* {ON_INTEGRATION} group_left (integration_name, team, region) celigo:integration_labels{{@integration}}"
)
FLOWS_OF_TEAM = 'celigo:flow_labels{@integration, team=~"$team"}'
NAMED_FLOWS = f"* {ON_FLOW} group_left (flow_name, integration_id, integration_name, team, region) {FLOWS_OF_TEAM}"
"""Names for the flows of the chosen integrations and teams, and only those."""


def age(chosen: str = "") -> str:
    """How old the oldest open error of a flow is, of those in `chosen`; else of the chosen integrations and teams."""
    oldest = "celigo_flow_oldest_open_error_timestamp_seconds{@account}"
    return f"time() - max {BY_FLOW} ({among(chosen, ON_FLOW, oldest) if chosen else f'{oldest} {OF_FLOWS}'})"


def of_integrations(series: str, chosen: str = "") -> str:
    """A gauge of integrations, of those in `chosen`; else of the chosen ones and teams."""
    return f"max {BY_INTEGRATION} ({among(chosen, ON_INTEGRATION, series) if chosen else f'{series} {OF_TEAM}'})"


FLOW = Column(
    "flow_name",
    "Flow",
    Field(links=(to_flow(), into_integrator("/integrations/{integration_id}/flowBuilder/{flow_id}"))),
)
INTEGRATION = Column(
    "integration_name",
    "Integration",
    Field(links=(to_integration(), into_integrator("/integrations/{integration_id}/flows"))),
)


def total(series: str, label: str = "", *, teams: bool = True) -> str:
    """The sum of a gauge of integrations over what is chosen, for each value of `label`.

    Without `teams` it is that of all teams: to look up who owns what at each step of a line costs more than the rest.
    """
    return once(label, f"{series} {OF_TEAM}" if teams else series)
