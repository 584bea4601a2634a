"""What a board is called and where its numbers come from."""

import re
from collections.abc import Iterator

from dashboards.source.links import TAG
from dashboards.source.variables import DATASOURCE
from tests.dashboards.lint.board import Board, Json, Said, inside, of_annotation, of_variable

SOURCE = {"type": DATASOURCE.type_val, "uid": DATASOURCE.uid}
SCHEMA = 38
"""That of Grafana 10.1."""


def data_source(board: Board) -> Iterator[Said]:
    """Everything that asks takes the data source that is chosen at the top."""
    for key in {"__inputs", "__requires"} & board.content.keys():
        yield "", f"{key} ties it to an import by hand"
    for where, part in _asking(board):
        named = [value for key, value in inside(part) if key == "datasource" and isinstance(value, dict | str)]
        if part.get("datasource") is None or any(value != SOURCE for value in named):
            yield where, "a data source that is not the one chosen at the top"


def _asking(board: Board) -> Iterator[tuple[str, Json]]:
    for panel in board.panels:
        if panel.targets:
            yield panel.title, panel.content
            yield from ((panel.title, target) for target in panel.targets)
    yield from ((of_annotation(mark), mark) for mark in board.annotations)
    for name, variable in board.variables.items():
        if variable["type"] == "query":
            yield of_variable(name), variable


def data_source_variable(board: Board) -> Iterator[Said]:
    """Exactly one chooses it, among those of Prometheus."""
    found = [one for one in board.content["templating"]["list"] if one["type"] == "datasource"]
    if [(one["name"], one["query"]) for one in found] != [("datasource", "prometheus")]:
        yield "", f"{len(found)} variables for data sources instead of one for Prometheus, `datasource`"


def uid(board: Board) -> Iterator[Said]:
    """Links and bookmarks stay."""
    held = board.content.get("uid")
    if held != board.name or not re.fullmatch(r"celigo-[a-z]+(-[a-z]+)*", board.name):
        yield "", f"the uid {held} is not celigo-... and the name of the file"
    if board.content.get("id") is not None:
        yield "", "an id, which belongs to one Grafana only"


def schema_version(board: Board) -> Iterator[Said]:
    """Grafana has nothing to bring up to date."""
    if board.content["schemaVersion"] < SCHEMA:
        yield "", f"schema version {board.content['schemaVersion']} is below {SCHEMA}"


def tags(board: Board) -> Iterator[Said]:
    """It is in the list of boards above each."""
    if TAG not in board.content["tags"]:
        yield "", f"no tag {TAG}"


def board_title(board: Board) -> Iterator[Said]:
    """A title and a text say which board of which program it is."""
    title = board.content["title"]
    if not re.fullmatch(r"Celigo / [A-Z].+", title) or not board.content.get("description"):
        yield "", f"the title {title} is not `Celigo / ...`, or there is no description"
    if any(other.content["title"] == title for other in board.boards.values() if other.name != board.name):
        yield "", f"another board is called {title} too"
