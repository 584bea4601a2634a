"""Changes of clocks, found to the second."""

import pytest

from exporter.schedule.zones import ClockChange, Stretch, clock_changes, is_second_pass, stretch_at
from tests.schedule.instants import instant

HOUR = 3600


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Berlin", [("2026-03-29 01:00", 1, 2), ("2026-10-25 01:00", 2, 1)]),
        ("America/New_York", [("2026-03-08 07:00", -5, -4), ("2026-11-01 06:00", -4, -5)]),
        ("Australia/Lord_Howe", [("2026-04-04 15:00", 11, 10.5), ("2026-10-03 15:30", 10.5, 11)]),
        ("Pacific/Chatham", [("2026-04-04 14:00", 13.75, 12.75), ("2026-09-26 14:00", 12.75, 13.75)]),
        ("Asia/Kolkata", []),
    ],
)
def test_the_changes_of_a_year_are_found_with_their_offsets(zone: str, changes: list[tuple[str, float, float]]) -> None:
    assert list(clock_changes(zone, 2026)) == [
        ClockChange(int(instant(at)), int(before * HOUR), int(after * HOUR)) for at, before, after in changes
    ]


def test_a_day_left_out_is_a_change_like_any_other() -> None:
    # Samoa went over the date line and had no 30 December 2011.
    assert clock_changes("Pacific/Apia", 2011)[-1] == ClockChange(
        int(instant("2011-12-30 10:00")), -10 * HOUR, 14 * HOUR
    )


def test_stretches_meet_without_a_hole_and_change_their_offset_at_each_change() -> None:
    change = int(instant("2026-03-29 01:00"))
    assert stretch_at("Europe/Berlin", change - 0.5) == Stretch(int(instant("2026-01-01 00:00")), change, HOUR)
    assert stretch_at("Europe/Berlin", change) == Stretch(change, int(instant("2026-10-25 01:00")), 2 * HOUR)


@pytest.mark.parametrize(("minutes", "second"), [(-61, False), (-1, False), (0, True), (59, True), (60, False)])
def test_the_hour_after_clocks_are_set_back_is_a_second_pass(minutes: int, second: bool) -> None:
    assert is_second_pass("Europe/Berlin", instant("2026-10-25 01:00") + 60 * minutes) is second
