"""Which part of the account's jobs has been read up to when."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Covered:
    """Every job created before `until` (Unix seconds, server's clock) has been read; true at monotonic instant `at`."""

    until: float
    at: float


class Coverage:
    """What has been read of the jobs of one kind: the whole account at once, or integration by integration."""

    def __init__(self) -> None:
        self._account: Covered | None = None
        self._own: dict[str, Covered] = {}

    def account_read(self, covered: Covered) -> None:
        """Note that the whole account was read."""
        self._account = covered

    def integration_read(self, integration_id: str, covered: Covered) -> None:
        """Note that one integration was read."""
        self._own[integration_id] = covered

    def of(self, integration_id: str) -> Covered | None:
        """The newest reading that includes the integration."""
        own = self._own.get(integration_id)
        if own is None or (self._account is not None and self._account.at > own.at):
            return self._account
        return own

    def of_all(self, integration_ids: Collection[str]) -> Covered | None:
        """The oldest of the readings of all these integrations; None while one has none."""
        readings = [self.of(name) for name in integration_ids]
        known = [reading for reading in readings if reading is not None]
        if not known or len(known) < len(readings):
            return None
        return Covered(min(row.until for row in known), min(row.at for row in known))

    @property
    def newest(self) -> float | None:
        """Monotonic instant of the newest reading of anything."""
        readings = [*self._own.values(), *([self._account] if self._account else [])]
        return max((row.at for row in readings), default=None)
