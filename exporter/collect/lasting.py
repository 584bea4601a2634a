"""Values by key that hold for some time: found anew where something changed, or when their time is up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import isfinite
from typing import Generic, NamedTuple, TypeVar

from exporter.changes import altered

V = TypeVar("V")

_RESOLUTION = 60.0
"""Ticks, clock changes and hours are at whole minutes, so within one nothing becomes another. The instant of a reading
is worked out from two clocks, and may be a few millionths of a second before what it was a moment ago."""

_HEAP_SLACK = 1000


class Found(NamedTuple, Generic[V]):
    """What was found, None when it is nothing, and until when (Unix seconds) that stays so."""

    value: V | None
    until: float


@dataclass(slots=True)
class Lasting(Generic[V]):
    """What is found of each key, never None; used by one thread at a time.

    What is handed out is never changed afterwards. After an exception it is not to be asked any more.
    """

    _told: Mapping[str, V] = field(default_factory=dict)
    _held: dict[str, tuple[float, float]] = field(default_factory=dict)  # from when on, and until when
    _ends: list[tuple[float, str]] = field(default_factory=list)  # a heap; ends that hold no longer are left in it
    _now: float = float("-inf")

    def of(self, changed: Iterable[str], now: float, find: Callable[[str], Found[V] | None]) -> Mapping[str, V]:
        """The values as of `now`, Unix seconds; the very mapping of before when none of them is another.

        `changed` are all keys of which `find` may find something else than before at the same instant; others are asked
        for only when what was found of them is over, or of a time after `now`. Of a key that is gone, and of one of
        which nothing is ever found, it finds None.
        """
        others: dict[str, V | None] = {}
        for key in dict.fromkeys((*changed, *self._over(now))):
            found = find(key)
            self._hold(key, found, now)
            value = None if found is None else found.value
            if value != self._told.get(key):
                others[key] = value
        self._told = altered(self._told, others)
        return self._told

    def _over(self, now: float) -> Iterator[str]:
        """The keys whose time is up, and when time went backwards those whose time has not come."""
        while self._ends and self._ends[0][0] <= now:
            until, key = heappop(self._ends)
            if key in self._held and self._held[key][1] == until:
                del self._held[key]
                yield key
        if now < self._now:
            yield from [key for key, (begin, _) in self._held.items() if now < begin]
        self._now = now

    def _hold(self, key: str, found: Found[V] | None, now: float) -> None:
        before = self._held.pop(key, None)
        if found is None:
            return
        self._held[key] = (now - now % _RESOLUTION, found.until)
        if isfinite(found.until) and (before is None or before[1] != found.until):
            heappush(self._ends, (found.until, key))
        if len(self._ends) > 2 * len(self._held) + _HEAP_SLACK:
            self._ends = [(until, key) for key, (_, until) in self._held.items() if isfinite(until)]
            heapify(self._ends)
