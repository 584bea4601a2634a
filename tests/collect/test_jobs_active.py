"""Runs in progress, and when they last moved."""

import pytest

from exporter.api.errors import ServerError
from exporter.collect.active import ACTIVE, ActiveRun, active_flows, active_runs
from tests.clocks import EPOCH
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import FLOW, job


@pytest.fixture
def kit() -> JobsKit:
    return JobsKit()


def moved(kit: JobsKit) -> dict[str, float | None]:
    return {run.id: None if run.moved_at is None else run.moved_at - EPOCH for run in kit.active.runs}


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        ("flow", "queued", True),
        ("flow", "running", True),
        ("flow", "retrying", True),
        ("flow", "canceling", True),
        (None, "running", True),
        ("flow", "paused", False),
        ("flow", "completed", False),
        ("retry", "running", False),
        ("bulk_retry", "running", False),
        ("import", "running", False),
    ],
)
def test_a_run_in_progress_is_a_flow_job_with_a_status_of_the_contract(
    kind: str | None, status: str, shown: bool
) -> None:
    runs = active_runs([job("a", status, kind=kind)], {}, EPOCH)
    assert bool(runs) is shown


@pytest.mark.parametrize(
    ("status", "started", "since"),
    [("queued", None, 0.0), ("queued", 5.0, 0.0), ("running", 5.0, 5.0), ("running", None, 0.0)],
    ids=["queued", "queued-again", "running", "start-not-told"],
)
def test_a_run_counts_from_its_start_and_from_its_creation_while_queued(
    status: str, started: float | None, since: float
) -> None:
    (run,) = active_runs([job("a", status, 0.0, started)], {}, EPOCH + 60)
    assert run.since == EPOCH + since


def test_a_run_that_never_moved_has_not_moved_since_its_start(kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", -600, -500, records=(0, 0, 0))
    kit.collect()
    kit.next()
    assert moved(kit) == {"a": -500.0}


def test_a_run_first_seen_in_the_middle_may_have_moved_until_then(kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", -600, -500, records=(7, 0, 0))
    kit.collect()
    kit.next()
    kit.next()
    assert moved(kit) == {"a": 0.0}


@pytest.mark.parametrize("change", [{"records": (2, 0, 0)}, {"records": (1, 1, 0)}, {"pages": 1}])
def test_any_counter_that_moves_is_progress(change: dict[str, object], kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", -600, -500)
    kit.collect()
    kit.next()
    kit.client.jobs["a"] = job("a", "running", -600, -500, **change)  # type: ignore[arg-type]  # one keyword each
    kit.next()
    kit.next()
    assert moved(kit) == {"a": 120.0}


def stuck(kit: JobsKit, *pages: int) -> None:
    """A run whose counters move once a minute, and then no more."""
    for count in pages:
        kit.client.jobs["a"] = job("a", "running", -600, -500, pages=count)
        kit.next()
    kit.next()


def test_a_run_that_stopped_moving_has_stopped_at_the_same_instant_after_a_restart(kit: JobsKit) -> None:
    stuck(kit, 1, 2)
    before = moved(kit)
    for _ in range(3):
        kit.restart()
        kit.next(1800)
        assert moved(kit) == before == {"a": 120.0}


def test_a_run_that_never_moved_has_not_moved_after_a_restart_either(kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", -600, -500, records=(0, 0, 0))
    kit.collect()
    kit.restart()
    kit.next(1800)
    assert moved(kit) == {"a": -500.0}


@pytest.mark.parametrize("change", [{"records": (2, 0, 0)}, {"records": (1, 0, 1)}, {"pages": 3}])
def test_a_run_that_moved_while_the_exporter_was_down_moved_just_now(change: dict[str, object], kit: JobsKit) -> None:
    stuck(kit, 1, 2)
    kit.restart()
    kit.client.jobs["a"] = job("a", "running", -600, -500, **{"pages": 2, **change})  # type: ignore[arg-type]  # a row
    kit.next(1800)
    now = kit.now
    kit.restart()
    kit.next(1800)
    assert moved(kit) == {"a": now}


def test_a_run_that_an_incomplete_answer_left_out_keeps_its_instant_across_a_restart(kit: JobsKit) -> None:
    stuck(kit, 1, 2)
    kit.client.not_current.add("a")
    kit.client.incomplete.add("current_jobs")
    kit.next()
    assert moved(kit) == {"a": 120.0}
    kit.restart()
    kit.next()
    kit.client.not_current.clear()
    kit.client.incomplete.clear()
    kit.next()
    assert moved(kit) == {"a": 120.0}


def test_nothing_is_remembered_of_runs_that_ended(kit: JobsKit) -> None:
    for number in range(30):
        kit.begin(f"run-{number}")
        kit.next()
        kit.finish(f"run-{number}")
    kit.next()
    assert kit.store.state.progress == {}
    kit.restart()
    kit.next()
    assert kit.active.runs == ()


def test_a_run_without_any_instant_that_stopped_moving_is_seen_to_have_stopped(kit: JobsKit) -> None:
    kit.client.jobs["a"] = job("a", "running", None)
    kit.collect()
    kit.next()
    kit.next()
    assert moved(kit) == {"a": 0.0}


def test_a_queued_run_is_not_expected_to_move(kit: JobsKit) -> None:
    kit.begin("a", "queued")
    kit.collect()
    assert moved(kit) == {"a": None}


def test_a_run_that_leaves_the_queue_counts_from_its_start(kit: JobsKit) -> None:
    kit.begin("a", "queued")
    kit.collect()
    kit.client.jobs["a"] = job("a", "running", 0, 50, records=(0, 0, 0))
    kit.next()
    assert moved(kit) == {"a": 50.0}


def test_a_run_that_ended_is_gone_at_once(kit: JobsKit) -> None:
    kit.begin("a")
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    assert kit.active.runs == ()


def test_a_lagging_answer_does_not_show_a_counted_run_as_running(kit: JobsKit) -> None:
    kit.begin("a")
    running = kit.client.jobs["a"]
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.client.jobs["a"] = running
    kit.next()
    assert kit.active.runs == ()
    assert kit.flow().runs == (1, 0, 0)


def test_an_incomplete_answer_does_not_make_runs_vanish(kit: JobsKit) -> None:
    kit.begin("a")
    kit.begin("b")
    kit.collect()
    kit.client.not_current.add("a")
    kit.client.incomplete.add("current_jobs")
    kit.next()
    assert {run.id for run in kit.active.runs} == {"a", "b"}
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    kit.next()
    assert {run.id for run in kit.active.runs} == {"b"}


def test_a_failing_call_keeps_the_reading_before_with_its_age(kit: JobsKit) -> None:
    kit.begin("a")
    kit.collect()
    read_at = kit.published.at["active_runs"]
    kit.client.always("current_jobs", ServerError("/v1/jobs/current", status=500))
    kit.next()
    assert kit.published.at["active_runs"] == read_at


def test_pending_jobs_are_told_with_the_runs(kit: JobsKit) -> None:
    kit.begin("a")
    kit.client.jobs["r"] = job("r", "running", kind="retry")
    kit.collect()
    assert (len(kit.active.runs), kit.active.pending) == (1, 2)


def test_several_runs_of_a_flow_are_kept_apart_and_runs_without_a_flow_only_totalled(kit: JobsKit) -> None:
    kit.begin("a")
    kit.begin("b", "queued")
    kit.begin("c", flow_id=None)
    kit.collect()
    assert {flow: len(runs) for flow, runs in active_flows(kit.active.runs).items()} == {FLOW: 2}
    assert kit.active.by_status() == {"running": 2, "queued": 1}


def test_what_is_kept_of_a_run_is_bounded_by_the_runs_in_progress(kit: JobsKit) -> None:
    for number in range(50):
        kit.begin(f"run-{number}")
        kit.next()
        kit.finish(f"run-{number}")
    kit.next()
    assert kit.active.runs == ()


def test_the_statuses_are_those_of_the_contract_in_order() -> None:
    assert ACTIVE == ("queued", "running", "retrying", "canceling")
    assert active_flows([ActiveRun("a", None, "running", None, (), None)]) == {}
