"""Whatever pages come, in whatever order, as often as they like, with a store that fails: the counters are the same."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.models import Job
from exporter.ledger.runs import RunLedger
from exporter.ledger.tally import FINISHED
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import finished, job
from tests.ledger.test_store import BreakingStore, Killed

FLOWS = ("flow-1", "flow-2")

runs = st.lists(
    st.tuples(
        st.sampled_from(FLOWS),
        st.integers(-300, 300),
        st.sampled_from(FINISHED),
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
        st.booleans(),
    ),
    max_size=12,
)
Runs = list[tuple[str, int, str, tuple[int, int, int], bool]]


def rows_of(drawn: Runs) -> tuple[list[Job], list[Job]]:
    """The finished rows, and rows in progress of those that are seen before their end."""
    done = [
        finished(f"run-{number}", end, status, flow_id=flow_id, records=records)
        for number, (flow_id, end, status, records, _) in enumerate(drawn)
    ]
    early = [
        job(f"run-{number}", "running", end - 20, end - 10, flow_id=flow_id)
        for number, (flow_id, end, _, _, seen) in enumerate(drawn)
        if seen
    ]
    return done, early


def some(random: Random, rows: list[Job]) -> list[Job]:
    return [row for row in rows if random.random() < 0.5]


def counted(ledger: RunLedger) -> Counter[tuple[str, str]]:
    return Counter(
        {
            (flow_id, status): number
            for flow_id, tally in ledger.tallies().flows.items()
            for status, number in zip(FINISHED, tally.runs, strict=True)
            if number
        }
    )


def expected(drawn: Runs) -> Counter[tuple[str, str]]:
    return Counter((flow_id, status) for flow_id, end, status, _, seen in drawn if seen or end > 0)


@settings(deadline=None)
@given(runs, st.randoms(use_true_random=False), st.integers(1, 4))
def test_every_run_after_the_first_sight_is_counted_once(drawn: Runs, random: Random, size: int) -> None:
    done, early = rows_of(drawn)
    ledger = RunLedger(KeptStore())
    ledger.observe(early, "flow", EPOCH)
    rows = done + some(random, done)
    random.shuffle(rows)
    for start in range(0, len(rows), size):
        before = counted(ledger)
        ledger.observe(rows[start : start + size] + some(random, early), "flow", EPOCH + 400)
        assert all(counted(ledger)[key] >= number for key, number in before.items())
    assert counted(ledger) == expected(drawn)
    assert not ledger.pending()


@settings(deadline=None)
@given(runs, st.randoms(use_true_random=False))
def test_what_is_told_of_a_flow_does_not_depend_on_the_order_of_the_rows(drawn: Runs, random: Random) -> None:
    done, early = rows_of(drawn)
    shuffled = list(done)
    random.shuffle(shuffled)
    ledgers = []
    for order in (done, shuffled):
        ledger = RunLedger(KeptStore())
        ledger.observe(early, "flow", EPOCH)
        for row in order:
            ledger.observe([row], "flow", EPOCH + 400)
        ledgers.append(ledger.tallies())
    assert ledgers[0].flows == ledgers[1].flows
    assert {name: row.runs for name, row in ledgers[0].integrations.items()} == {
        name: row.runs for name, row in ledgers[1].integrations.items()
    }


@settings(max_examples=60, deadline=None)
@given(runs, st.lists(st.integers(0, 12), max_size=3), st.integers(1, 3))
def test_a_process_that_dies_at_any_commit_neither_loses_nor_repeats_a_run(
    drawn: Runs, deaths: list[int], size: int
) -> None:
    done, early = rows_of(drawn)
    store = BreakingStore()
    RunLedger(store).observe(early, "flow", EPOCH)
    for death in [*deaths, None]:
        store.fail_at = None if death is None else len(store.changes) + death
        ledger = RunLedger(store)
        try:
            for start in range(0, len(done), size):
                ledger.observe(done[start : start + size], "flow", EPOCH + 400)
            ledger.advance("flow", EPOCH + 400, 7200.0, EPOCH + 400)
        except Killed:
            continue
    assert counted(RunLedger(store)) == expected(drawn)
    assert RunLedger(store).watermark("flow") == EPOCH + 400
