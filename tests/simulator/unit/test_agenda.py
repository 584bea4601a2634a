"""The heap of events: order, ties, events that make events."""

from collections.abc import Callable
from itertools import permutations

import pytest

from exporter.simulator.agenda import Agenda


def recorder(done: list[str], word: str) -> Callable[[int], None]:
    return lambda ms: done.append(f"{word}@{ms}")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_events_happen_in_order_of_time_whatever_the_order_of_planning(order: tuple[int, ...]) -> None:
    agenda, done = Agenda(), list[str]()
    for number in order:
        agenda.at(number * 10, f"k{number}", recorder(done, f"e{number}"))
    agenda.run_until(100)
    assert done == ["e0@0", "e1@10", "e2@20"]


@pytest.mark.parametrize("order", list(permutations("abc")), ids="".join)
def test_ties_are_settled_by_the_key_not_by_who_came_first(order: tuple[str, ...]) -> None:
    agenda, done = Agenda(), list[str]()
    for key in order:
        agenda.at(5, key, recorder(done, key))
    agenda.run_until(5)
    assert done == ["a@5", "b@5", "c@5"]


def test_what_is_not_due_waits() -> None:
    agenda, done = Agenda(), list[str]()
    agenda.at(10, "x", recorder(done, "x"))
    assert agenda.run_until(9) == 0
    assert len(agenda) == 1
    assert agenda.run_until(10) == 1
    assert done == ["x@10"]
    assert len(agenda) == 0


def test_an_event_may_plan_another_that_is_due_at_once() -> None:
    agenda, done = Agenda(), list[str]()

    def first(ms: int) -> None:
        done.append("first")
        agenda.at(ms, "later", recorder(done, "second"))

    agenda.at(1, "first", first)
    assert agenda.run_until(1) == 2
    assert done == ["first", "second@1"]


def test_equal_keys_keep_the_order_of_planning() -> None:
    agenda, done = Agenda(), list[str]()
    for word in ("one", "two", "three"):
        agenda.at(3, "same", recorder(done, word))
    agenda.run_until(3)
    assert done == ["one@3", "two@3", "three@3"]
