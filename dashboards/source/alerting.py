"""Alerts on a board about one thing: which fire and about what, as rows of a table and as bands over time."""

from dashboards.source.field import Field
from dashboards.source.links import to_where_it_is
from dashboards.source.palette import CALM, SEVERITIES, UNKNOWN
from dashboards.source.panels import Placed, timeline
from dashboards.source.query import Query
from dashboards.source.scope import BY_FLOW, ON_CONNECTION
from dashboards.source.tables import Column, table_of

_RANK = {"critical": 3, "warning": 2, "info": 1}
_STATES = {"0": ("none", CALM), **{str(rank): (severity, SEVERITIES[severity]) for severity, rank in _RANK.items()}}
WORST_STATES = {**_STATES, "0.5": ("pending", UNKNOWN)}
_BLIND = "CeligoTokenRejected|CeligoApiUnreachable|CeligoDataStale|CeligoManyFlowsOverdue|CeligoNoRunsFinished"
_WAYS = (
    ("alertname", "(.+)", "celigo-api?way=alerts"),
    ("integration_id", "(.+)", "celigo-integration?var-integration=$1"),
    ("agent_id", "(.+)", "celigo-connections?way=agent"),
    ("connection_id", "(.+)", "celigo-connections?var-connection=$1"),
    ("both", "(.+);(.+)", "celigo-flow?var-integration=$1&var-flow=$2"),
)
"""Where a row leads, by the labels that it has; the last one that fits."""


def named(series: str) -> str:
    """Alerts with a `way` and a `subject`: the first name that they have of flow, connection, agent, integration."""
    names = '"flow_name", "connection_name", "agent_name", "integration_name", "account"'
    query = f'label_join({series}, "subject", "\\t", {names})'
    query = f'label_replace({query}, "subject", "$1", "subject", "\\t*([^\\t]+).*")'
    query = f'label_join({query}, "both", ";", "integration_id", "flow_id")'
    for label, pattern, way in _WAYS:
        query = f'label_replace({query}, "way", "{way}", "{label}", "{pattern}")'
    return f"max by (account, environment, alertname, subject, integration_name, team, way) ({query})"


def alerts_now(title: str, about: str, chosen: str, flows: str, *, size: tuple[int, int]) -> Placed:
    """The alerts that fire, the worst first, and since when."""
    firing = named(_by_severity(chosen, flows))
    since = named(_concerning("ALERTS_FOR_STATE", chosen, flows))
    return table_of(
        title,
        about,
        [firing, f"(time() - {since}) and {firing}"],
        [
            Column("Value #A", "Severity", Field(states=_STATES, steps=((None, CALM),)), width=90, filled=True),
            Column("alertname", "Alert", width=265),
            Column("subject", "About", Field(links=(to_where_it_is(),))),
            Column("Value #B", "Since", Field("s", 0), width=90),
        ],
        size=size,
        none="No alert fires, as of the newest data",
        sort="Severity",
    )


def alerts_then(title: str, about: str, chosen: str, flows: str, *, size: tuple[int, int]) -> Placed:
    """A band for each alert that fired, on the colour of its severity."""
    bands = f"max by (alertname) ({_by_severity(chosen, flows)})"
    field = Field(states=_STATES, none="No alert fired in this time")
    return timeline(title, about, [Query(bands, "{{alertname}}")], field, size=size)


def flows_then(title: str, about: str, chosen: str, *, size: tuple[int, int]) -> Placed:
    """A band for each flow about which an alert fired, on the colour of the worst."""
    field = Field(states=_STATES, none="No alert about a flow fired in this time")
    return timeline(
        title, about, [Query(f"max by (flow_name) ({_of_flows(chosen)})", "{{flow_name}}")], field, size=size
    )


def worst_of_flows(chosen: str) -> str:
    """Of each flow the worst alert in the label `worst`, by rank; a pending one if none fires."""
    pending = f'0.5 * ALERTS{{{chosen}, scope="flow", alertstate="pending"}}'
    worst = f"topk {BY_FLOW} (1, {_of_flows(chosen)} or {pending})"
    short = f'label_replace({worst}, "worst", "$1", "alertname", "Celigo(?:Flow)?(.*)")'
    return f"max by (account, environment, flow_id, worst) ({short})"


def _of_flows(chosen: str) -> str:
    return " or ".join(
        f'{rank} * ALERTS{{{chosen}, scope="flow", alertstate="firing", severity="{severity}"}}'
        for severity, rank in _RANK.items()
    )


def _concerning(series: str, chosen: str, flows: str, more: str = "") -> str:
    """Alerts of what `chosen` matches, of connections that `flows` use and of agents before those.

    Besides those about the account that make everything else on a board untrue.
    """
    used = f"celigo_flow_connection_info{{{flows}}}"
    behind = f"(celigo:connection_labels{{@account}} and {ON_CONNECTION} {used})"
    of_account = f'@account{more}, alertname=~"{_BLIND}"'
    return (
        f'({series}{{{chosen}{more}, scope=~"flow|integration"}} or {series}{{{of_account}}}'
        f' or ({series}{{@account{more}, scope="connection"}} and {ON_CONNECTION} {used})'
        f' or ({series}{{@account{more}, scope="agent"}} and on (account, environment, agent_id) {behind}))'
    )


def _by_severity(chosen: str, flows: str) -> str:
    """Those that fire, with the rank of their severity as the value."""
    firing = {severity: f', alertstate="firing", severity="{severity}"' for severity in _RANK}
    ranked = (f"{rank} * {_concerning('ALERTS', chosen, flows, firing[severity])}" for severity, rank in _RANK.items())
    return f"({' or '.join(ranked)})"
