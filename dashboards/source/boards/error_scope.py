"""What the queries about errors have in common."""

from dashboards.source.field import Field
from dashboards.source.links import into_integrator, to_flow, to_integration
from dashboards.source.scope import BY_FLOW, BY_INTEGRATION, ON_FLOW, ON_INTEGRATION
from dashboards.source.tables import Column

OF_TEAM = (
    f'and {ON_INTEGRATION} (celigo:integration_labels{{@integration, team=~"$team"}} '
    'or celigo:integration_teams{@integration, team=~"$team"})'
)
"""Keeps the integrations in which the chosen team has a flow."""

NAMED_INTEGRATIONS = (
    f"* {ON_INTEGRATION} group_left (integration_name, team, region) "
    f"celigo:integration_labels{{@integration}} {OF_TEAM}"
)
NAMED_FLOWS = (
    f"* {ON_FLOW} group_left (flow_name, integration_id, integration_name, team, region) "
    'celigo:flow_labels{@integration, team=~"$team"}'
)
"""Names for the flows of the chosen integrations and teams, and only those."""

AGEING_FLOWS = f"(time() - max {BY_FLOW} (celigo_flow_oldest_open_error_timestamp_seconds{{@account}}))"

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
    by = f"by (account, environment, integration_id, {label})" if label else BY_INTEGRATION
    return f"sum{f' by ({label})' if label else ''} (max {by} ({series}){f' {OF_TEAM}' if teams else ''})"
