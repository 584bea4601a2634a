"""What was known is known after a restart: counters and what is derived from history, and nothing from before the first
sight."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.series import family_of
from tests.simulation.world import HOUR, JOBS_ONLY, World

SMALL: dict[str, Any] = {"flows": 24, "seed": 9, "history_seconds": 6 * HOUR, "collectors": JOBS_ONLY}
DERIVED = frozenset(
    {
        "celigo_flow_runs_total",
        "celigo_flow_records_total",
        "celigo_flow_retries_total",
        "celigo_integration_runs_total",
        "celigo_integration_records_total",
        "celigo_integration_run_duration_seconds",
        "celigo_run_queue_wait_seconds",
        "celigo_flow_last_run_status",
        "celigo_flow_last_run_records",
        "celigo_flow_last_run_duration_seconds",
        "celigo_flow_consecutive_failed_runs",
        "celigo_flow_consecutive_empty_runs",
        "celigo_runs_unknown_total",
    }
)


def derived(world: World) -> dict[bytes, float]:
    """Everything that comes from finished runs."""
    return {series: value for series, value in world.scraped.series().items() if family_of(series) in DERIVED}


def test_the_first_scrape_after_a_restart_tells_what_the_last_one_before_it_told(tmp_path: Path) -> None:
    with World(tmp_path, **SMALL) as world:
        world.simulator.inject("run_vanished", flow=world.simulator.engine.account.flows[1].id)
        world.hours(2)
        before = derived(world)
        assert {family_of(series) for series in before} == DERIVED
        world.kill()
        world.start()
        assert world.scrape()
        after = derived(world)
        retries = {series for series in before if family_of(series) == "celigo_flow_retries_total"}
        assert {series: value for series, value in after.items() if series not in retries} == {
            series: value for series, value in before.items() if series not in retries
        }
        # Retries are listed every five minutes, and after a restart at once.
        assert all(after[series] >= before[series] for series in retries)
        assert world.differences() == []


def test_nothing_from_before_the_first_sight_is_counted(tmp_path: Path) -> None:
    with World(tmp_path, **SMALL) as world:
        assert world.scrape()
        assert set(world.scraped.now("celigo_flow_runs_total").values()) == {0.0}
        assert world.scraped.now("celigo_flow_last_run_status")


def test_without_a_file_counting_starts_anew(tmp_path: Path) -> None:
    with World(tmp_path, durable=False, **SMALL) as world:
        world.hours(1)
        assert sum(world.scraped.now("celigo_flow_runs_total").values()) > 0
        world.kill()
        world.start()
        assert world.scrape()
        assert sum(world.scraped.now("celigo_flow_runs_total").values()) == 0
        assert world.scraped.now("celigo_exporter_state_persistent") == {("memory",): 0.0}


def test_a_state_file_is_told(tmp_path: Path) -> None:
    with World(tmp_path, **SMALL) as world:
        world.minutes(2)
        assert world.scraped.now("celigo_exporter_state_persistent") == {("sqlite",): 1.0}
        assert set(world.scraped.now("celigo_exporter_state_failures_total").values()) == {0.0}
        size = world.scraped.value("celigo_exporter_state_size_bytes")
        assert size is not None
        assert size > 10_000


@pytest.mark.parametrize("days", [0.5, 4] if os.environ.get("PROVE") else [0.5, 1.5])
def test_a_gap_of_days_is_caught_up_and_its_progress_shown(tmp_path: Path, days: float) -> None:
    with World(tmp_path, job_page_size=100, **SMALL) as world:
        world.minutes(10)
        world.kill()
        world.clock.advance(days * 24 * HOUR)
        world.start()
        seen = []

        def look() -> None:
            seen.append(world.scraped.value("celigo_exporter_catch_up_ratio"))

        world.minutes(90, look)
        shown = [ratio for ratio in seen if ratio is not None]
        assert shown == sorted(shown)
        assert shown[-1] == 1.0
        assert world.differences() == []


def test_a_run_that_stays_queued_for_ten_days_holds_nothing_back(tmp_path: Path) -> None:
    """The sample account has one, as a real account had."""
    with World(tmp_path, **SMALL) as world:
        world.hours(2)
        watermark = world.scraped.value("celigo_exporter_watermark_timestamp_seconds", collector="jobs")
        assert watermark is not None
        assert watermark > world.clock.true() - 120
        assert world.scraped.value("celigo_active_runs", status="queued") >= 1  # type: ignore[operator]  # it is known
        requests = sum(world.scraped.now("celigo_api_requests_total", endpoint="/v1/jobs").values())
        # A window and its end per minute, and the retries.
        assert requests < 2 * 120 + 2 * 24 + 20
