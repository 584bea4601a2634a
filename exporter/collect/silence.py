"""How long a flow that no schedule starts is usually silent at this hour of the week, learned from when its runs began.

The resolution is an hour, and every estimate is an upper bound: a flow with a run in each hour of the week has a usual
silence of two hours. The longest silence of the last four weeks counts, at the same hour and at those beside it: a
change of clocks moves what people do by one. Twice what the flow's own weeks differ by is added: one whose runs begin
by chance is silent for longer, somewhere in each week, than ever before at that hour.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

from exporter.ledger.history import HOUR, HOURS_KEPT, Hours

WEEK_HOURS = 7 * 24
WEEKS_LEAST = 2
"""Whole weeks that must be known: less says nothing of what is usual at an hour of the week."""

WEEKS_MOST = 4
HOURS_LEAST = 24
"""Hours with a run that must be known: a flow that hardly runs has no usual silence."""

REVIEWED = 6
"""Hours after which a flow's weeks are compared anew."""

_CHANCE = 2
"""Times the difference between weeks: chance exceeds what it reached in five weeks about every fifth week."""


def usual_silence(hours: Hours, known_since: float, now: float) -> float | None:
    """Seconds; None below the least evidence. Every run since `known_since` (Unix seconds) is in `hours`."""
    this_hour, first = int(now // HOUR), max(math.ceil(known_since / HOUR), hours.newest - HOURS_KEPT + 1)
    if this_hour - first < WEEKS_LEAST * WEEK_HOURS or hours.bits.bit_count() < HOURS_LEAST:
        return None
    same = [this_hour - week * WEEK_HOURS + beside for week in range(1, WEEKS_MOST + 1) for beside in (-1, 0, 1)]
    longest = max(_empty_hours(hours, hour, first) for hour in same if hour > first)
    reviewed = this_hour - this_hour % REVIEWED
    chance = difference(hours.before(reviewed), min(reviewed - first, HOURS_KEPT))
    return (longest + 2 + _CHANCE * chance) * HOUR


class Silences:
    """Usual silences, each worked out once an hour as long as nothing new is known; used by one thread at a time."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Hours, tuple[int, int], float | None]] = {}

    def usual(self, flow_id: str, hours: Hours, known_since: float, now: float) -> float | None:
        """What `usual_silence` says of a flow."""
        when = (math.ceil(known_since / HOUR), int(now // HOUR))
        held = self._held.get(flow_id)
        if held is None or held[1] != when or held[0] != hours:
            held = (hours, when, usual_silence(hours, known_since, now))
            self._held[flow_id] = held
        return held[2]

    def forget(self, flow_id: str) -> None:
        """A flow that is gone is remembered no longer."""
        self._held.pop(flow_id, None)


def _empty_hours(hours: Hours, before: int, first: int) -> int:
    """Hours without a run right before that hour, as far as known."""
    hour = before - 1
    while hour >= first and not hours.started(hour):
        hour -= 1
    return before - 1 - hour


@lru_cache(maxsize=1 << 15)
def difference(bits: int, known: int) -> int:
    """Hours by which the flow was silent for longer than at the same hour in all other weeks: the second most.

    Bit n of `bits` says whether a run began n + 1 hours before the end of the `known` hours. The longest does not
    count, or one holiday, or the very outage that is looked for, would hide the next one for five weeks.
    """
    peaks = sorted(_peaks(_silences(bits, known)), reverse=True)
    return peaks[1] if len(peaks) > 1 else 0


def _silences(bits: int, known: int) -> Sequence[int]:
    """Empty hours right before each known hour, the oldest first."""
    found, empty = [], 0
    for age in range(known - 1, -1, -1):
        found.append(empty)
        empty = 0 if bits >> age & 1 else empty + 1
    return found


def _peaks(silences: Sequence[int]) -> Iterator[int]:
    """By how much each spell exceeded the other weeks."""
    peak, two = 0, [_two_longest(silences[hour::WEEK_HOURS]) for hour in range(WEEK_HOURS)]
    for place, silence in enumerate(silences):
        longest, second = two[place % WEEK_HOURS]
        if silence == longest > second:
            peak = max(peak, silence - second)
        elif peak:
            yield peak
            peak = 0
    yield peak


def _two_longest(silences: Sequence[int]) -> tuple[int, int]:
    """Of the same hour in all weeks; of a single one nothing can be said."""
    *_, second, longest = sorted((*silences, silences[0])) if len(silences) == 1 else sorted(silences)
    return longest, second
