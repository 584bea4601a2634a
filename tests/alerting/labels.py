"""Which labels an expression has, worked out from the catalogue's: what promtool does not know."""

from collections.abc import Mapping, Set

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    VectorMatchCardinality,
    VectorSelector,
)

from exporter.expose.catalogue import CATALOGUE
from tests.alerting.expression import parts, series
from tests.alerting.needs import FOREIGN, family

SCOPE = frozenset({"account", "environment"})
TARGET = frozenset({"job", "instance"})
"""What Prometheus gives to every series."""

METRICS: Mapping[str, frozenset[str]] = {
    metric.name: frozenset(metric.labels) | TARGET | (SCOPE if metric.scoped else frozenset()) for metric in CATALOGUE
}
KEEPING = (VectorMatchCardinality.ManyToOne, VectorMatchCardinality.ManyToMany)
"""With these the left side keeps its labels: `group_left`, and `and` and `unless`."""


class Wrong(Exception):
    """An expression names what does not exist."""


def labels(expression: Expr, recorded: Mapping[str, Expr]) -> frozenset[str]:
    """Labels that the series of `expression` may have; raises Wrong for names and labels that are nowhere."""
    if isinstance(expression, VectorSelector):
        return _selected(expression, recorded)
    if isinstance(expression, BinaryExpr):
        return _joined(expression, recorded)
    held = frozenset[str]().union(*(labels(part, recorded) for part in parts(expression)))
    if isinstance(expression, AggregateExpr):
        return _aggregated(expression, held)
    if isinstance(expression, Call) and expression.func.name == "histogram_quantile":
        return held - {"le"}
    return held


def _selected(part: VectorSelector, recorded: Mapping[str, Expr]) -> frozenset[str]:
    name = series(part)
    if name in FOREIGN:
        held = TARGET
    elif name in recorded:
        held = labels(recorded[name], recorded)
    elif family(name) in METRICS:
        held = METRICS[family(name)] | (frozenset({"le"}) if name.endswith("_bucket") else frozenset())
    else:
        raise Wrong(f"no metric {name}")
    _within({matcher.name for matcher in part.matchers.matchers}, held, part)
    return held


def _aggregated(part: AggregateExpr, held: frozenset[str]) -> frozenset[str]:
    named = frozenset(part.modifier.labels if part.modifier else ())
    _within(named, held, part)
    if str(part.op) in {"topk", "bottomk"}:
        return held
    without = part.modifier is not None and part.modifier.type == AggModifierType.Without
    return held - named if without else named


def _joined(part: BinaryExpr, recorded: Mapping[str, Expr]) -> frozenset[str]:
    left, right = labels(part.lhs, recorded), labels(part.rhs, recorded)
    on = _on(part)
    _within(on or frozenset(), left & right, part)
    if str(part.op) == "or":
        return left | right
    if part.modifier and part.modifier.card in KEEPING:
        included = frozenset(part.modifier.group_labels or ())
        _within(included, right, part)
        return left | included
    return _one_to_one(part, on, left, right)


def _on(part: BinaryExpr) -> frozenset[str] | None:
    """Labels by which the sides find each other; None for all that are not ignored."""
    matching = part.modifier.matching if part.modifier else None
    return frozenset(matching.labels) if matching and matching.type == LabelModifierType.Include else None


def _one_to_one(
    part: BinaryExpr, on: frozenset[str] | None, left: frozenset[str], right: frozenset[str]
) -> frozenset[str]:
    if on is None and left and right and left != right:
        raise Wrong(f"{sorted(left)} and {sorted(right)} never meet in {part.prettify()}")
    return left | right if on is None or str(part.op) not in {"*", "/", "-", "+"} else on


def _within(used: Set[str], held: frozenset[str], part: Expr) -> None:
    if unknown := used - held:
        raise Wrong(f"no label {', '.join(sorted(unknown))} in {part.prettify()}")
