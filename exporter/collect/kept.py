"""What a listing tells over its readings, by id, with what one reading did not tell."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from exporter.api.listing import Listing

V = TypeVar("V")


class Kept(Generic[V]):
    """Values by id; used by one thread.

    What a reading may have left out stays as it was. What it lists but cannot read stays until it was told `lasting`
    seconds ago: by then its state is unknown.
    """

    def __init__(self, lasting: float) -> None:
        self._lasting = lasting
        self._found: Mapping[str, V] = {}
        self._at = 0.0
        self._older: Mapping[str, tuple[V, float]] = {}

    def merge(self, listing: Listing[Any], found: Mapping[str, V]) -> Mapping[str, V]:
        """Take over what `listing` tells; returns everything that is known now: `found` itself when that is all.

        `found` is not to be changed afterwards.
        """
        left = dict(self._older)
        if found is not self._found:
            left |= {name: (self._found[name], self._at) for name in self._found.keys() - found.keys()}
        at = listing.fetched_at
        self._older = {
            name: told for name, told in left.items() if name not in found and self._stays(listing, name, at - told[1])
        }
        self._found, self._at = found, at
        return {**{name: value for name, (value, _) in self._older.items()}, **found} if self._older else found

    def _stays(self, listing: Listing[Any], name: str, age: float) -> bool:
        return age <= self._lasting if name in listing.unread else not listing.complete
