"""A process of its own for the tests of the state file: it holds the file, is killed over it, or runs out of room.

    python -m tests.ledger.sqlite_child hold PATH
    python -m tests.ledger.sqlite_child kill FOLDER statement|instruction FIRST STRIDE [SEED [next]]
    python -m tests.ledger.sqlite_child narrow PATH

`kill` forks, so that a hundred deaths cost one start of Python: each fork does all steps on a file of its own and sends
itself SIGKILL at its point. One line of JSON tells of each.
"""

import json
import os
import resource
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.ledger import schema, sqlite
from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import RETRY_SECONDS, StateFile
from exporter.ledger.state import LedgerChange, LedgerState
from exporter.ledger.store import Store
from tests.clocks import EPOCH, ManualClock
from tests.ledger.rows import finished
from tests.ledger.test_store import steps

ACCOUNT = "alpha"

NEXT_VERSION = (
    "ALTER TABLE account ADD COLUMN note TEXT",
    "CREATE TABLE extra (account INTEGER NOT NULL, value TEXT NOT NULL)",
    "INSERT INTO extra SELECT id, name FROM account",
)
"""What the version after the newest might bring."""


def next_version(patch: pytest.MonkeyPatch) -> None:
    """Let the program know one version of the layout more."""
    number = schema.VERSION + 1
    patch.setattr(schema, "MIGRATIONS", {**schema.MIGRATIONS, number: NEXT_VERSION})
    patch.setattr(schema, "VERSION", number)
    patch.setattr(sqlite, "VERSION", number)


class _Reporting:
    """Tells after each commit that it is done."""

    def __init__(self, store: Store, report: int) -> None:
        self._store = store
        self._report = report

    def load(self) -> LedgerState:
        return self._store.load()

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        self._store.commit(change, state)
        os.write(self._report, b"committed\n")


def hold(path: str) -> None:
    """Do all steps, say so, and keep the file until the input ends."""
    with StateFile(Path(path), (ACCOUNT,), ManualClock()) as file:
        steps(RunLedger(file.account(ACCOUNT)))
        print("held", flush=True)
        sys.stdin.read()


def kill(folder: str, unit: str, first: str, stride: str, seed: str = "", version: str = "") -> None:
    """One death after the other, until a fork reaches its end."""
    number, alive = int(first), False
    if version == "next":
        next_version(pytest.MonkeyPatch())
    while not alive:
        path = Path(folder) / f"{number}.state"
        if seed:
            shutil.copyfile(seed, path)
        lines, alive = _forked(path, unit, number)
        done = lines.count("committed")
        at = next((line.removeprefix("at ") for line in lines if line.startswith("at ")), "")
        print(json.dumps({"number": number, "at": at, "committed": done, "killed": not alive, "path": str(path)}))
        number += int(stride)


def _forked(path: Path, unit: str, number: int) -> tuple[list[str], bool]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _dying(path, unit, number, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "r") as report:
        lines = report.read().splitlines()
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the fork of point {number} failed")
    return lines, not killed


def _dying(path: Path, unit: str, number: int, report: int) -> None:
    real, passed = sqlite3.connect, 0

    def point(statement: str = "") -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            os.write(report, b"at " + " ".join(statement.split()[:3]).encode() + b"\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **more)
        if unit == "statement":
            connection.set_trace_callback(point)
        else:
            connection.set_progress_handler(point, 1)
        return connection

    pytest.MonkeyPatch().setattr(sqlite3, "connect", connect)
    with StateFile(path, (ACCOUNT,), ManualClock()) as file:
        steps(RunLedger(_Reporting(file.account(ACCOUNT), report)))
    os._exit(0)


def narrow(path: str) -> None:
    """Count while no file may grow, then while it may, and tell the status each time."""
    clock = ManualClock()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with StateFile(Path(path), (ACCOUNT,), clock) as file:
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([], "flow", EPOCH)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
        ledger.observe([finished("one", 10)], "flow", EPOCH + 20)
        _tell(file)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        clock.advance(RETRY_SECONDS)
        ledger.observe([finished("two", 11)], "flow", EPOCH + 20)
        _tell(file)


def _tell(file: StateFile) -> None:
    status = file.status
    told = {"persistent": status.persistent, "trouble": status.trouble, "failures": dict(status.failures)}
    print(json.dumps(told), flush=True)


COMMANDS: dict[str, Callable[..., None]] = {"hold": hold, "kill": kill, "narrow": narrow}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
