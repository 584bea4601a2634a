"""A file that cannot be read is left as it is, byte by byte, and the counting goes on without it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.schema import APPLICATION_ID, VERSION, read_header
from exporter.ledger.state import Counted, LedgerChange, LedgerState
from exporter.ledger.trouble import LASTING, TROUBLES
from tests.clocks import EPOCH
from tests.fuzz.targets.state import damaged
from tests.ledger.rows import FLOW, finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import contents, filled, killed_holder, opened, state_in, states

STATES = states()
FOUND = Path(__file__).parents[1] / "fuzz" / "found" / "state"


def judged(path: Path) -> str | None:
    """Open, count a run, close: the trouble. With one, no byte in the folder may have changed, nor a file come."""
    before = contents(path.parent)
    with opened(path) as file:
        status = file.status
        ledger = RunLedger(file.account(ACCOUNT))
        ledger.observe([], "flow", EPOCH)
        ledger.observe([finished("new", EPOCH, flow_id="new")], "flow", EPOCH + 1)
        assert ledger.tallies().flows["new"].runs == (1, 0, 0)
        assert status.persistent is (status.trouble is None)
    if status.trouble is not None:
        assert status.failures == {status.trouble: 1}
        assert contents(path.parent) == before
    return status.trouble


def executed(path: Path, *statements: str) -> None:
    """Change the file as somebody else might."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for each in statements:
            connection.execute(each).fetchall()
    finally:
        connection.close()


def pages_of(log: Path) -> dict[int, bytes]:
    """The newest content of each page in a log (SQLite's file format, 4.1: 32 bytes of header, 24 before each page)."""
    held = log.read_bytes()
    frames = range(32, len(held) - 4119, 4120)
    return {int.from_bytes(held[at : at + 4], "big"): held[at + 24 : at + 4120] for at in frames}


def test_a_sound_file_has_no_trouble(tmp_path: Path) -> None:
    filled(tmp_path / "state")
    assert judged(tmp_path / "state") is None


def test_a_file_cut_at_any_length_is_damaged_or_not_ours_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled(path)
    whole = path.read_bytes()
    lengths = {1, 15, 16, 50, 99, 100, 101, 512, *range(1000, len(whole), 3001), *range(4096, len(whole), 4096)}
    assert len(whole) - 4096 in lengths
    for length in sorted({*lengths, len(whole) - 1}):
        path.write_bytes(whole[:length])
        assert judged(path) == ("foreign" if length < 100 else "corrupt"), length


def test_a_file_cut_to_nothing_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"")
    assert judged(path) is None
    assert "new" in state_in(path).flows


def test_a_database_in_which_nothing_was_ever_made_is_a_new_one(tmp_path: Path) -> None:
    executed(tmp_path / "state", "BEGIN EXCLUSIVE", "COMMIT")
    assert (tmp_path / "state").stat().st_size > 0
    assert judged(tmp_path / "state") is None


@pytest.mark.parametrize("cut", [1, 2, 4, 8, 12, 30, 60])
def test_a_file_whose_last_page_lacks_a_few_bytes_is_damaged_whatever_the_page_holds(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "state"
    rows = {f"run-{number:04}": Counted("flow", EPOCH + number, EPOCH + number) for number in range(400)}
    with opened(path) as file:
        file.account(ACCOUNT).commit(LedgerChange(counted=rows), LedgerState())
    whole = path.read_bytes()
    assert b"run-0" in whole[-4096:]
    path.write_bytes(whole[:-cut])
    assert judged(path) == "corrupt"


@pytest.mark.parametrize("cut", [4000, 5000, 9000])
def test_a_text_over_several_pages_is_never_read_in_part(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "state"
    with opened(path) as file:
        RunLedger(file.account(ACCOUNT)).memory.keep_note("long", "x" * 20_000)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut] + bytes(cut))
    assert judged(path) == "corrupt"


@pytest.mark.parametrize("cut", [1, 4096, 8192, 20000, 40000])
def test_a_file_that_is_shorter_than_its_log_expects_is_never_half_read(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "state"
    killed_holder(path)
    log = pages_of(path.with_name("state-wal"))
    path.write_bytes(path.read_bytes()[:-cut])
    with opened(path) as file:
        trouble = file.status.trouble
        if trouble is None:
            # The log held every page that was cut away.
            assert file.account(ACCOUNT).load() == STATES[-1]
    assert trouble in (None, "corrupt")
    # Closing folds the log into the file: the file is not as it was, but nothing that was there is lost.
    held = path.read_bytes()
    assert {number: held[(number - 1) * 4096 : number * 4096] for number in log} == log


def test_a_damaged_file_with_a_log_stays_as_it_is_together_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "state"
    killed_holder(path)
    path.write_bytes(b"\xff" * 5000)
    assert judged(path) == "foreign"


def test_flipped_bytes_never_stop_the_start_and_are_never_made_worse(tmp_path: Path) -> None:
    path, random = tmp_path / "state", Random(7)
    filled(path)
    whole, seen = path.read_bytes(), set()
    for _ in range(60):
        flipped = bytearray(whole)
        for _ in range(random.choice((1, 3, 200))):
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        for log in tmp_path.glob("state-*"):
            log.unlink()
        path.write_bytes(flipped)
        seen.add(judged(path))
    assert "corrupt" in seen
    assert seen <= {None, *LASTING}


@pytest.mark.parametrize("page", range(1, 8))
def test_a_page_of_rubbish_is_damage(tmp_path: Path, page: int) -> None:
    path = tmp_path / "state"
    filled(path)
    whole = bytearray(path.read_bytes())
    whole[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(whole)
    assert judged(path) == "corrupt"


def text(path: Path) -> None:
    path.write_text("log:\n  level: info\n" * 50)


def short_text(path: Path) -> None:
    path.write_text("hello")


def other_application(path: Path) -> None:
    executed(path, "CREATE TABLE bookmark (url TEXT)", "INSERT INTO bookmark VALUES ('x')")


def other_application_with_its_own_id(path: Path) -> None:
    executed(path, "CREATE TABLE t (x)", f"PRAGMA application_id = {APPLICATION_ID + 1}", "PRAGMA user_version = 1")


def other_application_with_a_log(path: Path) -> None:
    executed(path, "PRAGMA journal_mode = WAL", "CREATE TABLE bookmark (url TEXT)")
    path.with_name(path.name + "-wal").write_bytes(b"somebody's")


@pytest.mark.parametrize(
    "make",
    [text, short_text, other_application, other_application_with_its_own_id, other_application_with_a_log],
    ids=lambda make: make.__name__,
)
def test_somebody_elses_file_is_not_touched(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "state")
    assert judged(tmp_path / "state") == "foreign"


@pytest.mark.parametrize("version", [VERSION + 1, VERSION + 1000])
def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path, version: int) -> None:
    filled(tmp_path / "state")
    executed(tmp_path / "state", f"PRAGMA user_version = {version}")
    assert read_header(tmp_path / "state").version == version
    assert judged(tmp_path / "state") == "newer"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counted SET kind = 'neither'",
        "UPDATE counted SET created_at = 'yesterday'",
        "UPDATE track SET since = 'never'",
        "UPDATE unknown SET jobs = -1",
        "UPDATE unknown SET jobs = 'many'",
        "UPDATE flow SET completed = -3",
        "UPDATE flow SET failed = 1.5",
        "UPDATE flow SET newest = '{'",
        "UPDATE flow SET newest = '[]'",
        "UPDATE flow SET newest = x'ff'",
        "UPDATE integration SET histograms = 'null'",
        """UPDATE integration SET histograms = replace(histograms, '[[0,', '[[')""",
        """UPDATE integration SET histograms = replace(histograms, '[[0,', '[[0,0,')""",
        "UPDATE history SET history = '{'",
        "UPDATE history SET success = 'yesterday'",
        'UPDATE history SET history = replace(history, \'"hours":"\', \'"hours":"x\')',
        'UPDATE history SET history = replace(history, \'"hours":"\', \'"hours":"-\')',
        "UPDATE history SET history = replace(history, '\"before\":[0', '\"before\":[-1')",
        "UPDATE history SET history = replace(history, '\"newest_hour\":', '\"newest_hour\":-')",
        "UPDATE backfill SET reached = 'far'",
        "UPDATE progress SET counters = '[1.5]'",
        "UPDATE progress SET moved_at = 'then'",
        "UPDATE expectation SET since = 'always'",
        "UPDATE note SET content = 'no JSON'",
        "DROP TABLE progress",
        "DROP TABLE flow",
        "DROP TABLE account",
        "ALTER TABLE counted RENAME COLUMN at TO other",
    ],
)
def test_a_row_that_nobody_wrote_is_damage(tmp_path: Path, statement: str) -> None:
    before = filled(tmp_path / "state")
    executed(tmp_path / "state", statement)
    assert FLOW in before.flows
    assert judged(tmp_path / "state") == "corrupt"


def test_a_log_beside_an_unreadable_row_is_kept_or_folded_in_but_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "living" / "state"
    path.parent.mkdir()
    killed_holder(path)
    copy = tmp_path / "copy" / "state"
    copy.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE flow SET newest = '{'")
    rows = list(connection.iterdump())
    for name in ("state", "state-wal"):
        copy.with_name(name).write_bytes(path.with_name(name).read_bytes())
    connection.close()
    with opened(copy) as file:
        assert file.status.trouble == "corrupt"
    connection = sqlite3.connect(copy)
    assert list(connection.iterdump()) == rows
    connection.close()


def test_every_trouble_of_a_file_lasts_and_has_words() -> None:
    assert {"corrupt", "foreign", "newer"} <= LASTING <= TROUBLES.keys()


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (95, b"\xfe"),
        (24, b"\x01\x02\x03\x04"),
        (28, b"\x00\x00\x00\x00"),
        (28, b"\x00\x00\xff\xff"),
        (16, b"\x00\x00"),
        (18, b"\x09"),
    ],
    ids=["counter", "change", "no pages", "more pages", "page", "format"],
)
def test_a_header_that_tells_another_size_is_damage_that_nobody_corrects(
    tmp_path: Path, place: int, content: bytes
) -> None:
    path = tmp_path / "state"
    filled(path)
    held = bytearray(path.read_bytes())
    held[place : place + len(content)] = content
    path.write_bytes(held)
    assert judged(path) == "corrupt"


def test_a_text_that_is_no_text_is_damage_and_not_the_disks_fault(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled(path)
    whole = path.read_bytes()
    assert FLOW.encode() in whole
    path.write_bytes(whole.replace(FLOW.encode(), b"\xff" * len(FLOW)))
    assert judged(path) == "corrupt"


def test_a_header_that_asks_for_half_a_log_is_not_corrected_in_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled(path)
    executed(path, "UPDATE flow SET newest = '{'")
    held = bytearray(path.read_bytes())
    assert held[18:20] == b"\x02\x02"
    held[19] = 1
    path.write_bytes(held)
    assert judged(path) == "corrupt"


def test_an_account_without_a_number_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(damaged((FOUND / "account-without-a-number").read_bytes()))
    assert judged(path) == "corrupt"


@pytest.mark.parametrize("version", range(VERSION))
def test_a_header_that_tells_an_older_version_is_damage_and_migrates_nothing(tmp_path: Path, version: int) -> None:
    path = tmp_path / "state"
    filled(path)
    held = bytearray(path.read_bytes())
    held[60:64] = version.to_bytes(4, "big")
    path.write_bytes(held)
    assert judged(path) == "corrupt"
