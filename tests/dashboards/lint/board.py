"""A board as the checks read it: panels, queries and variables, with the default thresholds in every place."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from promql_parser import Expr, parse

from exporter.dashboards.bundle import filled
from exporter.rules.thresholds import default_thresholds

Json = dict[str, Any]

DEFAULTS = default_thresholds()

VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?:[.:\[][^}]*)?\}|\$([A-Za-z_]\w*)|\[\[(\w+)")
"""A use of a variable, of the board's or of Grafana's own; `$1` is none."""
CHOSEN = "what_is_chosen_at_the_top"
"""Stands in a query for the value of a variable."""
INTERVALS = {
    "__rate_interval": "4m",
    "__interval": "1m",
    "__range": "6h",
    "__rate_interval_ms": "240000",
    "__interval_ms": "60000",
    "__range_ms": "21600000",
    "__range_s": "21600",
}
"""What Grafana fills into queries. Steps are a minute at least, so rates look four back."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that is no row; `template` has places where `content` has numbers."""

    content: Json
    template: Json
    folded: bool

    @property
    def title(self) -> str:
        return str(self.content.get("title", ""))

    @property
    def kind(self) -> str:
        return str(self.content["type"])

    @property
    def targets(self) -> list[Json]:
        return list(self.content.get("targets", ()))

    @property
    def defaults(self) -> Json:
        found: Json = self.content.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def overrides(self) -> list[Json]:
        return list(self.content.get("fieldConfig", {}).get("overrides", ()))

    def transformed(self, kind: str) -> Iterator[Json]:
        """Options of its transformations of a kind."""
        yield from (step["options"] for step in self.content.get("transformations", ()) if step["id"] == kind)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus in words that it understands; `where` is the panel, annotation or variable."""

    where: str
    text: str
    panel: Panel | None = None

    @property
    def expression(self) -> Expr | None:
        """None when it cannot be read."""
        try:
            return parsed(self.text)
        except ValueError:
            return None


@cache
def parsed(text: str) -> Expr:
    """A query; raises ValueError for one that cannot be read."""
    return parse(text)


@cache
def _content(template: str) -> Json:
    content: Json = json.loads(filled(template, DEFAULTS))
    return content


@dataclass(frozen=True)
class Board:
    """A board whose file is called `name`, and all `boards` by the names of theirs."""

    name: str
    template: Json
    boards: Mapping[str, "Board"] = field(default_factory=dict)

    @cached_property
    def content(self) -> Json:
        return _content(json.dumps(self.template))

    @cached_property
    def panels(self) -> list[Panel]:
        """All that are no rows, those inside collapsed ones too, in their order."""
        return list(_panels(self.content["panels"], self.template["panels"], folded=False))

    @property
    def unfilled(self) -> list[Panel]:
        """The panels with places instead of numbers."""
        return list(_panels(self.template["panels"], self.template["panels"], folded=False))

    @cached_property
    def variables(self) -> Mapping[str, Json]:
        return {variable["name"]: variable for variable in self.content["templating"]["list"]}

    @property
    def annotations(self) -> list[Json]:
        return list(self.content["annotations"]["list"])

    @cached_property
    def queries(self) -> list[Query]:
        """Those of panels and annotations."""
        asked = [
            Query(panel.title, self.fill(target["expr"]), panel) for panel in self.panels for target in panel.targets
        ]
        return asked + [Query(of_annotation(mark), self.fill(mark["expr"])) for mark in self.annotations]

    def fill(self, text: str) -> str:
        """`text` with something in the place of every variable."""
        return VARIABLE.sub(lambda use: self._value(name_of(use)), text)

    def _value(self, name: str) -> str:
        if name in INTERVALS:
            return INTERVALS[name]
        variable = self.variables.get(name, {})
        if variable.get("type") in {"custom", "interval", "constant", "textbox"}:
            first = str(variable["query"]).split(",")[0]
            return first.split(" : ")[-1].strip()
        return CHOSEN


Said = tuple[str, str]
"""Where something is wrong, and what."""
Check = Callable[[Board], Iterator[Said]]


def _panels(contents: list[Json], templates: list[Json], *, folded: bool) -> Iterator[Panel]:
    for content, template in zip(contents, templates, strict=True):
        if content["type"] != "row":
            yield Panel(content, template, folded)
        yield from _panels(content.get("panels", []), template.get("panels", []), folded=True)


def of_annotation(mark: Json) -> str:
    """How an annotation is called in findings."""
    return f"annotation {mark['name']}"


def of_variable(name: str) -> str:
    """How a variable is called in findings."""
    return f"variable {name}"


def name_of(use: re.Match[str]) -> str:
    """The variable that is used there."""
    return next(name for name in use.groups() if name)


def uses(text: str) -> Iterator[str]:
    """Names of the variables that are used in a text."""
    yield from map(name_of, VARIABLE.finditer(text))


def inside(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Everything in a part of a board, from outside to inside, each with the key that it stands under."""
    yield key, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from inside(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item, key)


def texts(value: object) -> Iterator[str]:
    """Every text in a part of a board."""
    yield from (item for _, item in inside(value) if isinstance(item, str))
