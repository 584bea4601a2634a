"""The living ledger of one account: its state, its store, and the lock that keeps the two together."""

import threading
from collections.abc import Callable

from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.store import Store


class Keeper:
    """Thread-safe: a change is worked out, applied and stored under one lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.state: LedgerState = store.load()
        self.lock = threading.RLock()  # guards the state and the store

    def commit(self, work_out: Callable[[LedgerState], LedgerChange]) -> None:
        """Apply and store what `work_out` makes of the state, all of it or nothing."""
        with self.lock:
            change = work_out(self.state)
            if change:
                self.state.apply(change)
                self._store.commit(change, self.state)
