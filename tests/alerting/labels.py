"""Which labels an expression has, worked out from the catalogue's: what promtool does not know."""

from collections.abc import Mapping, Set

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    StringLiteral,
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
Known = Mapping[str, Expr | frozenset[str]]
"""Series beside those of the catalogue, with what is recorded under that name or with the labels themselves."""

_FILTERS = frozenset({"and", "unless"})
_CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


class Wrong(Exception):
    """An expression names what does not exist."""


def labels(expression: Expr, known: Known) -> frozenset[str]:
    """Labels that the series of `expression` may have; raises Wrong for names and labels that are nowhere."""
    match expression:
        case VectorSelector():
            return _selected(expression, known)
        case BinaryExpr():
            return _joined(expression, labels(expression.lhs, known), labels(expression.rhs, known))
    held = frozenset[str]().union(*(labels(part, known) for part in parts(expression)))
    match expression:
        case AggregateExpr():
            return _aggregated(expression, held)
        case Call():
            return _called(expression, held)
    return held


def _selected(part: VectorSelector, known: Known) -> frozenset[str]:
    name = series(part)
    if name in known:
        made = known[name]
        held = made if isinstance(made, frozenset) else labels(made, known)
    elif name in FOREIGN:
        held = TARGET
    elif family(name) in METRICS:
        held = METRICS[family(name)] | (frozenset({"le"}) if name.endswith("_bucket") else frozenset())
    else:
        raise Wrong(f"no metric {name}")
    _within({matcher.name for matcher in part.matchers.matchers}, held, part)
    return held


def _aggregated(part: AggregateExpr, held: frozenset[str]) -> frozenset[str]:
    named = frozenset(part.modifier.labels if part.modifier else ())
    _within(named, held, part)
    if str(part.op) in _CHOOSING:
        return held
    without = part.modifier is not None and part.modifier.type == AggModifierType.Without
    counted = frozenset({part.param.val}) if isinstance(part.param, StringLiteral) else frozenset[str]()
    return (held - named if without else named) | counted


def _called(part: Call, held: frozenset[str]) -> frozenset[str]:
    texts = [argument.val if isinstance(argument, StringLiteral) else "" for argument in part.args]
    match part.func.name:
        case "histogram_quantile":
            return held - {"le"}
        case "scalar":
            return frozenset()
        case "label_replace":
            _within({texts[3]} - {""}, held, part)
            return held | {texts[1]}
        case "label_join":
            _within(set(texts[3:]), held, part)
            return held | {texts[1]}
    return held


def _joined(part: BinaryExpr, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    matching = part.modifier.matching if part.modifier else None
    named = frozenset(matching.labels if matching else ())
    on = named if matching and matching.type == LabelModifierType.Include else None
    _within(named, left & right if on is not None else left | right, part)
    if str(part.op) == "or":
        return left | right
    if on is None:
        _meeting(part, left - named, right - named)
    included = frozenset((part.modifier.group_labels if part.modifier else None) or ())
    match part.modifier.card if part.modifier else None:
        case VectorMatchCardinality.ManyToOne:
            _within(included, right, part)
            return left | included
        case VectorMatchCardinality.OneToMany:
            _within(included, left, part)
            return right | included
    if str(part.op) in _FILTERS:
        return left
    return (left | right) - named if on is None else on


def _meeting(part: BinaryExpr, left: frozenset[str], right: frozenset[str]) -> None:
    """Without `on`, sides have to have the same labels; one without any may be a number."""
    grouped = part.modifier and part.modifier.card in (
        VectorMatchCardinality.ManyToOne,
        VectorMatchCardinality.OneToMany,
    )
    if left and right and left != right and not grouped:
        raise Wrong(f"{sorted(left)} and {sorted(right)} never meet in {part.prettify()}")


def _within(used: Set[str], held: frozenset[str], part: Expr) -> None:
    if unknown := used - held:
        raise Wrong(f"no label {', '.join(sorted(unknown))} in {part.prettify()}")
