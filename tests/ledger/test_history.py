"""What is kept of a flow's history is what its runs say, however they were cut into readings."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.ledger.history import (
    BASELINE_LEAST,
    BASELINE_RUNS,
    EMPTY_RUN,
    FULL_RUN,
    HOUR,
    HOURS_KEPT,
    Durations,
    Emptiness,
    FlowHistory,
    Hours,
)
from exporter.ledger.tally import FINISHED, NEVER, FinishedRun

MARKS = {"e": EMPTY_RUN, "s": FULL_RUN}
marks = st.text("es", max_size=30)
START = 1_788_000_000.0


def stretch(text: str) -> Emptiness:
    """One completed run after the other: e is empty, s has records."""
    held = Emptiness()
    for mark in text:
        held = held.then(MARKS[mark])
    return held


def longest_ended(text: str) -> int:
    """The longest streak of e that an s ended, by cutting at each s."""
    return max((len(streak) for streak in text.split("s")[:-1]), default=0)


def run(
    number: int, status: str = "completed", records: tuple[int, int, int] = (1, 0, 0), **more: object
) -> FinishedRun:
    """The run that was created at minute `number` and ended 30 seconds later, unless told otherwise."""
    at = START + 60.0 * number
    made = FinishedRun(f"run-{number:05}", "f", "i", status, at, at + 30, 25.0, 5.0, records)
    return replace(made, **more)  # type: ignore[arg-type]  # fields of the run


@pytest.mark.parametrize(
    ("text", "longest"),
    [("", 0), ("s", 0), ("e", 0), ("eee", 0), ("es", 1), ("see", 0), ("sees", 2), ("eesees", 2), ("esseeese", 3)],
)
def test_the_longest_streak_is_one_that_a_run_with_records_ended(text: str, longest: int) -> None:
    assert stretch(text).longest == longest == longest_ended(text)


@given(marks)
def test_a_stretch_knows_the_streaks_at_its_ends(text: str) -> None:
    first, last = text.split("s")[0], text.split("s")[-1]
    assert stretch(text) == Emptiness(longest_ended(text), len(first), len(last), "s" not in text)


@given(marks, marks, marks)
def test_stretches_are_put_together_in_any_grouping(one: str, two: str, three: str) -> None:
    first, second, third = stretch(one), stretch(two), stretch(three)
    assert first.then(second).then(third) == first.then(second.then(third)) == stretch(one + two + three)


@given(marks, st.lists(st.integers(0, 30), max_size=6))
def test_cutting_a_stretch_anywhere_gives_the_same(text: str, cuts: list[int]) -> None:
    held, before = Emptiness(), 0
    for cut in [*sorted(cuts), len(text)]:
        held = held.then(stretch(text[before:cut]))
        before = max(before, cut)
    assert held == stretch(text)


ends = st.floats(0, 2e9) | st.integers(0, 60).map(float)
pairs = st.tuples(ends, st.floats(0, 1e6))


@settings(deadline=None)
@given(st.lists(pairs, max_size=2 * BASELINE_RUNS), st.randoms(use_true_random=False))
def test_the_newest_durations_are_kept_whatever_the_order(drawn: list[tuple[float, float]], random: Random) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    held = Durations()
    for ended_at, duration in shuffled:
        held = held.plus(ended_at, duration)
    assert held.pairs() == sorted(drawn)[-BASELINE_RUNS:]
    assert held == Durations.of(drawn)


@settings(deadline=None)
@given(st.lists(pairs, max_size=BASELINE_RUNS + 10))
def test_the_baseline_is_the_nearest_rank_of_the_newest_runs(drawn: list[tuple[float, float]]) -> None:
    newest = sorted(duration for _, duration in sorted(drawn)[-BASELINE_RUNS:])
    # The smallest value that at least 95 of 100 runs do not exceed.
    expected = [value for value in newest if 100 * sum(each <= value for each in newest) >= 95 * len(newest)]
    assert Durations.of(drawn).p95 == (min(expected) if len(newest) >= BASELINE_LEAST else None)


@pytest.mark.parametrize("count", range(BASELINE_RUNS + 1))
def test_the_nearest_rank_is_exact_for_every_number_of_runs(count: int) -> None:
    p95 = Durations.of([(float(number), float(number)) for number in range(1, count + 1)]).p95
    assert p95 == (None if count < BASELINE_LEAST else -(-95 * count // 100))


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * HOURS_KEPT), max_size=60), st.randoms(use_true_random=False))
def test_hours_are_the_set_of_hours_of_five_weeks(drawn: list[int], random: Random) -> None:
    first = int(START // HOUR)
    held = Hours()
    for hour in random.sample(drawn, len(drawn)):
        held = held.plus((first + hour) * HOUR + random.choice([0.0, 1800.0, 3599.999]))
    newest = max(drawn, default=0)
    kept = {hour for hour in drawn if hour > newest - HOURS_KEPT}
    asked = range(-HOURS_KEPT, 4 * HOURS_KEPT)
    assert {hour for hour in asked if held.started(first + hour)} == kept
    assert held.bits.bit_count() == len(kept)


def test_no_run_started_in_no_hour() -> None:
    assert not any(Hours().started(hour) for hour in (-1, 0, 1, int(START // HOUR)))


@pytest.mark.parametrize("at", [-62e9, 250e9], ids=["year-1", "year-9999"])
def test_an_absurd_instant_costs_little(at: float) -> None:
    assert Hours().plus(START).plus(at).bits < 1 << HOURS_KEPT


statuses = st.sampled_from(("completed", "completed", *FINISHED))
drawn_runs = st.lists(
    st.tuples(
        statuses,
        st.sampled_from([(0, 0, 0), (0, 0, 0), (3, 0, 0), (0, 1, 0), (0, 0, 2)]),
        st.none() | st.floats(0, 5000),
        st.sampled_from([None, "export-a", "export-b"]),
    ),
    max_size=90,
)


def made(drawn: Sequence[tuple[str, tuple[int, int, int], float | None, str | None]]) -> list[FinishedRun]:
    """Runs in their order, an hour apart at most."""
    return [
        run(number * 7, status, records, duration=duration, export_id=export)
        for number, (status, records, duration, export) in enumerate(drawn)
    ]


def fed(runs: Sequence[FinishedRun], held: FlowHistory | None = None) -> FlowHistory:
    """Everything forwards."""
    held = held or FlowHistory()
    for each in runs:
        held = held.ran(each)
    return held


def observed(history: FlowHistory) -> tuple[object, ...]:
    """What a flow's history tells, whichever side of the first sight it comes from."""
    streaks = history.before.then(history.since.whole)
    instants = (history.success, history.delivery)
    return (history.durations, streaks, history.hours, instants, history.starts, history.longest_empty)


@settings(deadline=None, max_examples=150)
@given(drawn_runs, st.lists(st.integers(0, 90), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_read_backwards_slice_by_slice_history_is_what_it_is_forwards(
    drawn: list[tuple[str, tuple[int, int, int], float | None, str | None]], cuts: list[int], random: Random
) -> None:
    """The first cut is the first sight: what is newer was read forwards; rows of a slice come in any order."""
    runs = made(drawn)
    first_sight, *slices = sorted(cuts, reverse=True)
    held = fed(runs[first_sight:])
    upper = first_sight
    for lower in [*slices, 0]:
        held = held.preceded(random.sample(runs[lower:upper], len(runs[lower:upper])))
        upper = lower
    assert observed(held) == observed(fed(runs))


@settings(deadline=None, max_examples=150)
@given(drawn_runs, st.lists(st.integers(0, 90), max_size=5), st.integers(1, 12))
def test_windows_one_after_the_other_each_read_newest_first_are_what_they_are_forwards(
    drawn: list[tuple[str, tuple[int, int, int], float | None, str | None]], cuts: list[int], page: int
) -> None:
    runs, held, before = made(drawn), FlowHistory(), 0
    for cut in [*sorted(cuts), len(runs)]:
        window = list(reversed(runs[before:cut]))
        for start in range(0, len(window), page):
            held = fed(window[start : start + page], held)
        before = max(before, cut)
    assert observed(held) == observed(fed(runs))


@settings(deadline=None)
@given(drawn_runs)
def test_history_tells_what_the_runs_tell(
    drawn: list[tuple[str, tuple[int, int, int], float | None, str | None]],
) -> None:
    runs = made(drawn)
    history = fed(runs)
    completed = [each for each in runs if each.status == "completed"]
    assert history.longest_empty == longest_ended("".join("s" if any(each.records) else "e" for each in completed))
    assert history.success == max((each.ended_at for each in completed if each.records[1] == 0), default=NEVER)
    timed = [(each.ended_at, each.duration) for each in runs if each.duration is not None]
    assert history.durations.pairs() == timed[-BASELINE_RUNS:]
    for export in ("export-a", "export-b"):
        starts = [each.created_at for each in runs if each.export_id in (None, export)]
        assert history.last_start(export) == max(starts, default=None)
    assert history.last_start() == max((each.created_at for each in runs), default=None)


@pytest.mark.parametrize(
    ("status", "records", "succeeds"),
    [
        ("completed", (1, 0, 0), True),
        ("completed", (0, 0, 0), True),
        ("completed", (0, 0, 4), True),
        ("completed", (5, 1, 0), False),
        ("failed", (5, 0, 0), False),
        ("canceled", (5, 0, 0), False),
    ],
)
def test_a_success_is_a_completed_run_without_an_error(
    status: str, records: tuple[int, int, int], succeeds: bool
) -> None:
    held = FlowHistory().ran(run(5)).ran(run(6, status, records))
    assert held.success == run(6 if succeeds else 5).ended_at


@pytest.mark.parametrize(
    ("status", "records", "delivers"),
    [
        ("completed", (5, 1, 0), True),
        ("completed", (5, 5, 0), True),
        ("completed", (0, 4, 4), True),
        ("completed", (0, 0, 0), True),
        ("completed", (5, 6, 0), False),
        ("completed", (0, 1, 0), False),
        ("failed", (5, 0, 0), False),
        ("canceled", (5, 0, 0), False),
    ],
)
def test_a_delivery_is_a_completed_run_of_which_at_most_half_the_records_failed(
    status: str, records: tuple[int, int, int], delivers: bool
) -> None:
    held = FlowHistory().ran(run(5)).ran(run(6, status, records))
    assert held.delivery == run(6 if delivers else 5).ended_at


def test_a_flow_without_a_delivery_has_none() -> None:
    assert FlowHistory().ran(run(5, "failed")).delivery == NEVER


def test_an_older_success_that_is_read_later_changes_nothing() -> None:
    assert FlowHistory().ran(run(5)).preceded([run(3)]).ran(run(4)).success == run(5).ended_at


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_run_that_did_not_complete_says_nothing_about_emptiness(status: str) -> None:
    empty = (0, 0, 0)
    held = fed([run(1, records=empty), run(2, status), run(3, status, empty), run(4, records=empty), run(5)])
    assert held.longest_empty == 2


def test_the_streak_that_still_goes_on_is_not_the_longest() -> None:
    held = fed([run(1, records=(0, 0, 0)), run(2), *(run(number, records=(0, 0, 0)) for number in range(3, 9))])
    assert held.longest_empty == 1
    assert held.ran(run(9)).longest_empty == 6


def test_a_streak_across_the_first_sight_is_one() -> None:
    held = fed([run(11, records=(0, 0, 0)), run(12)]).preceded([run(9), run(10, records=(0, 0, 0))])
    assert held.longest_empty == 2


def test_the_last_start_of_an_export_is_also_that_of_a_run_whose_export_is_not_told() -> None:
    held = fed([run(1, export_id="a"), run(2, export_id="b"), run(3), run(4, export_id="b")])
    assert held.last_start("a") == run(3).created_at
    assert held.last_start("b") == held.last_start() == run(4).created_at
    assert fed([run(1, export_id="a")]).last_start("b") is None


def test_starts_of_more_exports_than_a_flow_has_are_bounded_and_the_newest_stay() -> None:
    held = fed([run(number, export_id=f"export-{number:03}") for number in range(200)])
    assert len(held.starts) <= 16
    assert held.last_start() == run(199).created_at
    assert held.last_start("export-199") == run(199).created_at
