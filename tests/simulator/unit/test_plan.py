"""What will become of a run: limits, rates, sums."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.identity import stream
from exporter.simulator.plan import RunPlan, draw_plan, step_outcomes
from exporter.simulator.resources import Branch, Flow
from tests.simulator.unit.build import QUIET, flow, plan, step

USER = "5" * 24


def drawn(of: Flow, number: int) -> RunPlan:
    return draw_plan(of, of.generators[0].step.id, stream(1, "plan", number), USER)


def many(of: Flow, count: int = 400) -> list[RunPlan]:
    return [drawn(of, number) for number in range(count)]


def test_a_plan_is_a_function_of_its_stream() -> None:
    assert drawn(flow(), 5) == drawn(flow(), 5)
    assert drawn(flow(), 5) != drawn(flow(), 6)


@pytest.mark.parametrize("limit", [5.0, 38.0, 1800.0], ids=str)
def test_no_run_takes_longer_than_its_flows_limit(limit: float) -> None:
    of = flow(behaviour=replace(QUIET, max_seconds=limit, median_seconds=limit))
    assert all(0 < row.duration_ms <= limit * 1000 for row in many(of))


def test_a_minute_flow_is_done_before_its_next_tick() -> None:
    of = flow(behaviour=replace(QUIET, max_seconds=38.0, median_seconds=38.0))
    assert all(row.queue_ms + row.duration_ms < 59_000 for row in many(of))


@pytest.mark.parametrize(("rate", "low", "high"), [(0.0, 0, 0), (0.5, 120, 280), (1.0, 400, 400)], ids=str)
def test_the_failure_rate_decides_how_many_fail(rate: float, low: int, high: int) -> None:
    of = flow(behaviour=replace(QUIET, failure_rate=rate))
    assert low <= sum(row.status == "failed" for row in many(of)) <= high


def test_a_failed_run_reads_nothing_and_raises_one_error_on_its_generator() -> None:
    of = flow(behaviour=replace(QUIET, failure_rate=1.0))
    row = drawn(of, 0)
    assert (row.records, row.pages, row.errors) == (0, 0, ((of.generators[0].step.id, 1),))


def test_cancellations_are_rare_and_name_who_did_it() -> None:
    canceled = [row for row in many(flow(), 4000) if row.status == "canceled"]
    assert 0 < len(canceled) < 60
    assert {row.canceled_by for row in canceled} == {"system", USER}


@pytest.mark.parametrize(("rate", "empty"), [(0.0, False), (1.0, True)])
def test_the_empty_rate_decides_whether_runs_are_empty(*, rate: float, empty: bool) -> None:
    of = flow(behaviour=replace(QUIET, empty_rate=rate))
    completed = [row for row in many(of) if row.status == "completed"]
    assert all((row.records == 0) is empty for row in completed)


def test_errors_never_exceed_the_records_and_hit_processing_steps() -> None:
    of = flow(processors=(step(2), step(3)), behaviour=replace(QUIET, error_rate=1.0, records=3.0))
    rows = [row for row in many(of) if row.errors]
    assert rows
    for row in rows:
        assert sum(count for _, count in row.errors) <= row.records - row.ignored
        assert {step_id for step_id, _ in row.errors} <= {step(2).id, step(3).id}
        assert row.status == "completed"


def test_a_flow_without_processors_errs_on_its_generator() -> None:
    of = flow(processors=(), behaviour=replace(QUIET, error_rate=1.0))
    assert {step_id for row in many(of) for step_id, _ in row.errors} == {step(1).id}


@pytest.mark.parametrize(("records", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2), (400, 20)])
def test_pages_hold_twenty_records(records: int, pages: int) -> None:
    assert plan(records=records).pages == pages


def test_every_step_reports_and_the_generator_comes_first() -> None:
    of = flow(processors=(step(2), step(3)))
    rows = step_outcomes(of, step(1).id, plan(records=40, ignored=3, errors=((step(3).id, 5),)))
    assert [(r.step_id, r.success, r.error, r.ignored) for r in rows] == [
        (step(1).id, 40, 0, 0),
        (step(2).id, 37, 0, 3),
        (step(3).id, 35, 5, 0),
    ]


def test_branches_share_the_records() -> None:
    of = flow(processors=(), branches=(Branch("a", (step(2),)), Branch("b", (step(3),))))
    assert [row.success for row in step_outcomes(of, step(1).id, plan(records=40))] == [40, 20, 20]


@given(
    records=st.integers(0, 500),
    ignored=st.integers(0, 50),
    errors=st.integers(0, 600),
)
def test_no_outcome_is_ever_negative_and_all_errors_are_reported(records: int, ignored: int, errors: int) -> None:
    rows = step_outcomes(flow(), step(1).id, plan(records=records, ignored=ignored, errors=((step(2).id, errors),)))
    assert all(row.success >= 0 for row in rows)
    assert sum(row.error for row in rows) == errors
