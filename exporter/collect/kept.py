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
        self._told: dict[str, tuple[V, float]] = {}

    def merge(self, listing: Listing[Any], found: Mapping[str, V]) -> dict[str, V]:
        """Take over what `listing` tells; returns everything that is known now."""
        at = listing.fetched_at
        left = {name: told for name, told in self._told.items() if name not in found}
        kept = {name: told for name, told in left.items() if self._stays(listing, name, at - told[1])}
        self._told = {**kept, **{name: (value, at) for name, value in found.items()}}
        return {name: value for name, (value, _) in self._told.items()}

    def _stays(self, listing: Listing[Any], name: str, age: float) -> bool:
        return age <= self._lasting if name in listing.unread else not listing.complete
