"""Time zones by name, and the instants at which their clocks change.

`zoneinfo` keeps its list of clock changes to itself, so they are found by comparing the offset from day to day. Two
changes within a day that cancel each other would be missed; no zone has had that since 1970.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = 86400
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
ZONE_CHARACTERS = 64
# Files of some machines' zone folder that are no zone of their own, or count leap seconds.
_LOCAL_NAMES = ("localtime", "posixrules", "Factory", "posix/", "right/")


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The instant (Unix seconds) from which a zone's offset from UTC (seconds) is another."""

    at: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time within one year of UTC in which a zone keeps one offset: from `begin` to before `end`."""

    begin: int
    end: int
    offset: int


# All of them: the cache of zoneinfo itself keeps eight and reads the others from the disk each time.
@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return the zone of that IANA name, in the case given; raise LookupError when there is none."""
    if len(name) > ZONE_CHARACTERS or not _NAME.fullmatch(name) or name.startswith(_LOCAL_NAMES):
        raise LookupError("no such time zone")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # OSError: the name of a folder, such as `America`.
        raise LookupError("no such time zone") from None


def is_second_pass(zone: str, instant: float) -> bool:
    """Whether the local time at `instant` has been before, because clocks were set back since."""
    return datetime.fromtimestamp(instant, load_zone(zone)).fold == 1


@lru_cache(maxsize=2048)
def clock_changes(zone: str, year: int) -> tuple[ClockChange, ...]:
    """Every change of the offset of `zone` in that year of UTC, to the second, in order."""
    changes: list[ClockChange] = []
    # From the last second before the year, so that a change at its very beginning belongs to it.
    low, last = _begin_of(year) - 1, _begin_of(year + 1) - 1
    while low < last:
        high = min(low + _DAY, last)
        if _offset(zone, low) != _offset(zone, high):
            high = _first_other(zone, low, high)
            changes.append(ClockChange(high, _offset(zone, high - 1), _offset(zone, high)))
        low = high
    return tuple(changes)


def stretch_at(zone: str, instant: float) -> Stretch:
    """The time around `instant` in which `zone` keeps its offset, cut at the ends of the year of UTC."""
    stretches = _stretches(zone, year_of(instant))
    return stretches[bisect_right(stretches, instant, key=lambda stretch: stretch.begin) - 1]


def year_of(instant: float) -> int:
    """The year of UTC that holds `instant`."""
    return datetime.fromtimestamp(instant, UTC).year


@lru_cache(maxsize=2048)
def _stretches(zone: str, year: int) -> tuple[Stretch, ...]:
    changes = [change.at for change in clock_changes(zone, year)]
    begins = sorted({_begin_of(year), *changes})
    ends = [*begins[1:], _begin_of(year + 1)]
    return tuple(Stretch(begin, end, _offset(zone, begin)) for begin, end in zip(begins, ends, strict=True))


def _first_other(zone: str, low: int, high: int) -> int:
    offset = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _begin_of(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _offset(zone: str, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, load_zone(zone)).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0
