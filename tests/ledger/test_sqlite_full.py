"""A full disk does not stop the counting, and loses nothing that was counted once there is room again."""

import json
import logging
from pathlib import Path

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import RETRY_SECONDS, StateFile
from exporter.ledger.trouble import LASTING
from tests.clocks import EPOCH, ManualClock
from tests.ledger.kept import KeptStore
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import Disk, count_run, counters, disk, opened, process, sound, state_in

RUNS = 12


def started(file: StateFile, account: str = ACCOUNT) -> RunLedger:
    """A ledger on the file whose first sight is over."""
    ledger = RunLedger(file.account(account))
    ledger.observe([], "flow", EPOCH)
    return ledger


def filled_up(made: Disk, ledger: RunLedger) -> None:
    """Count runs on a full disk, more than the pages that are there can take."""
    made.fill()
    for number in range(RUNS):
        count_run(ledger, number)


def expected(count: int) -> tuple[object, ...]:
    """The counters of so many runs that nothing happened to."""
    store = KeptStore()
    ledger = RunLedger(store)
    ledger.observe([], "flow", EPOCH)
    for number in range(count):
        count_run(ledger, number)
    return counters(store)


def shown(ledger: RunLedger) -> tuple[object, ...]:
    """The counters of a living ledger."""
    tallies = ledger.tallies()
    return dict(tallies.flows), dict(tallies.integrations), dict(tallies.unknown)


def test_on_a_full_disk_counting_goes_on_in_memory_and_the_status_says_so(tmp_path: Path) -> None:
    with disk() as made, opened(tmp_path / "state") as file:
        ledger = started(file)
        assert file.status.persistent
        filled_up(made, ledger)
        assert shown(ledger) == expected(RUNS)
        assert (file.status.persistent, file.status.trouble) == (False, "full")
        assert file.status.failures == {"full": 1}
        assert file.status.backend == "sqlite"


def test_a_full_disk_is_logged_once_and_its_end_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = ManualClock()
    with disk() as made, opened(tmp_path / "state", clock=clock) as file:
        ledger = started(file)
        filled_up(made, ledger)
        for number in range(3):
            clock.advance(RETRY_SECONDS)
            count_run(ledger, 100 + number)
        assert file.status.failures == {"full": 4}
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "the disk is full" in vars(caplog.records[0])["fields"]["trouble"]
        made.free()
        clock.advance(RETRY_SECONDS)
        count_run(ledger, 200)
        assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_everything_unsaved_is_written_when_there_is_room_again(tmp_path: Path) -> None:
    clock = ManualClock()
    with disk() as made, opened(tmp_path / "state", clock=clock) as file:
        ledger = started(file)
        filled_up(made, ledger)
        made.free()
        clock.advance(RETRY_SECONDS)
        count_run(ledger, RUNS)
        assert (file.status.persistent, file.status.trouble) == (True, None)
        assert file.status.failures == {"full": 1}
    with opened(tmp_path / "state") as file:
        assert counters(file.account(ACCOUNT)) == expected(RUNS + 1)


def test_saving_is_not_tried_again_before_its_time(tmp_path: Path) -> None:
    clock = ManualClock()
    with disk() as made, opened(tmp_path / "state", clock=clock) as file:
        ledger = started(file)
        filled_up(made, ledger)
        made.free()
        clock.advance(RETRY_SECONDS - 0.5)
        count_run(ledger, RUNS)
        assert not file.status.persistent
        clock.advance(0.5)
        count_run(ledger, RUNS + 1)
        assert file.status.persistent


def test_a_process_that_ends_on_a_full_disk_leaves_the_last_state_that_was_saved(tmp_path: Path) -> None:
    with disk() as made, opened(tmp_path / "state") as file:
        ledger = started(file)
        count_run(ledger, 0)
        made.fill()
        for number in range(1, RUNS):
            count_run(ledger, number)
        assert not file.status.persistent
    counted = len(state_in(tmp_path / "state").counted)
    assert 1 <= counted < RUNS
    assert sound(tmp_path / "state")
    # The next start reads the rest again: each is counted once.
    with opened(tmp_path / "state") as file:
        again = RunLedger(file.account(ACCOUNT))
        for number in range(RUNS):
            count_run(again, number)
        assert shown(again) == expected(RUNS)


def test_it_is_persistent_only_when_every_account_is_saved_again(tmp_path: Path) -> None:
    clock = ManualClock()
    with disk() as made, opened(tmp_path / "state", "one", "two", clock=clock) as file:
        ledgers = [started(file, "one"), started(file, "two")]
        filled_up(made, ledgers[0])
        count_run(ledgers[1], 0)
        made.free()
        clock.advance(RETRY_SECONDS)
        count_run(ledgers[1], 1)
        assert (file.status.persistent, file.status.trouble) == (False, "full")
        count_run(ledgers[0], RUNS)
        assert (file.status.persistent, file.status.trouble) == (True, None)
    with opened(tmp_path / "state", "one", "two") as file:
        assert [counters(file.account(name)) for name in ("one", "two")] == [expected(RUNS + 1), expected(2)]


def test_ids_dropped_while_the_disk_was_full_are_gone_from_the_file(tmp_path: Path) -> None:
    clock = ManualClock()
    with disk() as made, opened(tmp_path / "state", clock=clock) as file:
        ledger = started(file)
        count_run(ledger, 0)
        filled_up(made, ledger)
        ledger.advance("flow", EPOCH + 90000, 60.0, EPOCH + 90000)
        made.free()
        clock.advance(RETRY_SECONDS)
        ledger.observe([], "retry", EPOCH + 90001)
        assert file.status.persistent
    assert state_in(tmp_path / "state").counted == {}


def test_a_disk_that_is_full_at_the_start_does_not_stop_it(tmp_path: Path) -> None:
    with disk() as made:
        made.fill()
        with opened(tmp_path / "state") as file:
            ledger = started(file)
            count_run(ledger, 0)
            assert shown(ledger) == expected(1)
            assert (file.status.persistent, file.status.trouble) == (False, "full")
            assert file.status.failures == {"full": 1}
    assert state_in(tmp_path / "state").counted == {}


def test_a_full_disk_at_the_start_leaves_an_older_file_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as file:
        count_run(started(file), 0)
    before = state_in(tmp_path / "state")
    with disk() as made:
        made.fill()
        with opened(tmp_path / "state") as file:
            ledger = RunLedger(file.account(ACCOUNT))
            for number in range(RUNS):
                count_run(ledger, number)
            assert file.status.trouble == "full"
            assert shown(ledger) == expected(RUNS)
    assert before.counted.items() <= state_in(tmp_path / "state").counted.items()


def test_a_write_that_the_system_refuses_is_told_and_made_up_for(tmp_path: Path) -> None:
    with process("narrow", tmp_path / "state") as child:
        out, _ = child.communicate()
    refused, after = [json.loads(line) for line in out.splitlines()]
    assert child.returncode == 0
    assert (refused["persistent"], refused["trouble"] in {"io", "full"}) == (False, True)
    assert (after["persistent"], after["trouble"]) == (True, None)
    assert sum(after["failures"].values()) == 1
    with opened(tmp_path / "state") as file:
        flows, *_ = counters(file.account(ACCOUNT))
    assert [tally.runs for tally in flows.values()] == [(2, 0, 0)]


def test_a_full_disk_may_pass() -> None:
    assert "full" not in LASTING
