"""Series that exist, their labels, and the profile that they need."""

from functools import cache

from promql_parser import Expr, VectorSelector, parse

from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Tier
from exporter.rules.compose import TROUBLE, named
from exporter.rules.source import Alert, Group, alerts, groups
from tests.alerting.expression import series
from tests.alerting.labels import SCOPE, Known, labels
from tests.alerting.members import members
from tests.alerting.needs import Needs, family

NEEDS = Needs()
TYPES = {metric.name: metric.type for metric in CATALOGUE}
_ALERTS = ("ALERTS", "ALERTS_FOR_STATE")


def _of_alert(alert: Alert) -> frozenset[str]:
    return labels(NEEDS.alerting[alert.alert], NEEDS.recorded)


def _known() -> Known:
    flow = SCOPE | {"flow_id", "trouble"}
    fired = frozenset({"alertname", "severity", "scope"}).union(
        *(_of_alert(alert) | alert.labels.keys() for alert in alerts())
    )
    conditions = {
        named(group): flow.union(*map(_of_alert, about_flows))
        for group in groups()
        if (about_flows := _of_flows(group))
    }
    own = {TROUBLE: flow, **conditions, "ALERTS": fired | {"alertstate"}, "ALERTS_FOR_STATE": fired}
    return {**NEEDS.recorded, **own}


def _of_flows(group: Group) -> list[Alert]:
    return [rule for rule in group.rules if isinstance(rule, Alert) and rule.about == "flow"]


KNOWN: Known = _known()
"""What the shipped rules record, and what Prometheus makes of alerts."""


def result(expression: Expr) -> frozenset[str]:
    """Labels that the answer may have; raises Wrong for what does not exist."""
    return labels(expression, KNOWN)


@cache
def answer(query: str) -> frozenset[str]:
    """Labels of the answer to a query; raises ValueError and Wrong for one that is wrong."""
    return result(parse(query))


def counts(selector: VectorSelector) -> bool:
    """True for what only grows: a counter, or a part of a histogram."""
    return TYPES.get(family(series(selector))) in {"counter", "histogram"}


def profile(selector: VectorSelector) -> Tier:
    """The smallest profile in which a series that exists can be there."""
    name = series(selector)
    if name in _ALERTS:
        return "lean"
    if name.startswith(TROUBLE):
        return _of_conditions(selector)
    return NEEDS.served(selector)


def _of_conditions(selector: VectorSelector) -> Tier:
    """Of the alerts whose conditions are asked for the one that is easiest to have."""
    wanted = {name for one in selector.matchers.matchers if one.name == "trouble" for name in one.value.split("|")}
    possible = (wanted & members(series(selector), "trouble")) or members(series(selector), "trouble")
    tiers: tuple[Tier, ...] = ("lean", "standard", "full")
    return min((NEEDS.profile(name) for name in possible), key=tiers.index)
