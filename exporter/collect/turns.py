"""Whose turn it is, when there is more to ask for than one run may ask, or has time for.

First come, first served: what waits longest is asked first, so that nothing starves however often others come back.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from itertools import count
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_GROUPS_KEPT = 40_000
"""Of so many groups it is remembered when they had a turn: flows of the largest accounts and more."""


class Turns(Generic[K]):
    """A queue of what is wanted; used by one thread. Keys that are new at the same time come in their own order.

    `group` tells what a key belongs to, for `first_of_each`.
    """

    def __init__(self, group: Callable[[K], Hashable] = lambda key: key) -> None:
        self._group = group
        self._numbers = count()
        self._turn: dict[K, int] = {}
        self._since: dict[K, float] = {}
        self._served: dict[Hashable, int] = {}

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

    def first_of_each(self, most: int) -> list[K]:
        """`most` keys at most: the first one of every group, then the second ones, and so on.

        The group that got one longest ago comes first, of several that never did the one that waits longest. So a group
        with many keys holds up no other one, however old they are.
        """
        places: Counter[Hashable] = Counter()
        ranked: list[tuple[int, int, int, K]] = []
        for turn, key in enumerate(self.first()):
            name = self._group(key)
            ranked.append((places[name], self._served.get(name, -1), turn, key))
            places[name] += 1
        return [key for *_, key in sorted(ranked, key=lambda row: row[:3])[:most]]

    def serve(self, key: K) -> None:
        """The key got what it waited for."""
        self._turn.pop(key, None)
        self._since.pop(key, None)
        self._note(key)

    def to_the_end(self, key: K) -> None:
        """The key had its turn: all others come before its next one, so that it cannot hold them up."""
        self._turn[key] = next(self._numbers)
        self._note(key)

    def waiting_since_before(self, instant: float) -> frozenset[K]:
        """Keys that have been waiting since before `instant`, however often they had their turn in vain."""
        return frozenset(key for key, since in self._since.items() if since < instant)

    def _note(self, key: K) -> None:
        """Remember that the key's group had a turn."""
        self._served[self._group(key)] = next(self._numbers)
        if len(self._served) > _GROUPS_KEPT:
            newest = sorted(self._served, key=self._served.__getitem__)[-_GROUPS_KEPT // 2 :]
            self._served = {name: self._served[name] for name in newest}
