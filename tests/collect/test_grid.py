"""When a collector is due: how often scrapes come must not matter, how long its interval is must."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.runner import Grid, offset_of

START = 5000.0


def runs(grid: Grid, polls: list[float]) -> list[float]:
    """The instants among `polls` at which a run starts."""
    started = []
    for now in polls:
        if grid.due(now):
            grid.started(now)
            started.append(now)
    return started


def every(seconds: float, count: int, start: float = START) -> list[float]:
    return [start + number * seconds for number in range(count)]


def test_the_first_poll_is_always_due() -> None:
    assert Grid(60).due(-1e9)
    assert Grid(60).due(0.0)


@pytest.mark.parametrize(
    ("interval", "scrape", "polls", "expected"),
    [
        (60, 60, 10, 10),
        (60, 15, 41, 11),
        (60, 1, 601, 11),
        (60, 30, 21, 11),
        (300, 60, 21, 5),
        (60, 59.5, 61, 60),
        (60, 40, 31, 21),
        (60, 90, 11, 11),
        (1, 0.1, 101, 11),
    ],
)
def test_runs_follow_the_interval_whatever_the_scrapes(
    interval: float, scrape: float, polls: int, expected: int
) -> None:
    assert len(runs(Grid(interval), every(scrape, polls))) == expected


def test_a_scrape_that_comes_a_moment_early_does_not_halve_the_rate() -> None:
    jittered = [START + number * 60 + (0.0, -0.6, 0.4, -0.9)[number % 4] for number in range(40)]
    assert len(runs(Grid(60), jittered)) == 40


def test_a_second_scraper_adds_no_run() -> None:
    alone = every(15, 240)
    together = sorted([*alone, *every(15, 240, START + 7.5)])
    assert len(runs(Grid(60), together)) == len(runs(Grid(60), alone)) == 60


@pytest.mark.parametrize(
    ("interval", "early", "due"),
    [
        (60, 1.0, True),
        (60, 1.1, False),
        (300, 1.0, True),
        (300, 1.1, False),
        (10, 0.5, True),
        (10, 0.6, False),
        (1, 0.05, True),
        (1, 0.06, False),
    ],
)
def test_early_is_at_most_a_second_and_a_twentieth_of_the_interval(interval: float, early: float, due: bool) -> None:
    grid = Grid(interval)
    grid.started(0.0)
    assert grid.due(interval - early) is due


def test_an_early_run_does_not_shift_the_grid() -> None:
    grid = Grid(60)
    assert runs(grid, [0.0, 59.5, 119.0, 178.5]) == [0.0, 59.5, 119.0]


def test_a_late_run_stays_on_the_grid_while_less_than_an_interval_behind() -> None:
    grid = Grid(60)
    assert runs(grid, [0.0, 100.0, 120.0]) == [0.0, 100.0, 120.0]


def test_a_missed_interval_is_not_made_up_for() -> None:
    grid = Grid(60)
    assert runs(grid, [0.0, 1000.0, 1001.0, 1058.0, 1059.5]) == [0.0, 1000.0, 1059.5]


class TestPostponed:
    def test_nothing_is_due_before(self) -> None:
        grid = Grid(60)
        grid.started(0.0)
        grid.postpone(300.0)
        assert runs(grid, [60.0, 240.0, 298.9, 299.0]) == [299.0]

    def test_the_grid_goes_on_from_there(self) -> None:
        grid = Grid(60)
        grid.started(0.0)
        grid.postpone(310.0)
        assert runs(grid, every(10, 60, 0.0)) == [310.0, 370.0, 430.0, 490.0, 550.0]

    def test_an_earlier_instant_changes_nothing(self) -> None:
        grid = Grid(600)
        grid.started(0.0)
        grid.postpone(300.0)
        assert not grid.due(300.0)

    def test_it_holds_before_the_first_run(self) -> None:
        grid = Grid(60)
        grid.postpone(300.0)
        assert not grid.due(0.0)
        assert grid.due(300.0)


@given(
    st.sampled_from([0.5, 1.0, 10.0, 60.0, 300.0, 3600.0]),
    st.lists(st.floats(0.0, 400.0), min_size=1, max_size=200),
)
def test_any_scrapes_start_at_most_one_run_an_interval(interval: float, gaps: list[float]) -> None:
    now, polls = START, []
    for gap in gaps:
        now += gap
        polls.append(now)
    started = runs(Grid(interval), polls)
    # One for each interval, one for the first poll, and one for being early at the end.
    assert len(started) <= (polls[-1] - polls[0]) / interval + 2
    assert started[0] == polls[0]


@given(st.sampled_from([1.0, 60.0, 300.0]), st.integers(1, 15), st.integers(2, 300))
def test_frequent_scrapes_miss_no_interval(interval: float, each: int, count: int) -> None:
    step = interval / each
    polls = every(step, count)
    assert len(runs(Grid(interval), polls)) == (count - 1) // each + 1


class TestOffset:
    """Many grids that begin together spread, and whoever scrapes notices nothing but runs that are a little early."""

    @pytest.mark.parametrize("offset", [0.0, 0.01, 0.2, 0.5, 0.77, 0.99])
    def test_it_comes_so_much_earlier_in_the_end_and_never_later_than_an_interval(self, offset: float) -> None:
        started = runs(Grid(60, offset), every(0.125, 8000))
        gaps = [after - before for before, after in pairwise(started)]
        assert max(gaps) <= 60
        assert min(gaps) >= 47
        assert (started[-1] - started[0] + offset * 60) % 60 == pytest.approx(59, abs=0.5)  # a second early

    def test_it_is_there_after_five_intervals(self) -> None:
        started = runs(Grid(60, 0.9), every(0.125, 8000))
        gaps = [after - before for before, after in pairwise(started)]
        assert gaps[5:] == pytest.approx([60] * len(gaps[5:]))

    @given(offset=st.floats(0, 1, exclude_max=True), phase=st.floats(0, 59), jitter=st.randoms(use_true_random=False))
    def test_scrapes_once_an_interval_run_it_each_time(self, offset: float, phase: float, jitter: Random) -> None:
        """Whatever the offset and wherever in the interval scrapes come; theirs differ by milliseconds."""
        grid = Grid(60, offset)
        grid.started(START)
        polls = [START + 1 + phase + number * 60 + jitter.uniform(-0.02, 0.02) for number in range(60)]
        started = runs(grid, polls)
        # While the grid gets to its place, and once more at its edge, a scrape may come just before.
        assert len(started) >= 58
        assert started[-40:] == polls[-40:]

    @given(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([60.0, 300.0, 3600.0]),
        st.lists(st.floats(0.0, 400.0), min_size=1, max_size=100),
    )
    def test_it_costs_one_run_more_in_all(self, offset: float, interval: float, gaps: list[float]) -> None:
        polls = [START + sum(gaps[: number + 1]) for number in range(len(gaps))]
        plain, spread = runs(Grid(interval), polls), runs(Grid(interval, offset), polls)
        missed = sum(after - before >= interval for before, after in pairwise(polls))
        assert len(spread) <= len(plain) + 3 + missed

    def test_after_a_pause_of_everybody_they_spread_again(self) -> None:
        grids = [Grid(60, number / 10) for number in range(10)]
        for grid in grids:
            grid.started(START)
            grid.started(START + 1000)
        spread = {round(runs(grid, every(1, 600, START + 1001))[-1]) for grid in grids}
        assert len(spread) == len(grids)

    def test_it_goes_on_where_the_one_before_was(self) -> None:
        before, after = Grid(60, 0.5), Grid(60, 0.5)
        runs(before, every(1, 90))
        after.go_on(before)
        assert runs(after, every(1, 600, START + 90)) == runs(before, every(1, 600, START + 90))


def test_offsets_are_stable_and_spread() -> None:
    assert offset_of("acme") == pytest.approx(PINNED)
    found = sorted(offset_of(f"account-{number}") for number in range(200))
    assert 0 <= found[0] < found[-1] < 1
    assert max(after - before for before, after in pairwise(found)) < 0.05


PINNED = 0.5084717080462724
