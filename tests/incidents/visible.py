"""Whether an incident can be seen: the panel that `dashboards.source.where` names is asked before it and after.

Before is the last evaluation of the warm-up; after are beginning, middle and end of the window in which the alert has
to fire. The panel shows the incident when something is then in trouble that was not before, and is about the same flow,
integration, connection or agent: in a colour of trouble where the panel has limits or words for its numbers, else
simply there and not 0.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dashboards.source.palette import BAD, WARNING
from dashboards.source.where import WHERE
from exporter.dashboards.bundle import boards
from exporter.rules.thresholds import default_thresholds
from tests.dashboards.filling import filled, plain
from tests.incidents.cast import Cast
from tests.incidents.judge import wanted
from tests.incidents.promtool import Answer, Question, Texts
from tests.incidents.rules import METRIC
from tests.incidents.scenario import Expected, Scenario

_SUBJECTS = ("flow", "integration", "connection", "agent")
_TIMES = {"__interval": "60s", "__rate_interval": "240s", "__range": "6h", "__range_s": "21600"}
_EVERYTHING = dict.fromkeys(("account", "environment", "team", "flows", "steps", *_SUBJECTS), ".*")


@dataclass(frozen=True)
class Panel:
    """A panel as it is exported: its queries, and which numbers of each are trouble."""

    queries: tuple[str, ...]
    fields: tuple[Mapping[str, Any], ...]

    def troubled(self, number: int, value: float) -> bool:
        """Whether `value` of the query `number` has a colour of trouble, or is there at all where none has one."""
        field = self.fields[number]
        named = [mapping["options"] for mapping in field.get("mappings", ()) if mapping["type"] == "value"]
        words = {word: shown for options in named for word, shown in options.items()}
        if words:
            return words.get(f"{value:g}", {}).get("color") in (BAD, WARNING)
        steps = field.get("thresholds", {}).get("steps", ())
        if len(steps) < 2:
            return value != 0
        reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
        return reached[-1] in (BAD, WARNING)


@dataclass(frozen=True)
class Look:
    """What is asked for one expectation: `queries` at the minute `before`, unless it is negative, and those `after`."""

    alert: str
    labels: Mapping[str, str]
    panel: Panel
    queries: tuple[str, ...]
    before: int
    after: tuple[int, ...]

    @property
    def questions(self) -> Iterator[Question]:
        """What promtool has to be asked."""
        minutes = [minute for minute in (self.before, *self.after) if minute >= 0]
        return ((minute, query) for minute in minutes for query in self.queries)

    def problems(self, answers: Iterable[Answer]) -> Iterator[str]:
        """A line when nothing on the panel tells of the incident."""
        held = list(answers)
        if not self._trouble(held, self.after) - self._trouble(held, (self.before,)):
            board, title = WHERE[self.alert]
            yield f"{self.alert}: cannot be seen on {board}, {title!r}"

    def _trouble(self, answers: Iterable[Answer], minutes: tuple[int, ...]) -> set[tuple[int, Texts]]:
        """What is in trouble at some of `minutes`: the query's number and the labels."""
        return {
            (number, answer.labels)
            for answer in answers
            for number, query in enumerate(self.queries)
            if answer.minute in minutes and answer.query == query
            if self.panel.troubled(number, answer.value) and self._is_about(dict(answer.labels))
        }

    def _is_about(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(name, value) == value for name, value in self.labels.items())


def looks(scenario: Scenario, cast: Cast) -> list[Look]:
    """What to ask for each expectation whose alert has a panel."""
    return [
        _look(expected, labels, scenario)
        for expected, labels in wanted(scenario.expect, cast)
        if expected.alert in WHERE
    ]


def families(scenario: Scenario) -> frozenset[str]:
    """Metrics that the panels of a scenario's alerts read."""
    named = {expected.alert for expected in scenario.expect} & WHERE.keys()
    queries = [query for alert in named for query in panel_of(*WHERE[alert]).queries]
    return frozenset(name for query in queries for name in METRIC.findall(query))


def _look(expected: Expected, labels: Mapping[str, str], scenario: Scenario) -> Look:
    panel = panel_of(*WHERE[expected.alert])
    chosen = {**_EVERYTHING, **{name: labels[f"{name}_id"] for name in _SUBJECTS if f"{name}_id" in labels}}
    queries = tuple(filled(query, plain({**chosen, **_TIMES})) for query in panel.queries)
    about = {
        name: value for name, value in labels.items() if name in (*(f"{each}_id" for each in _SUBJECTS), "collector")
    }
    every, begin = scenario.evaluated_every, int(scenario.warm_up)
    first, last = (begin + minute for minute in expected.within)
    middle = first + (last - first) // (2 * every) * every
    before = -1 if expected.before else begin - every
    return Look(expected.alert, about, panel, queries, before, (first, middle, last))


@cache
def panel_of(board: str, title: str) -> Panel:
    """The panel of this title; raises KeyError when the board has none."""
    content = json.loads(boards(default_thresholds())[f"{board}.json"])
    panels = {one["title"]: one for each in content["panels"] for one in (each, *each.get("panels", ()))}
    panel = panels[title]
    queries = tuple(str(target["expr"]) for target in panel["targets"])
    return Panel(queries, tuple(_field(panel, target["refId"], len(queries)) for target in panel["targets"]))


def _field(panel: Mapping[str, Any], letter: str, queries: int) -> Mapping[str, Any]:
    """How the numbers of one query are shown: the panel's way, or that of the table's column."""
    config = panel["fieldConfig"]
    if panel["type"] != "table":
        found: Mapping[str, Any] = config["defaults"]
        return found
    source = "Value" if queries == 1 else f"Value #{letter}"
    organize = next(step for step in panel["transformations"] if step["id"] == "organize")
    column = organize["options"]["renameByName"].get(source, source)
    rules = [rule for rule in config["overrides"] if rule["matcher"]["options"] == column]
    return {each["id"]: each.get("value") for rule in rules for each in rule["properties"]}
