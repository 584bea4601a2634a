"""While the exporter serves, threads take turns quickly and the collector of cycles leaves alone what lasts."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from exporter.serve.interpreter import SWITCH_SECONDS, UNFREEZE_AFTER, YOUNG_OBJECTS, tuned


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    gc.collect()
    yield
    gc.unfreeze()


def test_threads_take_turns_more_often_meanwhile_and_as_before_afterwards() -> None:
    before = sys.getswitchinterval()
    with tuned():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == before


def test_a_listing_in_use_is_not_looked_through_for_cycles_again_and_again_meanwhile_and_is_afterwards() -> None:
    before = gc.get_threshold()
    with tuned():
        assert gc.get_threshold() == (YOUNG_OBJECTS, *before[1:])
    assert gc.get_threshold() == before


def test_cycles_are_found_without_anybody_asking() -> None:
    with tuned():
        knots = [weakref.ref(Knot()) for _ in range(2 * YOUNG_OBJECTS)]
        assert sum(knot() is None for knot in knots) > YOUNG_OBJECTS / 2


def test_what_a_full_collection_found_in_use_is_looked_at_no_more() -> None:
    with tuned():
        gc.collect()
        held = gc.get_freeze_count()
        assert held > 10_000
        assert len(gc.get_objects()) < held


def test_a_collection_of_the_young_sets_nothing_aside() -> None:
    with tuned():
        gc.collect(0)
        gc.collect(1)
        assert gc.get_freeze_count() == 0


def test_cycles_that_come_and_go_are_found() -> None:
    with tuned():
        gc.collect()
        knot = weakref.ref(Knot())
        gc.collect()
        assert knot() is None


def test_a_cycle_that_lasted_is_found_after_some_collections() -> None:
    with tuned():
        kept = Knot()
        knot = weakref.ref(kept)
        gc.collect()
        del kept
        for _ in range(UNFREEZE_AFTER):
            gc.collect()
        assert knot() is None


def test_afterwards_nothing_is_set_aside_and_nobody_is_called() -> None:
    before = len(gc.callbacks)
    with tuned():
        gc.collect()
        assert len(gc.callbacks) == before + 1
    assert (gc.get_freeze_count(), len(gc.callbacks)) == (0, before)


def test_a_failure_undoes_it_too() -> None:
    before = sys.getswitchinterval()

    def fail() -> None:
        with tuned():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sys.getswitchinterval() == before
