"""A board: rows of panels from the top, and what stands above them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    Panel,
    RowPanel,
    VariableModel,
)

from dashboards.source.annotations import Annotation
from dashboards.source.limits import Limit
from dashboards.source.links import TAG, board_links
from dashboards.source.panels import Placed
from dashboards.source.variables import datasource

WIDTH = 24
SCHEMA = 38
"""That of Grafana 10.1; later ones bring it up to date by themselves."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels from left to right, line by line; a `title` gives them a heading, under which they may be `collapsed`."""

    panels: Sequence[Placed]
    title: str = ""
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A board. `answers` are the questions that it is there for, one sentence each."""

    uid: str
    title: str
    answers: Sequence[str]
    variables: Sequence[VariableModel]
    rows: Sequence[Row]
    links: Sequence[DashboardLink] = ()
    annotations: Sequence[Annotation] = field(default=())
    since: str = "now-6h"

    def text(self) -> str:
        """The board as JSON with placeholders, a panel a line."""
        content: Any = plain(self._dashboard())
        content["annotations"] = {"list": [mark.content() for mark in self.annotations]}
        panels = content.pop("panels")
        lines = ",\n".join(json.dumps(panel, ensure_ascii=False) for panel in panels)
        head = json.dumps(content, ensure_ascii=False, indent=1)
        return f'{head[:-2]},\n "panels": [\n{lines}\n ]\n}}\n'

    def _dashboard(self) -> Dashboard:
        board = Dashboard(
            uid=self.uid,
            title=f"Celigo / {self.title}",
            description=" ".join(self.answers),
            tags=[TAG],
            timezone="browser",
            graph_tooltip=DashboardCursorSync.CROSSHAIR,
            time=DashboardDashboardTime(from_val=self.since, to="now"),
            refresh="1m",
            schema_version=SCHEMA,
            panels=list(self._placed()),
            links=[*board_links(), *self.links],
        )
        board.templating = DashboardDashboardTemplating(list_val=[datasource(), *self.variables])
        return board

    def _placed(self) -> Iterator[Panel | RowPanel]:
        number = top = 0
        for row in self.rows:
            heading: RowPanel | None = None
            if row.title:
                number += 1
                heading = _heading(row, number, top)
                top += 1
                yield heading
            panels = list(row.panels)
            bottom = _lay_out(panels, top)
            for placed in panels:
                number += 1
                placed.panel.id_val = number
                if heading is not None and row.collapsed:
                    heading.panels.append(placed.panel)
                else:
                    yield placed.panel
            top = top if row.collapsed else bottom


def _heading(row: Row, number: int, top: int) -> RowPanel:
    heading = RowPanel(id_val=number, title=row.title, collapsed=row.collapsed)
    heading.grid_pos = Placed(Panel(), WIDTH, 1).at(0, top)
    return heading


def _lay_out(panels: Sequence[Placed], top: int) -> int:
    """Place panels line by line from `top` on; where they end."""
    left = height = 0
    for placed in panels:
        if left + placed.width > WIDTH:
            top, left, height = top + height, 0, 0
        placed.panel.grid_pos = placed.at(left, top)
        left, height = left + placed.width, max(height, placed.height)
    return top + height


def plain(value: object) -> object:
    """`value` of the SDK's types as JSON has it: thresholds as their placeholders, without what is not given."""
    if isinstance(value, Limit):
        return value.place
    if callable(parts := getattr(value, "to_json", None)):
        return plain(parts())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if item is not None or key == "value"}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
