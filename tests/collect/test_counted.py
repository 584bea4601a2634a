"""Counts over many things: the same as counted from the beginning, and those that changed are counted alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.counted import Counted

THINGS = [("a",), ("b", "b"), ("a", "c"), ()]


@given(st.lists(st.dictionaries(st.text(max_size=2), st.sampled_from(THINGS)), max_size=6))
def test_whatever_comes_and_goes_the_counts_are_those_of_what_is_there(
    readings: list[dict[str, tuple[str, ...]]],
) -> None:
    counted: Counted[tuple[str, ...], str] = Counted()
    for things in readings:
        assert counted.of(things, lambda kinds: kinds) == Counter(kind for kinds in things.values() for kind in kinds)


def test_a_kind_that_nothing_is_of_counts_zero() -> None:
    counted: Counted[tuple[str, ...], str] = Counted()
    counted.of({"x": ("a",)}, lambda kinds: kinds)
    assert counted.of({}, lambda kinds: kinds)["a"] == 0


def test_only_what_changed_is_looked_at_again() -> None:
    looked: list[tuple[str, ...]] = []

    def kinds(thing: tuple[str, ...]) -> tuple[str, ...]:
        looked.append(thing)
        return thing

    counted: Counted[tuple[str, ...], str] = Counted()
    things: dict[str, tuple[str, ...]] = {f"t{number}": (str(number % 7),) for number in range(1000)}
    counted.of(things, kinds)
    looked.clear()
    counted.of({**things, "t5": ("new",)}, kinds)
    assert sorted(looked) == [("5",), ("new",)]


def test_what_was_returned_stays_as_it_was() -> None:
    counted: Counted[tuple[str, ...], str] = Counted()
    before = counted.of({"x": ("a",)}, lambda kinds: kinds)
    counted.of({}, lambda kinds: kinds)
    assert before["a"] == 1
