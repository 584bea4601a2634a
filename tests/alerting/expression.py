"""What an expression of PromQL is made of, in the terms of promql-parser."""

from collections.abc import Iterator

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)


def parts(expression: Expr) -> list[Expr]:
    """What `expression` is made of in the first place, from left to right; nothing for a selector or a constant."""
    match expression:
        case BinaryExpr():
            return [expression.lhs, expression.rhs]
        case Call():
            return expression.args
        case AggregateExpr():
            return [expression.expr] if expression.param is None else [expression.param, expression.expr]
        case MatrixSelector():
            return [expression.vector_selector]
        case ParenExpr() | SubqueryExpr() | UnaryExpr():
            return [expression.expr]
    return []


def selectors(expression: Expr) -> Iterator[VectorSelector]:
    """Every selector in `expression`, from left to right."""
    if isinstance(expression, VectorSelector):
        yield expression
    for part in parts(expression):
        yield from selectors(part)


def series(selector: VectorSelector) -> str:
    """Name of what `selector` chooses; empty where it gives none."""
    return selector.name or ""
