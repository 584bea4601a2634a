"""Where panels stand: lines without holes, rows below each other, and not more than people take in."""

from collections.abc import Generator, Iterator
from itertools import groupby

from dashboards.source.board import WIDTH
from tests.dashboards.lint.board import Board, Json, Said

OPEN, ALL = 25, 32
"""Panels that are there when a board opens, and with those in collapsed rows."""
FIRST_SCREEN = {"celigo-fleet": 26}
"""Rows of the grid until the first collapsed row, of 30 pixels each, on boards that hang on a wall."""


def grid(board: Board) -> Iterator[Said]:
    """Every line is as wide as the board and of one height, and they follow each other."""
    top = 0
    for heading, panels in _sections(board.content["panels"]):
        if heading is not None:
            if _place(heading) != (0, top, WIDTH, 1):
                yield heading["title"], f"this row is not a line by itself at {top}"
            top += 1
        bottom = yield from _lines(panels, top)
        top = top if heading is not None and heading["collapsed"] else bottom


def _sections(panels: list[Json]) -> Iterator[tuple[Json | None, list[Json]]]:
    """Rows with their panels, first what is above all rows."""
    heading: Json | None = None
    held: list[Json] = []
    for panel in panels:
        if panel["type"] == "row":
            yield heading, held
            heading, held = panel, list(panel.get("panels", ()))
        else:
            held.append(panel)
    yield heading, held


def _lines(panels: list[Json], top: int) -> Generator[Said, None, int]:
    """Look at panels that begin at `top`; where they end."""
    ordered = sorted(panels, key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    for y, line in groupby(ordered, key=lambda panel: panel["gridPos"]["y"]):
        left, height = 0, 0
        for panel in line:
            x, _, w, h = _place(panel)
            height = height or h
            if (x, y, h) != (left, top, height):
                yield panel["title"], f"stands at {x}, {y} with height {h}, not at {left}, {top} with height {height}"
            left = x + w
        if left != WIDTH:
            yield panel["title"], f"its line ends at column {left}, not {WIDTH}"
        top = y + height
    return int(top)


def _place(panel: Json) -> tuple[int, int, int, int]:
    place = panel["gridPos"]
    return place["x"], place["y"], place["w"], place["h"]


def ids(board: Board) -> Iterator[Said]:
    """Links to single panels stay."""
    rows = [panel for panel in board.content["panels"] if panel["type"] == "row"]
    seen: set[object] = set()
    for panel in [*rows, *(panel.content for panel in board.panels)]:
        if not isinstance(panel.get("id"), int) or panel["id"] in seen:
            yield panel["title"], f"the id {panel.get('id')} is no number of its own"
        seen.add(panel.get("id"))


def size(board: Board) -> Iterator[Said]:
    """It loads quickly and can be taken in."""
    opened = sum(not panel.folded for panel in board.panels)
    if opened > OPEN or len(board.panels) > ALL:
        yield "", f"{opened} panels of {len(board.panels)} are open, more than {OPEN} of {ALL}"


def first_screen(board: Board) -> Iterator[Said]:
    """What matters is seen without scrolling."""
    bottom = 0
    for panel in board.content["panels"]:
        if panel["type"] == "row" and panel["collapsed"]:
            return
        bottom = panel["gridPos"]["y"] + panel["gridPos"]["h"]
        if bottom > FIRST_SCREEN.get(board.name, bottom):
            yield panel["title"], f"ends {bottom} rows down, below the first screen"
            return
