"""How long a flow that no schedule starts is usually silent at this hour of the week, learned from when its runs began.

The resolution is an hour, and every estimate is an upper bound: a flow with a run in each hour of the week has a usual
silence of two hours. The longest silence of the last four weeks at the same hour counts.
"""

import math

from exporter.ledger.history import HOUR, HOURS_KEPT, Hours

WEEK_HOURS = 7 * 24
WEEKS_LEAST = 2
"""Whole weeks that must be known: less says nothing of what is usual at an hour of the week."""

WEEKS_MOST = 4
HOURS_LEAST = 12
"""Hours with a run that must be known: a flow that hardly runs has no usual silence."""


def usual_silence(hours: Hours, known_since: float, now: float) -> float | None:
    """Seconds; None below the least evidence. Every run since `known_since` (Unix seconds) is in `hours`."""
    this_hour, first = int(now // HOUR), max(math.ceil(known_since / HOUR), hours.newest - HOURS_KEPT + 1)
    if this_hour - first < WEEKS_LEAST * WEEK_HOURS or hours.bits.bit_count() < HOURS_LEAST:
        return None
    same = (this_hour - week * WEEK_HOURS for week in range(1, WEEKS_MOST + 1))
    return (max(_empty_hours(hours, hour, first) for hour in same if hour > first) + 2) * HOUR


def _empty_hours(hours: Hours, before: int, first: int) -> int:
    """Hours without a run right before that hour, as far as known."""
    hour = before - 1
    while hour >= first and not hours.started(hour):
        hour -= 1
    return before - 1 - hour
