"""What a panel says: its texts, units, limits and colours."""

import re
from collections.abc import Iterator

from dashboards.source.palette import COLOURS
from tests.dashboards.lint.board import DEFAULTS, Board, Json, Panel, Said, inside, of_annotation, texts
from tests.dashboards.lint.results import columns, hidden, titles

LEAST_WORDS = 40
"""Characters of a description that can say anything."""
MODES = frozenset({"fixed", "thresholds", "palette-classic-by-name"})
"""Where colours come from: one, the limits, or for names that nobody knows in advance a palette of Grafana's."""

_ID = re.compile(r"[a-z0-9]+_[a-z0-9_]+|[a-z]+:[a-z]|[0-9a-f]{24}")
_PLACE = re.compile(r"%\{(\w+)(?:\.seconds|\.percent)?\}")


def panel_title(board: Board) -> Iterator[Said]:
    """A question or a fact for people, once on a board."""
    rows = [panel["title"] for panel in board.content["panels"] if panel["type"] == "row"]
    seen: set[str] = set()
    for title in [*rows, *(panel.title for panel in board.panels)]:
        if len(title) < 4 or _ID.search(title):
            yield title, "this title is no words"
        if title in seen:
            yield title, "this title stands twice"
        seen.add(title)


def description(board: Board) -> Iterator[Said]:
    """It is said what is shown, what is normal and where it comes from."""
    for panel in board.panels:
        if len(panel.content.get("description", "")) < LEAST_WORDS:
            yield panel.title, f"its description has under {LEAST_WORDS} characters"


def unit(board: Board) -> Iterator[Said]:
    """No number stands without one."""
    for panel in board.panels:
        if panel.targets and not panel.defaults.get("unit"):
            yield panel.title, "no unit"
        if panel.kind == "table":
            named = {one["matcher"]["options"] for one in panel.overrides if _properties(one).get("unit")}
            for column in sorted(columns(panel) - hidden(panel)):
                if column.startswith("Value") and titles(panel).get(column, column) not in named:
                    yield panel.title, f"no unit for the column {column}"


def no_value(board: Board) -> Iterator[Said]:
    """Words stand where nothing is answered: unknown is not 0."""
    for panel in board.panels:
        if panel.targets and not panel.defaults.get("noValue", "").strip():
            yield panel.title, "no text for when there is no value"


def limits(board: Board) -> Iterator[Said]:
    """A colour begins where an alert does, or at the first one of something."""
    for panel in board.panels:
        for template, content in zip(_limits(panel.template), _limits(panel.content), strict=True):
            first, *others = (step.get("value") for step in template["steps"])
            if template.get("mode") != "absolute" or first is not None:
                yield panel.title, "limits that do not begin with a colour for the lowest values"
            for value in others:
                if value != 1 and not (isinstance(value, str) and _PLACE.fullmatch(value)):
                    yield panel.title, f"the limit {value} is neither 1 nor a threshold of the alerts"
            values = [step["value"] for step in content["steps"][1:]]
            if all(isinstance(value, int | float) for value in values) and values != sorted(values):
                yield panel.title, f"limits that do not ascend: {values}"


def _limits(panel: Json) -> Iterator[Json]:
    fields = panel.get("fieldConfig", {})
    if held := fields.get("defaults", {}).get("thresholds"):
        yield held
    for override in fields.get("overrides", ()):
        if held := _properties(override).get("thresholds"):
            yield held


def _properties(override: Json) -> Json:
    return {one["id"]: one["value"] for one in override["properties"]}


def places(board: Board) -> Iterator[Said]:
    """Each place is of a threshold, and one that stands for a number is filled with one."""
    rest = {key: value for key, value in board.template.items() if key != "panels"}
    for part in [rest, *(panel.content for panel in board.unfilled)]:
        where = "" if part is rest else part.get("title", "")
        yield from ((where, line) for line in _wrong_places(part))


def _wrong_places(part: Json) -> Iterator[str]:
    for text in texts(part):
        for place in _PLACE.finditer(text):
            if place[1] not in DEFAULTS.values:
                yield f"{place[0]} is no threshold"
            elif place[0] == text and not _number(DEFAULTS.fill("$" + text[1:])):
                yield f"{text} is no number"


def _number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text) is not None


def colours(board: Board) -> Iterator[Said]:
    """All are of the palette that people tell apart who do not see red or green."""
    for panel in board.panels:
        yield from ((panel.title, f"{colour} is no colour of the palette") for colour in sorted(_foreign(panel)))
    for mark in board.annotations:
        if mark["iconColor"] not in COLOURS:
            yield of_annotation(mark), f"{mark['iconColor']} is no colour of the palette"


def _foreign(panel: Panel) -> set[str]:
    named = [(key, value) for key, value in inside(panel.content) if key in {"color", "fixedColor"}]
    modes = [str(value.get("mode")) for key, value in named if key == "color" and isinstance(value, dict)]
    modes += [
        value["value"]["mode"] for _, value in inside(panel.overrides) if isinstance(value, dict) and _colours(value)
    ]
    values = {value for _, value in named if isinstance(value, str) and value}
    return values - COLOURS | {*modes} - MODES


def _colours(property_: Json) -> bool:
    return property_.get("id") == "color" and isinstance(property_.get("value"), dict)
