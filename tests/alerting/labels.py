"""Which labels an expression has, worked out from the catalogue's: what promtool does not know."""

from collections.abc import Mapping

from exporter.expose.catalogue import CATALOGUE
from exporter.rules.expression import Aggregation, Binary, Call, Constant, Expression, Matching, Selector
from exporter.rules.needs import FOREIGN, family

SCOPE = frozenset({"account", "environment"})
TARGET = frozenset({"job", "instance"})
"""What Prometheus gives to every series."""

METRICS: Mapping[str, frozenset[str]] = {
    metric.name: frozenset(metric.labels) | TARGET | (SCOPE if metric.scoped else frozenset()) for metric in CATALOGUE
}
SIDES = frozenset({"and", "or", "unless"})


class Wrong(Exception):
    """An expression names what does not exist."""


def labels(expression: Expression, recorded: Mapping[str, Expression]) -> frozenset[str]:
    """Labels that the series of `expression` may have; raises Wrong for names and labels that are nowhere."""
    if isinstance(expression, Selector):
        return _selected(expression, recorded)
    if isinstance(expression, Aggregation):
        return _aggregated(expression, recorded)
    if isinstance(expression, Call):
        held = frozenset().union(*(labels(argument, recorded) for argument in expression.arguments))
        return held - {"le"} if expression.function == "histogram_quantile" else held
    if isinstance(expression, Binary):
        return _joined(expression, recorded)
    return frozenset()


def _selected(part: Selector, recorded: Mapping[str, Expression]) -> frozenset[str]:
    if part.name in FOREIGN:
        held = TARGET
    elif part.name in recorded:
        held = labels(recorded[part.name], recorded)
    elif family(part.name) in METRICS:
        held = METRICS[family(part.name)] | (frozenset({"le"}) if part.name.endswith("_bucket") else frozenset())
    else:
        raise Wrong(f"no metric {part.name}")
    _within({label for label, _, _ in part.matchers}, held, part)
    return held


def _aggregated(part: Aggregation, recorded: Mapping[str, Expression]) -> frozenset[str]:
    held = frozenset().union(*(labels(argument, recorded) for argument in part.arguments))
    _within(set(part.labels), held, part)
    if part.function in {"topk", "bottomk"}:
        return held
    return held - set(part.labels) if part.without else frozenset(part.labels)


def _joined(part: Binary, recorded: Mapping[str, Expression]) -> frozenset[str]:
    left, right = labels(part.left, recorded), labels(part.right, recorded)
    if isinstance(part.left, Constant) or isinstance(part.right, Constant):
        return left | right
    matching = part.matching or Matching("ignoring", ())
    if matching.kind == "on":
        _within(set(matching.labels), left, part)
        _within(set(matching.labels), right, part)
    if part.operator == "or":
        return left | right
    if part.operator in SIDES or matching.group == "group_left":
        _within(set(matching.included), right, part)
        return left | set(matching.included)
    return _one_to_one(part, matching, left, right)


def _one_to_one(part: Binary, matching: Matching, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    if matching.kind == "ignoring" and left and right and left != right:
        raise Wrong(f"{sorted(left)} and {sorted(right)} never meet in {part}")
    counted = matching.kind == "on" and part.operator in {"*", "/", "-", "+"}
    return frozenset(matching.labels) if counted else left | right


def _within(used: set[str], held: frozenset[str], part: Expression) -> None:
    if unknown := used - held:
        raise Wrong(f"no label {', '.join(sorted(unknown))} in {part}")
