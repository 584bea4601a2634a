"""What is asked: names that exist, values that can occur, and counters over windows with enough scrapes in them."""

import re
from collections.abc import Iterator
from datetime import timedelta

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, SubqueryExpr, VectorSelector

from tests.alerting.expression import parts, selectors, series
from tests.alerting.labels import Wrong
from tests.alerting.members import impossible
from tests.dashboards.lint.board import CHOSEN, Board, Query, Said, parsed
from tests.dashboards.lint.known import counts, profile, result
from tests.dashboards.lint.variables import asked

LEAST_WINDOW = timedelta(minutes=4)
"""Four scrapes a minute apart: with less, a scrape that fails is a hole in the line."""
RATES = frozenset({"rate", "increase", "irate"})
GROWTH = RATES | {
    "changes",
    "resets",
    "count_over_time",
    "present_over_time",
    "absent_over_time",
    "timestamp",
    "absent",
}
"""What makes something of a counter."""
BLIND = frozenset({"count", "group", "unless", "and"})
"""What does not look at the value."""


def _readable(board: Board) -> Iterator[tuple[Query, Expr]]:
    for query in [*board.queries, *asked(board)]:
        if (expression := query.expression) is not None:
            yield query, expression


def query(board: Board) -> Iterator[Said]:
    """Prometheus can read it."""
    for one in [*board.queries, *asked(board)]:
        try:
            parsed(one.text)
        except ValueError as error:
            yield one.where, f"{' '.join(str(error).split())} in {one.text}"


def name(board: Board) -> Iterator[Said]:
    """Metrics, recorded series and labels exist."""
    for one, expression in _readable(board):
        try:
            result(expression)
        except Wrong as wrong:
            yield one.where, " ".join(str(wrong).split())


def value(board: Board) -> Iterator[Said]:
    """Values of labels that are asked for can occur."""
    for one, expression in _readable(board):
        for selector in selectors(expression):
            yield from ((one.where, line) for line in impossible(selector) if CHOSEN not in line)


def window(board: Board) -> Iterator[Said]:
    """A rate looks back over several scrapes."""
    for one, expression in _readable(board):
        for call in _calls(expression):
            spans = [part.range for part in call.args if isinstance(part, MatrixSelector | SubqueryExpr)]
            if call.func.name in RATES and any(span and span < LEAST_WINDOW for span in spans):
                yield one.where, f"{call.func.name} over less than four minutes"


def _calls(expression: Expr) -> Iterator[Call]:
    if isinstance(expression, Call):
        yield expression
    for part in parts(expression):
        yield from _calls(part)


def counter(board: Board) -> Iterator[Said]:
    """Only its growth says something: it begins again from 0 at times."""
    chosen = {one.where for one in asked(board)}  # whose values nobody reads
    for one, expression in _readable(board):
        for selector, reader in read(expression):
            if counts(selector) and reader not in GROWTH | BLIND and one.where not in chosen:
                yield one.where, f"{series(selector)} only grows, and is not read through rate or increase"


def gauge(board: Board) -> Iterator[Said]:
    """What falls has no rate."""
    for one, expression in _readable(board):
        for selector, reader in read(expression):
            if reader in RATES and not counts(selector):
                yield one.where, f"{reader} of {series(selector)}, which is no counter"


def read(expression: Expr, reader: str = "") -> Iterator[tuple[VectorSelector, str]]:
    """Every selector with what makes something of it: the function or operator that it stands in."""
    match expression:
        case VectorSelector():
            yield expression, reader
        case MatrixSelector():
            yield expression.vector_selector, reader
        case Call():
            for part in expression.args:
                yield from read(part, expression.func.name)
        case AggregateExpr():
            yield from read(expression.expr, str(expression.op) if str(expression.op) in BLIND else reader)
        case BinaryExpr():
            operator = str(expression.op)
            yield from read(expression.lhs, reader)
            yield from read(expression.rhs, operator if operator in BLIND else reader)
        case _:
            for part in parts(expression):
                yield from read(part, reader)


def profiles(board: Board) -> Iterator[Said]:
    """Who looks at an empty panel is told what has to be switched on."""
    said: set[str] = set()
    for one in board.queries:
        if one.panel is None or one.expression is None or one.where in said:
            continue
        needs = {series(part) for part in selectors(one.expression) if _exists(part) and profile(part) == "full"}
        if needs and not re.search(r"profile `?full", str(one.panel.content.get("description"))):
            said.add(one.where)
            yield one.where, f"{', '.join(sorted(needs))} needs profile full, which its description does not say"


def _exists(selector: VectorSelector) -> bool:
    try:
        result(selector)
    except Wrong:
        return False
    return True
