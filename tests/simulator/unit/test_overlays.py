"""Changes that can be taken back in any order."""

from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.overlays import Overlays


@dataclass(slots=True, eq=False)
class Thing:
    name: str = "original"
    size: int = 0


def test_the_newest_value_shows() -> None:
    overlays, thing = Overlays(), Thing()
    overlays.put(1, thing, "name", "first")
    overlays.put(2, thing, "name", "second")
    assert thing.name == "second"


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
def test_lifting_all_in_any_order_gives_the_original_back(order: tuple[int, ...]) -> None:
    overlays, thing = Overlays(), Thing()
    for number in (1, 2, 3):
        overlays.put(number, thing, "name", f"value {number}")
    left = {1, 2, 3}
    for number in order:
        overlays.lift(number)
        left.discard(number)
        assert thing.name == (f"value {max(left)}" if left else "original")


def test_one_incident_may_change_several_things_and_attributes() -> None:
    overlays, first, second = Overlays(), Thing(), Thing()
    overlays.put(1, first, "name", "x")
    overlays.put(1, first, "size", 5)
    overlays.put(1, second, "name", "y")
    overlays.lift(1)
    assert (first.name, first.size, second.name) == ("original", 0, "original")


def test_lifting_what_changed_nothing_is_no_mistake() -> None:
    Overlays().lift(7)


def test_a_thing_changed_again_after_lifting_remembers_its_new_original() -> None:
    overlays, thing = Overlays(), Thing()
    overlays.put(1, thing, "size", 1)
    overlays.lift(1)
    thing.size = 40
    overlays.put(2, thing, "size", 2)
    overlays.lift(2)
    assert thing.size == 40


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=30))
def test_after_any_sequence_the_newest_standing_value_shows(steps: list[tuple[bool, int]]) -> None:
    overlays, thing = Overlays(), Thing()
    standing: dict[int, int] = {}
    for number, (put, incident) in enumerate(steps, start=1):
        if put and incident not in standing:
            overlays.put(incident, thing, "size", number)
            standing[incident] = number
        elif not put:
            overlays.lift(incident)
            standing.pop(incident, None)
        assert thing.size == (list(standing.values())[-1] if standing else 0)
