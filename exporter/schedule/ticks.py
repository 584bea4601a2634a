"""When schedules fire. Instants are Unix seconds; ticks are whole minutes.

The one rule about clock changes: a schedule fires at local times of its zone. A local time that a change skips brings
no tick, and nothing makes up for it. Of a local time that comes twice the first pass always fires; the second fires
only for schedules that leave out no hour, because those go on around the clock. With fixed hours the service may run a
second time, but nothing may be found missing because of that: around a change the contract (2) calls what is due
fuzzy, and a false alarm is worse than a late one.

The walk through the calendar is cronsim's, in plain local time; offsets are put on here, stretch by stretch of constant
offset, so that skipped local times are in no stretch and repeated ones in two.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cronsim import CronSim

from exporter.schedule.expression import Schedule
from exporter.schedule.zones import is_second_pass, stretch_at

HORIZON_SECONDS = 5 * 366 * 86400
"""What does not fire within this time counts as never: 29 February around the year 2100."""

_REMEMBERED = 4096
"""Flows of one schedule ask alike within a minute or not at all; more would only be memory that fills for days."""

_MINUTE = 60
_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)


def next_tick(schedule: Schedule, after: float) -> float:
    """The first tick later than `after`; infinity when there is none within the horizon.

    This and the others raise ValueError or OverflowError for an instant beyond the calendar (years 1 to 9999).
    """
    return _first_from(schedule, math.floor(after / _MINUTE) + 1)


def previous_tick(schedule: Schedule, at: float) -> float:
    """The last tick at or before `at`; minus infinity when there is none within the horizon."""
    return _last_until(schedule, math.floor(at / _MINUTE))


def interval_around(schedule: Schedule, now: float) -> float:
    """Seconds from the last tick at or before `now` to the first one later."""
    return next_tick(schedule, now) - previous_tick(schedule, now)


def count_ticks(schedule: Schedule, after: float, until: float, most: int) -> int:
    """How many ticks are later than `after` and not later than `until`; counting stops at `most`."""
    return Timetable((schedule,)).count_ticks(after, until, most)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Schedules that start the same thing, such as those of a flow's generators; a tick of two of them is one.

    Without a schedule nothing ever fires.
    """

    schedules: tuple[Schedule, ...]

    def next_tick(self, after: float) -> float:
        """The first tick later than `after`; infinity when there is none within the horizon."""
        return min((next_tick(schedule, after) for schedule in self.schedules), default=math.inf)

    def previous_tick(self, at: float) -> float:
        """The last tick at or before `at`; minus infinity when there is none within the horizon."""
        return max((previous_tick(schedule, at) for schedule in self.schedules), default=-math.inf)

    def interval_around(self, now: float) -> float:
        """Seconds from the last tick at or before `now` to the first one later."""
        return self.next_tick(now) - self.previous_tick(now)

    def count_ticks(self, after: float, until: float, most: int) -> int:
        """How many ticks are later than `after` and not later than `until`; counting stops at `most`."""
        count = 0
        while count < most:
            after = self.next_tick(after)
            if after > until or after == math.inf:
                break
            count += 1
        return count


def local_ticks(schedule: Schedule, local: int, *, backwards: bool = False) -> Iterator[int]:
    """Yield the local times (seconds of the wall clock since 1970) that match, from `local` itself on."""
    walk = copy.copy(_calendar(schedule.expression))
    # cronsim leaves out where it starts.
    walk.dt = _EPOCH + timedelta(seconds=local + 1 if backwards else local - 1)
    walk.tick_direction = -1 if backwards else 1
    return ((moment - _EPOCH) // _SECOND for moment in walk)


@lru_cache(maxsize=4096)
def _calendar(expression: str) -> CronSim:
    return CronSim(expression, _EPOCH)


@lru_cache(maxsize=_REMEMBERED)
def _first_from(schedule: Schedule, minute: int) -> float:
    instant = minute * _MINUTE
    horizon = instant + HORIZON_SECONDS
    while instant <= horizon:
        stretch = stretch_at(schedule.zone, instant)
        for local in local_ticks(schedule, instant + stretch.offset):
            tick = local - stretch.offset
            if tick >= stretch.end:
                break
            if _counts(schedule, tick):
                return float(tick) if tick <= horizon else math.inf
        instant = stretch.end
    return math.inf


@lru_cache(maxsize=_REMEMBERED)
def _last_until(schedule: Schedule, minute: int) -> float:
    instant = minute * _MINUTE
    horizon = instant - HORIZON_SECONDS
    while instant >= horizon:
        stretch = stretch_at(schedule.zone, instant)
        for local in local_ticks(schedule, instant + stretch.offset, backwards=True):
            tick = local - stretch.offset
            if tick < stretch.begin:
                break
            if _counts(schedule, tick):
                return float(tick) if tick >= horizon else -math.inf
        instant = stretch.begin - 1
    return -math.inf


def _counts(schedule: Schedule, tick: int) -> bool:
    return schedule.around_the_clock or not is_second_pass(schedule.zone, tick)
