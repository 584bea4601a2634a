"""What an account of 10,000 flows costs in calls: contract 6 allows about one request a second on average.

`make prove` takes the whole account, `make test` one of 600 flows with as many flows to an integration.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.api.endpoints import Endpoint
from exporter.expose.families import Distribution
from tests.simulation.series import Scraped
from tests.simulation.world import HOUR, World

PROVE = bool(os.environ.get("PROVE"))
FLOWS, INTEGRATIONS = (10_000, 200) if PROVE else (600, 12)
STORMS = FLOWS // 10
PLAN = 1.5
"""Requests a second, an hour's average, standard profile, nothing changing but the runs."""


@dataclass(slots=True)
class Costs:
    """Requests by endpoint between two looks."""

    world: World
    before: Counter[str]

    @classmethod
    def begin(cls, world: World) -> "Costs":
        return cls(world, requests(world))

    def so_far(self) -> Counter[str]:
        return requests(self.world) - self.before


def requests(world: World) -> Counter[str]:
    assert world.fleet is not None
    series = world.fleet.accounts[0].telemetry.series("celigo_api_requests_total")
    counts: Counter[str] = Counter()
    for key, count in series.items():
        assert not isinstance(count, Distribution)
        counts[key[0]] += int(count)
    return counts


def shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {endpoint}" for endpoint, count in sorted(counts.items(), key=lambda row: -row[1]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("plan")
    quiet: dict[str, Any] = {"failure_rate": 0.0, "error_rate": 0.0, "backlog": False}
    with World(folder, seed=3, flows=FLOWS, integrations=INTEGRATIONS, history_seconds=3 * HOUR, **quiet) as world:
        world.scraped = Scraped(newest_only=True)
        world.hours(1)
        yield world


def test_an_hour_in_which_nothing_changes_stays_within_the_call_plan(world: World) -> None:
    costs = Costs.begin(world)
    world.hours(1)
    asked = costs.so_far()
    average = sum(asked.values()) / HOUR
    print(f"{FLOWS} flows, {INTEGRATIONS} integrations: {average:.2f} requests/s over an hour: {shown(asked)}")
    assert average <= PLAN
    assert asked[Endpoint.FLOW_ERRORS.value] == asked[Endpoint.STEP_ERRORS.value] == 0


def test_reading_what_a_storm_left_stays_within_the_caps_and_the_budget(world: World) -> None:
    settings, account = world.settings.collectors.errors, world.settings.accounts[0]
    victims = [flow for flow in world.simulator.engine.account.live_flows() if flow.enabled][:STORMS]
    for flow in victims:
        world.simulator.inject("error_storm", flow=flow.id, count=3)
    drilled: list[int] = []
    refreshes = 0
    while len(drilled) < 2 or drilled[-1]:
        costs = Costs.begin(world)
        world.minutes(settings.interval / 60)
        asked = costs.so_far()
        drilled.append(asked[Endpoint.FLOW_ERRORS.value] + asked[Endpoint.STEP_ERRORS.value])
        assert sum(asked.values()) <= account.rate_limit.requests_per_second * settings.interval
        assert drilled[-1] <= settings.flows_per_run + settings.pages_per_step * settings.steps_per_run
        refreshes += 1
        assert refreshes < 20 + 3 * STORMS // settings.flows_per_run, "the storm is never read to its end"
    print(f"a storm on {len(victims)} flows: {sum(drilled)} requests below the roll-ups in {refreshes} refreshes")
    assert world.scraped.value("celigo_open_errors_sampled_ratio") == 1.0
