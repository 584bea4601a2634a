"""Killed at any moment, the file holds whole steps: all that were committed, and none in part."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.ledger.runs import RunLedger
from tests.ledger.kept import KeptStore
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import (
    Death,
    contents,
    counters,
    deaths,
    killed_holder,
    memory_folder,
    opened,
    proving,
    sound,
    states,
)
from tests.ledger.test_store import steps

STATES = states()
STRIDE = 3 if proving() else 29
"""One instruction of SQLite's machine of so many."""


@pytest.fixture(scope="module")
def at_statements() -> Iterator[list[Death]]:
    """One death at every statement, and the process that ended by itself."""
    with memory_folder() as folder:
        yield deaths(folder, "statement")


def judged(death: Death) -> int:
    """How many steps the file holds; whole ones, and no fewer than were reported."""
    with opened(death.path) as file:
        assert file.status.persistent, death
        held = file.account(ACCOUNT).load()
    assert held in STATES, death
    # A step that was on the disk need not have been reported any more.
    assert STATES.index(held) in (death.committed, death.committed + 1), death
    assert sound(death.path), death
    return STATES.index(held)


def repeated(path: Path) -> tuple[object, ...]:
    """The counters after all steps were done once more."""
    with opened(path) as file:
        steps(RunLedger(file.account(ACCOUNT)))
    with opened(path) as file:
        return counters(file.account(ACCOUNT))


def undisturbed() -> tuple[object, ...]:
    """The counters of a run that nothing happened to."""
    store = KeptStore()
    steps(RunLedger(store))
    return counters(store)


def test_every_kind_of_statement_is_a_point_of_death(at_statements: list[Death]) -> None:
    *killed, last = at_statements
    assert all(death.killed for death in killed)
    assert not last.killed
    assert last.committed == len(STATES) - 1
    kinds = {death.at.split()[0] for death in killed}
    assert kinds == {"PRAGMA", "BEGIN", "CREATE", "SELECT", "INSERT", "DELETE", "COMMIT"}
    assert sum(death.at == "COMMIT" for death in killed) >= len(STATES)


def test_killed_at_any_statement_the_file_holds_whole_steps_and_all_that_were_reported(
    at_statements: list[Death],
) -> None:
    held = [judged(death) for death in at_statements]
    assert set(held) == set(range(len(STATES)))
    assert held == sorted(held)
    if proving():
        print(f"\nstate file: killed at {len(held) - 1} statements, whole steps every time")


def test_all_steps_done_again_after_a_kill_give_the_counters_of_an_undisturbed_run(
    at_statements: list[Death],
) -> None:
    expected = undisturbed()
    # Not the one that ended by itself: its last step dropped ids, and no client sees hours-old rows in progress again.
    assert [death for death in at_statements if death.killed and repeated(death.path) != expected] == []


def test_killed_inside_a_statement_the_file_holds_whole_steps() -> None:
    with memory_folder() as folder:
        made = deaths(folder, "instruction", stride=STRIDE)
        assert len(made) > 40
        for death in made:
            judged(death)
    if proving():
        print(f"\nstate file: killed at {len(made) - 1} instructions, whole steps every time")


def test_a_log_cut_anywhere_gives_back_the_whole_steps_before_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "state"
    killed_holder(path)
    kept = contents(tmp_path)
    log = kept["state-wal"]
    held = []
    for length in {*range(0, len(log), 64 if proving() else 1021), len(log) - 1, len(log)}:
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "state").write_bytes(kept["state"])
        (folder / "state-wal").write_bytes(log[:length])
        with opened(folder / "state") as file:
            assert file.status.persistent
            state = file.account(ACCOUNT).load()
        assert state in STATES
        held.append((length, STATES.index(state)))
    assert sorted(number for _, number in held) == [number for _, number in sorted(held)]
    assert {number for _, number in held} == set(range(len(STATES)))
