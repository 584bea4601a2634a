"""What the queries about connections have in common."""

from dashboards.source.field import Field
from dashboards.source.links import into_integrator, to_connection
from dashboards.source.scope import BY_CONNECTION, NAMED_CONNECTION, ON_AGENT, ON_CONNECTION, among
from dashboards.source.tables import Column

NAMED = NAMED_CONNECTION.replace("{@account", "{@connection")
AGENTS = f"* {ON_AGENT} group_left (agent_name, region) celigo:agent_labels{{@account}}"
CONNECTION = Column(
    "connection_name",
    "Connection",
    Field(links=(to_connection(), into_integrator("/connections/edit/connections/{connection_id}"))),
)


def named_once(chosen: str) -> str:
    """Names for the connections in `chosen`, in the past too, where one may have had two names or teams at once."""
    labels = among(chosen, ON_CONNECTION, "celigo:connection_labels{@connection}")
    return f"* {ON_CONNECTION} group_left (connection_name) topk {BY_CONNECTION} (1, {labels})"


def named(series: str) -> str:
    """Connections with their names, and those of their agents where there is one.

    Of an agent that cannot be listed the id is shown.
    """
    found = f"{series} {NAMED}"
    unlisted = f'label_replace({found}, "agent_name", "$1", "agent_id", "(.+)")'
    return (
        f"({found} * {ON_AGENT} group_left (agent_name) celigo:agent_labels{{@account}} or {ON_CONNECTION} {unlisted})"
    )
