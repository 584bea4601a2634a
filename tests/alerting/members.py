"""Label values that can occur, and those that a selector asks for."""

import re
from collections.abc import Iterator, Mapping, Set

from promql_parser import Matcher, MatchOp, VectorSelector

from exporter.config.keys import COLLECTORS
from exporter.reference import VALUES
from exporter.rules.compose import TROUBLE, named
from exporter.rules.source import Alert, alerts, groups
from tests.alerting.expression import series

_TROUBLES = {alert.alert for alert in alerts() if alert.about == "flow"}

MEMBERS: Mapping[tuple[str, str], Set[str]] = {
    **{(name, label): set(members) for label, names, members in VALUES for name in names.split(", ")},
    ("ALERTS", "alertstate"): {"firing", "pending"},
    **{(name, "alertname"): {alert.alert for alert in alerts()} for name in ("ALERTS", "ALERTS_FOR_STATE")},
    **{(name, "severity"): {alert.severity for alert in alerts()} for name in ("ALERTS", "ALERTS_FOR_STATE")},
    **{(name, "scope"): {alert.about for alert in alerts()} for name in ("ALERTS", "ALERTS_FOR_STATE")},
    (TROUBLE, "trouble"): _TROUBLES,
    **{
        (named(group), "trouble"): {rule.alert for rule in group.rules if isinstance(rule, Alert)} & _TROUBLES
        for group in groups()
    },
}
"""By series and label; what is not here may be anything."""


def members(name: str, label: str) -> Set[str]:
    """Values that `label` of the series `name` may have; empty when they are not known."""
    return MEMBERS.get((name, label)) or (set(COLLECTORS) if label == "collector" else set())


def asked(selector: VectorSelector) -> Iterator[tuple[str, str]]:
    """Labels and values that `selector` wants or does not want, each alternative of a regular expression by itself."""
    for matcher in selector.matchers.matchers:
        if matcher.op not in (MatchOp.Re, MatchOp.NotRe):
            yield matcher.name, re.escape(matcher.value)
        else:
            alternatives = [matcher.value] if "(" in matcher.value else matcher.value.split("|")
            yield from ((matcher.name, value) for value in alternatives)


def possible(selector: VectorSelector, label: str) -> Set[str]:
    """Values that `label` may have in what `selector` chooses; empty when they are not known."""
    wanted = [matcher for matcher in selector.matchers.matchers if matcher.name == label]
    return {value for value in members(series(selector), label) if all(_fits(value, matcher) for matcher in wanted)}


def _fits(value: str, matcher: Matcher) -> bool:
    pattern = matcher.value if matcher.op in (MatchOp.Re, MatchOp.NotRe) else re.escape(matcher.value)
    return bool(re.fullmatch(pattern, value)) == (matcher.op in (MatchOp.Equal, MatchOp.Re))


def impossible(selector: VectorSelector) -> Iterator[str]:
    """What `selector` asks for although it cannot occur."""
    for label, value in asked(selector):
        known = members(series(selector), label)
        if known and value and not any(re.fullmatch(value, member) for member in known):
            yield f"{series(selector)} has no {label} {value}"
