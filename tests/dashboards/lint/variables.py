"""What can be chosen at the top: it exists, it is used, and its choices come from series that exist."""

import re
from collections.abc import Iterator

from tests.alerting.labels import Wrong
from tests.dashboards.lint.board import (
    INTERVALS,
    Board,
    Json,
    Query,
    Said,
    of_annotation,
    of_variable,
    texts,
    uses,
)
from tests.dashboards.lint.known import result

OWN = frozenset({"__data", "__field", "__value", "__series", "__url_time_range", "__from", "__to", "__all_variables"})
"""Grafana's own, in links and titles."""
HIDDEN = 2

_VALUES = re.compile(r"label_values\((?:(?P<series>.+),\s*)?(?P<label>\w+)\)")
_RESULT = re.compile(r"query_result\((?P<series>.+)\)")


def asked(board: Board) -> Iterator[Query]:
    """The series that choices come from, as queries."""
    for name, variable in board.variables.items():
        found = _VALUES.fullmatch(_question(variable)) or _RESULT.fullmatch(_question(variable))
        text = found["series"] if found else _question(variable)
        if text:
            yield Query(of_variable(name), board.fill(text))


def _question(variable: Json) -> str:
    if variable["type"] != "query":
        return ""
    held = variable["query"]
    return str(held["query"] if isinstance(held, dict) else held)


def choice(board: Board) -> Iterator[Said]:
    """Choices are made of labels that the series have."""
    series = {query.where: query for query in asked(board)}
    for name, variable in board.variables.items():
        query = series.get(of_variable(name))
        if query is None or query.expression is None:
            continue
        found = _VALUES.fullmatch(_question(variable))
        wanted = {found["label"]} if found else set(re.findall(r'(\w+)="', variable.get("regex", "")))
        try:
            held = result(query.expression)
        except Wrong:
            continue  # said by the checks of queries
        for label in sorted(wanted - held):
            yield query.where, f"its choices are made of {label}, which the series do not have"


def defined(board: Board) -> Iterator[Said]:
    """What is used can be chosen, or is Grafana's own."""
    for where, part in _parts(board):
        for name in sorted({name for text in texts(part) for name in uses(text)} - {"__all"}):
            if name not in board.variables and name not in OWN | INTERVALS.keys():
                yield where, f"no variable {name}"


def used(board: Board) -> Iterator[Said]:
    """What can be chosen changes something."""
    for name, variable in board.variables.items():
        others = [part for where, part in _parts(board) if where != of_variable(name)]
        if variable.get("hide") != HIDDEN and not any(name in uses(text) for text in texts(others)):
            yield of_variable(name), "nothing on the board uses it"


def _parts(board: Board) -> Iterator[tuple[str, Json]]:
    yield "", {"links": board.content["links"]}
    yield from ((str(panel["title"]), panel) for panel in board.content["panels"] if panel["type"] == "row")
    yield from ((panel.title, panel.content) for panel in board.panels)
    yield from ((of_annotation(mark), mark) for mark in board.annotations)
    yield from ((of_variable(name), variable) for name, variable in board.variables.items())
