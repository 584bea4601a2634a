"""An older file becomes the newest in one transaction: killed in the middle it is still the old one."""

import sqlite3
from pathlib import Path

import pytest

from exporter.ledger import schema
from exporter.ledger.runs import RunLedger
from exporter.ledger.schema import MIGRATIONS, VERSION, migrate, read_header
from tests.clocks import EPOCH
from tests.ledger.rows import FLOW, finished
from tests.ledger.sqlite_child import ACCOUNT, NEXT_VERSION, next_version
from tests.ledger.sqlite_kit import contents, deaths, filled, first_version, opened, sound, state_in

JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""How a journal begins that is to be played back (SQLite's file format, 3)."""

NEXT = VERSION + 1
ADDED = frozenset({"history", "backfill", "progress", "expectation", "note"})
"""The tables that version 2 brought."""


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    finally:
        connection.close()


def test_every_version_has_its_statements() -> None:
    assert list(MIGRATIONS) == list(range(1, VERSION + 1))


def test_a_new_file_says_what_it_is_in_its_first_bytes(tmp_path: Path) -> None:
    assert read_header(tmp_path / "state").kind == "absent"
    with opened(tmp_path / "state"):
        header = read_header(tmp_path / "state")
    assert (header.kind, header.version) == ("ours", VERSION)


def test_an_older_file_is_brought_to_the_next_version_and_keeps_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(tmp_path / "state")
    assert read_header(tmp_path / "state").version == VERSION
    next_version(monkeypatch)
    with opened(tmp_path / "state") as file:
        assert file.status.persistent
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([finished("more", 20001)], "flow", EPOCH + 20010)
    assert read_header(tmp_path / "state").version == NEXT
    assert "extra" in tables(tmp_path / "state")
    after = state_in(tmp_path / "state")
    assert after.counted.keys() == {*before.counted, "more"}
    assert after.tracks == before.tracks
    assert after.integrations.keys() == before.integrations.keys()


def test_a_file_of_the_first_version_keeps_everything_it_knew_and_the_rest_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "state"
    before = first_version(path)
    assert read_header(path).version == 1
    assert tables(path).isdisjoint(ADDED)
    with opened(path) as file:
        assert file.status.persistent
        assert file.account(ACCOUNT).load() == before
    assert before.flows
    assert before.counted
    assert before.pending
    added = (before.histories, before.progress, before.backfills, before.expectations, before.notes)
    assert not any(added)
    assert read_header(path).version == VERSION
    assert tables(path) > ADDED
    with opened(path) as file:
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.memory.keep_note("a", "text")
        ledger.observe([finished("more", 20001)], "flow", EPOCH + 20010)
    after = state_in(path)
    assert (after.notes, list(after.histories)) == ({"a": "text"}, [FLOW])


def test_a_new_file_of_a_later_version_goes_through_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next_version(monkeypatch)
    filled(tmp_path / "state")
    assert read_header(tmp_path / "state").version == NEXT
    assert tables(tmp_path / "state") > {"extra", *ADDED}


def test_a_history_of_before_deliveries_were_told_begins_with_its_newest_success(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with opened(path) as file:
        RunLedger(file.account(ACCOUNT)).observe([finished("a", 10)], "flow", EPOCH + 20)
    success = state_in(path).histories[FLOW].success
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE history SET history = json_remove(history, '$.delivery')")
    connection.close()
    assert state_in(path).histories[FLOW].delivery == success == EPOCH + 10


@pytest.mark.parametrize("old", [1, VERSION], ids=["from-the-first-to-the-newest", "from-the-newest-to-the-next"])
def test_killed_at_any_statement_of_a_migration_the_file_is_old_or_new_and_never_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: int
) -> None:
    seed, new = tmp_path / "seed", VERSION if old == 1 else NEXT
    before = first_version(seed) if old == 1 else filled(seed)
    (tmp_path / "killed").mkdir()
    made = deaths(tmp_path / "killed", "statement", seed=seed, version="next" if new == NEXT else "")
    unreported = [death for death in made if death.committed == 0]
    versions = [read_header(death.path).version for death in unreported]
    assert set(versions) == {old, new}
    assert versions == sorted(versions)
    statements = [statement for number in range(old + 1, NEXT) for statement in MIGRATIONS[number]]
    assert versions.count(old) >= len(statements if new == VERSION else NEXT_VERSION)
    if new == NEXT:
        next_version(monkeypatch)
    for death in unreported:
        with opened(death.path) as file:
            assert file.status.persistent, death
            held = file.account(ACCOUNT).load()
        # The first step may have reached the disk without being reported.
        assert held.flows == before.flows
        assert held.counted == before.counted
        assert read_header(death.path).version == new
        assert tables(death.path) > ({"extra"} if new == NEXT else ADDED)
        assert sound(death.path)


def test_a_migration_that_was_written_but_not_committed_is_taken_back_and_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, journal = tmp_path / "state", tmp_path / "state-journal"
    before = filled(path)
    next_version(monkeypatch)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    connection.execute("PRAGMA journal_mode = PERSIST").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for statement in (*NEXT_VERSION, f"PRAGMA user_version = {NEXT}"):
        connection.execute(statement)
    head = journal.read_bytes()[:28]
    connection.execute("COMMIT")
    connection.close()
    # As a machine leaves it that stops after the pages were written and before the journal was ended.
    used = (journal.stat().st_size - 512) // (4 + 4096 + 4)
    journal.write_bytes(JOURNAL + used.to_bytes(4, "big") + head[12:] + journal.read_bytes()[28:])
    assert read_header(path).version == NEXT
    with opened(path) as file:
        assert file.status.persistent
        assert file.account(ACCOUNT).load() == before
    assert read_header(path).version == NEXT
    assert "extra" in tables(path)


def test_a_migration_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled(tmp_path / "state")
    with monkeypatch.context() as patch:
        next_version(patch)
        patch.setattr(schema, "MIGRATIONS", {**MIGRATIONS, NEXT: (*NEXT_VERSION, "CREATE TABLE extra (x)")})
        with opened(tmp_path / "state") as file:
            assert not file.status.persistent
            assert file.account(ACCOUNT).load().counted == {}
        assert contents(tmp_path).keys() == {"state"}
        assert read_header(tmp_path / "state").version == VERSION
    assert state_in(tmp_path / "state") == before


def test_a_failed_migration_ends_its_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", {1: ("CREATE TABLE one (x)", "nonsense")})
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.Error):
        migrate(connection, 0)
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    connection.close()
