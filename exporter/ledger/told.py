"""Mappings of the living ledger as those get them who want all of one: copies that know what changed since the last."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from exporter.changes import altered
from exporter.ledger.state import LedgerChange, LedgerState

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Told(Generic[K, V]):
    """Copies of `held`, in which from the first one on nothing changes but keys that are touched. Not thread-safe."""

    def __init__(self, held: Mapping[K, V]) -> None:
        self._held = held
        self._told: Mapping[K, V] | None = None
        self._touched: set[K] = set()

    def touch(self, keys: Iterable[K]) -> None:
        """Note that these have other values now, or are gone."""
        self._touched.update(keys)

    def now(self) -> Mapping[K, V]:
        """What is held now; the very mapping of the last time while nothing was touched. Not to be changed."""
        held = self._held
        if self._told is None:
            self._told = dict(held)
        else:
            self._told = altered(self._told, {key: held.get(key) for key in self._touched})
        self._touched.clear()
        return self._told


class Tellings:
    """What of a ledger is told as a whole, and again after each change of a part. Belongs to the lock of the ledger."""

    def __init__(self, state: LedgerState) -> None:
        self.flows = Told(state.flows)
        self.integrations = Told(state.integrations)
        self.histories = Told(state.histories)
        self.expectations = Told(state.expectations)

    def touch(self, change: LedgerChange) -> None:
        """Note what a change that was applied may have changed."""
        self.flows.touch(change.flows.keys() | change.retired_flows)
        self.integrations.touch(change.integrations.keys() | change.retired_integrations)
        self.histories.touch(change.histories.keys() | change.retired_flows)
        self.expectations.touch(change.expectations.keys() | change.unexpected_flows)
