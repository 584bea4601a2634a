"""Nothing that is wanted waits for ever, however much is wanted."""

import pytest
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


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (2, ["a1", "b1"]),
        (4, ["a1", "b1", "c1", "a2"]),
        (6, ["a1", "b1", "c1", "a2", "b2", "a3"]),
        (99, ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]),
        (0, []),
    ],
)
def test_groups_come_one_after_the_other_each_with_its_own_first(most: int, expected: list[str]) -> None:
    turns: Turns[str] = Turns(lambda key: key[0])
    turns.want(["a1", "a2", "a3", "a4"], 1.0)
    turns.want(["a1", "a2", "a3", "a4", "b1", "b2", "c1"], 2.0)
    assert turns.first_of_each(most) == expected


def test_within_a_group_a_turn_in_vain_goes_to_the_end() -> None:
    turns: Turns[str] = Turns(lambda key: key[0])
    turns.want(["a1", "a2", "b1"], 1.0)
    turns.to_the_end("a1")
    assert turns.first_of_each(3) == ["b1", "a2", "a1"]


@settings(deadline=None)
@given(st.lists(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 30))), min_size=1, max_size=30), st.integers(1, 4))
def test_a_group_waits_no_longer_than_there_are_groups_however_many_keys_others_have(
    rounds: list[set[tuple[int, int]]], cap: int
) -> None:
    """Group 99 wants one key all the time; five others want anything."""
    turns: Turns[tuple[int, int]] = Turns(lambda key: key[0])
    waited = 0
    for now, others in enumerate(rounds):
        turns.want({*others, (99, 0)}, float(now))
        asked = turns.first_of_each(cap)
        for key in asked:
            turns.serve(key)
        waited = 0 if (99, 0) in asked else waited + 1
        assert waited <= 6 / cap + 1


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
