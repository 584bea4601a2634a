"""Days of resolutions in the simulated account: each is counted once, over the ends of windows and over an outage.

PROVE=1 reads five days every five minutes; otherwise two days every hour.
"""

import os
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from exporter.config.settings import ErrorsSettings
from tests.collect.simulated import World, simulated

LONG = os.environ.get("PROVE") == "1"
pytestmark = pytest.mark.timeout(3600 if LONG else 240)
DAYS, PER_DAY = (5, 288) if LONG else (2, 24)

Counts = dict[str, tuple[int, int]]


@dataclass(slots=True)
class Days:
    """What the account and the collector told, reading by reading; `anchors` are readings that end a window."""

    truth: list[Counts] = field(default_factory=list)
    told: list[Counts] = field(default_factory=list)
    anchors: list[int] = field(default_factory=list)


def known(world: World) -> Counts:
    """Errors resolved so far by users and automatically, by integration, as the account knows it."""
    return {name: (by["user"], by["auto"]) for name, by in world.truth()["errors_resolved"].items()}


def counted(world: World) -> Counts:
    """The same as the collector tells it."""
    return {name: (row.user, row.auto) for name, row in world.resolved.integrations.items()}


def since(first: Counts, now: Counts) -> Counts:
    """What came on top, without zeros."""
    grown = {
        name: (row[0] - first.get(name, (0, 0))[0], row[1] - first.get(name, (0, 0))[1]) for name, row in now.items()
    }
    return {name: row for name, row in grown.items() if row != (0, 0)}


def happen(world: World, draws: Random, flows: list[str]) -> None:
    world.simulator.inject("flow_run_now", flow=draws.choice(flows), records=90, errors=draws.randint(1, 40))
    if draws.random() < 0.4:
        world.simulator.inject("resolve_errors", flow=draws.choice(flows), count=draws.randint(1, 30))


@pytest.fixture(scope="module")
def days() -> Days:
    held, draws = Days(), Random(7)
    with simulated(
        ErrorsSettings(pages_per_step=1), resolved=True, flows=7, history_seconds=3600.0, page_size=3
    ) as world:
        flows: list[str] = [row["id"] for row in world.truth()["flows"]]
        collect(world, held)
        for number in range(1, DAYS * PER_DAY + 1):
            world.clock.advance(43_200 / PER_DAY)
            happen(world, draws, flows)
            world.clock.advance(43_200 / PER_DAY)
            if number % PER_DAY == 0:
                # Only of flows that ran within a window the statistics tell anything.
                for flow_id in flows:
                    world.simulator.inject("flow_run_now", flow=flow_id)
                held.anchors.append(number)
            outage = PER_DAY // 2 <= number <= PER_DAY // 2 + 3
            collect(world, held, outage=outage)
    return held


def collect(world: World, held: Days, *, outage: bool = False) -> None:
    incident = world.simulator.inject("status", status=500, path="/v1/flows/runs/stats") if outage else None
    failure: Any = world.collect(world.errors)
    assert (failure is not None) is outage
    if incident is not None:
        world.simulator.lift(incident)
    held.truth.append(known(world))
    held.told.append(counted(world))


def test_at_the_end_of_each_window_everything_since_the_first_sight_was_counted_once(days: Days) -> None:
    for number in days.anchors:
        told = {name: row for name, row in days.told[number].items() if row != (0, 0)}
        assert told == since(days.truth[0], days.truth[number])
    users, automatic = (sum(row[place] for row in days.told[-1].values()) for place in range(2))
    print(f"{len(days.told)} readings, {users} resolved by users and {automatic} automatically, each counted once")
    assert users > 0
    assert automatic > 0


def test_in_between_no_error_is_counted_that_was_not_resolved_and_no_counter_falls(days: Days) -> None:
    before: Counts = {}
    for truth, told in zip(days.truth, days.told, strict=True):
        most = since(days.truth[0], truth)
        for name, row in told.items():
            for place in range(2):
                assert before.get(name, (0, 0))[place] <= row[place] <= most.get(name, (0, 0))[place]
        before = told


def test_history_is_not_counted(days: Days) -> None:
    assert days.truth[0]
    assert set(days.told[0].values()) == {(0, 0)}
