"""Whose turn it is, when there is more to ask for than one run may ask, or has time for.

First come, first served: what waits longest is asked first, so that nothing starves however often others come back.
"""

from collections.abc import Hashable, Iterable
from itertools import count
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """A queue of what is wanted; used by one thread. Keys that are new at the same time come in their own order."""

    def __init__(self) -> None:
        self._numbers = count()
        self._turn: dict[K, int] = {}
        self._since: dict[K, float] = {}

    def want(self, keys: Iterable[K], now: float) -> None:
        """Exactly `keys` are wanted from monotonic instant `now` on; those already waiting keep their place."""
        wanted = set(keys)
        self._turn = {key: turn for key, turn in self._turn.items() if key in wanted}
        self._since = {key: since for key, since in self._since.items() if key in wanted}
        new: list[Any] = [key for key in wanted if key not in self._turn]
        for key in sorted(new):
            self._turn[key] = next(self._numbers)
            self._since[key] = now

    def first(self, most: int | None = None) -> list[K]:
        """The keys in order of their turn, `most` of them at most."""
        return sorted(self._turn, key=self._turn.__getitem__)[:most]

    def serve(self, key: K) -> None:
        """The key got what it waited for."""
        self._turn.pop(key, None)
        self._since.pop(key, None)

    def to_the_end(self, key: K) -> None:
        """The key had its turn: all others come before its next one, so that it cannot hold them up."""
        self._turn[key] = next(self._numbers)

    def waiting_since_before(self, instant: float) -> frozenset[K]:
        """Keys that have been waiting since before `instant`, however often they had their turn in vain."""
        return frozenset(key for key, since in self._since.items() if since < instant)
