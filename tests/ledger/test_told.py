"""What the ledger tells as a whole: always what it holds, never changed afterwards, and with what changed since."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.changes import Succeeding, changed_keys
from exporter.ledger.history import FlowHistory
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Expectation, LedgerChange, LedgerState
from exporter.ledger.tally import FlowTally, IntegrationTally
from exporter.ledger.told import Tellings, Told
from tests.clocks import EPOCH
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW, finished, job

CHANGES = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3), max_size=3),
        st.frozensets(st.sampled_from("abcde"), max_size=2),
    ),
    max_size=8,
)


def expectation(fingerprint: str) -> Expectation:
    return Expectation(fingerprint, EPOCH)


class TestTold:
    def test_it_is_what_is_held(self) -> None:
        assert Told({"a": 1}).now() == {"a": 1}

    def test_while_nothing_is_touched_it_is_the_very_mapping(self) -> None:
        told = Told({"a": 1})
        assert told.now() is told.now()

    def test_what_was_handed_out_never_changes(self) -> None:
        held = {"a": 1, "b": 2}
        told = Told(held)
        before = told.now()
        held["a"] = 3
        del held["b"]
        told.touch("ab")
        assert (before, told.now()) == ({"a": 1, "b": 2}, {"a": 3})

    def test_the_next_one_knows_what_changed_and_nobody_looks_for_it(self) -> None:
        held = dict.fromkeys("abcdef", 0)
        told = Told(held)
        told.now()
        for key in "abc":
            held[key] = 1
            told.touch(key)
            before, now = told.now(), told.now()
            assert isinstance(now, Succeeding)
            assert before is now
        held["d"] = 1
        told.touch("d")
        after = told.now()
        assert isinstance(after, Succeeding)
        assert after.changes_from(before) == frozenset("d")

    @given(CHANGES)
    def test_whatever_happens_it_is_what_is_held_and_its_changes_are_those_there_are(self, changes: Any) -> None:
        held: dict[str, int] = {"a": 0}
        told = Told(held)
        before = told.now()
        for values, gone in changes:
            held.update(values)
            for key in gone:
                held.pop(key, None)
            told.touch(values.keys() | gone)
            now = told.now()
            assert now == held
            plain = {key for key in held.keys() | before.keys() if held.get(key) != before.get(key)}
            assert changed_keys(before, now) >= plain
            before = now


class TestTellings:
    def test_each_part_is_touched_by_what_changes_it(self) -> None:
        state = LedgerState()
        told = Tellings(state)
        parts = (told.flows, told.integrations, told.histories, told.expectations)
        assert [dict(part.now()) for part in parts] == [{}, {}, {}, {}]
        change = LedgerChange(
            flows={"f": FlowTally()},
            integrations={"i": IntegrationTally()},
            histories={"f": FlowHistory()},
            expectations={"f": expectation("x")},
        )
        state.apply(change)
        told.touch(change)
        assert [set(part.now()) for part in parts] == [{"f"}, {"i"}, {"f"}, {"f"}]
        gone = LedgerChange(
            retired_flows=frozenset("f"), retired_integrations=frozenset("i"), unexpected_flows=frozenset("f")
        )
        state.apply(gone)
        told.touch(gone)
        assert [dict(part.now()) for part in parts] == [{}, {}, {}, {}]


class TestLedger:
    def test_a_run_that_was_counted_is_told(self) -> None:
        ledger = RunLedger(KeptStore())
        ledger.observe([job("a", "running", -50)], "flow", EPOCH)
        before = ledger.tallies()
        ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
        now = ledger.tallies()
        assert changed_keys(before.flows, now.flows) == {FLOW}
        assert changed_keys(before.histories, now.histories) == {FLOW}
        assert now.flows[FLOW].runs == (1, 0, 0)

    def test_when_nothing_was_counted_nothing_is_another_object(self) -> None:
        ledger = RunLedger(KeptStore())
        ledger.observe([finished("a", 30)], "flow", EPOCH + 60)
        before = ledger.tallies()
        ledger.observe([finished("a", 30)], "flow", EPOCH + 120)
        now = ledger.tallies()
        assert (now.flows, now.integrations, now.histories) == (before.flows, before.integrations, before.histories)
        assert now.flows is before.flows
        assert now.integrations is before.integrations
        assert now.histories is before.histories

    def test_the_next_ledger_of_the_account_goes_on_with_it(self) -> None:
        ledger = RunLedger(KeptStore())
        ledger.memory.expect({"a": expectation("x")}, ())
        told = ledger.memory.expectations()
        with ledger.handing_over() as heir:
            assert heir.memory.expectations() is told
            heir.memory.expect({"b": expectation("y")}, {"a"})
        assert heir.memory.expectations() == {"b": expectation("y")}
        assert told == {"a": expectation("x")}
