"""Clocks that jump lose and repeat nothing: what is read and counted hangs on the server's time alone."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.simulation.clock import VirtualClock
from tests.simulation.world import DAY, HOUR, JOBS_ONLY, MINUTE, World

YEAR = 365 * DAY
STEPS = {
    "a-second": 1.0,
    "an-hour-ahead": HOUR,
    "an-hour-back": -HOUR,
    "a-day-ahead": DAY,
    "a-day-back": -DAY,
    "ten-years-ahead": 10 * YEAR,
    "to-the-seventies": -50 * YEAR,
}
PLAYED = STEPS if os.environ.get("PROVE") else dict(list(STEPS.items())[::3])


def world_in(folder: Path, clock: VirtualClock | None = None) -> World:
    return World(folder, seed=21, flows=12, collectors=JOBS_ONLY, clock=clock, history_seconds=HOUR)


def judged(world: World) -> Callable[[], None]:
    """Checks of every single scrape."""

    def judge() -> None:
        assert world.truth.overcounted(world.scraped) == []
        watermark = world.scraped.value("celigo_exporter_watermark_timestamp_seconds", collector="jobs")
        assert watermark is None or watermark <= world.clock.true()

    return judge


def settle(world: World) -> None:
    """Let everything be read, then compare."""
    scrapes = len(world.scraped.at)
    world.minutes(25, judged(world))
    assert len(world.scraped.at) >= scrapes + 25
    assert world.differences() == []
    assert world.scraped.falls("celigo_flow_runs_total") == []
    assert world.truth.total("celigo_flow_runs_total") > 0


@pytest.mark.parametrize("seconds", PLAYED.values(), ids=PLAYED)
class TestAStepOfTheWallClock:
    def test_while_it_runs(self, tmp_path: Path, seconds: float) -> None:
        with world_in(tmp_path) as world:
            world.minutes(20, judged(world))
            world.clock.step_wall(seconds)
            world.minutes(20, judged(world))
            world.clock.step_wall(-seconds)
            settle(world)

    def test_before_the_first_start(self, tmp_path: Path, seconds: float) -> None:
        clock = VirtualClock()
        clock.step_wall(seconds)
        with world_in(tmp_path, clock) as world:
            world.minutes(20, judged(world))
            clock.step_wall(-seconds)
            settle(world)

    def test_while_it_is_down_for_three_hours(self, tmp_path: Path, seconds: float) -> None:
        with world_in(tmp_path) as world:
            world.minutes(20, judged(world))
            world.kill()
            world.clock.step_wall(seconds)
            world.hours(3)
            world.start()
            settle(world)

    def test_while_the_api_is_away_and_then_a_restart(self, tmp_path: Path, seconds: float) -> None:
        with world_in(tmp_path) as world:
            world.minutes(10, judged(world))
            world.clock.step_wall(seconds)
            world.outage(minutes=30)
            world.kill()
            world.clock.step_wall(-seconds)
            world.hours(2.5)
            world.start()
            settle(world)


@pytest.mark.parametrize("hours", [0.5, 8, 72])
def test_a_suspended_laptop_catches_up(tmp_path: Path, hours: float) -> None:
    with world_in(tmp_path) as world:
        world.minutes(15, judged(world))
        world.clock.suspend(hours * HOUR)
        settle(world)


def test_a_wall_clock_that_drifts_a_second_a_minute(tmp_path: Path) -> None:
    with world_in(tmp_path) as world:

        def drift() -> None:
            world.clock.step_wall(1.0)
            judged(world)()

        world.minutes(120, drift)
        assert world.scraped.value("celigo_api_clock_skew_seconds") == pytest.approx(120, abs=3)
        settle(world)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time has summer and winter."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)], ids=["spring", "autumn"]
)
def test_the_hour_that_is_skipped_or_repeated_is_counted_as_it_happened(tmp_path: Path, change: datetime) -> None:
    clock = VirtualClock(change.timestamp() - 90 * MINUTE)
    with world_in(tmp_path, clock) as world:
        world.minutes(60, judged(world))
        world.kill()
        world.minutes(20)
        world.start()
        world.minutes(120, judged(world))
        settle(world)
