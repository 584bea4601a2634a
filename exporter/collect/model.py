"""What the exporter knows about one account: the newest view of each part, and since when.

A *view* is an immutable value that a collector publishes (a whole inventory, the active runs, ...). A view older than
its staleness is no longer handed out: unknown is absent, never 0.
"""

import math
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Part:
    """Name of a part and how long its view stays valid after it was read, in seconds."""

    name: str
    staleness: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A view, the monotonic instant it was true at, and a number that grows with every publication of any part."""

    view: Any
    at: float
    version: int


class AccountModel:
    """Newest reading of each part. Thread-safe: readings are immutable and swapped under one lock.

    It begins with the `readings` by part, which another model held. `published` is called, by the thread that
    publishes, whenever there is something new.
    """

    published: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, parts: tuple[Part, ...], readings: Mapping[str, Reading] = MappingProxyType({})) -> None:
        self._staleness = {part.name: part.staleness for part in parts}
        self._readings = dict(readings)
        self._versions = max((reading.version for reading in readings.values()), default=0)
        self._lock = threading.Lock()  # guards _readings and _versions

    def readings(self, parts: Collection[str]) -> Mapping[str, Reading]:
        """The newest readings of some parts, stale ones among them; those without any are left out."""
        with self._lock:
            return {part: self._readings[part] for part in parts if part in self._readings}

    def publish(self, part: str, view: object, at: float) -> None:
        """Make `view` the newest of `part`, true at monotonic instant `at`. Raises KeyError for an unknown part."""
        if part not in self._staleness:
            raise KeyError(part)
        with self._lock:
            self._versions += 1
            self._readings[part] = Reading(view, at, self._versions)
        self.published()

    def reading(self, part: str, now: float) -> Reading | None:
        """The newest reading of `part` unless there is none or it is stale at monotonic instant `now`."""
        reading = self._readings.get(part)
        if reading is None or now - reading.at > self._staleness[part]:
            return None
        return reading

    def lasts_until(self, part: str) -> float:
        """The monotonic instant up to which the newest reading of `part` is handed out; never, when there is none."""
        reading = self._readings.get(part)
        return math.inf if reading is None else reading.at + self._staleness[part]

    def view(self, part: str, kind: type[V], now: float) -> V | None:
        """The view of `part` when there is a fresh one. Raises TypeError when it is not of `kind`."""
        reading = self.reading(part, now)
        if reading is None:
            return None
        if not isinstance(reading.view, kind):
            raise TypeError(f"part {part} holds {type(reading.view).__name__}, not {kind.__name__}")
        return reading.view
