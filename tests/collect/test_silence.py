"""A usual silence is an upper bound, learned from the same hour of the last weeks and from what weeks differ by."""

import math
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collect import silence
from exporter.collect.silence import HOURS_LEAST, REVIEWED, WEEKS_LEAST, Silences, difference, usual_silence
from exporter.ledger.history import HOUR, HOURS_KEPT, Hours

WEEK = 168 * HOUR
MONDAY = 1_788_134_400.0
"""2026-08-31T00:00:00Z."""


def hours_of(starts: Iterable[float]) -> Hours:
    held = Hours()
    for start in starts:
        held = held.plus(start)
    return held


def office(weeks: int, *, from_hour: int = 8, to_hour: int = 18, days: int = 5) -> list[float]:
    """A run every half an hour in office hours, for so many weeks before Monday."""
    return [
        MONDAY - week * WEEK + day * 24 * HOUR + half * HOUR / 2
        for week in range(1, weeks + 1)
        for day in range(days)
        for half in range(2 * from_hour, 2 * to_hour)
    ]


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        (0, 0, 57),  # the last run began on Friday at 17:30
        (0, 8, 64),
        (0, 9, 64),
        (0, 10, 2),
        (0, 13, 2),
        (0, 17, 2),
        (0, 18, 3),
        (0, 19, 4),
        (1, 0, 9),
        (1, 8, 16),
        (5, 12, 21),
        (6, 23, 56),
    ],
)
def test_a_flow_of_office_hours_is_usually_silent_at_night_and_over_the_weekend(
    day: int, hour: int, expected: int
) -> None:
    now = MONDAY + (day * 24 + hour) * HOUR + 1200
    this_week = [at + WEEK for at in office(1) if at + WEEK < now]
    assert usual_silence(hours_of(office(4) + this_week), MONDAY - 4 * WEEK, now) == expected * HOUR


def test_a_flow_with_a_run_in_each_hour_has_a_usual_silence_of_two_hours() -> None:
    starts = [MONDAY - hour * HOUR + 300 for hour in range(1, 4 * 168 + 1)]
    assert usual_silence(hours_of(starts), MONDAY - 4 * WEEK, MONDAY) == 2 * HOUR


@pytest.mark.parametrize(
    ("known", "expected"),
    [(WEEKS_LEAST, True), (WEEKS_LEAST - 0.05, False), (0.5, False), (4, True)],
    ids=["two-weeks", "a-little-less", "half-a-week", "four-weeks"],
)
def test_less_than_two_whole_weeks_tell_nothing(known: float, expected: bool) -> None:
    found = usual_silence(hours_of(office(4)), MONDAY - known * WEEK, MONDAY)
    assert (found is not None) is expected


@pytest.mark.parametrize("count", range(HOURS_LEAST + 2))
def test_a_flow_that_hardly_runs_has_no_usual_silence(count: int) -> None:
    # Several runs in one hour are one hour with a run.
    starts = [MONDAY - (1 + 30 * number) * HOUR + minute * 60 for number in range(count) for minute in (5, 6, 7)]
    found = usual_silence(hours_of(starts), MONDAY - 4 * WEEK, MONDAY)
    assert (found is not None) is (count >= HOURS_LEAST)


def test_a_flow_without_any_run_has_no_usual_silence() -> None:
    assert usual_silence(Hours(), MONDAY - 4 * WEEK, MONDAY) is None


def test_the_longest_of_the_known_weeks_counts() -> None:
    holiday = [at for at in office(4) if not MONDAY - 2 * WEEK - 24 * HOUR <= at < MONDAY - 2 * WEEK + 24 * HOUR]
    now = MONDAY + 24 * HOUR
    assert usual_silence(hours_of(office(4)), MONDAY - 4 * WEEK, now) == 9 * HOUR
    assert usual_silence(hours_of(holiday), MONDAY - 4 * WEEK, now) == (9 + 72) * HOUR


def test_a_silence_from_before_five_weeks_is_told_as_far_as_it_is_known() -> None:
    """Older hours are not kept: that nothing is known of them does not mean that nothing ran."""
    starts = [at for at in office(6) if at >= MONDAY - 3 * WEEK or at < MONDAY - 5 * WEEK - 48 * HOUR]
    found = usual_silence(hours_of(starts), MONDAY - 20 * WEEK, MONDAY)
    assert found is not None
    # Nothing ran from Friday evening five weeks ago on; the week before the oldest Monday is known, no more.
    assert found <= (168 * 2 + 57) * HOUR


half_hours = st.sets(st.integers(0, 2 * 168 * 5 - 1), min_size=HOURS_LEAST * 2, max_size=600)


@settings(deadline=None, max_examples=200)
@given(
    half_hours,
    st.sets(st.integers(0, 6)),
    st.floats(0, 3500),
    st.integers(0, 3 * 168),
    st.floats(0, 3599),
)
def test_the_estimate_is_never_below_a_known_silence_and_above_it_by_two_hours_and_what_weeks_differ_by(
    drawn: set[int], days_off: set[int], offset: float, unknown: int, within: float
) -> None:
    """Against the start instants themselves, in the same hour of each known week."""
    begin = MONDAY - 5 * WEEK
    runs_of = [begin + half * HOUR / 2 + offset / 2 for half in drawn if half // 48 % 7 not in days_off]
    known_since, now = begin + unknown * HOUR + within, MONDAY + within
    starts = sorted(at for at in runs_of if known_since <= at < MONDAY)
    estimate = usual_silence(hours_of(starts), known_since, now)
    if len({at // HOUR for at in starts}) < HOURS_LEAST or now - known_since < 2 * WEEK:
        assert estimate is None
        return
    if estimate is None:
        # A part of the first hour is no whole hour.
        assert now - known_since < 2 * WEEK + HOUR
        return
    reached = [
        longest_silence(starts, hour, known_since)
        for week in range(1, 5)
        for hour in (MONDAY - week * WEEK + beside * HOUR for beside in (-1, 0, 1))
        if hour > known_since + HOUR
    ]
    reviewed = int(now // HOUR) // REVIEWED * REVIEWED
    known = reviewed - max(-int(-known_since // HOUR), hours_of(starts).newest - HOURS_KEPT + 1)
    chance = differences(starts, reviewed, min(known, HOURS_KEPT))
    assert max(reached) <= estimate - 2 * chance * HOUR <= max(reached) + 2 * HOUR


def differences(starts: list[float], end: int, known: int) -> int:
    """The second-highest difference of any spell to all other weeks, by definition, in the `known` hours to `end`."""
    ran = {int(at // HOUR) for at in starts}
    hours = range(end - known, end)
    silent, last = {}, end - known - 1
    for hour in hours:
        silent[hour] = hour - last - 1
        last = hour if hour in ran else last
    peaks, peak = [], 0
    for hour in hours:
        others = [silent[other] for week in range(-5, 6) if week and (other := hour + week * 168) in silent]
        excess = silent[hour] - max(others) if others else 0
        if excess <= 0 and peak:
            peaks.append(peak)
        peak = max(peak, excess) if excess > 0 else 0
    return sorted([*peaks, peak, 0, 0])[-2]


def by_chance(mean_hours: float, weeks: int, seed: int) -> list[float]:
    """Starts that come by chance, so many weeks before Monday."""
    draws, at, starts = random.Random(seed), MONDAY - weeks * WEEK, []
    while at < MONDAY:
        starts.append(at)
        at += draws.expovariate(1 / mean_hours) * HOUR
    return starts


@pytest.mark.parametrize("mean", [0.2, 1.0, 4.0, 12.0])
def test_a_flow_that_runs_by_chance_is_hardly_ever_silent_for_longer_than_it_usually_is(mean: float) -> None:
    """Less than once in ten weeks; what was at the same hour would alone say it up to eight times a week."""
    told = weeks = 0
    for seed in range(3):
        starts, held = by_chance(mean, 15, seed), Hours()
        upcoming = iter([*starts, math.inf])
        start, last, silent_before = next(upcoming), -math.inf, False
        for hour in range(int(MONDAY // HOUR) - 10 * 168, int(MONDAY // HOUR)):
            while start < hour * HOUR:
                held, last, start = held.plus(start), start, next(upcoming)
            usual = usual_silence(held, MONDAY - 15 * WEEK, hour * HOUR)
            silent = usual is not None and hour * HOUR - last > usual
            told += silent and not silent_before
            silent_before = silent
        weeks += 10
    assert told / weeks <= 0.1


@pytest.mark.parametrize("moved", [-1, 1])
def test_a_change_of_clocks_makes_no_flow_silent(moved: int) -> None:
    """A run at 17:48 and one in each office hour, by clocks that were changed a day before Monday."""
    clocks = MONDAY - 24 * HOUR

    def of_week(week: int) -> list[float]:
        days = [MONDAY + (week * 7 + day) * 24 * HOUR for day in range(7)]
        whens = [
            *(day + 17.8 * HOUR for day in days),
            *(day + (8.9 + hour) * HOUR for day in days[:5] for hour in range(9)),
        ]
        return [when + moved * HOUR if when >= clocks else when for when in whens]

    starts = sorted(start for week in range(-5, 1) for start in of_week(week))
    for minute in range(0, 7 * 24 * 60, 5):
        now = MONDAY + minute * 60
        past = [start for start in starts if start <= now]
        usual = usual_silence(hours_of(past), MONDAY - 5 * WEEK, now)
        assert usual is not None
        assert now - past[-1] <= usual


def test_one_holiday_and_one_outage_widen_nothing_but_a_second_one_does() -> None:
    def without(starts: list[float], *spells: tuple[float, float]) -> list[float]:
        """Spells by days before Monday."""
        return [at for at in starts if not any(begin < (MONDAY - at) / (24 * HOUR) <= end for end, begin in spells)]

    busy, now = [MONDAY - half * HOUR / 2 for half in range(1, 2 * 168 * 5)], MONDAY
    usual = [
        usual_silence(hours_of(without(busy, *spells)), MONDAY - 5 * WEEK, now)
        for spells in ((), ((18, 16),), ((18, 16), (11.5, 11)))
    ]
    assert usual == [2 * HOUR, 2 * HOUR, (2 + 2 * 12) * HOUR]


def test_weeks_are_compared_anew_every_six_hours() -> None:
    starts = by_chance(2.0, 5, 1)
    difference.cache_clear()
    for hour in range(24):
        usual_silence(hours_of(starts), MONDAY - 5 * WEEK, MONDAY + hour * HOUR)
    assert difference.cache_info().misses == 24 / REVIEWED


def longest_silence(starts: list[float], hour: float, known_since: float) -> float:
    """The longest silence reached in the hour from `hour` on: each lasts until a run begins, or the hour ends."""
    first = -(-known_since // HOUR) * HOUR
    ends = [*(at for at in starts if hour <= at < hour + HOUR), hour + HOUR]
    return max(end - max((at for at in starts if at < end), default=first) for end in ends)


class TestRemembered:
    """`Silences` says what `usual_silence` says, and works it out once an hour."""

    known_since = MONDAY - 4 * WEEK

    def test_it_is_the_same_at_any_time(self) -> None:
        held, hours = Silences(), hours_of(office(4))
        for minutes in range(0, 7 * 24 * 60, 41):
            now = MONDAY + 60 * minutes
            assert held.usual("f", hours, self.known_since, now) == usual_silence(hours, self.known_since, now)

    def test_new_runs_and_more_history_are_noticed_within_the_hour(self) -> None:
        held, now = Silences(), MONDAY + 9 * HOUR
        for hours, since in [
            (office(4), 4),
            (office(4, from_hour=3), 4),
            (office(3), 4),
            (office(3), 1),
            (office(3), 3),
        ]:
            known_since = MONDAY - since * WEEK
            told = held.usual("f", hours_of(hours), known_since, now)
            assert told == usual_silence(hours_of(hours), known_since, now)

    def test_flows_are_kept_apart_and_forgotten(self) -> None:
        held, busy, now = Silences(), hours_of(office(4)), MONDAY + 9 * HOUR
        one, two = (held.usual(name, hours, self.known_since, now) for name, hours in [("a", busy), ("b", Hours())])
        assert one is not None
        assert two is None
        held.forget("a")
        assert list(held._held) == ["b"]

    def test_within_the_hour_it_is_worked_out_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held, hours, now = Silences(), hours_of(office(4)), MONDAY + 9 * HOUR
        first = held.usual("f", hours, self.known_since, now)
        monkeypatch.setattr(silence, "usual_silence", None)
        assert held.usual("f", hours_of(office(4)), self.known_since, now + HOUR - 1) == first
