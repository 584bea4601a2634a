"""The layout of the state file, and how an older one becomes the newest.

The file tells what it is by SQLite's `application_id` and its layout by `user_version`. Both stand in its first 100
bytes, so that a file of somebody else, or of a newer exporter, is recognised without opening it as a database.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

APPLICATION_ID = 0x43454C58
"""`CELX`."""

VERSION = 2

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_SMALLEST_PAGE = 512

MIGRATIONS: Mapping[int, Sequence[str]] = {
    1: (
        "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        """CREATE TABLE track (account INTEGER NOT NULL, kind TEXT NOT NULL, since REAL NOT NULL, watermark REAL,
        forgotten REAL, PRIMARY KEY (account, kind)) WITHOUT ROWID""",
        """CREATE TABLE unknown (account INTEGER NOT NULL, kind TEXT NOT NULL, jobs INTEGER NOT NULL,
        PRIMARY KEY (account, kind)) WITHOUT ROWID""",
        """CREATE TABLE counted (account INTEGER NOT NULL, job_id TEXT NOT NULL, kind TEXT NOT NULL,
        created_at REAL NOT NULL, at REAL NOT NULL, PRIMARY KEY (account, job_id)) WITHOUT ROWID""",
        """CREATE TABLE pending (account INTEGER NOT NULL, job_id TEXT NOT NULL, kind TEXT NOT NULL,
        created_at REAL NOT NULL, flow_id TEXT, PRIMARY KEY (account, job_id)) WITHOUT ROWID""",
        """CREATE TABLE flow (account INTEGER NOT NULL, flow_id TEXT NOT NULL,
        completed INTEGER NOT NULL, failed INTEGER NOT NULL, canceled INTEGER NOT NULL,
        success INTEGER NOT NULL, error INTEGER NOT NULL, ignored INTEGER NOT NULL,
        retries_completed INTEGER NOT NULL, retries_failed INTEGER NOT NULL, retries_canceled INTEGER NOT NULL,
        newest_created REAL, newest TEXT NOT NULL, PRIMARY KEY (account, flow_id)) WITHOUT ROWID""",
        """CREATE TABLE integration (account INTEGER NOT NULL, integration_id TEXT NOT NULL,
        completed INTEGER NOT NULL, failed INTEGER NOT NULL, canceled INTEGER NOT NULL,
        success INTEGER NOT NULL, error INTEGER NOT NULL, ignored INTEGER NOT NULL,
        newest_created REAL, histograms TEXT NOT NULL, PRIMARY KEY (account, integration_id)) WITHOUT ROWID""",
    ),
    2: (
        """CREATE TABLE history (account INTEGER NOT NULL, flow_id TEXT NOT NULL, success REAL, history TEXT NOT NULL,
        PRIMARY KEY (account, flow_id)) WITHOUT ROWID""",
        """CREATE TABLE backfill (account INTEGER NOT NULL, kind TEXT NOT NULL, until REAL NOT NULL,
        reached REAL NOT NULL, PRIMARY KEY (account, kind)) WITHOUT ROWID""",
        """CREATE TABLE progress (account INTEGER NOT NULL, job_id TEXT NOT NULL, moved_at REAL NOT NULL,
        counters TEXT NOT NULL, PRIMARY KEY (account, job_id)) WITHOUT ROWID""",
        """CREATE TABLE expectation (account INTEGER NOT NULL, flow_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
        since REAL NOT NULL, PRIMARY KEY (account, flow_id)) WITHOUT ROWID""",
        """CREATE TABLE note (account INTEGER NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
        PRIMARY KEY (account, name)) WITHOUT ROWID""",
    ),
}
"""Statements that lead from one version to the next, by the version they lead to. Instants are Unix seconds of the
server's clock; NULL stands for never."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a file say. `version` is the layout of a file that is ours."""

    kind: Literal["absent", "ours", "foreign"]
    version: int = 0


def read_header(path: Path) -> Header:
    """Look at the file without opening it as a database. Raises OSError and ValueError when it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return Header("absent")
    if not head:
        return Header("absent")
    application_id = int.from_bytes(head[68:72], "big")
    if len(head) == _HEADER_BYTES and head.startswith(_MAGIC) and not any(head[40:44] + head[60:64] + head[68:72]):
        # A database in which nothing was ever made: its maker was killed before the first table was committed.
        return Header("absent")
    if len(head) < _HEADER_BYTES or not head.startswith(_MAGIC) or application_id != APPLICATION_ID:
        return Header("foreign")
    return Header("ours", int.from_bytes(head[60:64], "big"))


def tells_its_size(path: Path) -> bool:
    """Whether the header of a file of ours tells the size that the file has, and a format that can be written.

    SQLite corrects another size as soon as it opens the file for writing, and takes another format for a file that may
    not be written. Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    size = path.stat().st_size
    if not {head[18], head[19]} <= {1, 2}:
        return False
    return page >= _SMALLEST_PAGE and size % page == 0 and 0 < pages <= size // page and head[24:28] == head[92:96]


def layout_of(connection: sqlite3.Connection) -> int:
    """The layout of an opened file, 0 for one without any.

    Asked again after opening, which takes back what a killed process had written and not committed, whatever the bytes
    of the header said before. Raises sqlite3.Error.
    """
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file of layout `version` (0: a new one) to the newest, in one transaction.

    Raises sqlite3.Error, and ValueError, with nothing written, for a file that has what only newer ones have.
    """
    if version == VERSION:
        return
    _require_older(connection, version)
    # Without a log of its own the file's header tells the new layout as soon as it has it.
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version + 1, VERSION + 1):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _require_older(connection: sqlite3.Connection, version: int) -> None:
    newer = [statement for number in MIGRATIONS if number > version for statement in MIGRATIONS[number]]
    made = {name for statement in newer for name in re.findall(r"^CREATE TABLE (\w+)", statement)}
    there = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if made & there:
        raise ValueError("the header tells an older layout than the file has")
