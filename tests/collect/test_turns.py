"""Nothing that is wanted waits for ever, however much is wanted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collect.turns import Turns


def test_what_waits_longest_comes_first_and_equals_come_in_their_own_order() -> None:
    turns: Turns[str] = Turns()
    turns.want(["b", "a"], 1.0)
    turns.want(["b", "a", "0"], 2.0)
    assert turns.first() == ["a", "b", "0"]
    assert turns.first(2) == ["a", "b"]


def test_what_is_served_has_to_be_wanted_anew() -> None:
    turns: Turns[str] = Turns()
    turns.want(["a", "b"], 1.0)
    turns.serve("a")
    assert turns.first() == ["b"]
    turns.want(["a", "b"], 2.0)
    assert turns.first() == ["b", "a"]


def test_a_turn_in_vain_goes_to_the_end_but_its_waiting_time_goes_on() -> None:
    turns: Turns[str] = Turns()
    turns.want(["a", "b"], 1.0)
    turns.to_the_end("a")
    assert turns.first() == ["b", "a"]
    turns.want(["a"], 100.0)
    assert turns.waiting_since_before(1.5) == {"a"}
    assert turns.waiting_since_before(1.0) == frozenset()


def test_what_is_no_longer_wanted_loses_its_place() -> None:
    turns: Turns[str] = Turns()
    turns.want(["a", "b"], 1.0)
    turns.want(["b"], 2.0)
    turns.want(["a", "b"], 3.0)
    assert turns.first() == ["b", "a"]
    assert turns.waiting_since_before(2.0) == {"b"}


@settings(deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 8), max_size=4), min_size=1, max_size=40),
    st.integers(1, 3),
    st.sets(st.integers(0, 8)),
)
def test_whatever_stays_wanted_gets_its_turn(rounds: list[set[int]], cap: int, failing: set[int]) -> None:
    """Other keys come, go and fail at will; key 99 is wanted all the time and must be asked within a bounded time."""
    turns: Turns[int] = Turns()
    waited = 0
    for now, others in enumerate(rounds):
        turns.want({*others, 99}, float(now))
        asked = turns.first(cap)
        for key in asked:
            turns.to_the_end(key) if key in failing else turns.serve(key)
        waited = 0 if 99 in asked else waited + 1
        assert waited <= 9 / cap + 1
