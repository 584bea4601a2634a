"""Reads a schedule string of integrator.io (contract 2, "Flow schedule").

Six fields, split on blanks: second, minute, hour, day of month, month, day of week. Seconds are `?`, `0` or `00`. Every
other field is `?` alone, or a list of `*`, `a`, `a-b`, `*/n`, `a-b/n` and `a/n` (from a to the end of the field), with
names for months and weekdays. 0 and 7 are both Sunday; Sunday also ends a range (`FRI-SUN`, `5-0`).

What has more than one reading is unreadable, because a wrong reading raises false alarms and an unknown schedule raises
none: ranges that run backwards (`22-2`, `FRI-MON`), which schedulers refuse, wrap or never match; steps larger than
their field (minutes `*/90`); and `L`, `W`, `#`, `@daily`, which the contract does not name.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from exporter.schedule.zones import load_zone

LONGEST = 200
"""How many characters a schedule may have; the longest sensible list of minutes has 169."""

Reason = Literal[
    "not_text", "length", "fields", "seconds", "minute", "hour", "day", "month", "weekday", "zone", "never"
]

REASONS: dict[Reason, str] = {
    "not_text": "the schedule is not a text",
    "length": f"the schedule has more than {LONGEST} characters",
    "fields": "the schedule does not have six fields",
    "seconds": "the seconds field is not ?, 0 or 00",
    "minute": "the minute field cannot be read",
    "hour": "the hour field cannot be read",
    "day": "the day-of-month field cannot be read",
    "month": "the month field cannot be read",
    "weekday": "the day-of-week field cannot be read",
    "zone": "the time zone is not a known IANA name",
    "never": "the schedule names only days that no month has",
}
"""Every reason and what people are told of it; no text of the schedule, which may hold anything."""


class UnreadableSchedule(ValueError):
    """What was given is no schedule that can be followed; `reason` says which part is to blame."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(REASONS[reason])
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as `read_schedule` made it: equal when it means the same in the same zone.

    `expression` has six cron fields, each `*` or the sorted list of its numbers; `zone` is an IANA name.
    """

    expression: str
    zone: str

    @property
    def around_the_clock(self) -> bool:
        """Whether the hour field leaves out no hour."""
        return self.expression.split()[2] == "*"


def read_schedule(text: object, zone: str | None) -> Schedule:
    """Return the schedule that `text` and `zone` (None or empty: UTC) mean; raise `UnreadableSchedule` for others.

    When the day of month and the day of week both leave something out, a day that matches either of them counts, as in
    cron. A field that leaves out nothing is the same as `*`, however it is written.
    """
    if not isinstance(text, str):
        raise UnreadableSchedule("not_text")
    if len(text) > LONGEST:
        raise UnreadableSchedule("length")
    return _read(text, zone or "UTC")


@lru_cache(maxsize=4096)
def _read(text: str, zone: str) -> Schedule:
    fields = text.split()
    if len(fields) != 1 + len(_FIELDS):
        raise UnreadableSchedule("fields")
    if fields[0] not in {"?", "0", "00"}:
        raise UnreadableSchedule("seconds")
    _, _, days, months, weekdays = values = [
        _values(field, part) for field, part in zip(_FIELDS, fields[1:], strict=True)
    ]
    if weekdays >= _EVERY_WEEKDAY and min(days) > max(_LONGEST_MONTH[month] for month in months):
        raise UnreadableSchedule("never")
    try:
        load_zone(zone)
    except LookupError:
        raise UnreadableSchedule("zone") from None
    return Schedule(" ".join(["0", *map(_normal, _FIELDS, values)]), zone)


@dataclass(frozen=True, slots=True)
class _Field:
    reason: Reason
    first: int
    last: int
    names: Mapping[str, int]


_MONTHS = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6}
_MONTHS |= {"JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
_WEEKDAYS = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
_WEEKDAY = _Field("weekday", 0, 6, _WEEKDAYS)
_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _WEEKDAY,
)
_EVERY_WEEKDAY = frozenset(range(7))
# Any leap year: 29 February comes round.
_LONGEST_MONTH = {month: calendar.monthrange(2024, month)[1] for month in range(1, 13)}
_VALUE = "([0-9]{1,2}|[A-Za-z]{3})"
_PART = re.compile(rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/([0-9]{{1,2}}))?")


def _values(field: _Field, text: str) -> frozenset[int]:
    if text == "?":
        return frozenset(range(field.first, field.last + 1))
    numbers = [number for part in text.split(",") for number in _part(field, part)]
    return frozenset(number % 7 for number in numbers) if field is _WEEKDAY else frozenset(numbers)


def _part(field: _Field, text: str) -> range:
    match = _PART.fullmatch(text)
    if match is None:
        raise UnreadableSchedule(field.reason)
    begin, end, step_text = match.groups()
    low, high = field.first, field.last
    if begin is not None:
        low = _number(field, begin)
        high = low if step_text is None else field.last
    if end is not None:
        high = _number(field, end)
    if field is _WEEKDAY:
        low, high = _week(low, high)
    step = 1 if step_text is None else int(step_text)
    if high < low or not 1 <= step <= field.last - field.first + 1:
        raise UnreadableSchedule(field.reason)
    return range(low, high + 1, step)


def _number(field: _Field, text: str) -> int:
    number = int(text) if text[0] in "0123456789" else field.names.get(text.upper(), -1)
    if not field.first <= number <= (7 if field is _WEEKDAY else field.last):
        raise UnreadableSchedule(field.reason)
    return number


def _week(low: int, high: int) -> tuple[int, int]:
    """Sunday begins a range as 0 and ends one as 7, whichever of them is written."""
    if low == high:
        return low % 7, low % 7
    return low % 7, 7 if high == 0 and low != 7 else high


def _normal(field: _Field, values: frozenset[int]) -> str:
    if len(values) == field.last - field.first + 1:
        return "*"
    return ",".join(map(str, sorted(values)))
