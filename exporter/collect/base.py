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


Row = tuple[object, ...]
"""Immutable facts about one thing. Equal ones give equal series; facts that stayed as they were are the very same
objects as before, which is how a change of ten things is found among ten thousand."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rows are made of: mappings by id, and what all rows have in common."""

    by_id: tuple[Mapping[str, Any], ...]
    common: Any = None


@dataclass(frozen=True, slots=True)
class Each:
    """Families whose every series is about one thing, so that a change of some is not paid for by all.

    `label` is the label that holds the thing's id. `facts` finds in the views what rows are made of; `row` makes the
    row of one thing of what each mapping has of it (None where it has nothing) and of what is common, or None when
    there is nothing to tell. `build` is handed some of the rows by id and makes families of these alone. All are pure.
    `together` rows, about, are rendered at one time: fewer are for rows of many series.
    """

    label: str
    facts: Callable[[Mapping[str, Any]], Facts]
    row: Callable[[tuple[Any, ...], Any], Row | None]
    build: Callable[[Mapping[str, Any]], Iterable[Family]]
    together: int = 32


def no_families(views: Mapping[str, Any]) -> Iterable[Family]:
    """Of a block whose every family is made thing by thing."""
    del views
    return ()


@dataclass(frozen=True, slots=True)
class Block:
    """Families made together from the same views.

    `inputs[0]` is the part that must be known, else the block is absent; the others are handed over as None when
    unknown. `build` is pure: the same views give the same families. A family belongs to exactly one block.
    `tier` is the lowest one of its families: a profile below it never has the block built. `each` are further families
    of the block, made thing by thing, each for things of another kind.
    """

    name: str
    collector: str
    inputs: tuple[str, ...]
    build: Callable[[Mapping[str, Any]], Iterable[Family]]
    tier: Tier = "lean"
    each: tuple[Each, ...] = ()
