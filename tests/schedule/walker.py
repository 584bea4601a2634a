"""Ticks the slow way: every minute of UTC is turned into local time and held against the fields.

Written from the description of the dialect alone. It shares nothing with the package: no parser, no cronsim, no list
of clock changes; a second pass is a local time that the walk has seen before.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86400


class Minute(NamedTuple):
    """A minute of UTC and the local time it falls on."""

    at: int
    hour: int
    minute: int
    second_pass: bool


Days = dict[int, list[Minute]]
"""The minutes of local days by the days' ordinals."""


def walk(zone: ZoneInfo, begin: int, end: int) -> Days:
    """Every minute from `begin` to before `end`, both Unix seconds and whole minutes."""
    days: Days = defaultdict(list)
    # Two local times of one zone are compared by what the clock on the wall shows.
    furthest = datetime.min.replace(tzinfo=zone)
    for at in range(begin, end, MINUTE):
        local = datetime.fromtimestamp(at, zone)
        days[local.toordinal()].append(Minute(at, local.hour, local.minute, local <= furthest))
        furthest = max(furthest, local)
    return days


def ticks_among(text: str, days: Days) -> list[int]:
    """The instants among the minutes of `days` at which the schedule fires, in order."""
    _, minute, hour, *day_fields = text.split()
    right_minutes = [_matches(minute, 0, 59, value) for value in range(60)]
    right_hours = [_matches(hour, 0, 23, value) for value in range(24)]
    both_passes = all(right_hours)
    return sorted(
        at
        for day, minutes in days.items()
        if _day_matches(date.fromordinal(day), *day_fields)
        for at, hour_shown, minute_shown, second_pass in minutes
        if right_minutes[minute_shown] and right_hours[hour_shown] and (both_passes or not second_pass)
    )


def offset_changes(zone: ZoneInfo, begin: int, end: int) -> Iterator[int]:
    """The minutes between `begin` and `end` at which local time jumps."""
    for hour in range(begin, end, HOUR):
        if _offset(zone, hour) != _offset(zone, hour + HOUR):
            for at in range(hour, hour + HOUR, MINUTE):
                if _offset(zone, at) != _offset(zone, at + MINUTE):
                    yield at + MINUTE


def _offset(zone: ZoneInfo, at: int) -> int:
    local = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    return int((local - datetime.fromtimestamp(at, ZoneInfo("UTC")).replace(tzinfo=None)).total_seconds())


def _day_matches(day: date, days: str, months: str, weekdays: str) -> bool:
    if not _matches(months, 1, 12, day.month):
        return False
    by_day = _matches(days, 1, 31, day.day)
    by_weekday = _weekday_matches(weekdays, day.isoweekday() % 7)
    some_days = not all(_matches(days, 1, 31, value) for value in range(1, 32))
    some_weekdays = not all(_weekday_matches(weekdays, value) for value in range(7))
    if some_days and some_weekdays:
        return by_day or by_weekday
    return by_day and by_weekday


def _weekday_matches(text: str, value: int) -> bool:
    # Sunday answers to both of its numbers.
    return _matches(text, 0, 6, value) or (value == 0 and _matches(text, 0, 6, 7))


@lru_cache(maxsize=65536)
def _matches(text: str, first: int, last: int, value: int) -> bool:
    if text == "?":
        return True
    return any(_part_matches(part, first, last, value) for part in text.split(","))


def _part_matches(part: str, first: int, last: int, value: int) -> bool:
    base, _, step = part.partition("/")
    low, _, high = base.partition("-")
    if base == "*":
        begin, end = first, last
    else:
        begin = _value(low)
        end = last if step else begin
    if high:
        end = _value(high)
        if last == 6 and end == 0 and begin > 0:
            end = 7
    return begin <= value <= end and (value - begin) % int(step or 1) == 0


def _value(text: str) -> int:
    if text.isdigit():
        return int(text)
    months = "janfebmaraprmayjunjulaugsepoctnovdec"
    weekdays = "sunmontuewedthufrisat"
    name = text.lower()
    return weekdays.index(name) // 3 if name in weekdays else months.index(name) // 3 + 1
