"""How old open errors are, and which are purged soon: counted whenever a view is made, so that they move with time.

Only the instants of the records are kept, 8 bytes each, in ascending order.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

HOUR, DAY = 3600.0, 86_400.0

AGES: Mapping[str, float] = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "25d": 25 * DAY}
"""The closed enumeration of `older_than`, each with its seconds; cumulative."""

EXPIRING_SECONDS = 3 * DAY
"""How long before it is purged (contract 3.6: `purgeAt`) an error counts as expiring."""


def ascending(instants: Iterable[float | None]) -> Sequence[float]:
    """The instants that are known, in order, as compact as they can be."""
    return array("d", sorted(instant for instant in instants if instant is not None))


def merged(parts: Iterable[Sequence[float]]) -> Sequence[float]:
    """The ascending instants of all `parts` in order, as compact as they can be."""
    return array("d", sorted(chain.from_iterable(parts)))


def older_than(occurred: Sequence[float], now: float) -> dict[str, int]:
    """How many of the ascending instants lie longer ago than each of `AGES` at `now`."""
    return {name: bisect_left(occurred, now - age) for name, age in AGES.items()}


def expiring(purges: Sequence[float], now: float) -> int:
    """How many of the ascending instants are at most `EXPIRING_SECONDS` away from `now`, or past."""
    return bisect_right(purges, now + EXPIRING_SECONDS)
