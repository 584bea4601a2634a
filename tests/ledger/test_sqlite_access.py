"""A path that cannot be used, and a file that goes away: the exporter starts, counts in memory and says why."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import RETRY_SECONDS, StateFile
from tests.clocks import EPOCH, ManualClock
from tests.ledger.rows import FLOW, finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import contents, filled, killed_holder, opened, state_in
from tests.ledger.test_store import steps

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that its user may not write once `sealed` was called; root may write everywhere, so it is not root."""
    made, root = Path(tempfile.mkdtemp()), os.geteuid() == 0
    if root:
        os.chown(made, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, 0)
    yield made
    if root:
        os.setresuid(0, 0, 0)
    made.chmod(0o700)
    shutil.rmtree(made)


def counts(file: StateFile) -> None:
    """Whatever became of the file, runs are counted."""
    ledger = RunLedger(file.account(ACCOUNT))
    ledger.observe([], "flow", EPOCH)
    ledger.observe([finished("new", EPOCH, flow_id="new")], "flow", EPOCH + 1)
    assert ledger.tallies().flows["new"].runs == (1, 0, 0)
    assert not file.status.persistent


def test_in_a_folder_that_may_not_be_written_runs_are_counted_in_memory(folder: Path) -> None:
    folder.chmod(0o500)
    with opened(folder / "state") as file:
        assert file.status.trouble == "read_only"
        counts(file)
    assert contents(folder) == {}


def test_a_file_in_a_folder_that_may_not_be_written_stays_as_it_is(folder: Path) -> None:
    filled(folder / "state")
    before = contents(folder)
    folder.chmod(0o500)
    with opened(folder / "state") as file:
        assert file.status.trouble == "read_only"
        counts(file)
    assert contents(folder) == before


def test_a_file_that_may_not_be_written_stays_as_it_is(folder: Path) -> None:
    filled(folder / "state")
    before = contents(folder)
    (folder / "state").chmod(0o400)
    with opened(folder / "state") as file:
        assert file.status.trouble == "read_only"
        counts(file)
    assert contents(folder) == before


def test_a_file_that_may_not_be_read_is_told_as_such(folder: Path) -> None:
    filled(folder / "state")
    (folder / "state").chmod(0)
    with opened(folder / "state") as file:
        assert file.status.trouble == "no_access"
        counts(file)
    (folder / "state").chmod(0o600)
    assert FLOW in state_in(folder / "state").flows


def test_a_missing_folder_is_told_as_such_and_not_made(tmp_path: Path) -> None:
    with opened(tmp_path / "missing" / "state") as file:
        assert file.status.trouble == "no_access"
        counts(file)
    assert list(tmp_path.iterdir()) == []


def test_a_path_through_a_file_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with opened(tmp_path / "plain" / "state") as file:
        assert file.status.trouble == "no_access"
        counts(file)
    assert contents(tmp_path) == {"plain": b"x"}


def test_a_folder_in_place_of_the_file_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with opened(tmp_path / "state") as file:
        assert file.status.trouble == "no_access"
        counts(file)
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("log_too", [False, True], ids=["file", "file-and-log"])
def test_a_file_removed_while_in_use_is_told_and_counting_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, log_too: bool
) -> None:
    with opened(tmp_path / "state") as file:
        ledger = RunLedger(file.account(ACCOUNT))
        steps(ledger)
        (tmp_path / "state").unlink()
        if log_too:
            (tmp_path / "state-wal").unlink()
        ledger.observe([finished("more", 20001)], "flow", EPOCH + 20010)
        assert (file.status.persistent, file.status.trouble) == (False, "replaced")
        assert file.status.failures == {"replaced": 1}
        ledger.observe([finished("again", 20002)], "flow", EPOCH + 20010)
        assert ledger.tallies().flows[FLOW].runs == (4, 1, 0)
        assert file.status.size_bytes is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert not (tmp_path / "state").exists()


def test_a_file_put_in_its_place_is_not_touched(tmp_path: Path) -> None:
    clock = ManualClock()
    with opened(tmp_path / "state", clock=clock) as file:
        ledger = RunLedger(file.account(ACCOUNT))
        steps(ledger)
        (tmp_path / "new").write_text("somebody's")
        (tmp_path / "new").replace(tmp_path / "state")
        for number in range(3):
            clock.advance(RETRY_SECONDS)
            ledger.observe([finished(f"more-{number}", 20001 + number)], "flow", EPOCH + 20010)
        assert (file.status.persistent, file.status.trouble) == (False, "replaced")
        assert ledger.tallies().flows[FLOW].runs == (5, 1, 0)
    assert (tmp_path / "state").read_text() == "somebody's"


def test_a_state_file_restored_with_its_log_over_the_one_in_use_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    killed_holder(tmp_path / "backup" / "state")
    (tmp_path / "used").mkdir()
    with opened(tmp_path / "used" / "state") as file:
        ledger = RunLedger(file.account(ACCOUNT))
        steps(ledger)
        for each in (tmp_path / "backup").iterdir():
            each.replace(tmp_path / "used" / each.name)
        restored = contents(tmp_path / "used")
        ledger.observe([finished("more", 20001)], "flow", EPOCH + 20010)
        assert file.status.trouble == "replaced"
        assert contents(tmp_path / "used") == restored
    assert contents(tmp_path / "used") == restored
    assert FLOW in state_in(tmp_path / "used" / "state").flows


def test_a_file_replaced_and_never_written_again_is_not_touched_by_closing(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as file:
        steps(RunLedger(file.account(ACCOUNT)))
        (tmp_path / "state").unlink()
        (tmp_path / "state").write_text("somebody's")
    assert (tmp_path / "state").read_text() == "somebody's"


def test_after_closing_nothing_is_written_and_nothing_raises(tmp_path: Path) -> None:
    file = opened(tmp_path / "state")
    ledger = RunLedger(file.account(ACCOUNT))
    steps(ledger)
    file.close()
    before = contents(tmp_path)
    ledger.observe([finished("more", 20001)], "flow", EPOCH + 20010)
    file.close()
    assert not file.status.persistent
    assert contents(tmp_path) == before
