"""Ticks of schedules in their own zones, clock changes included."""

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from exporter.simulator.cadence import draw_cadence
from exporter.simulator.identity import stream
from exporter.simulator.schedule import last_tick, ticks
from tests.simulator.unit.build import MINUTE, START


def first(schedule: str, zone: str | None, after: str, count: int) -> list[str]:
    """The first ticks after a local time, as local time texts."""
    local = ZoneInfo(zone or "UTC")
    begin = round(datetime.fromisoformat(after).replace(tzinfo=local).timestamp() * 1000)
    found = islice(ticks(schedule, zone, begin), count)
    return [datetime.fromtimestamp(ms / 1000, local).strftime("%m-%d %H:%M") for ms in found]


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "expected"),
    [
        ("? * * ? * *", None, "2026-08-29 10:40", ["08-29 10:41", "08-29 10:42"]),
        ("? */5 * ? * *", None, "2026-08-29 10:42", ["08-29 10:45", "08-29 10:50"]),
        ("? 0,15,30,45 * ? * *", None, "2026-08-29 10:45", ["08-29 11:00", "08-29 11:15"]),
        ("? 5 0 ? * *", "Europe/Berlin", "2026-08-29 10:00", ["08-30 00:05", "08-31 00:05"]),
        ("? 5 9 ? * 1,2,3,4,5", "America/New_York", "2026-08-28 12:00", ["08-31 09:05", "09-01 09:05"]),
        ("? 0 8-10 ? * 1-5", "Asia/Kolkata", "2026-08-31 09:30", ["08-31 10:00", "09-01 08:00"]),
        ("? 0 12 ? * 0", None, "2026-08-29 10:00", ["08-30 12:00", "09-06 12:00"]),
    ],
)
def test_ticks_are_local_times_of_the_flows_zone(
    schedule: str, zone: str | None, after: str, expected: list[str]
) -> None:
    assert first(schedule, zone, after, 2) == expected


def test_the_tick_in_the_hour_that_a_clock_change_removes_is_lost() -> None:
    assert first("? 30 2 ? * *", "Europe/Berlin", "2026-03-27 12:00", 3) == [
        "03-28 02:30",
        "03-30 02:30",
        "03-31 02:30",
    ]


def test_an_hour_that_comes_twice_brings_both_ticks_of_an_hourly_schedule() -> None:
    assert first("? 30 * ? * *", "Europe/Berlin", "2026-10-25 01:00", 3) == [
        "10-25 01:30",
        "10-25 02:30",
        "10-25 02:30",
    ]


def test_the_last_tick_lies_before_the_instant() -> None:
    assert last_tick("? */5 * ? * *", None, START + 1) == START
    assert last_tick("? */5 * ? * *", None, START) == START - 5 * MINUTE


@pytest.mark.parametrize("ordinal", range(60))
def test_every_schedule_of_the_sample_account_can_be_read(ordinal: int) -> None:
    cadence = draw_cadence(ordinal, stream(9, "flow", ordinal), has_parent=True)
    if cadence.schedule is None:
        assert cadence.trigger in {"listener", "chained", "on_demand"}
        assert cadence.timezone is None
        return
    assert cadence.schedule.startswith("? ")
    assert len(cadence.schedule.split()) == 6
    following = list(islice(ticks(cadence.schedule, cadence.timezone, START), 3))
    assert START < following[0] < following[1] < following[2]
    assert all(ms % MINUTE == 0 for ms in following)
