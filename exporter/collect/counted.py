"""Counts over many things, of which those are counted anew that changed."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from exporter.changes import changed_keys

V = TypeVar("V")
K = TypeVar("K", bound=Hashable)


class Counted(Generic[V, K]):
    """How many things are of each kind; used by one thread at a time."""

    def __init__(self) -> None:
        self._things: Mapping[str, V] = {}
        self._counts: Counter[K] = Counter()

    def of(self, things: Mapping[str, V], kinds: Callable[[V], Iterable[K]]) -> Mapping[K, int]:
        """The count of each kind, 0 of any that none is of; `kinds`, a pure function, gives those of one thing.

        A thing that is the same object as before is taken to be of the same kinds. `things` is not to be changed
        afterwards, nor what is returned.
        """
        changed, before = changed_keys(self._things, things), self._things
        if changed:
            difference = Counter(kind for key in changed & things.keys() for kind in kinds(things[key]))
            difference.subtract(Counter(kind for key in changed & before.keys() for kind in kinds(before[key])))
            counts = Counter(self._counts)
            counts.update(difference)
            for kind in [kind for kind in difference if not counts[kind]]:
                del counts[kind]
            self._counts = counts
        self._things = things
        return self._counts
