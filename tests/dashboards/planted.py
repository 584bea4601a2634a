"""Defects to be planted into a board, by the kind of finding that has to name them.

Each is a function that changes a board and says where the defect is: at a panel's title, a variable, an annotation, or
nowhere in particular.
"""

import copy
from collections.abc import Callable

from tests.dashboards.lint.board import Json

Plant = Callable[[Json], str]
"""Changes a board; says where."""


def first(board: Json, kind: str) -> Json:
    """The first panel of a kind that is in no row."""
    found: Json = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


def on(kind: str, change: Callable[[Json], object]) -> Plant:
    """A defect in the first panel of a kind."""

    def plant(board: Json) -> str:
        panel = first(board, kind)
        change(panel)
        return str(panel["title"])

    return plant


def given(kind: str, **keys: object) -> Plant:
    """Other keys in the first panel of a kind."""
    return on(kind, lambda panel: panel.update(keys))


def asking(expr: str, kind: str = "stat", **keys: object) -> Plant:
    """Another query in the first panel of a kind."""
    return on(kind, lambda panel: panel["targets"][0].update(expr=expr, **keys))


def shown(kind: str, **keys: object) -> Plant:
    """Other defaults for the fields of the first panel of a kind."""
    return on(kind, lambda panel: panel["fieldConfig"]["defaults"].update(keys))


def steps(*values: object, mode: str = "absolute", colour: str = "#D55E00") -> Plant:
    """Other limits on the first number."""
    return shown("stat", thresholds={"mode": mode, "steps": [{"value": value, "color": colour} for value in values]})


def overridden(kind: str, name: str, matcher: str = "byName", **properties: object) -> Plant:
    """One override more."""
    values = [{"id": key, "value": value} for key, value in properties.items()]
    override = {"matcher": {"id": matcher, "options": name}, "properties": values}
    return on(kind, lambda panel: panel["fieldConfig"]["overrides"].append(override))


def linked(url: str, kind: str = "stat") -> Plant:
    """A link in the first panel of a kind."""
    return shown(kind, links=[{"title": "There", "url": url}])


def head(**keys: object) -> Plant:
    """Other keys of the board itself."""

    def plant(board: Json) -> str:
        board.update(keys)
        return ""

    return plant


def marked(**keys: object) -> Plant:
    """Other keys of the first annotation."""

    def plant(board: Json) -> str:
        board["annotations"]["list"][0].update(keys)
        return f"annotation {board['annotations']['list'][0]['name']}"

    return plant


def chosen(**keys: object) -> Plant:
    """Other keys of the variable for accounts."""

    def plant(board: Json) -> str:
        next(one for one in board["templating"]["list"] if one["name"] == "account").update(keys)
        return "variable account"

    return plant


def one_more_variable(name: str, **keys: object) -> Plant:
    """Another variable, like that of the data source."""

    def plant(board: Json) -> str:
        board["templating"]["list"].append({**board["templating"]["list"][0], "name": name, **keys})
        return f"variable {name}" if keys.get("type") else ""

    return plant


def placed(number: int, **more: int) -> Plant:
    """A panel that stands elsewhere or is larger than before."""

    def plant(board: Json) -> str:
        panel = board["panels"][number]
        for key, value in more.items():
            panel["gridPos"][key] += value
        return str(panel["title"])

    return plant


def lower_last_line(board: Json) -> str:
    """The last line grows beyond the first screen."""
    last = [panel for panel in board["panels"] if panel["gridPos"]["y"] == board["panels"][-1]["gridPos"]["y"]]
    for panel in last:
        panel["gridPos"]["h"] += 9
    return str(last[0]["title"])


def many(folded: bool, count: int) -> Plant:
    """More panels at the end, one a line."""

    def plant(board: Json) -> str:
        top = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
        row = {"type": "row", "title": "More of them", "id": 900, "collapsed": folded, "panels": []}
        row["gridPos"] = {"x": 0, "y": top, "w": 24, "h": 1}
        more = [copy.deepcopy(first(board, "stat")) for _ in range(count)]
        for number, panel in enumerate(more):
            panel |= {"id": 1000 + number, "title": f"More, number {number}"}
            panel["gridPos"] = {"x": 0, "y": top + 1 + number, "w": 24, "h": 1}
        board["panels"] += [{**row, "panels": more}] if folded else [row, *more]
        return ""

    return plant


def called_the_same(board: Json) -> str:
    """Two panels of one title."""
    board["panels"][1]["title"] = board["panels"][0]["title"]
    return str(board["panels"][0]["title"])


def with_one_id(board: Json) -> str:
    """Two panels of one number."""
    board["panels"][1]["id"] = board["panels"][0]["id"]
    return str(board["panels"][1]["title"])


def without_units_of_columns(panel: Json) -> None:
    """Columns of a table whose numbers are bare."""
    for override in panel["fieldConfig"]["overrides"]:
        override["properties"] = [one for one in override["properties"] if one["id"] != "unit"]


def rows_moved(board: Json) -> str:
    """A row that does not begin where the panels above it end."""
    row = first(board, "row")
    row["gridPos"]["y"] += 2
    return str(row["title"])


def alike_marks(board: Json) -> str:
    """Two annotations of one name."""
    board["annotations"]["list"].append(dict(board["annotations"]["list"][0]))
    return f"annotation {board['annotations']['list'][0]['name']}"


def twice_asked(panel: Json) -> None:
    """Two queries whose series are called the same."""
    panel["targets"].append({**panel["targets"][0], "refId": "Z"})


def one_more_column(panel: Json) -> None:
    """A column that no query answers."""
    for step in panel["transformations"]:
        if step["id"] == "filterFieldsByName":
            step["options"]["include"]["names"].append("step_name")
