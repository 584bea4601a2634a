"""Where the ledger lives: a store hands out the last committed state and is told every change.

The ledger's callers never see the store. One that survives the process applies each change in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.trouble import Trouble


class Store(Protocol):
    """Keeps the ledger of one account. Used by one thread at a time."""

    def load(self) -> LedgerState:
        """The last committed state, owned by the caller; an empty one when nothing was committed yet."""
        ...

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """Make all of `change` last, or nothing of it; `state` is the whole ledger after it, only to be read.

        Raises nothing: a store that cannot save says so in its own status and saves all of `state` later, because a
        full disk must not stop the counting.
        """
        ...


class MemoryStore:
    """Keeps nothing: the ledger itself is the memory, and after a restart counting starts anew."""

    def load(self) -> LedgerState:
        """An empty state."""
        return LedgerState()

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class StateStatus:
    """How the ledgers are kept.

    `persistent`: everything counted is where it survives the process. `trouble`: why it is not, although it should be.
    `failures` counts every failure by its trouble, `size_bytes` is what is taken on the disk.
    """

    backend: Literal["memory", "sqlite", "redis"]
    persistent: bool = False
    trouble: Trouble | None = None
    failures: Mapping[Trouble, int] = field(default_factory=dict)
    size_bytes: int | None = None


class StateStore(Protocol):
    """The stores of all accounts of one exporter. Thread-safe."""

    @property
    def status(self) -> StateStatus:
        """How the ledgers are kept now."""
        ...

    def account(self, name: str) -> Store:
        """The store of one account, whose ledger nobody else uses. Raises StateUnreadable."""
        ...

    def forget(self, name: str) -> None:
        """The ledger of an account is used no more: what it could not save is lost, what it saved stays."""
        ...

    def close(self) -> None:
        """Let go of what is held; later commits are not saved."""
        ...


class MemoryState:
    """Keeps nothing of any account."""

    @property
    def status(self) -> StateStatus:
        """Always the same."""
        return StateStatus("memory")

    def account(self, name: str) -> Store:
        """A store that forgets."""
        del name
        return MemoryStore()

    def forget(self, name: str) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""
