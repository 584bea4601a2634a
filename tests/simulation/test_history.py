"""History that is read back at the first start, in the whole exporter: what it tells, and where it goes on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.collect.silence import WEEKS_LEAST
from exporter.config.settings import Collectors, CollectorSettings, ErrorsSettings, GovernanceSettings, HistorySettings
from tests.simulation.world import DAY, World

RATIO = "celigo_exporter_backfill_ratio"
BASELINE = "celigo_flow_baseline_run_duration_seconds"
SILENCE = "celigo_flow_expected_max_silence_seconds"

OFF = CollectorSettings(enabled=False)
COLLECTORS = Collectors(
    health=OFF,
    errors=ErrorsSettings(enabled=False),
    connections=OFF,
    agents=OFF,
    governance=GovernanceSettings(enabled=False),
    history=HistorySettings(pages_per_run=5),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(
        tmp_path, seed=7, flows=4, history_seconds=16 * DAY, backlog=False, collectors=COLLECTORS, profile="full"
    ) as world:
        yield world


def read_to_the_end(world: World, most: int = 60) -> int:
    """Minutes until the history has been read."""
    for minute in range(most):
        if world.scraped.value(RATIO) == 1.0:
            return minute
        world.minutes(1)
    raise AssertionError("the history is never read to its end")


def test_after_it_was_read_every_flow_that_ran_has_what_is_usual(world: World) -> None:
    world.minutes(1)
    assert world.scraped.now(SILENCE) == {}
    assert read_to_the_end(world) > 1
    world.minutes(1)
    assert set(world.scraped.now(BASELINE)) == set(world.scraped.now("celigo_flow_last_run_duration_seconds"))
    listeners = world.scraped.now("celigo_flow_info", trigger="listener")
    assert world.scraped.now(SILENCE).keys() >= {(key[0],) for key in listeners}
    assert listeners
    # Nothing of it is counted.
    assert world.differences() == []


def test_after_a_kill_it_goes_on_where_it_was(world: World) -> None:
    world.minutes(4)
    half = world.scraped.value(RATIO)
    assert half is not None
    assert 0 < half < 1
    world.kill()
    world.start()
    world.minutes(1)
    again = world.scraped.value(RATIO)
    assert again is not None
    assert again >= half
    read_to_the_end(world)
    assert world.differences() == []


def test_once_read_it_costs_nothing_also_after_a_restart(world: World) -> None:
    world.minutes(1)
    read_to_the_end(world)
    world.kill()
    world.start()
    world.minutes(2)
    assert world.scraped.value(RATIO) == 1.0
    assert world.scraped.value("celigo_exporter_collector_requests", collector="history") == 0


def test_a_silent_listener_exceeds_its_usual_silence_and_a_lively_one_does_not(world: World) -> None:
    world.minutes(1)
    read_to_the_end(world)
    flow = next(flow for flow in world.simulator.engine.account.live_flows() if flow.trigger == "listener")

    def silent() -> bool:
        usual = world.scraped.value(SILENCE, flow_id=flow.id)
        last = world.scraped.value("celigo_flow_last_executed_timestamp_seconds", flow_id=flow.id)
        assert usual is not None
        assert last is not None
        return world.clock.true() - last > usual

    world.hours(3)
    assert not silent()
    world.simulator.inject("schedule_stopped", flow=flow.id)
    world.hours(4)
    assert silent()


def test_a_depth_of_less_than_two_weeks_teaches_no_silence(tmp_path: Path) -> None:
    shallow = replace(COLLECTORS, history=HistorySettings(depth=WEEKS_LEAST * 7 * DAY - DAY, pages_per_run=60))
    with World(tmp_path, seed=7, flows=4, history_seconds=16 * DAY, backlog=False, collectors=shallow) as world:
        world.reconfigure(profile="full")
        world.minutes(1)
        read_to_the_end(world)
        world.minutes(10)
        assert world.scraped.now(BASELINE)
        assert world.scraped.now(SILENCE) == {}
