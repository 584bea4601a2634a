"""What a collector is: a name, settings, and one method that reads and publishes.

A collector raises `ApiError` when something it needs failed, after publishing what it could read; it keeps no clock of
its own and starts no thread. Timing, isolation, staleness and reporting are the work of `exporter.collect.runner`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.api.refresh import Refresh
from exporter.config.settings import CollectorSettings
from exporter.expose.families import Family, Tier


class Publish(Protocol):
    """Hands a view to the account model; `at` is the monotonic instant the view was true at."""

    def __call__(self, part: str, view: object, at: float) -> None:
        """Publish `view` as the newest of `part`."""
        ...


class Collector(Protocol):
    """Reads one concern of an account."""

    name: str

    @property
    def settings(self) -> CollectorSettings:
        """Interval, deadline and staleness."""
        ...

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read, publish views, raise ApiError for what failed."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Families made together from the same views.

    `inputs[0]` is the part that must be known, else the block is absent; the others are handed over as None when
    unknown. `build` is pure: the same views give the same families. A family belongs to exactly one block.
    `tier` is the lowest one of its families: a profile below it never has the block built.
    """

    name: str
    collector: str
    inputs: tuple[str, ...]
    build: Callable[[Mapping[str, Any]], Iterable[Family]]
    tier: Tier = "lean"
