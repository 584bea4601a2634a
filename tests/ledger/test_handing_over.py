"""A ledger in other hands: the old ones can count nothing any more, and nothing is lost or counted twice."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.ledger.keeper import LedgerGone
from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import StateUnreadable
from exporter.ledger.state import LedgerChange, LedgerState
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW, finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import opened

OTHER = "other"


def counted(ledger: RunLedger) -> int:
    tallies = ledger.tallies().flows
    return sum(tallies[FLOW].runs) if FLOW in tallies else 0


def count(ledger: RunLedger, *names: str) -> None:
    ledger.observe([finished(name, 30.0) for name in names], "flow", EPOCH + 60)


@pytest.fixture
def ledger() -> RunLedger:
    """One run was counted."""
    ledger = RunLedger(KeptStore())
    ledger.observe([], "flow", EPOCH)
    count(ledger, "a")
    return ledger


def test_the_next_one_has_all_counts_and_goes_on(ledger: RunLedger) -> None:
    with ledger.handing_over() as after:
        pass
    assert counted(after) == 1
    count(after, "a", "b")
    assert counted(after) == 2


def test_the_old_one_counts_nothing_any_more_and_says_so(ledger: RunLedger) -> None:
    with ledger.handing_over() as after:
        pass
    with pytest.raises(LedgerGone):
        count(ledger, "b")
    with pytest.raises(LedgerGone):
        ledger.memory.keep_note("audit", "old")
    assert counted(after) == 1
    assert after.memory.note("audit") is None


def test_when_taking_over_fails_the_old_one_goes_on(ledger: RunLedger) -> None:
    with pytest.raises(RuntimeError, match="no token"), ledger.handing_over():
        raise RuntimeError("no token")
    count(ledger, "b")
    assert counted(ledger) == 2


@pytest.mark.parametrize("fails", [True, False], ids=["taking over fails", "taken over"])
def test_a_change_that_comes_in_between_waits_and_is_counted_by_one_of_both(ledger: RunLedger, fails: bool) -> None:
    ended: list[BaseException | None] = []

    def late() -> None:
        try:
            count(ledger, "b")
        except LedgerGone as gone:
            ended.append(gone)
        else:
            ended.append(None)

    thread = threading.Thread(target=late)
    with ExitStack() as stack:
        if fails:
            stack.enter_context(pytest.raises(RuntimeError))
        after = stack.enter_context(ledger.handing_over())
        thread.start()
        assert counted(after) == 1
        if fails:
            raise RuntimeError
    thread.join(30)
    assert [type(each) for each in ended] == ([type(None)] if fails else [LedgerGone])
    assert counted(ledger if fails else after) == (2 if fails else 1)


def test_what_the_old_one_could_not_count_the_next_one_counts_once(ledger: RunLedger) -> None:
    with ledger.handing_over() as after:
        pass
    with pytest.raises(LedgerGone):
        count(ledger, "b")
    count(after, "b")
    count(after, "b")
    assert counted(after) == 2


def test_only_the_newest_of_a_chain_counts(ledger: RunLedger) -> None:
    chain = [ledger]
    for _ in range(5):
        with chain[-1].handing_over() as after:
            chain.append(after)
    for old in chain[:-1]:
        with pytest.raises(LedgerGone):
            count(old, "b")
    count(chain[-1], "b")
    assert counted(chain[-1]) == 2


def test_an_ended_ledger_counts_nothing(ledger: RunLedger) -> None:
    ledger.end()
    with pytest.raises(LedgerGone):
        count(ledger, "b")
    assert counted(ledger) == 1


class TestStateFile:
    def test_an_account_that_comes_back_finds_what_it_left(self, tmp_path: Path) -> None:
        with opened(tmp_path / "state.db") as file:
            gone = RunLedger(file.account(ACCOUNT))
            gone.observe([], "flow", EPOCH)
            count(gone, "a")
            gone.end()
            file.forget(ACCOUNT)
            back = RunLedger(file.account(ACCOUNT))
            assert counted(back) == 1
            count(back, "a", "b")
            assert counted(back) == 2

    def test_an_account_that_was_not_known_at_opening_finds_what_an_earlier_process_left(self, tmp_path: Path) -> None:
        with opened(tmp_path / "state.db", OTHER) as file:
            earlier = RunLedger(file.account(OTHER))
            earlier.observe([], "flow", EPOCH)
            count(earlier, "a")
        with opened(tmp_path / "state.db") as file:
            assert counted(RunLedger(file.account(OTHER))) == 1

    def test_what_was_handed_over_is_saved_by_the_next_one(self, tmp_path: Path) -> None:
        with opened(tmp_path / "state.db") as file:
            before = RunLedger(file.account(ACCOUNT))
            before.observe([], "flow", EPOCH)
            with before.handing_over() as after:
                count(after, "a")
        with opened(tmp_path / "state.db") as file:
            assert counted(RunLedger(file.account(ACCOUNT))) == 1

    def test_an_account_that_left_with_unsaved_counts_does_not_keep_the_trouble_alive(self, tmp_path: Path) -> None:
        with opened(tmp_path / "state.db", ACCOUNT, OTHER) as file:
            stays, leaves = (RunLedger(file.account(name)) for name in (ACCOUNT, OTHER))
            stays.observe([], "flow", EPOCH)
            assert file._connection is not None
            file._connection.execute("PRAGMA query_only = ON")
            count(leaves, "a")
            assert not file.status.persistent
            file._connection.execute("PRAGMA query_only = OFF")
            leaves.end()
            file.forget(OTHER)
            count(stays, "a")
            assert file.status.persistent

    def test_rows_of_a_new_account_that_cannot_be_read_are_refused_and_left_as_they_are(self, tmp_path: Path) -> None:
        with opened(tmp_path / "state.db", OTHER) as file:
            earlier = RunLedger(file.account(OTHER))
            earlier.observe([], "flow", EPOCH)
            count(earlier, "a")
            assert file._connection is not None
            file._connection.execute("UPDATE flow SET newest = 'x'")
        with opened(tmp_path / "state.db") as file:
            with pytest.raises(StateUnreadable):
                file.account(OTHER)
            assert file.status.persistent


def test_nothing_is_committed_by_the_handing_over_itself() -> None:
    class Counting(KeptStore):
        commits = 0

        def commit(self, change: LedgerChange, state: LedgerState) -> None:
            Counting.commits += 1
            super().commit(change, state)

    ledger = RunLedger(Counting())
    with ledger.handing_over():
        pass
    assert Counting.commits == 0
