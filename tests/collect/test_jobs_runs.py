"""Finished runs: baseline, late rows, followed ids, and what happens when a part of the reading fails."""

from itertools import pairwise

import pytest

from exporter.api.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    RateLimited,
    ServerError,
    Timeout,
    Unauthorized,
    UnexpectedShape,
)
from exporter.config.settings import JobsSettings
from exporter.ledger.tally import FlowTally, IntegrationTally
from tests.clocks import EPOCH
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import FLOW, INTEGRATION, finished, job


@pytest.fixture
def kit() -> JobsKit:
    return JobsKit()


def test_a_new_account_starts_every_flow_and_integration_at_zero(kit: JobsKit) -> None:
    assert kit.collect() is None
    assert kit.flow() == FlowTally()
    assert kit.integration() == IntegrationTally()
    assert kit.watermark == EPOCH


def test_what_ended_before_the_first_sight_feeds_the_newest_run_only(kit: JobsKit) -> None:
    kit.client.jobs["old"] = finished("old", -60, "failed", records=(4, 3, 2))
    kit.collect()
    kit.next()
    assert (kit.flow().runs, kit.flow().failed.count) == ((0, 0, 0), 1)
    assert kit.flow().last is not None


def test_a_run_is_counted_once_over_many_collections(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a", records=(5, 1, 2))
    for _ in range(5):
        kit.next()
    assert (kit.flow().runs, kit.flow().records) == ((1, 0, 0), (5, 1, 2))
    assert kit.integration().runs == (1, 0, 0)


def test_a_row_that_appears_an_hour_late_is_still_counted(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("late")
    kit.client.unlisted.add("late")
    for _ in range(60):
        kit.next()
    assert kit.flow().runs == (0, 0, 0)
    kit.client.unlisted.clear()
    # The whole overlap is read every ten minutes.
    for _ in range(10):
        kit.next()
    assert kit.flow().runs == (1, 0, 0)


def test_a_run_that_queued_for_ten_days_is_followed_to_its_end() -> None:
    kit = JobsKit(JobsSettings(interval=3600.0))
    kit.collect()
    kit.begin("slow", "queued")
    for _ in range(240):
        assert kit.next(3600) is None
    assert kit.client.calls_of("job") == []
    kit.client.jobs["slow"] = job("slow", "completed", 0, kit.now - 5, kit.now)
    kit.next()
    kit.next()
    assert kit.flow().runs == (1, 0, 0)
    assert kit.client.calls_of("job") == [("slow",)]
    assert kit.integration().queue_waits.count == 1


def test_a_pending_run_that_the_api_no_longer_has_is_given_up_after_ten_minutes_and_is_unknown(kit: JobsKit) -> None:
    kit.begin("gone")
    kit.collect()
    del kit.client.jobs["gone"]
    for _ in range(10):
        kit.next()
    assert kit.runs.unknown == {"flow": 0, "retry": 0}
    for _ in range(5):
        kit.next()
    assert kit.client.calls_of("job") == [("gone",)] * 11
    assert kit.flow().runs == (0, 0, 0)
    assert kit.runs.unknown == {"flow": 1, "retry": 0}
    kit.restart()
    kit.next()
    assert kit.runs.unknown == {"flow": 1, "retry": 0}


def test_a_job_that_was_missing_for_a_while_is_followed_again(kit: JobsKit) -> None:
    kit.begin("shy")
    kit.collect()
    kit.client.unlisted.add("shy")
    kit.client.not_current.add("shy")
    row = kit.client.jobs.pop("shy")
    for _ in range(8):
        kit.next()
    kit.client.jobs["shy"] = row
    kit.next()
    del kit.client.jobs["shy"]
    for _ in range(8):
        kit.next()
    assert kit.runs.unknown["flow"] == 0
    kit.client.jobs["shy"] = job("shy", "completed", 0, 0, kit.now)
    kit.next()
    assert kit.flow().runs == (1, 0, 0)


def test_a_run_that_still_shows_in_the_window_or_in_progress_is_not_asked_for(kit: JobsKit) -> None:
    kit.begin("a")
    kit.client.not_current.add("a")
    kit.begin("b")
    kit.client.unlisted.add("b")
    for _ in range(3):
        kit.next()
    assert kit.client.calls_of("job") == []


def test_following_is_capped_and_asks_the_longest_unasked_first() -> None:
    kit = JobsKit(JobsSettings(follow_per_run=2))
    for number in range(5):
        kit.begin(f"run-{number}")
    kit.collect()
    kit.client.unlisted.update(kit.client.jobs)
    kit.client.not_current.update(kit.client.jobs)
    for _ in range(5):
        kit.next()
    asked = [call[0] for call in kit.client.calls_of("job")]
    assert asked == [f"run-{number % 5}" for number in range(10)]


def test_an_unreadable_job_does_not_keep_the_others_from_their_turn(kit: JobsKit) -> None:
    for name in ("a", "b"):
        kit.begin(name)
    kit.collect()
    kit.client.unlisted.update(kit.client.jobs)
    kit.client.not_current.update(kit.client.jobs)
    kit.client.faults["job"] = lambda name: UnexpectedShape("/v1/jobs/{jobId}") if name == "a" else None
    kit.clock.advance(30)
    kit.finish("b")
    assert isinstance(kit.next(), UnexpectedShape)
    assert kit.flow().runs == (1, 0, 0)


def test_a_server_that_fails_ends_the_following_of_this_run(kit: JobsKit) -> None:
    for number in range(5):
        kit.begin(f"run-{number}")
    kit.collect()
    kit.client.unlisted.update(kit.client.jobs)
    kit.client.not_current.update(kit.client.jobs)
    kit.client.always("job", ServerError("/v1/jobs/{jobId}", status=500))
    assert isinstance(kit.next(), ServerError)
    assert len(kit.client.calls_of("job")) == 1


def test_an_id_that_cannot_stand_in_a_path_is_never_asked_for(kit: JobsKit) -> None:
    kit.begin("../flows")
    kit.collect()
    kit.client.jobs.clear()
    assert kit.next() is None
    assert kit.client.calls_of("job") == []


@pytest.mark.parametrize("page", [0, 1, 2])
def test_the_watermark_never_passes_a_window_that_was_not_read_to_its_end(page: int, kit: JobsKit) -> None:
    kit.collect()
    before = kit.watermark
    kit.client.page_size = 2
    kit.clock.advance(30)
    for number in range(6):
        kit.finish(f"run-{number}")
    kit.client.faults["job_pages"] = lambda kind, _, number, *__: (
        ServerError("/v1/jobs", status=500) if (kind, number) == ("flow", page) else None
    )
    assert isinstance(kit.next(), ServerError)
    assert kit.watermark == before
    assert sum(kit.flow().runs) == 2 * page
    kit.client.faults.clear()
    kit.next()
    assert kit.watermark == EPOCH + 150
    assert kit.flow().runs == (6, 0, 0)


def test_a_window_over_the_page_bound_is_read_in_narrower_slices(kit: JobsKit) -> None:
    kit.client.page_size, kit.client.page_bound = 5, 4
    kit.collect()
    for _ in range(100):
        kit.clock.advance(10)
        kit.finish(f"run-{kit.now}")
    assert kit.next() is None
    assert kit.flow().runs == (100, 0, 0)
    assert kit.refresh.truncated > 0
    assert kit.watermark == EPOCH + 1060


def test_a_cut_slice_is_halved_rather_than_taken_apart(kit: JobsKit) -> None:
    kit.client.page_size, kit.client.page_bound = 5, 4
    kit.collect()
    for _ in range(30):
        kit.clock.advance(100)
        kit.finish(f"run-{kit.now}")
    kit.client.calls.clear()
    assert kit.next() is None
    windows = {call[3:] for call in kit.client.calls_of("job_pages") if call[0] == "flow"}
    assert len(windows) < 10


def test_more_rows_in_a_minute_than_pages_stop_the_watermark_but_not_the_counting(kit: JobsKit) -> None:
    kit.client.page_size, kit.client.page_bound = 5, 2
    kit.collect()
    kit.clock.advance(30)
    for number in range(30):
        kit.finish(f"run-{number}")
    kit.clock.advance(3600)
    kit.finish("later")
    error = kit.next()
    assert error is not None
    assert error.type == "too_large"
    assert kit.watermark is not None
    assert kit.watermark < EPOCH + 3600
    kit.client.page_bound = 1000
    kit.next()
    assert kit.flow().runs == (31, 0, 0)


def test_after_a_long_break_the_time_between_is_read_in_slices_oldest_first(kit: JobsKit) -> None:
    kit.collect()
    for hour in range(1, 73):
        kit.clock.advance(3600)
        kit.finish(f"run-{hour}")
    kit.client.calls.clear()
    assert kit.next() is None
    windows = [call[3:] for call in kit.client.calls_of("job_pages") if call[0] == "flow"]
    assert len(windows) == 4
    assert windows[-1][1] is None
    assert all(first[1] == second[0] for first, second in pairwise(windows))
    assert kit.flow().runs == (72, 0, 0)


def test_the_watermark_keeps_the_slices_that_were_read_when_a_later_one_fails(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(3 * 86400)
    day_two = EPOCH + 86400
    kit.client.faults["job_pages"] = lambda _kind, _scope, _number, lower, _upper: (
        ServerError("/v1/jobs", status=500) if lower > day_two else None
    )
    assert isinstance(kit.next(), ServerError)
    assert kit.watermark == EPOCH + 2 * 86400 - 7200


def test_with_no_overlap_configured_the_windows_still_touch() -> None:
    kit = JobsKit(JobsSettings(overlap=0.0))
    kit.collect()
    kit.clock.advance(20)
    kit.begin("a")
    kit.next()
    kit.client.jobs["a"] = finished("a", kit.now)
    kit.next()
    assert kit.flow().runs == (1, 0, 0)


@pytest.mark.parametrize("seconds", [-4000.0, -300.0, 300.0, 4000.0])
def test_a_local_clock_that_jumps_neither_loses_nor_repeats_runs(seconds: float, kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.clock.set_wall(kit.clock.time() + seconds)
    kit.next()
    kit.clock.set_wall(kit.clock.time() - seconds)
    kit.clock.advance(30)
    kit.finish("b")
    kit.next()
    assert kit.flow().runs == (2, 0, 0)


def test_a_restart_on_the_same_store_goes_on_counting(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.begin("b")
    kit.next()
    kit.restart()
    kit.clock.advance(30)
    kit.finish("b")
    kit.finish("c")
    kit.next()
    assert kit.flow().runs == (3, 0, 0)


@pytest.mark.parametrize(
    "error",
    [
        ServerError("/v1/jobs", status=500),
        Timeout("/v1/jobs"),
        RateLimited("/v1/jobs", status=429),
        Forbidden("/v1/jobs", status=403),
    ],
    ids=lambda error: error.type,
)
def test_a_failing_listing_still_publishes_the_runs_in_progress(error: ApiError, kit: JobsKit) -> None:
    kit.begin("a")
    kit.client.always("job_pages", error)
    kit.collect()
    assert [run.id for run in kit.active.runs] == ["a"]
    assert "finished_runs" not in kit.published.views


@pytest.mark.parametrize(
    "error", [ServerError("/v1/jobs/current", status=500), Forbidden("/v1/jobs/current", status=403)]
)
def test_without_the_jobs_in_progress_the_finished_runs_are_still_counted(error: ApiError, kit: JobsKit) -> None:
    kit.collect()
    kit.client.always("current_jobs", error)
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    assert kit.flow().runs == (1, 0, 0)


def test_without_the_jobs_in_progress_what_is_pending_is_asked_for_by_id(kit: JobsKit) -> None:
    kit.begin("old", "queued")
    kit.collect()
    kit.client.always("current_jobs", ServerError("/v1/jobs/current", status=500))
    kit.client.unlisted.add("old")
    kit.clock.advance(30)
    kit.finish("old")
    kit.next()
    assert kit.flow().runs == (1, 0, 0)


def test_a_refusal_of_one_half_fails_the_run_and_of_both_is_a_refusal_of_the_collector(kit: JobsKit) -> None:
    kit.client.always("current_jobs", Forbidden("/v1/jobs/current", method="POST", status=403))
    refused = kit.collect()
    assert isinstance(refused, Forbidden)
    assert refused.partial
    kit.client.always("job_pages", Forbidden("/v1/jobs", status=403))
    assert isinstance(kit.next(), Forbidden)


def test_a_dead_token_is_tried_once_per_run(kit: JobsKit) -> None:
    kit.client.always("current_jobs", Unauthorized("/v1/jobs/current", method="POST", status=401))
    assert isinstance(kit.collect(), Unauthorized)
    assert [call[0] for call in kit.client.calls] == ["current_jobs"]


def test_a_failing_window_does_not_make_old_numbers_look_fresh(kit: JobsKit) -> None:
    kit.collect()
    read_at = kit.published.at["finished_runs"]
    kit.client.always("job_pages", RateLimited("/v1/jobs", status=429))
    kit.next()
    assert kit.published.at["finished_runs"] == read_at


@pytest.mark.parametrize("listing", ["flows", "integrations"])
def test_a_failing_inventory_is_not_the_jobs_collectors_failure(listing: str, kit: JobsKit) -> None:
    kit.client.always(listing, ServerError(f"/v1/{listing}", status=500))
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    assert kit.next() is None
    assert kit.flow().runs == (1, 0, 0)


def test_a_deleted_flow_and_integration_lose_their_counters(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.client.flow_homes, kit.client.integration_ids = {"flow-2": "integration-2"}, ["integration-2"]
    kit.next()
    assert set(kit.runs.flows) == {"flow-2"}
    assert set(kit.runs.integrations) == {"integration-2"}


def test_a_flow_missing_from_an_incomplete_listing_keeps_its_counters(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.client.flow_homes = {}
    kit.client.incomplete.add("flows")
    kit.next()
    assert kit.flow().runs == (1, 0, 0)


@pytest.mark.parametrize("home", [INTEGRATION, None])
def test_a_flow_of_which_only_the_id_can_be_read_keeps_its_counters_and_no_others(
    kit: JobsKit, home: str | None
) -> None:
    kit.client.flow_homes = {FLOW: home, "flow-2": "integration-2"}
    kit.client.integration_ids = [INTEGRATION, "integration-2"]
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a", integration_id=home)
    kit.finish("b", flow_id="flow-2", integration_id="integration-2")
    kit.next()
    kit.restart()
    del kit.client.flow_homes["flow-2"]
    kit.client.integration_ids = [INTEGRATION]
    kit.client.unread["flows"] = {FLOW}
    kit.next()
    assert set(kit.runs.flows) == {FLOW}
    assert kit.flow().runs == (1, 0, 0)
    assert set(kit.runs.integrations) == {INTEGRATION, home or "none"}


def test_a_first_listing_that_is_incomplete_takes_no_counters_away(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.restart()
    kit.client.flow_homes, kit.client.integration_ids = {}, []
    kit.client.incomplete.update({"flows", "integrations"})
    kit.next()
    assert kit.flow().runs == (1, 0, 0)
    assert kit.integration().runs == (1, 0, 0)


def test_numbers_of_an_account_that_cannot_be_read_age_as_a_whole(kit: JobsKit) -> None:
    kit.collect()
    kit.client.always("job_pages", RateLimited("/v1/jobs", status=429))
    for _ in range(6):
        kit.next()
    assert set(kit.runs.flows) == {FLOW}
    assert set(kit.runs.integrations) == {INTEGRATION}


def test_a_flow_that_is_newer_than_the_listing_is_counted(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.client.faults["flows"] = lambda: ServerError("/v1/flows", status=500)
    kit.finish("a", flow_id="new-flow")
    kit.next()
    assert kit.flow("new-flow").runs == (1, 0, 0)


def test_a_flow_outside_any_integration_counts_for_none(kit: JobsKit) -> None:
    kit.client.flow_homes["alone"] = None
    kit.collect()
    assert kit.integration("none") == IntegrationTally()
    kit.clock.advance(30)
    kit.finish("a", flow_id="alone", integration_id=None)
    kit.next()
    assert kit.integration("none").runs == (1, 0, 0)


def test_without_flows_outside_any_integration_there_is_no_such_integration(kit: JobsKit) -> None:
    kit.collect()
    assert set(kit.runs.integrations) == {INTEGRATION}


def test_a_row_without_an_instant_is_counted_as_rejected(kit: JobsKit) -> None:
    kit.collect()
    kit.client.always_listed.append(job("x", created=None))
    kit.next()
    assert kit.refresh.rejected == {"bad_instant": 1}


def test_several_generators_make_several_runs(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.finish("b")
    kit.next()
    assert kit.flow().runs == (2, 0, 0)


@pytest.mark.parametrize("error", [BadRequest("/v1/jobs", status=400), ServerError("/v1/jobs", status=500)])
def test_nothing_is_published_as_finished_before_a_window_was_read(error: ApiError, kit: JobsKit) -> None:
    kit.client.always("job_pages", error)
    assert kit.collect() is error
    assert "finished_runs" not in kit.published.views


def test_a_quiet_minute_costs_two_calls_besides_the_cached_inventory(kit: JobsKit) -> None:
    kit.collect()
    kit.client.calls.clear()
    kit.next()
    asked = [call[0] for call in kit.client.calls if call[0] not in {"flows", "integrations"}]
    assert asked == ["current_jobs", "job_pages"]
