"""What differs between two mappings by id, found fast where almost nothing does.

Mappings are told from one another by their values' identity: facts that stayed as they were are the very same objects
as before. One that was made of another by a few changes knows them, so that nobody goes through fifty thousand entries
to find ten. None of them is changed once it was handed out.
"""

import operator
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NOT_THERE = object()


class Succeeding(dict[K, V]):
    """A mapping that knows in which keys it differs from the one before it, without holding that one."""

    __slots__ = ("_after", "_changes", "_mark")

    def __init__(self, now: Mapping[K, V], before: Mapping[K, V], changes: Iterable[K]) -> None:
        super().__init__(now)
        self._mark = object()
        self._after = before._mark if isinstance(before, Succeeding) else None
        self._changes = frozenset(changes)

    def changes_from(self, before: Mapping[K, object]) -> frozenset[K] | None:
        """The keys in which it differs from `before`, None unless that is the one that it was made of."""
        made_of = isinstance(before, Succeeding) and before._mark is self._after
        return self._changes if made_of else None


def changed_keys(before: Mapping[K, object], now: Mapping[K, object]) -> set[K]:
    """The keys that came or went, and those whose value is another object.

    An equal copy counts as changed; whoever must not do anything for it compares it.
    """
    if before is now:
        return set()
    if isinstance(now, Succeeding) and (known := now.changes_from(before)) is not None:
        return set(known)
    changed = {key for key, value in now.items() if before.get(key, _NOT_THERE) is not value}
    if changed or len(before) != len(now):  # else each of now is in before, and there are no more of them
        changed |= before.keys() - now.keys()
    return changed


def kept(before: Mapping[K, V], now: Mapping[K, V]) -> Mapping[K, V]:
    """`before` when `now` holds the very same objects in the same order, else what is in `now`.

    So a mapping that had to be made to know it is told to be the one before, and nobody compares the two again.
    """
    if before is now or (isinstance(now, Succeeding) and now.changes_from(before)):
        return now
    same = len(before) == len(now) and all(map(operator.is_, before.values(), now.values()))
    if same and all(map(operator.eq, before, now)):
        return before
    return Succeeding(now, before, changed_keys(before, now))


def altered(before: Mapping[K, V], changes: Mapping[K, V | None]) -> Mapping[K, V]:
    """`before` with other values for the keys of `changes`, or without them (None); itself when there are none."""
    if not changes:
        return before
    now = dict(before)
    for key, value in changes.items():
        if value is None:
            now.pop(key, None)
        else:
            now[key] = value
    return Succeeding(now, before, changes)
