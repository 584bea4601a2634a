"""What must hold for every board, as checks by the kind of what they find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.dashboards.lint import head, layout, links, panels, queries, results, variables
from tests.dashboards.lint.board import Board, Check, Json

PLACES = "place"

CHECKS: Mapping[str, Check] = {
    "data source": head.data_source,
    "data source variable": head.data_source_variable,
    "uid": head.uid,
    "schema version": head.schema_version,
    "tag": head.tags,
    "board title": head.board_title,
    "grid": layout.grid,
    "id": layout.ids,
    "size": layout.size,
    "first screen": layout.first_screen,
    "title": panels.panel_title,
    "description": panels.description,
    "unit": panels.unit,
    "no value": panels.no_value,
    "limit": panels.limits,
    PLACES: panels.places,
    "colour": panels.colours,
    "query": queries.query,
    "name": queries.name,
    "value": queries.value,
    "window": queries.window,
    "counter": queries.counter,
    "gauge": queries.gauge,
    "profile": queries.profiles,
    "legend": results.legend,
    "column": results.column,
    "override": results.override,
    "apart": results.apart,
    "annotation": results.annotation,
    "variable defined": variables.defined,
    "variable used": variables.used,
    "choice": variables.choice,
    "links above": links.links_above,
    "link target": links.link_target,
    "link variables": links.link_variables,
    "link time": links.link_time,
    "link field": links.link_field,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be on a board."""

    kind: str
    board: str
    where: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.board, self.where, f"{self.what} ({self.kind})") if part)


def findings(name: str, templates: Mapping[str, Json]) -> list[Finding]:
    """Everything that is wrong with the board in the file `name`, which is one of `templates`."""
    boards: dict[str, Board] = {}
    boards |= {other: Board(other, template, boards) for other, template in templates.items()}
    # What has wrong places cannot be filled, so nothing else can be looked at.
    return list(_said(PLACES, boards[name])) or [
        found for kind in CHECKS if kind != PLACES for found in _said(kind, boards[name])
    ]


def _said(kind: str, board: Board) -> Iterator[Finding]:
    yield from (Finding(kind, board.name, where, what) for where, what in CHECKS[kind](board))
