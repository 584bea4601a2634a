"""Foresees the ticks that the next clock change takes away."""

from collections.abc import Iterator
from functools import lru_cache

from exporter.schedule.expression import Schedule
from exporter.schedule.ticks import Timetable, local_ticks
from exporter.schedule.zones import ClockChange, clock_changes, year_of

AHEAD_SECONDS = 366 * 86400
"""How far ahead clock changes are looked for."""


def skipped_by_clock_change(timetable: Timetable, now: float) -> float | None:
    """The instant (Unix seconds) of the first tick that the next change to a later clock skips; None when none is.

    The instant is that at which the tick would have come without the change. Looked at is the next such change of each
    schedule's zone within 366 days. Schedules that leave out no hour are not asked: they go on with the next tick.
    """
    found = (_skipped(schedule, change) for schedule, change in _changes(timetable, now))
    return min((instant for instant in found if instant is not None), default=None)


def _changes(timetable: Timetable, now: float) -> Iterator[tuple[Schedule, ClockChange]]:
    for schedule in timetable.schedules:
        change = None if schedule.around_the_clock else _next_forward(schedule.zone, now)
        if change is not None:
            yield schedule, change


def _next_forward(zone: str, now: float) -> ClockChange | None:
    until = now + AHEAD_SECONDS
    for year in range(year_of(now), year_of(until) + 1):
        for change in clock_changes(zone, year):
            if change.after > change.before and now < change.at <= until:
                return change
    return None


@lru_cache(maxsize=4096)
def _skipped(schedule: Schedule, change: ClockChange) -> float | None:
    local = next(local_ticks(schedule, change.at + change.before), None)
    if local is None or local >= change.at + change.after:
        return None
    return float(local - change.before)
