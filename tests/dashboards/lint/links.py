"""Ways to other boards lead to one that is there, with what was chosen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.dashboards.lint.board import Board, Panel, Said, inside, texts
from tests.dashboards.lint.results import answered, columns, fields, titles

KEPT = ("datasource", "account", "environment")
"""Variables that every link hands on to a board that has them."""

_TO_BOARD = re.compile(r"/d/(?P<uid>[\w-]+)(?:/[\w-]*)?(?:\?(?P<query>[^\s\")]*))?")
_TO_COLUMN = re.compile(r"/d/\$\{__data\.fields\.(?P<column>\w+)\}(?P<rest>[^\s\")]*)")
_TIME = re.compile(r"\$\{__url_time_range\}|from=\$\{__from\}&to=\$\{__to\}")


@dataclass(frozen=True, slots=True)
class _Way:
    """A link to another board in some text of this one."""

    where: str
    uid: str
    query: str

    @property
    def handed_on(self) -> set[str]:
        return {
            name for pair in re.findall(r"(?:^|&)var-(\w+)=|\$\{(\w+):queryparam\}", self.query) for name in pair
        } - {""}


def _ways(board: Board) -> Iterator[_Way]:
    parts: list[tuple[str, Any]] = [(panel.title, panel.content) for panel in board.panels]
    for where, part in [*parts, ("", board.content["links"])]:
        for text in (written for link in texts(part) for written in _written_out(link, part)):
            yield from (_Way(where, found["uid"], found["query"] or "") for found in _TO_BOARD.finditer(text))


def _written_out(text: str, part: Any) -> Iterator[str]:
    """A text, and if a column says where it leads, the link for each thing that a query writes into the column."""
    yield text
    if (found := _TO_COLUMN.search(text)) is not None:
        said = re.compile(rf'"{found["column"]}", "([^"]+)"')
        asked = " ".join(target["expr"] for target in part["targets"])
        yield from (f"/d/{way}{found['rest']}" for way in sorted(set(said.findall(asked))))


def links_above(board: Board) -> Iterator[Said]:
    """From every board all others are reached, with what was chosen and the time."""
    lists = [link for link in board.content["links"] if link["type"] == "dashboards"]
    if not lists:
        yield "", "no list of the other boards above it"
    for link in board.content["links"]:
        kept = link.get("includeVars") and link.get("keepTime")
        if (link in lists or _TO_BOARD.search(link.get("url") or "")) and not kept:
            yield "", f"the link {link['title']} drops variables or the time"


def link_target(board: Board) -> Iterator[Said]:
    """The board exists."""
    for way in _ways(board):
        if way.uid not in board.boards:
            yield way.where, f"a link to {way.uid}, which is no board"


def link_variables(board: Board) -> Iterator[Said]:
    """The board has these variables, and is given what was chosen here."""
    for way in _ways(board):
        if way.where and (target := board.boards.get(way.uid)) is not None:
            for name in sorted(way.handed_on - target.variables.keys()):
                yield way.where, f"{way.uid} has no variable {name}"
            for name in KEPT:
                if name in target.variables and name not in way.handed_on and "__all_variables" not in way.query:
                    yield way.where, f"a link to {way.uid} that does not hand on {name}"


def link_time(board: Board) -> Iterator[Said]:
    """The other board shows the same time."""
    for way in _ways(board):
        if way.where and not _TIME.search(way.query):
            yield way.where, f"a link to {way.uid} that does not hand on the time"


def link_field(board: Board) -> Iterator[Said]:
    """Columns and labels in a link are there to be filled in."""
    for panel in board.panels:
        for text in {item for key, item in inside(panel.content) if key == "url" and isinstance(item, str)}:
            for name in _columns_in(text) - _columns_of(board, panel):
                yield panel.title, f"a link with the column {name}, which is not there"
            held = {label for _, _, names in answered(board, panel) for label in names}
            for name in set(re.findall(r"__field\.labels\.(\w+)", text)) - held:
                yield panel.title, f"a link with the label {name}, which no series has"


def _columns_in(url: str) -> set[str]:
    dotted = re.findall(r"__data\.fields\.(\w+)", url)
    return {*dotted, *re.findall(r"__data\.fields\[\"?([^\]\"]+)\"?\]", url)}


def _columns_of(board: Board, panel: Panel) -> set[str]:
    answer = set(fields(board, panel))
    kept = answer & (columns(panel) or answer)
    return kept | {titles(panel).get(name, name) for name in kept}
