"""What comes back, and whether legends, columns and colours name what is in it."""

import re
from collections.abc import Iterator, Mapping, Set

from promql_parser import Expr

from tests.alerting.expression import selectors
from tests.alerting.labels import Wrong
from tests.alerting.members import possible
from tests.dashboards.lint.board import Board, Json, Panel, Said, of_annotation, parsed
from tests.dashboards.lint.known import answer

NAMED = frozenset({"timeseries", "state-timeline", "status-history", "bargauge", "piechart"})
"""Kinds of panels that show what a series is called."""

_SHOWN = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def answered(board: Board, panel: Panel) -> list[tuple[Json, Expr, frozenset[str]]]:
    """Each query of a panel with its expression and the labels of its answer; without those that are wrong."""
    found = []
    for target in panel.targets:
        try:
            text = board.fill(target["expr"])
            found.append((target, parsed(text), answer(text)))
        except (ValueError, Wrong):
            continue  # said by the checks of queries
    return found


def columns(panel: Panel) -> Set[str]:
    """Fields that a table keeps, by the names that they come with."""
    chosen = [set(options["include"]["names"]) for options in panel.transformed("filterFieldsByName")]
    return set.intersection(*chosen) if chosen else set(titles(panel))


def titles(panel: Panel) -> Mapping[str, str]:
    """What the fields of a table are called there, by the names that they come with."""
    return {name: title for options in panel.transformed("organize") for name, title in options["renameByName"].items()}


def hidden(panel: Panel) -> Set[str]:
    """Fields that are there for links only."""
    return {
        one["matcher"]["options"]
        for one in panel.overrides
        if any(held["id"] == "custom.hidden" and held["value"] for held in one["properties"])
    }


def fields(board: Board, panel: Panel) -> Set[str]:
    """What its queries answer in a table: labels, and a number for each query."""
    held = {label for _, _, names in answered(board, panel) for label in names}
    numbers = ["Value"] if len(panel.targets) == 1 else [f"Value #{target['refId']}" for target in panel.targets]
    return held | {*numbers, "Time"}


def legend(board: Board) -> Iterator[Said]:
    """Series are told apart by a label that they have."""
    for panel in board.panels:
        seen: set[str] = set()
        for target, _, held in answered(board, panel):
            text = target.get("legendFormat") or ""
            yield from ((panel.title, f"its legend names {name}, which no series has") for name in _unknown(text, held))
            if not _names_series(panel):
                continue
            if held and not _SHOWN.search(text):
                yield panel.title, f"its legend names none of {', '.join(sorted(held))}"
            if not text or text in seen:
                yield panel.title, f"query {target['refId']} has no legend of its own"
            seen.add(text)


def _names_series(panel: Panel) -> bool:
    mode = panel.content.get("options", {}).get("textMode", "")
    return panel.kind in NAMED or (panel.kind == "stat" and "name" in mode)


def _unknown(text: str, held: Set[str]) -> list[str]:
    return [name for name in _SHOWN.findall(text) if name not in held]


def column(board: Board) -> Iterator[Said]:
    """A table shows, sorts and draws what its queries answer."""
    for panel in board.panels:
        answer, named = fields(board, panel), titles(panel)
        wanted = (columns(panel) | named.keys()) - hidden(panel)
        if panel.transformed("filterFieldsByName") or named:
            yield from ((panel.title, f"no query answers the column {name}") for name in sorted(wanted - answer))
        shown = {named.get(name, name) for name in columns(panel) or answer}
        yield from ((panel.title, f"it sorts by {name}, which is no column") for name in _sorted_by(panel) - shown)


def _sorted_by(panel: Panel) -> Set[str]:
    options = panel.content.get("options", {})
    by_head = {one["displayName"] for one in options.get("sortBy", ())}
    before = {one["field"] for step in panel.transformed("sortBy") for one in step["sort"]}
    return by_head | before | ({options["xField"]} if options.get("xField") else set())


def override(board: Board) -> Iterator[Said]:
    """What is shown differently is there: a column, or a series that can be called so."""
    for panel in board.panels:
        tabular = panel.kind not in NAMED | {"stat", "gauge"}
        names = {titles(panel).get(name, name) for name in columns(panel) or fields(board, panel)} | hidden(panel)
        for one in panel.overrides:
            name = one["matcher"]["options"]
            if one["matcher"]["id"] != "byName":
                yield panel.title, f"an override {one['matcher']['id']}, which nobody checks"
            elif not (name in names if tabular else _may_be_called(board, panel, name)):
                yield panel.title, f"nothing in it is called {name}"


def apart(board: Board) -> Iterator[Said]:
    """Lines have colours of their own: those of their names, or of Grafana's palette where names are not known."""
    for panel in board.panels:
        mode = panel.defaults.get("color", {}).get("mode")
        if panel.kind != "timeseries" or mode == "palette-classic-by-name":
            continue
        coloured = {one["matcher"]["options"] for one in panel.overrides if _has_colour(one)}
        names = [name for target, part, _ in answered(board, panel) for name in _names(target, part)]
        plain = [name for name in names if name not in coloured]
        if len(plain) > 1:
            yield panel.title, f"lines of one colour: {', '.join(plain)}"
        if "" in names and not coloured:
            yield panel.title, "lines of one colour, whose names nobody knows"


def _has_colour(override: Json) -> bool:
    return any(one["id"] == "color" for one in override["properties"])


def _names(target: Json, expression: Expr) -> list[str]:
    """What the lines of a query can be called; one empty name for those that nobody knows beforehand."""
    text = target.get("legendFormat") or "-"
    wanted = _SHOWN.findall(text)
    if not wanted:
        return [text]
    known = {value for part in selectors(expression) for value in possible(part, wanted[0])}
    return [_SHOWN.sub(value, text) for value in sorted(known)] if len(wanted) == 1 and known else [""]


def _may_be_called(board: Board, panel: Panel, name: str) -> bool:
    found = answered(board, panel)
    return any(re.fullmatch(_called(target.get("legendFormat") or "", part), name) for target, part, _ in found)


def _called(text: str, expression: Expr) -> str:
    """Regular expression of the names that a legend makes."""
    pieces = _SHOWN.split(text)
    return "".join(
        re.escape(piece) if place % 2 == 0 else _values(piece, expression) for place, piece in enumerate(pieces)
    )


def _values(label: str, expression: Expr) -> str:
    known = [possible(part, label) for part in selectors(expression)]
    values = sorted({value for values in known for value in values})
    return f"(?:{'|'.join(map(re.escape, values))})" if values else ".*"


def annotation(board: Board) -> Iterator[Said]:
    """Marks have a name of their own, and texts with labels that they have."""
    seen: set[str] = set()
    for mark in board.annotations:
        try:
            held = answer(board.fill(mark["expr"]))
        except (ValueError, Wrong):
            continue  # said by the checks of queries
        for name in _unknown(mark["titleFormat"] + mark["textFormat"], held):
            yield of_annotation(mark), f"its text names {name}, which no mark has"
        if not mark["titleFormat"] or mark["name"] in seen:
            yield of_annotation(mark), "no title, or a name that another has"
        seen.add(mark["name"])
