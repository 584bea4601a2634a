"""The tick that the next change of clocks takes away."""

import pytest

from exporter.schedule import Timetable, next_tick, read_schedule, skipped_by_clock_change
from tests.schedule.instants import instant

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def forecast(text: str, zone: str, now: str) -> float | None:
    return skipped_by_clock_change(Timetable((read_schedule(text, zone),)), instant(now, zone))


@pytest.mark.parametrize(
    ("text", "zone", "now", "skipped"),
    [
        ("? 30 2 ? * *", BERLIN, "2026-01-10 00:00", "2026-03-29 01:30"),
        ("? 0 2 ? * *", BERLIN, "2026-03-29 01:59", "2026-03-29 01:00"),
        ("? 59 2 29 3 ?", BERLIN, "2026-01-10 00:00", "2026-03-29 01:59"),
        ("? */20 1-3 ? * SUN", BERLIN, "2026-01-10 00:00", "2026-03-29 01:00"),
        ("? 50 * ? * *", BERLIN, "2026-01-10 00:00", None),
        ("? 0 3 ? * *", BERLIN, "2026-01-10 00:00", None),
        ("? 59 1 ? * *", BERLIN, "2026-01-10 00:00", None),
        ("? 30 2 ? * MON", BERLIN, "2026-01-10 00:00", None),
        ("? 30 2 ? * *", NEW_YORK, "2026-01-10 00:00", "2026-03-08 07:30"),
        ("? 30 2 ? * *", NEW_YORK, "2026-07-01 00:00", "2027-03-14 07:30"),
        ("? 15 2 ? * *", LORD_HOWE, "2026-01-10 00:00", "2026-10-03 15:45"),
        ("? 0,30 2 ? * *", LORD_HOWE, "2026-01-10 00:00", "2026-10-03 15:30"),
        ("? 30 2 ? * *", LORD_HOWE, "2026-01-10 00:00", None),
        ("? 30 0 ? * *", "America/Santiago", "2026-01-10 00:00", "2026-09-06 04:30"),
        ("? 0 9 ? * *", "Pacific/Apia", "2011-12-01 00:00", "2011-12-30 19:00"),
        ("? 30 2 ? * *", "Asia/Tokyo", "2026-01-10 00:00", None),
        ("? 30 2 ? * *", "UTC", "2026-01-10 00:00", None),
    ],
)
def test_the_tick_is_foreseen_at_the_instant_it_would_have_come(
    text: str, zone: str, now: str, skipped: str | None
) -> None:
    assert forecast(text, zone, now) == (None if skipped is None else instant(skipped))


def test_clocks_set_back_are_passed_over() -> None:
    assert forecast("? 30 2 ? * *", BERLIN, "2026-10-01 00:00") == instant("2027-03-28 01:30")


def test_when_clocks_have_changed_the_next_year_is_asked() -> None:
    change = instant("2026-03-29 01:00")
    timetable = Timetable((read_schedule("? 30 2 ? * *", BERLIN),))
    assert skipped_by_clock_change(timetable, change - 0.5) == change + 1800
    assert skipped_by_clock_change(timetable, change) == instant("2027-03-28 01:30")


def test_only_the_next_change_counts() -> None:
    # 28 March is the Sunday of the change in 2027, not in 2026.
    assert forecast("? 30 2 28 3 ?", BERLIN, "2026-01-10 00:00") is None
    assert forecast("? 30 2 28 3 ?", BERLIN, "2026-04-01 00:00") == instant("2027-03-28 01:30")


def test_of_several_schedules_the_first_skipped_tick_counts() -> None:
    zones = (BERLIN, NEW_YORK, LORD_HOWE, "UTC")
    timetable = Timetable(tuple(read_schedule("? 15 2 ? * *", zone) for zone in zones))
    assert skipped_by_clock_change(timetable, instant("2026-01-10 00:00")) == instant("2026-03-08 07:15")
    assert skipped_by_clock_change(timetable, instant("2026-04-10 00:00")) == instant("2026-10-03 15:45")


def test_the_skipped_tick_is_no_tick() -> None:
    skipped = forecast("? 30 2 ? * *", BERLIN, "2026-03-28 12:00")
    assert skipped is not None
    assert next_tick(read_schedule("? 30 2 ? * *", BERLIN), instant("2026-03-28 12:00", BERLIN)) > skipped


def test_without_a_schedule_nothing_is_skipped() -> None:
    assert skipped_by_clock_change(Timetable(()), instant("2026-01-10 00:00")) is None
