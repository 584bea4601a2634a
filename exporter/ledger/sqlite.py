"""The state file: one SQLite file for the ledgers of all accounts of one exporter.

Every change is one transaction (write-ahead log, synchronised), so the file holds a consistent state whenever the
process or the machine stops. One process at a time: the file is held exclusively from start to end. A file that cannot
be read is left as it is; the ledger then lives in memory, which `status` tells. When saving fails later, the ledger
goes on in memory and everything unsaved is written as soon as that is possible.
"""

import logging
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.clock import Clock
from exporter.ledger.schema import VERSION, layout_of, migrate, read_header, tells_its_size
from exporter.ledger.sqlite_rows import read_state, write_change, write_state
from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.store import StateStatus, Store
from exporter.ledger.trouble import LASTING, TROUBLES, Trouble, Unusable, is_locked, trouble_of

LOCK_SECONDS = 5.0
"""How long opening waits for another process to let go of the file: the clean end of an exporter takes no longer."""

FILE_BYTES = 4 * 1024**3
"""Largest file: a hundred times what ten thousand flows need, so that an API that makes up runs fills no disk."""

RETRY_SECONDS = 10.0
"""How soon saving is tried again after it failed."""

_log = logging.getLogger(__name__)


class StateLocked(Exception):
    """Another process uses the state file."""


class StateUnreadable(Exception):
    """What the state file holds of an account cannot be read; `trouble` is why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(TROUBLES[trouble])
        self.trouble: Trouble = trouble


class StateFile:
    """Use it in `with`, or call `close`. Thread-safe. Raises StateLocked when another process has the file."""

    def __init__(self, path: Path, accounts: Collection[str], clock: Clock, lock_seconds: float = LOCK_SECONDS) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()  # guards everything below
        self._failures: Counter[Trouble] = Counter()
        self._trouble: Trouble | None = None
        self._unsaved: set[str] = set()
        self._retry_at = float("-inf")
        self._size = 0
        self._loaded: dict[str, LedgerState] = {}
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = self._opened(lock_seconds)
            self._loaded = {name: read_state(self._connection, name) for name in accounts}
            _prepare(self._connection)
            self._inode = path.stat().st_ino
            self._measure()
        except (sqlite3.Error, OSError, ValueError) as failure:
            self._give_up(failure)

    @property
    def status(self) -> StateStatus:
        """How the state is kept now."""
        with self._lock:
            persistent = self._trouble is None and not self._unsaved and self._connection is not None
            size = self._size if self._connection is not None else None
            return StateStatus("sqlite", persistent, self._trouble, dict(self._failures), size)

    def account(self, name: str) -> Store:
        """The store of one account; one that was not named at opening is read now. Raises StateUnreadable."""
        with self._lock:
            if name not in self._loaded and self._connection is not None:
                try:
                    self._loaded[name] = read_state(self._connection, name)
                except (sqlite3.Error, OSError, ValueError) as failure:
                    raise StateUnreadable(trouble_of(failure)) from None
            return _AccountStore(self, name, self._loaded.pop(name, LedgerState()))

    def commit(self, name: str, change: LedgerChange, state: LedgerState) -> None:
        """See `Store.commit`."""
        with self._lock:
            if self._connection is None or (self._unsaved and self._clock.monotonic() < self._retry_at):
                self._unsaved.add(name)
                return
            try:
                self._save(self._connection, name, change, state)
                self._saved(name)
            except (sqlite3.Error, OSError, ValueError) as failure:
                self._unsaved.add(name)
                self._failed(failure)

    def forget(self, name: str) -> None:
        """See `StateStore.forget`."""
        with self._lock:
            self._unsaved.discard(name)

    def close(self) -> None:
        """Close the file; later commits are not saved, which the next start reads again."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _opened(self, lock_seconds: float) -> sqlite3.Connection:
        header = read_header(self.path)
        if header.kind == "foreign":
            raise Unusable("foreign")
        if header.version > VERSION:
            raise Unusable("newer")
        _require_writable(self.path)
        if header.kind == "ours" and not _has_log(self.path) and not tells_its_size(self.path):
            raise Unusable("corrupt")
        connection = sqlite3.connect(self.path, timeout=lock_seconds, isolation_level=None, check_same_thread=False)
        try:
            _hold(connection)
            _check(connection, self.path)
            migrate(connection, layout_of(connection))
        except BaseException as failure:
            connection.close()
            if isinstance(failure, sqlite3.Error) and is_locked(failure):
                raise StateLocked(self.path) from None
            raise
        return connection

    def _save(self, connection: sqlite3.Connection, name: str, change: LedgerChange, state: LedgerState) -> None:
        if self.path.stat().st_ino != self._inode:
            raise Unusable("replaced")
        with _transaction(connection):
            if name in self._unsaved:
                write_state(connection, name, state)
            else:
                write_change(connection, name, change)

    def _saved(self, name: str) -> None:
        self._unsaved.discard(name)
        self._measure()
        if self._trouble is not None and not self._unsaved:
            _log.info("the state file can be written again", extra={"fields": {"path": str(self.path)}})
            self._trouble = None

    def _failed(self, failure: Exception) -> None:
        # It was there when it was opened.
        trouble = "replaced" if isinstance(failure, FileNotFoundError) else trouble_of(failure)
        self._failures[trouble] += 1
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        if trouble != self._trouble:
            _log.error(
                "the state file cannot be saved, runs are counted in memory for now",
                extra={"fields": {"path": str(self.path), "trouble": TROUBLES[trouble]}},
            )
        self._trouble = trouble
        if trouble in LASTING:
            self._close()

    def _give_up(self, failure: Exception) -> None:
        self._trouble = trouble_of(failure)
        self._failures[self._trouble] += 1
        self._loaded = {}
        self._close()
        _log.error(
            "the state file cannot be used, runs are counted in memory until the next start",
            extra={"fields": {"path": str(self.path), "trouble": TROUBLES[self._trouble]}},
        )

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _measure(self) -> None:
        self._size = self.path.stat().st_size + _log_size(self.path)


class _AccountStore:
    """One account's part of the file."""

    def __init__(self, file: StateFile, name: str, loaded: LedgerState) -> None:
        self._file = file
        self._name = name
        self._loaded = loaded

    def load(self) -> LedgerState:
        """What the file held when it was opened; to be called once."""
        loaded, self._loaded = self._loaded, LedgerState()
        return loaded

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """See `Store.commit`."""
        self._file.commit(self._name, change, state)


def _require_writable(path: Path) -> None:
    # SQLite would open such a file for reading only, and tell later of a failed lock; its log needs the folder.
    if any(place.exists() and not os.access(place, os.W_OK) for place in (path, path.parent)):
        raise Unusable("read_only")


def _hold(connection: sqlite3.Connection) -> None:
    # In this mode the lock that the transaction takes is kept until the connection or the process ends.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite reads what is missing of a last page as zeros, and checks no numbers; a log may have the page as a whole.
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size % size and not _log_size(path):
        raise Unusable("corrupt")
    if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise Unusable("corrupt")


def _prepare(connection: sqlite3.Connection) -> None:
    # Writes a header that says otherwise, so only once everything could be read.
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL").fetchall()
    # What goes beyond it is told as a full disk. A file that is larger already stays as large.
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    (most,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {min(int(most), FILE_BYTES // int(size))}").fetchall()


def _has_log(path: Path) -> bool:
    # Of either kind: after a kill it holds what the file lacks.
    return any(path.with_name(f"{path.name}-{kind}").exists() for kind in ("wal", "journal"))


def _log_size(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
