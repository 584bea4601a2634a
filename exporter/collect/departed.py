"""What a complete listing left out, and for how long.

Series of a flow that was deleted go at the next good listing. Its numbers are kept for a day, because one wrong listing
must not set every counter of an account back to 0.
"""

from collections.abc import Iterable

KEPT_SECONDS = 86_400.0
"""How long the numbers of something that is in no listing are kept."""


class Departed:
    """Used by one thread."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note(self, missing: Iterable[str], now: float) -> frozenset[str]:
        """Exactly `missing` are in no listing at monotonic instant `now`; returns those that are not gone for good."""
        self._since = {name: self._since.get(name, now) for name in missing}
        return frozenset(name for name, since in self._since.items() if now - since < KEPT_SECONDS)
