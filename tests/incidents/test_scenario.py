"""Scenario files are read strictly, with one clear line for a mistake; the shipped ones are all good."""

from collections.abc import Mapping

import pytest

from tests.incidents.matrix import name_of, scenarios
from tests.incidents.scenario import ScenarioError, parse, read
from tests.incidents.spans import said, span

GOOD = """
title: Something
cast:
  orders: {flow: scheduled, schedule: "? 20 * ? * *"}
steps:
  - {at: 0m, inject: schedule_stopped, flow: orders, as: stop}
  - {at: 1h, lift: stop}
lasts: 2h
expect:
  - {alert: CeligoFlowOverdue, within: [30m, 45m], resolves: [1h, 1h30m], labels: {flow: orders}}
"""

MISTAKES: Mapping[str, tuple[str, str, str]] = {
    "unknown key": ("title:", "tilte:", "unknown field `tilte`"),
    "unknown key of a step": ("{at: 1h, lift: stop}", "{at: 1h, lift: stop, flow: orders}", "unknown field `flow`"),
    "unknown key of an alert": ("within", "whithin", "unknown field `whithin`"),
    "no time": ("at: 1h", "at: soon", "expected a time in whole minutes such as 20m or 1h30m, got 'soon'"),
    "a number for a time": ("lasts: 2h", "lasts: 120", "got 120"),
    "nothing to lift": ("lift: stop", "lift: storm", "nothing is called 'storm' that could be lifted"),
    "nothing done": ("{at: 1h, lift: stop}", "{at: 1h}", "one of inject, lift, exporter, wire, disk, file, clock"),
    "late begin": ("at: 0m", "at: 5m", "the first one must be `at: 0m`"),
    "a window backwards": ("[30m, 45m]", "[45m, 30m]", "a window ends before it begins"),
    "a window beyond": ("[1h, 1h30m]", "[1h, 3h]", "a window ends after the scenario does"),
    "nobody of the cast": ("labels: {flow: orders}", "labels: {flow: refunds}", "flow 'refunds' is not in the cast"),
    "two choices": ("{flow: scheduled,", "{flow: scheduled, agent: any,", "cast.orders: exactly one of"),
    "a key twice": ("lasts: 2h", "lasts: 2h\nlasts: 3h", "`lasts` is given twice"),
    "no YAML": ("title: Something", "title: [", "t.yml: "),
}


def test_a_good_file_is_read() -> None:
    scenario = parse(GOOD, "t.yml")
    assert [str(part) for part in scenario.expect[0].within] == ["30m", "45m"]
    assert scenario.steps[0].options == {"flow": "orders"}


def test_on_is_a_key_as_any_other() -> None:
    changed = GOOD.replace("{flow: scheduled,", "{flow: scheduled, on: shop,").replace(
        "cast:", "cast:\n  shop: {agent: any}"
    )
    assert parse(changed, "t.yml").cast["orders"].on == "shop"


@pytest.mark.parametrize(("old", "new", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_clear_line(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as raised:
        parse(GOOD.replace(old, new), "t.yml")
    assert str(raised.value).startswith("t.yml: ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("file", [pytest.param(file, id=name_of(file)) for file in scenarios()])
def test_every_scenario_can_be_read(file: object) -> None:
    (path,) = (each for each in scenarios() if each == file)
    assert read(path).lasts > 0


@pytest.mark.parametrize("text", ["0m", "20m", "1h30m", "2d", "1w3h"])
def test_a_time_is_said_as_it_is_written(text: str) -> None:
    assert said(span(text)) == text


@pytest.mark.parametrize("text", ["", "m", "20", "1.5h", "30s", "-5m", "1m2h"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        span(text)
