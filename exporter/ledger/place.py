"""Which store the settings ask for."""

from collections.abc import Collection
from pathlib import Path

from exporter.clock import Clock
from exporter.config.problem import ConfigError
from exporter.config.settings import StateSettings
from exporter.ledger.sqlite import LOCK_SECONDS, StateFile, StateLocked
from exporter.ledger.store import MemoryState, StateStore


def open_state(
    settings: StateSettings, accounts: Collection[str], clock: Clock, lock_seconds: float = LOCK_SECONDS
) -> StateStore:
    """The store for `accounts`.

    A file that cannot be used is told by the store's status. Raises ConfigError when another process has the file.
    """
    if settings.path is None:
        return MemoryState()
    try:
        return StateFile(Path(settings.path), accounts, clock, lock_seconds)
    except StateLocked:
        problem = "this state file is in use by another process; every exporter needs a file of its own"
        raise ConfigError(problem, source=settings.path, key="state.path") from None
