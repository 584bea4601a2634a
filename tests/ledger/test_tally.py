"""Sums, newest run and streaks do not depend on the order of the rows."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.expose.families import Distribution
from exporter.ledger.tally import (
    DURATION_BUCKETS,
    FINISHED,
    NO_DURATIONS,
    FinishedRun,
    FlowTally,
    IntegrationTally,
    Streak,
    finished_run,
    observed,
    plus_status,
)
from tests.clocks import EPOCH
from tests.ledger.rows import finished, job


def run_of(job_id: str, ended: float, status: str = "completed", **more: object) -> FinishedRun:
    row = finished(job_id, ended, status, **more)
    assert row.created_at is not None
    return finished_run(row, row.created_at)


@pytest.mark.parametrize(
    ("started", "ended", "duration", "wait"),
    [
        (2.0, 132.0, 130.0, 2.0),
        (0.0, 0.0, 0.0, 0.0),
        (None, 5.0, None, None),
        (3.0, None, None, 3.0),
        (None, None, None, None),
        (10.0, 4.0, None, 10.0),
        (-1.0, 4.0, 5.0, None),
    ],
    ids=["usual", "at-once", "canceled-in-queue", "no-end", "no-instants", "ended-before-start", "started-too-early"],
)
def test_a_duration_is_known_only_from_two_instants_in_order(
    started: float | None, ended: float | None, duration: float | None, wait: float | None
) -> None:
    run = finished_run(job("a", created=0.0, started=started, ended=ended), EPOCH)
    assert (run.duration, run.queue_wait) == (duration, wait)


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [(2.0, 9.0, 9.0), (2.0, None, 2.0), (None, None, 0.0)],
    ids=["end", "start", "creation"],
)
def test_a_run_without_an_end_is_placed_at_the_newest_instant_it_has(
    started: float | None, ended: float | None, expected: float
) -> None:
    assert finished_run(job("a", created=0.0, started=started, ended=ended), EPOCH).ended_at == EPOCH + expected


def test_a_run_without_an_integration_belongs_to_the_standalone_flows() -> None:
    assert finished_run(job("a", integration_id=None), EPOCH).integration_id == "none"


@pytest.mark.parametrize("status", FINISHED)
def test_each_status_has_a_place_of_its_own(status: str) -> None:
    counts = plus_status((0, 0, 0), status)
    assert dict(zip(FINISHED, counts, strict=True)) == {name: int(name == status) for name in FINISHED}


def streak_of(marks: str) -> int:
    """The streak after runs ended at 1, 2, 3...: f extends, s breaks, c does neither."""
    tally = FlowTally()
    for number, mark in enumerate(marks, start=1):
        status = {"f": "failed", "s": "completed", "c": "canceled"}[mark]
        tally = tally.seen(run_of(str(number), float(number), status))
    return tally.failed.count


@pytest.mark.parametrize(
    ("marks", "expected"),
    [("", 0), ("s", 0), ("f", 1), ("ff", 2), ("ffs", 0), ("sff", 2), ("fsf", 1), ("fcf", 2), ("c", 0), ("fc", 1)],
)
def test_failed_runs_in_a_row_are_counted_from_the_newest_success(marks: str, expected: int) -> None:
    assert streak_of(marks) == expected


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_streaks_are_the_same_in_whatever_order_the_rows_come(order: tuple[int, ...]) -> None:
    runs = [run_of("a", 1, "failed"), run_of("b", 2), run_of("c", 3, "failed"), run_of("d", 4, "failed")]
    tally = FlowTally()
    for place in order:
        tally = tally.seen(runs[place])
    assert tally.failed.count == 2
    assert tally.last is not None
    assert tally.last.id == "d"


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("completed", (0, 0, 0))], 1),
        ([("completed", (0, 0, 0)), ("completed", (0, 0, 0))], 2),
        ([("completed", (0, 0, 0)), ("completed", (1, 0, 0))], 0),
        ([("completed", (0, 0, 0)), ("completed", (0, 1, 0))], 0),
        ([("completed", (0, 0, 0)), ("completed", (0, 0, 1))], 0),
        ([("completed", (0, 0, 0)), ("failed", (0, 0, 0))], 1),
        ([("completed", (0, 0, 0)), ("canceled", (0, 0, 0)), ("completed", (0, 0, 0))], 2),
    ],
    ids=["one", "two", "success", "error", "ignored", "failed-says-nothing", "canceled-says-nothing"],
)
def test_empty_runs_in_a_row_are_completed_ones_without_any_record(
    runs: list[tuple[str, tuple[int, int, int]]], expected: int
) -> None:
    tally = FlowTally()
    for number, (status, records) in enumerate(runs):
        tally = tally.seen(run_of(str(number), float(number), status, records=records))
    assert tally.empty.count == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("es"), st.integers(0, 30)), max_size=14), st.randoms(use_true_random=False))
def test_a_streak_is_a_function_of_the_set_of_runs(marks: list[tuple[str, int]], shuffle: Random) -> None:
    breaks = [end for mark, end in marks if mark == "s"]
    newest_break = max(breaks, default=-1)
    expected = sum(mark == "e" and end > newest_break for mark, end in marks)
    shuffled = list(marks)
    shuffle.shuffle(shuffled)
    streak = Streak()
    for mark, end in shuffled:
        streak = streak.extended(float(end)) if mark == "e" else streak.broken(float(end))
    assert streak.count == expected


def test_a_long_streak_is_counted_in_full_and_remembers_a_bounded_number_of_ends() -> None:
    streak = Streak()
    for number in range(1000):
        streak = streak.extended(float(number))
    assert streak.count == 1000
    assert len(streak.ends) == 16


def test_a_late_success_behind_a_long_streak_leaves_what_is_certain() -> None:
    streak = Streak()
    for number in range(100):
        streak = streak.extended(float(number))
    assert streak.broken(50.0).count == 16
    assert streak.broken(95.0).count == 4


@pytest.mark.parametrize("marks", ["s" + "f" * 40, "fs" + "f" * 40, "ffff" + "s" + "f" * 17 + "c" + "f" * 20])
def test_a_streak_read_backwards_is_counted_in_full(marks: str) -> None:
    tally = FlowTally()
    for number, mark in reversed(list(enumerate(marks, start=1))):
        status = {"f": "failed", "s": "completed", "c": "canceled"}[mark]
        tally = tally.seen(run_of(str(number), float(number), status))
    assert tally.failed.count == streak_of(marks) == len(marks[marks.index("s") :].replace("c", "")) - 1


def naive(values: list[float]) -> Distribution:
    cumulative = tuple(sum(value <= bound for value in values) for bound in DURATION_BUCKETS)
    return Distribution(cumulative, sum(values), len(values))


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(DURATION_BUCKETS), st.floats(0, 200_000)), max_size=20))
def test_histogram_buckets_hold_every_value_up_to_and_including_their_bound(values: list[float]) -> None:
    state = NO_DURATIONS
    for value in values:
        state = observed(state, DURATION_BUCKETS, value)
    expected = naive(values)
    assert (state.cumulative, state.count) == (expected.cumulative, expected.count)
    assert state.sum == pytest.approx(expected.sum)


def test_an_unknown_duration_is_no_observation() -> None:
    assert observed(NO_DURATIONS, DURATION_BUCKETS, None) == NO_DURATIONS


def test_an_integration_adds_up_runs_records_durations_and_waits() -> None:
    tally = IntegrationTally().counted(run_of("a", 100, records=(3, 2, 1))).counted(run_of("b", 200, "failed"))
    assert tally.runs == (1, 1, 0)
    assert tally.records == (4, 2, 1)
    assert (tally.durations.count, tally.durations.sum) == (2, 20.0)
    assert (tally.queue_waits.count, tally.queue_waits.sum) == (2, 20.0)
    assert tally.newest_created == EPOCH + 180


def test_of_two_runs_with_the_same_end_the_later_created_is_the_newest_whatever_the_order() -> None:
    first = finished_run(job("z", created=0.0, ended=50.0), EPOCH)
    second = finished_run(job("a", created=1.0, ended=50.0), EPOCH + 1)
    for pair in permutations((first, second)):
        tally = FlowTally()
        for run in pair:
            tally = tally.seen(run)
        assert tally.last == second
