"""State files for tests: filled ones, what is in them, every byte of them, and real full disks and processes."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.schema import APPLICATION_ID, MIGRATIONS
from exporter.ledger.sqlite import StateFile
from exporter.ledger.state import Kind, LedgerState
from exporter.ledger.store import Store
from exporter.ledger.tally import NEVER, FlowTally, IntegrationTally, Streak
from tests.clocks import EPOCH, ManualClock
from tests.ledger.kept import copied
from tests.ledger.rows import finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.test_store import BreakingStore, steps

ROOT = Path(__file__).resolve().parents[2]


def opened(path: Path, *accounts: str, clock: ManualClock | None = None) -> StateFile:
    """The file at `path` for `accounts`, or for one; never waits for another process."""
    return StateFile(path, accounts or (ACCOUNT,), clock or ManualClock(), 0.0)


def filled(path: Path) -> LedgerState:
    """Make a state file with a little of everything, and say what is in it."""
    with opened(path) as file:
        store = file.account(ACCOUNT)
        steps(RunLedger(store))
        assert file.status.persistent
    return state_in(path)


def first_version(path: Path) -> LedgerState:
    """Make a file as version 1 of the layout left it, with a little of everything, and say what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        held = filled(Path(folder) / "newest")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            for statement in MIGRATIONS[1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA user_version = 1")
            connection.execute("ATTACH ? AS newest", (str(Path(folder) / "newest"),))
            for (name,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
                connection.execute(f"INSERT INTO main.{name} SELECT * FROM newest.{name}")
            # It did not know the end of the oldest run of a streak.
            connection.create_function("streaks_of_old", 1, _streaks_of_old)
            connection.execute("UPDATE main.flow SET newest = streaks_of_old(newest)")
    flows = {name: replace(row, failed=_older(row.failed), empty=_older(row.empty)) for name, row in held.flows.items()}
    known = {part: getattr(held, part) for part in ("tracks", "counted", "pending", "unknown", "integrations")}
    return LedgerState(**known, flows=flows)


def _streaks_of_old(newest: str) -> str:
    held = json.loads(newest)
    return json.dumps({**held, "failed": held["failed"][:3], "empty": held["empty"][:3]})


def _older(streak: Streak) -> Streak:
    return replace(streak, oldest=NEVER)


def state_in(path: Path, account: str = ACCOUNT) -> LedgerState:
    """What a sound file holds of an account."""
    with opened(path, account) as file:
        assert file.status.persistent, file.status
        return file.account(account).load()


def states() -> list[LedgerState]:
    """The state before the first of the steps, and after each."""
    store, held = BreakingStore(), LedgerState()
    steps(RunLedger(store))
    known = [copied(held)]
    for change in store.changes:
        held.apply(change)
        known.append(copied(held))
    return known


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in the folder, byte by byte."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def count_run(ledger: RunLedger, number: int) -> None:
    """One more run, whose id is long so that a few of them need another page of the file."""
    ledger.observe([finished(f"run-{number}-{'x' * 2000}", 100.0 + number)], "flow", EPOCH + 500)


@dataclass
class Disk:
    """Real SQLITE_FULL: a connection may not have more pages than it has while the disk is full."""

    full: bool = False
    connections: list[sqlite3.Connection] = field(default_factory=list)

    def fill(self) -> None:
        """No page more from now on."""
        self.full = True
        for each in self.connections:
            each.execute("PRAGMA max_page_count = 1").fetchall()

    def free(self) -> None:
        """Room again."""
        self.full = False
        for each in self.connections:
            each.execute("PRAGMA max_page_count = 1000000").fetchall()


@contextmanager
def disk() -> Iterator[Disk]:
    """Inside, every connection that is opened is on a disk that can be filled."""
    made, real = Disk(), sqlite3.connect

    def connect(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **more)
        made.connections.append(connection)
        if made.full:
            connection.execute("PRAGMA max_page_count = 1").fetchall()
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        yield made


@contextmanager
def process(command: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of `tests.ledger.sqlite_child`, killed at the end if it still runs."""
    line = [sys.executable, "-m", "tests.ledger.sqlite_child", command, *map(str, arguments)]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has done all steps on the file and holds it."""
    with process("hold", path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child


def killed_holder(path: Path) -> None:
    """Leave a file behind as a killed process does: its log was not folded in."""
    with holder(path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert path.with_name(path.name + "-wal").stat().st_size > 0


@dataclass(frozen=True)
class Death:
    """One killed process: at which point of what, how many commits it had reported; the last one ended by itself."""

    number: int
    at: str
    committed: int
    killed: bool
    path: Path


def deaths(
    folder: Path, unit: str, first: int = 1, stride: int = 1, seed: Path | None = None, version: str = ""
) -> list[Death]:
    """Do the steps again and again, killed at point `first`, `first + stride`, ... until one is not killed.

    `unit` is `statement` or `instruction`. With `seed` each begins with a copy of that file; `version` is `next` for a
    program that knows one version of the layout more.
    """
    with process("kill", folder, unit, first, stride, seed or "", version) as child:
        out, _ = child.communicate()
    assert child.returncode == 0, out
    lines = [json.loads(line) for line in out.splitlines()]
    return [Death(**{**line, "path": Path(line["path"])}) for line in lines]


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses no more there, and a thousand commits cost less."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def sound(path: Path) -> bool:
    """Whether SQLite finds no fault in the file."""
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])
    finally:
        connection.close()


def proving() -> bool:
    """Whether the long form was asked for."""
    return bool(os.environ.get("PROVE"))


def counters(store: Store) -> tuple[dict[str, FlowTally], dict[str, IntegrationTally], dict[Kind, int]]:
    """Everything counted, from a store that was not read yet."""
    tallies = RunLedger(store).tallies()
    return dict(tallies.flows), dict(tallies.integrations), dict(tallies.unknown)
