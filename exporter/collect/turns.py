"""Whose turn it is, when there is more to ask for than one run may ask.

First come, first served: what waits longest is asked first, so that nothing starves however often others come back.
"""

from collections.abc import Hashable, Iterable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """A queue of what is wanted. Instants are monotonic seconds; ties are settled by the key's own order."""

    def __init__(self) -> None:
        self._turn: dict[K, float] = {}
        self._since: dict[K, float] = {}

    def want(self, keys: Iterable[K], now: float) -> None:
        """Exactly `keys` are wanted from now on; those already waiting keep their place."""
        wanted = set(keys)
        self._turn = {key: self._turn.get(key, now) for key in wanted}
        self._since = {key: self._since.get(key, now) for key in wanted}

    def first(self, count: int) -> list[K]:
        """The `count` keys whose turn comes first."""
        return sorted(self._turn, key=self._order)[:count]

    def serve(self, key: K) -> None:
        """The key got what it waited for."""
        self._turn.pop(key, None)
        self._since.pop(key, None)

    def postpone(self, key: K, now: float) -> None:
        """The key's turn came to nothing: it goes to the end, so that it cannot hold up the others."""
        self._turn[key] = now

    def waiting_since_before(self, instant: float) -> frozenset[K]:
        """Keys that have been waiting since before `instant`, however often their turn came to nothing."""
        return frozenset(key for key, since in self._since.items() if since < instant)

    def _order(self, key: K) -> tuple[float, Any]:
        return (self._turn[key], key)
