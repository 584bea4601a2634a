"""The living ledger of one account: its state, its store, and the lock that keeps the two together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.store import Store
from exporter.ledger.told import Tellings


class LedgerGone(Exception):
    """The ledger is in other hands, or its account is no longer configured; nothing was changed."""


class Keeper:
    """Thread-safe: a change is worked out, applied and stored under one lock.

    `before` hands over its state, store and lock instead of loading them; see `handing_over`.
    """

    def __init__(self, store: Store, before: "Keeper | None" = None) -> None:
        self._store = store
        self._ended = False
        self.state: LedgerState = store.load() if before is None else before.state
        self.told: Tellings = Tellings(self.state) if before is None else before.told
        self.lock: threading.RLock = (
            threading.RLock() if before is None else before.lock
        )  # guards the state, what is told of it, the store and _ended

    def commit(self, work_out: Callable[[LedgerState], LedgerChange]) -> None:
        """Apply and store what `work_out` makes of the state, all of it or nothing. Raises LedgerGone."""
        with self.lock:
            if self._ended:
                raise LedgerGone
            change = work_out(self.state)
            if change:
                self.state.apply(change)
                self.told.touch(change)
                self._store.commit(change, self.state)

    def save(self) -> None:
        """Let the store save what it could not."""
        with self.lock:
            if not self._ended:
                self._store.commit(LedgerChange(), self.state)

    @contextmanager
    def handing_over(self) -> Iterator[Self]:
        """The next keeper of the same ledger. This one takes no change meanwhile, and none ever after.

        When the body raises, everything stays as it was: changes that waited are taken.
        """
        with self.lock:
            yield type(self)(self._store, self)
            self._ended = True

    def end(self) -> None:
        """Take no further change."""
        with self.lock:
            self._ended = True
