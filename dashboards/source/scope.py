"""Which part of everything a query is about: short forms for the matchers that the variables at the top fill.

`{@account}` in a query stands for the matchers of the chosen accounts, `{@integration}`, `{@flow}`, `{@connection}`
for those of what is chosen besides, `{@flows}` for all flows of the one integration that a board is about;
`{@account, code="429"}` adds more. `NAMED_FLOW` and its kin join names to ids.
"""

import re

_MATCHERS = {
    "account": 'account=~"$account", environment=~"$environment"',
    "integration": 'account=~"$account", environment=~"$environment", integration_id=~"$integration"',
    "flow": 'account=~"$account", environment=~"$environment", flow_id=~"$flow"',
    "flows": 'account=~"$account", environment=~"$environment", flow_id=~"$flows"',
    "connection": 'account=~"$account", environment=~"$environment", connection_id=~"$connection"',
}

BY_ACCOUNT = "by (account, environment)"
BY_INTEGRATION = "by (account, environment, integration_id)"
BY_FLOW = "by (account, environment, flow_id)"
BY_CONNECTION = "by (account, environment, connection_id)"
BY_AGENT = "by (account, environment, agent_id)"

ON_INTEGRATION = "on (account, environment, integration_id)"
ON_FLOW = "on (account, environment, flow_id)"
ON_CONNECTION = "on (account, environment, connection_id)"
ON_AGENT = "on (account, environment, agent_id)"

NAMED_INTEGRATION = (
    f"* {ON_INTEGRATION} group_left (integration_name, team, region) celigo:integration_labels{{@account}}"
)
NAMED_FLOW = (
    f"* {ON_FLOW} group_left (flow_name, integration_id, integration_name, team, tier, region) "
    'celigo:flow_labels{@account, team=~"$team"}'
)
NAMED_CONNECTION = (
    f"* {ON_CONNECTION} group_left (connection_name, type, agent_id, team, region) celigo:connection_labels{{@account}}"
)


def scoped(query: str) -> str:
    """`query` in one line with every short form written out; raises KeyError for one that is not known."""
    one_line = " ".join(query.split())
    return re.sub(r"\{@([a-z]+)", lambda found: "{" + _MATCHERS[found[1]], one_line)


def app(query: str) -> str:
    """`query`, whose series have a `region`, with the label `app`: where integrator.io's own pages are."""
    of_region = f'label_replace({query}, "app", "https://$1.integrator.io", "region", "(.+)")'
    return f'label_replace({of_region}, "app", "https://integrator.io", "region", "us|other|")'


def among(chosen: str, on: str, series: str) -> str:
    """What there is of `series` about the things in `chosen`, which have the labels of `on` in common with it."""
    return f"({series}) and {on} ({chosen})"


def once(label: str, query: str) -> str:
    """Sum of `query` by `label`, none for all in one, in which each of several replicas of the exporter counts once.

    Each is summed by itself first: to take the highest of every single series costs ten times as much.
    """
    by = ", ".join(["account", "environment", *([label] if label else [])])
    return f"sum by ({label}) (max by ({by}) (sum by ({by}, instance, job) ({query})))"


def known_zero(count: str, known: str) -> str:
    """`count`, or 0 where it finds nothing although there are series of `known`; nothing where there are none."""
    return f"(({count}) or 0 * count({known}))"
