"""When schedules fire, in particular where clocks change."""

import math
from itertools import pairwise

import pytest

from exporter.schedule import Timetable, count_ticks, interval_around, next_tick, previous_tick, read_schedule
from tests.schedule.instants import instant, local

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def ticks(text: str, zone: str, after: str, count: int) -> list[str]:
    """Local times of the ticks that follow `after`, a local time."""
    schedule, at, found = read_schedule(text, zone), instant(after, zone), []
    for _ in range(count):
        at = next_tick(schedule, at)
        found.append(local(at, zone))
    return found


def test_a_daily_schedule_keeps_its_local_time_over_the_year() -> None:
    assert ticks("? 5 9 ? * *", BERLIN, "2026-03-28 00:00", 2) == ["2026-03-28 09:05+01:00", "2026-03-29 09:05+02:00"]


def test_either_the_day_of_month_or_the_weekday_is_enough() -> None:
    assert ticks("? 0 0 13 * FRI", "UTC", "2026-08-07 00:00", 3) == [
        "2026-08-13 00:00+00:00",
        "2026-08-14 00:00+00:00",
        "2026-08-21 00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("text", "zone", "after", "found"),
    [
        ("? 30 2 ? * *", BERLIN, "2026-03-28 12:00", ["2026-03-30 02:30+02:00"]),
        ("? 30 2 ? * *", NEW_YORK, "2026-03-07 12:00", ["2026-03-09 02:30-04:00"]),
        ("? 15 2 ? * *", LORD_HOWE, "2026-10-03 12:00", ["2026-10-05 02:15+11:00"]),
        ("? 30 2 ? * *", LORD_HOWE, "2026-10-03 12:00", ["2026-10-04 02:30+11:00"]),
        ("? 30 * ? * *", BERLIN, "2026-03-29 01:00", ["2026-03-29 01:30+01:00", "2026-03-29 03:30+02:00"]),
        ("? 0 0 ? * *", "America/Santiago", "2026-09-05 12:00", ["2026-09-07 00:00-03:00"]),
    ],
    ids=["Berlin", "New York", "Lord Howe", "Lord Howe after the half hour", "around the clock", "midnight"],
)
def test_a_local_time_that_a_change_skips_brings_no_tick(text: str, zone: str, after: str, found: list[str]) -> None:
    assert ticks(text, zone, after, len(found)) == found


@pytest.mark.parametrize(
    ("text", "zone", "after", "found"),
    [
        ("? 30 2 ? * *", BERLIN, "2026-10-25 00:00", ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]),
        ("? 30 1 ? * *", NEW_YORK, "2026-11-01 00:00", ["2026-11-01 01:30-04:00", "2026-11-02 01:30-05:00"]),
        ("? 45 1 ? * *", LORD_HOWE, "2026-04-05 00:00", ["2026-04-05 01:45+11:00", "2026-04-06 01:45+10:30"]),
        (
            "? 0,30 1-3 ? * *",
            BERLIN,
            "2026-10-25 01:30",
            ["2026-10-25 02:00+02:00", "2026-10-25 02:30+02:00", "2026-10-25 03:00+01:00"],
        ),
    ],
    ids=["Berlin", "New York", "Lord Howe", "range of hours"],
)
def test_fixed_hours_fire_in_the_first_pass_of_a_repeated_time_alone(
    text: str, zone: str, after: str, found: list[str]
) -> None:
    assert ticks(text, zone, after, len(found)) == found


@pytest.mark.parametrize(
    ("text", "zone", "after", "found"),
    [
        (
            "? 30 * ? * *",
            BERLIN,
            "2026-10-25 02:00",
            ["2026-10-25 02:30+02:00", "2026-10-25 02:30+01:00", "2026-10-25 03:30+01:00"],
        ),
        (
            "? 45 * ? * *",
            LORD_HOWE,
            "2026-04-05 01:00",
            ["2026-04-05 01:45+11:00", "2026-04-05 01:45+10:30", "2026-04-05 02:45+10:30"],
        ),
    ],
    ids=["Berlin", "Lord Howe"],
)
def test_around_the_clock_both_passes_of_a_repeated_time_fire(
    text: str, zone: str, after: str, found: list[str]
) -> None:
    assert ticks(text, zone, after, len(found)) == found


def test_within_the_second_pass_the_last_tick_of_fixed_hours_is_that_of_the_first() -> None:
    first = instant("2026-10-25 02:30", BERLIN)
    assert previous_tick(read_schedule("? 30 2 ? * *", BERLIN), first + 3600 + 60) == first


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kolkata"])
def test_a_schedule_of_every_five_minutes_goes_on_through_the_whole_year(zone: str) -> None:
    schedule = read_schedule("? */5 * ? * *", zone)
    for day in ("2026-03-29 00:00", "2026-10-25 00:00"):
        at, found = instant(day), []
        for _ in range(60):
            at = next_tick(schedule, at)
            found.append(at)
        assert {later - earlier for earlier, later in pairwise(found)} == {300.0}


@pytest.mark.parametrize(("moment", "later"), [(-1.0, 0.0), (-0.25, 0.0), (0.0, 86400.0), (59.9, 86400.0)])
def test_the_next_tick_is_later_than_the_instant_to_the_fraction_of_a_second(moment: float, later: float) -> None:
    schedule, tick = read_schedule("? 5 0 ? * *", None), instant("2026-08-30 00:05")
    assert next_tick(schedule, tick + moment) == tick + later


@pytest.mark.parametrize(("moment", "earlier"), [(-0.25, -86400.0), (0.0, 0.0), (0.5, 0.0), (86399.0, 0.0)])
def test_the_previous_tick_may_be_the_instant_itself(moment: float, earlier: float) -> None:
    schedule, tick = read_schedule("? 5 0 ? * *", None), instant("2026-08-30 00:05")
    assert previous_tick(schedule, tick + moment) == tick + earlier


def test_the_interval_is_longer_over_a_weekend() -> None:
    weekdays = read_schedule("? 5 9 ? * 1,2,3,4,5", BERLIN)
    assert interval_around(weekdays, instant("2026-08-28 09:05", BERLIN)) == 3 * 86400
    assert interval_around(weekdays, instant("2026-08-28 09:04", BERLIN)) == 86400


def test_a_leap_day_is_four_years_away_at_most() -> None:
    leap = read_schedule("? 0 0 29 2 ?", None)
    assert next_tick(leap, instant("2024-02-29 00:00")) == instant("2028-02-29 00:00")
    assert previous_tick(leap, instant("2028-02-28 23:59")) == instant("2024-02-29 00:00")


def test_what_does_not_fire_within_five_years_never_fires() -> None:
    leap = read_schedule("? 0 0 29 2 ?", None)
    assert next_tick(leap, instant("2096-03-01 00:00")) == math.inf
    assert previous_tick(leap, instant("2104-02-28 00:00")) == -math.inf
    assert count_ticks(leap, instant("2096-03-01 00:00"), math.inf, 5) == 0


@pytest.mark.parametrize(
    ("after", "until", "most", "count"),
    [
        ("2026-08-30 00:00", "2026-08-30 00:59", 99, 3),
        ("2026-08-30 00:00", "2026-08-30 01:00", 99, 4),
        ("2026-08-30 00:00", "2026-08-30 01:00", 2, 2),
        ("2026-08-30 00:00", "2026-08-30 01:00", 0, 0),
        ("2026-08-30 00:01", "2026-08-30 00:14", 99, 0),
        ("2026-08-30 01:00", "2026-08-30 00:00", 99, 0),
        ("1970-01-01 00:00", "2026-08-30 00:00", 99, 99),
    ],
    ids=["end open", "end reached", "most", "none wanted", "between", "backwards", "since ever"],
)
def test_ticks_are_counted_after_the_one_and_up_to_the_other(after: str, until: str, most: int, count: int) -> None:
    assert count_ticks(read_schedule("? */15 * ? * *", None), instant(after), instant(until), most) == count


def test_a_timetable_fires_whenever_one_of_its_schedules_does() -> None:
    both = Timetable((read_schedule("? 0 6 ? * *", BERLIN), read_schedule("? 0 6 ? * *", "UTC")))
    now = instant("2026-08-30 05:00")
    assert (both.previous_tick(now), both.next_tick(now)) == (
        instant("2026-08-30 06:00", BERLIN),
        instant("2026-08-30 06:00"),
    )
    assert both.interval_around(now) == 2 * 3600


def test_a_tick_of_two_schedules_is_one() -> None:
    both = Timetable((read_schedule("? */20 * ? * *", None), read_schedule("? */30 * ? * *", BERLIN)))
    midnight = instant("2026-08-30 00:00")
    assert both.count_ticks(midnight, midnight + 3600, 99) == len({20, 30, 40, 60})


def test_a_timetable_without_a_schedule_never_fires() -> None:
    nothing = Timetable(())
    assert (nothing.previous_tick(0.0), nothing.next_tick(0.0), nothing.interval_around(0.0)) == (
        -math.inf,
        math.inf,
        math.inf,
    )
    assert nothing.count_ticks(0.0, math.inf, 5) == 0
