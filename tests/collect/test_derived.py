"""What is made of rows is made anew only for rows that are other objects than before."""

from dataclasses import dataclass

from exporter.changes import Succeeding
from exporter.collect.derived import Derived


@dataclass(frozen=True)
class Thing:
    id: str
    number: int


class Made:
    """Counts what was made."""

    def __init__(self) -> None:
        self.of: list[str] = []
        self.derived: Derived[Thing, list[int]] = Derived(self._make)

    def _make(self, row: Thing) -> list[int]:
        self.of.append(row.id)
        return [row.number]


ONE, TWO, THREE = (Thing(name, number) for number, name in enumerate("abc"))


def test_there_is_a_value_for_each_row_by_its_id() -> None:
    assert Made().derived.of((ONE, TWO)) == {"a": [0], "b": [1]}
    assert Made().derived.of(()) == {}


def test_the_same_listing_gives_the_same_mapping() -> None:
    made, rows = Made(), (ONE, TWO)
    first = made.derived.of(rows)
    assert made.derived.of(rows) is first
    assert made.of == ["a", "b"]


def test_only_what_changed_is_made_again() -> None:
    made = Made()
    before = made.derived.of((ONE, TWO, THREE))
    after = made.derived.of((ONE, Thing("b", 7), THREE))
    assert made.of == ["a", "b", "c", "b"]
    assert after == {"a": [0], "b": [7], "c": [2]}
    assert after["a"] is before["a"]
    assert before["b"] == [1], "what was handed out stays as it was"


def test_an_equal_row_that_is_another_object_is_made_again_since_nobody_compares() -> None:
    made = Made()
    made.derived.of((ONE,))
    made.derived.of((Thing("a", 0),))
    assert made.of == ["a", "a"]


def test_a_row_that_went_and_came_back_is_made_again() -> None:
    made = Made()
    made.derived.of((ONE, TWO))
    assert made.derived.of((TWO,)) == {"b": [1]}
    assert list(made.derived.of((TWO, ONE))) == ["b", "a"]
    assert made.of == ["a", "b", "a"]


def test_of_rows_with_one_id_the_last_counts() -> None:
    assert Made().derived.of((ONE, Thing("a", 9))) == {"a": [9]}


def test_a_value_that_is_made_again_and_equal_stays_the_object_of_before_and_so_does_the_mapping() -> None:
    made = Made()
    before = made.derived.of((ONE, TWO))
    assert made.derived.of((ONE, Thing("b", 1))) is before
    assert made.derived.of((Thing("b", 1), ONE))["b"] is before["b"]


def test_of_rows_with_one_id_the_last_counts_also_when_the_first_is_another() -> None:
    made = Made()
    made.derived.of((ONE, Thing("a", 9)))
    assert made.derived.of((Thing("a", 5), Thing("a", 9))) == {"a": [9]}


def test_the_mapping_knows_what_changed_in_it() -> None:
    made = Made()
    before = made.derived.of((ONE, TWO, THREE))
    after = made.derived.of((ONE, Thing("b", 7), THREE))
    assert isinstance(after, Succeeding)
    assert after.changes_from(before) == frozenset({"b"})
