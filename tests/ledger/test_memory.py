"""What is remembered beside the counters outlives the process, and is read by threads of its own."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Backfill, Expectation, LedgerChange, LedgerState, Pending, Progress
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import finished, job
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import opened
from tests.ledger.test_store import BreakingStore

ROUNDS = 400

Restart = Callable[[], RunLedger]


@contextmanager
def kept() -> Iterator[Restart]:
    """Ledgers on a store in memory."""
    store = KeptStore()
    yield lambda: RunLedger(store)


@contextmanager
def filed(path: Path) -> Iterator[Restart]:
    """Ledgers on a real state file, opened anew for each."""
    files = [opened(path)]

    def restart() -> RunLedger:
        files[-1].close()
        files.append(opened(path))
        assert files[-1].status.persistent
        return RunLedger(files[-1].account(ACCOUNT))

    try:
        yield restart
    finally:
        files[-1].close()


@pytest.fixture(params=["memory", "file"])
def restart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Restart]:
    with kept() if request.param == "memory" else filed(tmp_path / "state") as made:
        yield made


def progress(number: int) -> Progress:
    return Progress((number, 0, 0, number, 1, 0), EPOCH + number)


def follow(ledger: RunLedger, *names: str) -> None:
    """See runs in progress."""
    ledger.notice([job(name, "running", 0, 1) for name in names], EPOCH + 5)


def test_nothing_is_known_before_the_first_sight(restart: Restart) -> None:
    memory = restart().memory
    assert (memory.first_sight, memory.backfill, memory.note("a")) == (None, None, None)
    assert (memory.progress(), memory.expectations()) == ({}, {})


def test_progress_survives_a_restart(restart: Restart) -> None:
    ledger = restart()
    follow(ledger, "a", "b")
    ledger.memory.moved({"a": progress(7), "b": progress(8)})
    assert restart().memory.progress() == {"a": progress(7), "b": progress(8)}


def test_progress_of_a_run_that_nobody_follows_is_not_kept(restart: Restart) -> None:
    ledger = restart()
    follow(ledger, "a")
    ledger.memory.moved({"a": progress(7), "stranger": progress(8)})
    assert ledger.memory.progress().keys() == restart().memory.progress().keys() == {"a"}


def ends(ledger: RunLedger) -> None:
    ledger.observe([finished("a", 20)], "flow", EPOCH + 30)


def is_told_to_have_ended(ledger: RunLedger) -> None:
    ledger.settle(finished("a", 20), EPOCH + 30)


def is_given_up(ledger: RunLedger) -> None:
    ledger.close(["a"], EPOCH + 30)


@pytest.mark.parametrize("end", [ends, is_told_to_have_ended, is_given_up], ids=lambda end: end.__name__)
def test_the_progress_of_a_run_goes_with_it(restart: Restart, end: Callable[[RunLedger], None]) -> None:
    ledger = restart()
    follow(ledger, "a", "b")
    ledger.memory.moved({"a": progress(7), "b": progress(8)})
    end(ledger)
    assert ledger.memory.progress() == restart().memory.progress() == {"b": progress(8)}


def test_a_run_that_an_incomplete_listing_left_out_keeps_its_progress(restart: Restart) -> None:
    ledger = restart()
    follow(ledger, "a", "b")
    ledger.memory.moved({"a": progress(7), "b": progress(8)})
    ledger.memory.moved({"b": progress(9)})
    assert restart().memory.progress() == {"a": progress(7), "b": progress(9)}


def test_expectations_survive_a_restart_and_those_of_flows_that_are_gone_do_not(restart: Restart) -> None:
    hourly, daily = Expectation("? 0 * * * *", EPOCH), Expectation("? 0 6 * * *", EPOCH + 1)
    memory = restart().memory
    memory.expect({"f1": hourly, "f2": daily}, ())
    memory = restart().memory
    assert memory.expectations() == {"f1": hourly, "f2": daily}
    memory.expect({"f2": hourly, "f3": daily}, {"f1", "unheard-of"})
    assert restart().memory.expectations() == {"f2": hourly, "f3": daily}


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "\0", "é" * 9000, '{"a": [1]}'], ids=repr)
def test_a_note_survives_a_restart_as_it_is(restart: Restart, text: str) -> None:
    memory = restart().memory
    memory.keep_note("seen", "before")
    memory.keep_note("seen", text)
    memory.keep_note("other", "more")
    memory = restart().memory
    assert (memory.note("seen"), memory.note("other"), memory.note("none")) == (text, "more", None)


def test_the_first_sight_and_how_far_history_was_read_survive_a_restart(restart: Restart) -> None:
    ledger = restart()
    ledger.observe([], "flow", EPOCH + 10, EPOCH - 100)
    assert (ledger.memory.first_sight, ledger.memory.backfill) == (EPOCH + 10, Backfill(EPOCH - 100, EPOCH - 100))
    ledger.precede([], "flow", EPOCH - 300, EPOCH - 100)
    memory = restart().memory
    assert (memory.first_sight, memory.backfill) == (EPOCH + 10, Backfill(EPOCH - 100, EPOCH - 300))


def test_what_is_the_same_is_not_committed_again() -> None:
    store = BreakingStore()
    ledger = RunLedger(store)
    follow(ledger, "a")
    expected = {"f1": Expectation("x", EPOCH)}
    for _ in range(2):
        ledger.memory.moved({"a": progress(7), "stranger": progress(8)})
        ledger.memory.expect(expected, {"f9"})
        ledger.memory.keep_note("seen", "x")
    assert len(store.changes) == 1 + 3


def test_what_was_handed_out_does_not_change(restart: Restart) -> None:
    ledger = restart()
    follow(ledger, "a")
    ledger.memory.moved({"a": progress(7)})
    ledger.memory.expect({"f1": Expectation("x", EPOCH)}, ())
    held, expected = ledger.memory.progress(), ledger.memory.expectations()
    ledger.memory.moved({"a": progress(8)})
    ledger.memory.expect({}, {"f1"})
    assert held == {"a": progress(7)}
    assert expected == {"f1": Expectation("x", EPOCH)}


def hammered(writer: Callable[[int], None], reader: Callable[[], None]) -> None:
    """Run both in a thread each, until the writer has done its rounds; raise what either raised."""
    start, done, failures = threading.Barrier(2), threading.Event(), list[BaseException]()

    def write() -> None:
        for number in range(ROUNDS):
            writer(number)

    def read() -> None:
        while not done.is_set():
            reader()

    def guarded(work: Callable[[], None], last: bool) -> None:
        try:
            start.wait(30)
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            if last:
                done.set()

    threads = [
        threading.Thread(target=guarded, args=(write, True)),
        threading.Thread(target=guarded, args=(read, False)),
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert not any(each.is_alive() for each in threads)
    if failures:
        raise failures[0]


@pytest.fixture
def busy() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy")
def test_a_reader_never_sees_half_of_what_a_writer_changes() -> None:
    """Each round changes all rows of one kind at once, and their number with it."""
    ledger = RunLedger(KeptStore())
    names = [f"run-{number}" for number in range(40)]
    follow(ledger, *names)
    memory, seen = ledger.memory, set[int]()

    def write(number: int) -> None:
        count = 20 if number % 2 else 3
        memory.moved({name: progress(number) for name in names})
        memory.expect(
            {f"flow-{place}": Expectation(str(count), EPOCH) for place in range(count)},
            {f"flow-{place}" for place in range(count, 20)},
        )
        memory.keep_note("round", str(number))

    def read() -> None:
        assert len(set(memory.progress().values())) <= 1
        expected = memory.expectations()
        assert {row.fingerprint for row in expected.values()} <= {str(len(expected))}
        seen.add(int(memory.note("round") or 0))

    hammered(write, read)
    assert memory.progress() == dict.fromkeys(names, progress(ROUNDS - 1))
    assert len(seen) > 1


@pytest.mark.usefixtures("busy")
def test_history_and_counters_are_read_whole_while_another_thread_reads_history() -> None:
    """What `precede` folds in is in the tallies and the histories together, and how far it got is with it."""
    ledger = RunLedger(KeptStore())
    ledger.observe([], "flow", EPOCH + 10, EPOCH)

    def write(number: int) -> None:
        ended = -30.0 - 60 * number
        rows = [finished(f"old-{number}-{flow}", ended, flow_id=f"flow-{number}-{flow}") for flow in "abc"]
        ledger.precede(rows, "flow", EPOCH - 60.0 * (number + 1), EPOCH)

    def read() -> None:
        tallies = ledger.tallies()
        assert tallies.flows.keys() == tallies.histories.keys()
        assert len(tallies.flows) % 3 == 0

    hammered(write, read)
    assert len(ledger.tallies().histories) == 3 * ROUNDS
    assert ledger.memory.backfill == Backfill(EPOCH, EPOCH - 60.0 * ROUNDS)


class Halting(dict[str, Any]):
    """Lets another thread have its turn before a row goes."""

    def __init__(self, rows: dict[str, Any], halt: Callable[[], object]) -> None:
        super().__init__(rows)
        self._halt = halt

    def pop(self, *arguments: Any) -> Any:
        self._halt()
        return super().pop(*arguments)


class HaltingStore(KeptStore):
    """Its state is changed slowly."""

    def __init__(self, halt: Callable[[], object]) -> None:
        super().__init__()
        self._halt = halt

    def load(self) -> LedgerState:
        state = super().load()
        state.expectations = Halting(state.expectations, self._halt)
        state.progress = Halting(state.progress, self._halt)
        return state


@pytest.mark.parametrize("what", ["expectations", "progress"])
def test_a_reader_that_comes_in_the_middle_of_a_change_waits_for_its_end(what: str) -> None:
    middle, has_read, found = threading.Event(), threading.Event(), dict[str, object]()

    def halt() -> None:
        middle.set()
        has_read.wait(0.05)  # bounded, because a reader that rightly waits cannot say so

    store = HaltingStore(halt)
    store.state.apply(
        LedgerChange(
            progress={"a": progress(1), "gone": progress(1)},
            expectations={"a": Expectation("old", EPOCH), "gone": Expectation("old", EPOCH)},
            pending={"a": Pending("flow", EPOCH)},
        )
    )
    memory = RunLedger(store).memory

    def read() -> None:
        middle.wait(30)
        found.update(memory.expectations() if what == "expectations" else memory.progress())
        has_read.set()

    reader = threading.Thread(target=read)
    reader.start()
    if what == "expectations":
        memory.expect({"a": Expectation("new", EPOCH)}, {"gone"})
    else:
        memory.moved({"a": progress(2)})
    reader.join(30)
    assert found == {"a": Expectation("new", EPOCH) if what == "expectations" else progress(2)}
