"""The counters of everything that is listed, also of what never ran."""

from collections.abc import Collection, Mapping, Set
from typing import Generic, TypeVar

from exporter.changes import altered, changed_keys, kept

V = TypeVar("V")


class AllTallies(Generic[V]):
    """Tallies by id, `none` where nothing was counted; used by one thread."""

    def __init__(self, none: V) -> None:
        self._none = none
        self._names: Collection[str] = ()
        self._tallies: Mapping[str, V] = {}
        self._hidden: Set[str] = frozenset()
        self._told: Mapping[str, V] = {}

    def of(self, names: Collection[str], tallies: Mapping[str, V], hidden: Set[str]) -> Mapping[str, V]:
        """Those of `names` and whatever else was counted, but for `hidden`; the very mapping of before when it is so.

        Neither of them is to be changed afterwards.
        """
        if (names is self._names or names == self._names) and hidden == self._hidden:
            changed = changed_keys(self._tallies, tallies) - hidden
            now = {key: tallies.get(key, self._none if key in names else None) for key in changed}
            self._told = altered(self._told, {key: row for key, row in now.items() if row is not self._told.get(key)})
        else:
            whole = {**dict.fromkeys(names, self._none), **tallies}
            shown = {name: row for name, row in whole.items() if name not in hidden} if hidden else whole
            self._told = kept(self._told, shown)
        self._names, self._tallies, self._hidden = names, tallies, hidden
        return self._told
