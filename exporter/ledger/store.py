"""Where the ledger lives: a store hands out the last committed state and takes changes.

The ledger's callers never see the store. One that survives the process applies each change in one transaction.
"""

from typing import Protocol

from exporter.ledger.state import LedgerChange, LedgerState


class Store(Protocol):
    """Keeps the ledger of one account. Used by one thread at a time."""

    def load(self) -> LedgerState:
        """The last committed state, owned by the caller; an empty one when nothing was committed yet."""
        ...

    def commit(self, change: LedgerChange) -> None:
        """Make all of `change` last, or raise and make nothing of it last."""
        ...


class MemoryStore:
    """A store that lives as long as the process: after a restart counting starts anew."""

    def __init__(self) -> None:
        self._state = LedgerState()

    def load(self) -> LedgerState:
        """A copy of the committed state."""
        return self._state.copy()

    def commit(self, change: LedgerChange) -> None:
        """Apply `change`."""
        self._state.apply(change)
