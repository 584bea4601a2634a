"""What differs between two mappings by id, found fast where almost nothing does."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

_NOT_THERE = object()


def changed_keys(before: Mapping[K, object], now: Mapping[K, object]) -> set[K]:
    """The keys that came or went, and those whose value is another object.

    Facts that stayed as they were are the very same objects as before, so that fifty thousand of them are gone through
    in milliseconds. An equal copy counts as changed; whoever must not do anything for it compares it.
    """
    if before is now:
        return set()
    changed = {key for key, value in now.items() if before.get(key, _NOT_THERE) is not value}
    if changed or len(before) != len(now):  # else each of now is in before, and there are no more of them
        changed |= before.keys() - now.keys()
    return changed
