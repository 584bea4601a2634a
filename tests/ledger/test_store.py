"""A ledger survives in its store: each step is one change, taken over only when the store has it."""

import pytest

from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Expectation, LedgerChange, LedgerState, Pending, Progress
from exporter.ledger.store import MemoryStore
from exporter.ledger.tally import ZERO
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW, finished, job

OVERLAP = 7200.0
STEPS = 14
"""How many commits the steps are."""


class Killed(BaseException):
    """The process ended here."""


class BreakingStore(KeptStore):
    """A store that keeps every change, and in whose commit of a chosen number the process ends."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.changes: list[LedgerChange] = []
        self.fail_at = fail_at

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        if len(self.changes) == self.fail_at:
            self.fail_at = None
            raise Killed
        super().commit(change, state)
        self.changes.append(change)


def steps(ledger: RunLedger) -> None:
    """A little of everything."""
    ledger.notice([job(name, "running", created=5) for name in ("p", "q")] + [job("v", "queued", created=6)], EPOCH + 7)
    ledger.observe([finished("h", -5)], "flow", EPOCH + 8, EPOCH - OVERLAP)
    ledger.memory.moved({name: Progress((1, 0, 2), EPOCH + 9) for name in ("p", "q")})
    ledger.precede([finished("o", -9000)], "flow", EPOCH - 10800, EPOCH - OVERLAP)
    ledger.memory.expect({FLOW: Expectation("? 5 * * * *", EPOCH + 9), "gone": Expectation("", EPOCH)}, ())
    ledger.memory.keep_note("seen", "everything")
    rows = [finished("a", 30, records=(3, 1, 0)), finished("b", 31, "failed"), finished("x", 31, flow_id="gone")]
    ledger.observe(rows, "flow", EPOCH + 60)
    ledger.advance("flow", EPOCH + 60, OVERLAP, EPOCH + 60)
    ledger.observe([finished("r", 32, kind="retry")], "retry", EPOCH + 61)
    ledger.settle(finished("p", 50), EPOCH + 62)
    ledger.close(["v"], EPOCH + 63)
    ledger.retire(frozenset({"gone"}), frozenset())
    ledger.memory.expect({}, {"gone"})
    ledger.advance("flow", EPOCH + 20000, OVERLAP, EPOCH + 20000)


def observable(ledger: RunLedger) -> tuple[object, ...]:
    tallies = ledger.tallies()
    marks = (ledger.watermark("flow"), ledger.watermark("retry"))
    held = ledger.memory
    memory = (held.progress(), held.expectations(), held.backfill, held.note("seen"))
    counted = (dict(tallies.flows), dict(tallies.integrations), dict(tallies.histories))
    return (counted, dict(ledger.pending()), marks, memory)


def test_a_ledger_opened_on_the_same_store_goes_on_where_the_other_stopped() -> None:
    store = KeptStore()
    first = RunLedger(store)
    steps(first)
    second = RunLedger(store)
    assert observable(second) == observable(first)
    second.observe([finished("a", 30), finished("b", 31, "failed")], "flow", EPOCH + 30000)
    assert observable(second) == observable(first)


@pytest.mark.parametrize("fail_at", range(STEPS))
def test_repeating_the_steps_after_a_death_in_a_commit_gives_the_same_counters(fail_at: int) -> None:
    store, whole = BreakingStore(fail_at), RunLedger(KeptStore())
    with pytest.raises(Killed):
        steps(RunLedger(store))
    steps(RunLedger(store))
    steps(whole)
    assert RunLedger(store).tallies().flows[FLOW].runs == whole.tallies().flows[FLOW].runs == (2, 1, 0)
    assert RunLedger(store).tallies().unknown == whole.tallies().unknown == {"flow": 1, "retry": 0}


@pytest.mark.parametrize("fail_at", range(STEPS))
def test_the_numbers_in_the_store_are_never_behind_those_that_can_be_seen(fail_at: int) -> None:
    store = BreakingStore(fail_at)
    ledger = RunLedger(store)
    with pytest.raises(Killed):
        steps(ledger)
    # Whoever died in a commit has shown nothing since; what was shown before it is in the store.
    assert len(store.changes) == fail_at


def test_a_memory_store_forgets() -> None:
    store = MemoryStore()
    steps(RunLedger(store))
    assert observable(RunLedger(store)) == observable(RunLedger(MemoryStore()))


def test_an_id_and_its_count_travel_in_one_change() -> None:
    store, held, counting = BreakingStore(), LedgerState(), 0
    steps(RunLedger(store))
    for change in store.changes:
        before = {name: tally.runs for name, tally in held.flows.items()}
        held.apply(change)
        if any(tally.runs != before.get(name, ZERO) for name, tally in change.flows.items()) or change.integrations:
            assert change.counted
            counting += 1
    assert counting == 2


def test_applying_a_change_twice_is_applying_it_once() -> None:
    store = BreakingStore()
    steps(RunLedger(store))
    once, twice = LedgerState(), LedgerState()
    for change in store.changes:
        once.apply(change)
        twice.apply(change)
        twice.apply(change)
    assert once == twice


def test_a_step_that_changes_nothing_is_not_committed() -> None:
    store = BreakingStore()
    ledger = RunLedger(store)
    steps(ledger)
    commits = len(store.changes)
    ledger.notice([], EPOCH + 20001)
    ledger.observe([finished("a", 30)], "flow", EPOCH + 20001)
    ledger.close(["unknown"], EPOCH + 20001)
    ledger.retire(frozenset(), frozenset())
    assert len(store.changes) == commits


def test_a_loaded_state_is_the_callers_own() -> None:
    store = KeptStore()
    loaded = store.load()
    loaded.pending["x"] = Pending("flow", EPOCH)
    assert not store.load().pending


@pytest.mark.parametrize(
    ("change", "expected"),
    [(LedgerChange(), False), (LedgerChange(closed_ids=frozenset({"a"})), True)],
    ids=["empty", "one-id"],
)
def test_a_change_knows_whether_it_is_empty(change: LedgerChange, expected: bool) -> None:
    assert bool(change) is expected
