"""Weeks of errors in the simulated account: at every reading the numbers are those that the account knows itself.

Storms, runs with errors, resolutions by users, automatic ones, retries and purges go on while the account is read every
five minutes. PROVE=1 begins with a week in which nothing is left out; then, or otherwise, days of a month pass unread.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from exporter.collect.ageing import AGES
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.config.settings import ErrorsSettings
from tests.collect.simulated import World, simulated

LONG = os.environ.get("PROVE") == "1"
pytestmark = pytest.mark.timeout(3600 if LONG else 240)
DAY = 86_400.0
INTERVAL = 300.0
UNCAPPED = ErrorsSettings(flows_per_run=500, steps_per_run=500, pages_per_step=100, codes=10_000)
PAGE = 20
CAPPED = ErrorsSettings(flows_per_run=500, steps_per_run=500, pages_per_step=1, codes=10_000)
JUMPS = (0.03, 0.9, 2.0, 4.1, 8.0, 10.0, 1.9, 1.1, 2.2, 1.0)
"""Days that pass unread, one after each few readings; together more than the retention of 30 days."""

Numbers = dict[tuple[str, ...], float]


@dataclass(slots=True)
class Course:
    """A simulated account, what happens to it, and what was compared so far."""

    world: World
    draws: Random = field(default_factory=lambda: Random(20))
    storms: list[int] = field(default_factory=list)
    compared: int = 0
    differences: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    highest: Counter[str] = field(default_factory=Counter)

    def happen(self) -> None:
        """Perhaps something goes wrong, perhaps something is repaired."""
        draws, simulator = self.draws, self.world.simulator
        flow_id = draws.choice([row["id"] for row in self.world.truth()["flows"]])
        chance = draws.random()
        if chance < 0.15:
            kind = {
                "classification": draws.choice([*CLASSIFICATIONS, "entangled", "", None]),
                "source": draws.choice([*SOURCES, "quantum_gate"]),
                "code": draws.choice(["A", "B", "422", "ORA-00942"]),
            }
            self.storms.append(simulator.inject("error_storm", flow=flow_id, count=draws.randint(1, 60), **kind))
        elif chance < 0.45:
            simulator.inject("flow_run_now", flow=flow_id, records=90, errors=draws.randint(1, 40))
        elif chance < 0.6:
            simulator.inject("resolve_errors", flow=flow_id, count=draws.randint(1, 80))
        elif chance < 0.65 and self.storms:
            simulator.lift(self.storms.pop(draws.randrange(len(self.storms))))

    def read(self, seconds: float = INTERVAL) -> None:
        """Let time pass, then read the account and compare."""
        self.world.clock.advance(seconds)
        assert self.world.collect(self.world.errors) is None
        truth = self.world.truth()
        self._compare(told(self.world), expected(truth))
        self.highest["resolved"] = sum(sum(by.values()) for by in truth["errors_resolved"].values())
        self.highest["retries"] = sum(sum(row.values()) for row in truth["retries_finished"].values())

    def quiet(self, days: float) -> None:
        """Let days pass in which no flow runs and nothing is read."""
        lifted = [self.world.simulator.inject("flow_disabled", flow=row["id"]) for row in self.world.truth()["flows"]]
        self.world.clock.advance(days * DAY)
        for incident in lifted:
            self.world.simulator.lift(incident)

    def _compare(self, told: Numbers, expected: Numbers) -> None:
        self.compared += len(expected)
        at = self.world.clock.time()
        for key in sorted(told.keys() | expected.keys()):
            if told.get(key) != expected.get(key):
                self.differences.append(f"{at:.0f} {key}: told {told.get(key)}, is {expected.get(key)}")
            self.seen[key[0] if key[0] != "age" else key[-1]] += bool(told.get(key))


def told(world: World) -> Numbers:
    """What the collector says."""
    view = world.open_errors
    numbers: Numbers = {("total", name): float(total) for name, total in view.integrations.items()}
    numbers |= {("code", code): number for code, number in (view.codes or {}).items()}
    numbers |= {("expiring", name): number for name, number in view.expiring.items()}
    numbers |= {("unassigned", name): number for name, number in view.unassigned.items()}
    numbers |= _by(view.ages, "age", tuple(AGES))
    numbers |= _by(view.classifications, "classification", CLASSIFICATIONS)
    return numbers | _by(view.sources, "source", SOURCES) | {("ratio",): view.sampled_ratio}


def _by(held: Mapping[str, Mapping[str, int]], kind: str, members: tuple[str, ...]) -> Numbers:
    return {(kind, name, member): row.get(member, 0) for name, row in held.items() for member in members}


def expected(truth: Any) -> Numbers:
    """What the account knows, by the same keys."""
    homes = {row["id"]: row["integration_id"] for row in truth["flows"] if not row["deleted"]}
    names = {row["id"] for row in truth["integrations"] if not row["deleted"]} | set(homes.values())
    numbers: Numbers = {("ratio",): 1.0}
    for name in names:
        numbers |= {(kind, name): 0 for kind in ("total", "expiring", "unassigned")}
        for kind, members in (("age", tuple(AGES)), ("classification", CLASSIFICATIONS), ("source", SOURCES)):
            numbers |= {(kind, name, member): 0 for member in members}
    for flow_id, steps in truth["open_errors"].items():
        for step in steps.values():
            _add(numbers, homes[flow_id], step)
    return numbers


def _add(numbers: Numbers, home: str, step: Any) -> None:
    numbers["total", home] += step["count"]
    numbers["expiring", home] += step["expiring"]
    numbers["unassigned", home] += step["unassigned"]
    for age, number in step["older_than"].items():
        numbers["age", home, age] += number
    for name, number in step["by_classification"].items():
        label = name if name in CLASSIFICATIONS else "other" if name else "none"
        numbers["classification", home, label] += number
    for name, number in step["by_source"].items():
        numbers["source", home, name if name in SOURCES else "other"] += number
    for name, number in step["by_code"].items():
        numbers["code", name] = numbers.get(("code", name), 0) + number


@contextmanager
def course(settings: ErrorsSettings, **options: Any) -> Iterator[Course]:
    """A small account with a month of retention, read once."""
    with simulated(settings, flows=8, history_seconds=3600.0, **options) as world:
        held = Course(world)
        held.read(0.0)
        yield held


def test_below_the_caps_every_breakdown_is_the_accounts_own_at_every_reading() -> None:
    with course(UNCAPPED, page_size=200) as held:
        begin = held.world.clock.time()
        for number in range(7 * 288 if LONG else 0):
            if number % 6 == 0:
                held.happen()
            held.read()
        for days in JUMPS:
            for _ in range(8):
                held.happen()
                held.read()
            held.quiet(days)
            held.read()
        left = [step["oldest"] for steps in held.world.truth()["open_errors"].values() for step in steps.values()]
    assert min(left) > begin, "errors of the beginning were to be purged by the end"
    print(f"{held.compared} comparisons, {len(held.differences)} differences")
    assert held.differences == []
    assert held.compared > 9_000
    always = {"total", "code", "expiring", "unassigned", "classification", "source", "ratio", *AGES}
    assert {name for name, number in held.seen.items() if number} == always
    assert held.highest["resolved"] > 0
    assert held.highest["retries"] > 0


def test_above_the_caps_the_ratio_is_what_was_read_and_totals_stay_exact() -> None:
    ratios = []
    with course(CAPPED, page_size=PAGE) as held:
        world = held.world
        for number in range(400 if LONG else 24):
            flow_id = str(held.draws.choice([row["id"] for row in world.truth()["flows"]]))
            if number % 4 == 0:
                world.simulator.inject("error_storm", flow=flow_id, count=held.draws.randint(PAGE, 10 * PAGE))
            held.happen()
            world.clock.advance(INTERVAL)
            assert world.collect(world.errors) is None
            check_capped(world)
            ratios.append(world.open_errors.sampled_ratio)
    assert 0 < min(ratios) < 1
    print(f"{len(ratios)} readings, ratio between {min(ratios):.3f} and {max(ratios):.3f}")


def check_capped(world: World) -> None:
    """Totals are those of the account; everything else adds up to what was read, the newest page of each step."""
    truth, view = world.truth(), world.open_errors
    homes = {row["id"]: row["integration_id"] for row in truth["flows"]}
    totals, read = Counter[str](dict.fromkeys(view.integrations, 0)), Counter[str]()
    for flow_id, steps in truth["open_errors"].items():
        counts = [step["count"] for step in steps.values()]
        assert view.flows[flow_id].open_errors == sum(counts)
        totals[homes[flow_id]] += sum(counts)
        read[homes[flow_id]] += sum(min(count, PAGE) for count in counts)
    assert dict(view.integrations) == dict(totals)
    assert view.sampled_ratio == pytest.approx(read.total() / totals.total())
    for name, held in view.classifications.items():
        assert sum(held.values()) == sum(view.sources[name].values()) == read[name]
        ages = [view.ages[name].get(age, 0) for age in AGES]
        assert read[name] >= ages[0] >= ages[1] >= ages[2] >= ages[3]
        assert max(view.expiring[name], view.unassigned[name]) <= read[name]
