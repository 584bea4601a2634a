"""The same event again and again: told once, then counted, told again when it ends or an hour has passed.

What differs in anything but a measure or the id of a run is another event and is told at once. Nothing is forgotten: an
event that has to make room for others is told with its count.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

REPEAT_SECONDS = 3600.0
"""How long an event that goes on is only counted."""

ENDED_SECONDS = 300.0
"""An event that has not come for so long has ended; what was counted of it is told."""

KEPT_EVENTS = 500
"""So many events are known at a time."""

Parts = Mapping[str, object]


@dataclass(slots=True)
class _Known:
    """An event: when it was told last, how often it came since, when the last time, and what it said then."""

    told_at: float
    newest_at: float
    newest: Parts
    held: int = 0

    @property
    def look_at(self) -> float:
        """When something may have to be told of it, or it can be forgotten."""
        long = self.told_at + REPEAT_SECONDS
        return min(long, self.newest_at + ENDED_SECONDS) if self.held else long


class Repeats:
    """Used by one thread at a time; `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._events: OrderedDict[Hashable, _Known] = OrderedDict()
        self._look_at = float("inf")

    def told(self, event: Hashable, parts: Parts) -> list[Parts]:
        """What is to be told now that `event` came: nothing, what is due of others, `parts` itself."""
        now = self._now()
        lines = self.due()
        known = self._events.get(event)
        if known is None:
            self._events[event] = known = _Known(now, now, parts)
            lines += [*self._room(), parts]
        else:
            known.held += 1
            known.newest_at, known.newest = now, parts
            self._events.move_to_end(event)
        self._look_at = min(self._look_at, known.look_at)
        return lines

    def __len__(self) -> int:
        return len(self._events)

    @property
    def quiet(self) -> bool:
        """Whether `due` has nothing to tell. May be asked by any thread."""
        return self._now() < self._look_at

    def due(self) -> list[Parts]:
        """Events that have ended or gone on for long, in the order in which they came last.

        So the last line about something tells how it is now.
        """
        if self.quiet:
            return []
        now = self._now()
        lines: list[Parts] = []
        gone: list[Hashable] = []
        for event, known in self._events.items():
            if now < known.look_at:
                continue
            if known.held:
                lines.append(self._summary(known))
            else:
                gone.append(event)
        for event in gone:
            del self._events[event]
        self._look_at = min((known.look_at for known in self._events.values()), default=float("inf"))
        return lines

    def all(self) -> list[Parts]:
        """Everything that was counted and not told yet; then nothing is known any more."""
        lines = [self._summary(known) for known in self._events.values() if known.held]
        self._events.clear()
        return lines

    def _room(self) -> list[Parts]:
        if len(self._events) <= KEPT_EVENTS:
            return []
        _, oldest = self._events.popitem(last=False)
        return [self._summary(oldest)] if oldest.held else []

    def _summary(self, known: _Known) -> Parts:
        now = self._now()
        counted = {"repeated_count": known.held, "repeated_seconds": round(now - known.told_at)}
        known.held, known.told_at = 0, now
        return {**known.newest, **counted}
