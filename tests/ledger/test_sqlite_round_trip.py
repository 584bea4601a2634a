"""What was committed is what is read back, whatever its values, however it was written and by how many threads."""

import threading
from dataclasses import fields
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.expose.families import Distribution
from exporter.ledger.history import HOURS_KEPT, Durations, Emptiness, FlowHistory, Hours, Streaks
from exporter.ledger.runs import RunLedger
from exporter.ledger.sqlite import RETRY_SECONDS
from exporter.ledger.state import (
    Backfill,
    Counted,
    Expectation,
    LedgerChange,
    LedgerState,
    Pending,
    Progress,
    Track,
)
from exporter.ledger.tally import (
    DURATION_BUCKETS,
    FINISHED,
    LARGEST,
    NEVER,
    QUEUE_WAIT_BUCKETS,
    FinishedRun,
    FlowTally,
    IntegrationTally,
    Streak,
)
from tests.clocks import EPOCH, ManualClock
from tests.ledger.kept import copied
from tests.ledger.rows import finished
from tests.ledger.sqlite_child import ACCOUNT
from tests.ledger.sqlite_kit import disk, memory_folder, opened, state_in

ids = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["none", "'; DROP TABLE flow; --", "é\0è", "\U0001f600", "NULL"]
)
instants = st.floats(-1e12, 1e12, allow_nan=False) | st.sampled_from([0.0, EPOCH + 0.001, 1e300])
ever = instants | st.just(NEVER)
counts = st.integers(0, LARGEST) | st.sampled_from([0, 1, 2**53 + 1, LARGEST])
triples = st.tuples(counts, counts, counts)
kinds = st.sampled_from(["flow", "retry"])
seconds = st.none() | st.floats(0, 1e9)
streaks = st.builds(Streak, counts, ever, st.lists(instants, max_size=16).map(tuple), ever)
stretches = st.builds(Emptiness, counts, counts, counts, st.booleans())
windows = st.builds(Streaks, stretches, ever, stretches, ever, ever)
hours = st.builds(Hours, st.integers(0, 2**40), st.integers(0, 2**HOURS_KEPT - 1))
histories = st.builds(
    FlowHistory,
    st.lists(st.tuples(instants, st.floats(0, 1e9)), max_size=60).map(Durations.of),
    stretches,
    windows,
    hours,
    ever,
    ever,
    st.dictionaries(ids | st.just(""), instants, max_size=16).map(lambda starts: tuple(sorted(starts.items()))),
)
progress = st.builds(Progress, st.lists(st.integers(0, 2**53), max_size=6).map(tuple), instants)
texts = st.text(max_size=40) | st.sampled_from(["\0", "é" * 5000, '{"a": 1}'])


def distributions(buckets: int) -> st.SearchStrategy[Distribution]:
    """Any state of a histogram."""
    cumulative = st.lists(counts, min_size=buckets, max_size=buckets).map(sorted).map(tuple)
    return st.builds(Distribution, cumulative, st.floats(0, 1e15), counts)


finished_runs = st.builds(
    FinishedRun, ids, st.none() | ids, ids, st.sampled_from(FINISHED), instants, instants, seconds, seconds, triples
)
flow_tallies = st.builds(FlowTally, triples, triples, triples, st.none() | finished_runs, streaks, streaks, ever)
integration_tallies = st.builds(
    IntegrationTally,
    triples,
    triples,
    distributions(len(DURATION_BUCKETS)),
    distributions(len(QUEUE_WAIT_BUCKETS)),
    ever,
)
parts = {
    "tracks": st.dictionaries(kinds, st.builds(Track, instants, st.none() | instants, ever)),
    "counted": st.dictionaries(ids, st.builds(Counted, kinds, instants, instants), max_size=4),
    "pending": st.dictionaries(ids, st.builds(Pending, kinds, instants, st.none() | ids), max_size=3),
    "unknown": st.dictionaries(kinds, counts),
    "flows": st.dictionaries(ids, flow_tallies, max_size=3),
    "integrations": st.dictionaries(ids, integration_tallies, max_size=2),
    "histories": st.dictionaries(ids, histories, max_size=3),
    "progress": st.dictionaries(ids, progress, max_size=3),
    "backfills": st.dictionaries(kinds, st.builds(Backfill, instants, instants)),
    "expectations": st.dictionaries(ids, st.builds(Expectation, st.text(max_size=20), instants), max_size=3),
    "notes": st.dictionaries(ids, texts, max_size=2),
}
few_ids = st.sampled_from(["a", "b", "c"])
gone = st.frozensets(few_ids, max_size=2)
change_parts = {
    "tracks": parts["tracks"],
    "counted": st.dictionaries(few_ids, st.builds(Counted, kinds, instants, instants), max_size=2),
    "dropped_ids": gone,
    "pending": st.dictionaries(few_ids, st.builds(Pending, kinds, instants, st.none() | ids), max_size=2),
    "closed_ids": gone,
    "unknown": parts["unknown"],
    "flows": st.dictionaries(few_ids, flow_tallies, max_size=1),
    "integrations": st.dictionaries(few_ids, integration_tallies, max_size=1),
    "retired_flows": gone,
    "retired_integrations": gone,
    "histories": st.dictionaries(few_ids, histories, max_size=1),
    "progress": st.dictionaries(few_ids, progress, max_size=2),
    "still_ids": gone,
    "backfills": parts["backfills"],
    "expectations": st.dictionaries(few_ids, st.builds(Expectation, ids, instants), max_size=2),
    "unexpected_flows": gone,
    "notes": st.dictionaries(few_ids, texts, max_size=1),
}
changes = st.builds(LedgerChange, **change_parts)


def as_change(state: LedgerState) -> LedgerChange:
    """The change that makes `state` out of nothing."""
    return LedgerChange(**{part.name: getattr(state, part.name) for part in fields(state)})


def test_the_strategy_draws_every_part_of_a_state() -> None:
    assert parts.keys() == {part.name for part in fields(LedgerState)}


def test_the_strategy_draws_every_part_of_a_change() -> None:
    assert change_parts.keys() == {part.name for part in fields(LedgerChange)}


@settings(max_examples=80, deadline=None)
@given(st.builds(LedgerState, **parts))
def test_any_state_is_read_back_equal(state: LedgerState) -> None:
    with memory_folder() as folder:
        path = folder / "state"
        with opened(path) as file:
            file.account(ACCOUNT).commit(as_change(state), state)
            assert file.status.persistent
        assert state_in(path) == state


@settings(max_examples=40, deadline=None)
@given(st.lists(changes, min_size=1, max_size=5))
def test_change_by_change_is_the_same_as_the_whole_state_at_once(drawn: list[LedgerChange]) -> None:
    clock, state = ManualClock(), LedgerState()
    with memory_folder() as folder:
        one, whole = folder / "one", folder / "whole"
        with opened(one) as file:
            store = file.account(ACCOUNT)
            for change in drawn:
                state.apply(change)
                store.commit(change, state)
        living = LedgerState()
        with disk() as made, opened(whole, clock=clock) as file:
            store = file.account(ACCOUNT)
            store.commit(LedgerChange(counted={"x" * 9000: Counted("flow", 0.0, 0.0)}), living)
            made.fill()
            big = LedgerChange(counted={"y" * 20000: Counted("flow", 0.0, 0.0)})
            store.commit(big, living)
            assert file.status.trouble == "full"
            for change in drawn[:-1]:
                living.apply(change)
                store.commit(change, living)
            made.free()
            clock.advance(RETRY_SECONDS)
            living.apply(drawn[-1])
            store.commit(drawn[-1], living)
            assert file.status.persistent
        assert state_in(one) == state_in(whole) == state == living


@settings(max_examples=30, deadline=None)
@given(ids, ids, st.lists(st.tuples(st.booleans(), changes), max_size=6))
def test_two_accounts_in_one_file_never_mix(first: str, second: str, drawn: list[tuple[bool, LedgerChange]]) -> None:
    names = (first, f"{first}{second}")
    held = {name: LedgerState() for name in names}
    with memory_folder() as folder:
        path = folder / "state"
        with opened(path, *names) as file:
            stores = {name: file.account(name) for name in names}
            for which, change in drawn:
                held[names[which]].apply(change)
                stores[names[which]].commit(change, held[names[which]])
        assert {name: state_in(path, name) for name in names} == held


def test_an_account_that_is_not_opened_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "state", "one", "two") as file:
        for name in ("one", "two"):
            RunLedger(file.account(name)).observe([finished(name, 10)], "flow", EPOCH + 20)
    with opened(tmp_path / "state", "two") as file:
        RunLedger(file.account("two")).observe([finished("more", 11)], "flow", EPOCH + 20)
    assert state_in(tmp_path / "state", "one").counted.keys() == {"one"}
    assert state_in(tmp_path / "state", "two").counted.keys() == {"two", "more"}


def test_accounts_commit_from_threads_of_their_own(tmp_path: Path) -> None:
    names = [f"account-{number}" for number in range(4)]
    shown: dict[str, LedgerState] = {}
    start = threading.Barrier(len(names))

    with opened(tmp_path / "state", *names) as file:

        def work(name: str) -> None:
            store = file.account(name)
            state = LedgerState()
            start.wait()
            for number in range(40):
                change = LedgerChange(counted={f"{name}-{number}": Counted("flow", float(number), 0.0)})
                state.apply(change)
                store.commit(change, state)
            shown[name] = copied(state)

        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert file.status.persistent
        assert file.status.failures == {}
    assert {name: state_in(tmp_path / "state", name) for name in names} == shown
    assert all(len(state.counted) == 40 for state in shown.values())


def test_what_is_loaded_is_the_ledgers_own(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as file:
        RunLedger(file.account(ACCOUNT)).observe([finished("a", 10)], "flow", EPOCH + 20)
    with opened(tmp_path / "state") as file:
        file.account(ACCOUNT).load().counted.clear()
    assert state_in(tmp_path / "state").counted.keys() == {"a"}
