"""What differs between two mappings is told by identity, and known at once where one was made of the other."""

import weakref
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from exporter.changes import Succeeding, altered, changed_keys, kept


def test_the_same_mapping_has_no_changes() -> None:
    rows = {"a": object()}
    assert changed_keys(rows, rows) == set()


def test_a_copy_of_the_mapping_with_the_same_objects_has_no_changes() -> None:
    rows = {"a": object(), "b": object()}
    assert changed_keys(rows, dict(reversed(rows.items()))) == set()


def test_what_came_went_and_is_another_object_is_told() -> None:
    kept, other = object(), object()
    before = {"kept": kept, "gone": object(), "other": object()}
    assert changed_keys(before, {"kept": kept, "other": other, "new": object()}) == {"gone", "other", "new"}


def test_as_many_that_come_as_go_are_all_told() -> None:
    kept = object()
    assert changed_keys({"a": kept, "b": object()}, {"a": kept, "c": object()}) == {"b", "c"}


def test_an_equal_copy_counts_as_changed() -> None:
    assert changed_keys({"a": (1, [])}, {"a": (1, [])}) == {"a"}


def test_none_is_a_value_like_any_other() -> None:
    assert changed_keys({}, {"a": None}) == {"a"}
    assert changed_keys({"a": None}, {}) == {"a"}
    assert changed_keys({"a": None}, {"a": None}) == set()


VALUES = [object() for _ in range(3)]


def test_a_mapping_with_the_same_objects_in_the_same_order_is_the_one_before() -> None:
    rows = {"a": object(), "b": object()}
    assert kept(rows, dict(rows)) is rows
    for other in (
        dict(reversed(rows.items())),
        {**rows, "b": object()},
        {"a": rows["a"]},
        {"a": rows["a"], "c": rows["b"]},
    ):
        other_one = kept(rows, other)
        assert other_one is not rows
        assert list(other_one.items()) == list(other.items())


def test_what_is_altered_is_another_mapping_and_the_one_before_stays() -> None:
    before = {"a": 1, "b": 2, "c": 3}
    changes: dict[str, int | None] = {"a": None, "b": 5, "d": 0, "e": None}
    assert list(altered(before, changes).items()) == [("b", 5), ("c", 3), ("d", 0)]
    assert before == {"a": 1, "b": 2, "c": 3}
    assert altered(before, {}) is before


@given(
    st.dictionaries(st.integers(0, 8), st.sampled_from(VALUES)),
    st.dictionaries(st.integers(0, 8), st.sampled_from(VALUES)),
)
def test_the_changes_of_any_two_mappings(before: dict[int, object], now: dict[int, object]) -> None:
    expected = {
        key
        for key in before.keys() | now.keys()
        if (key in before) != (key in now) or before.get(key) is not now.get(key)
    }
    assert changed_keys(before, now) == expected


class TestSucceeding:
    """A mapping that was made of another by a few changes knows them."""

    def test_its_changes_are_told_without_going_through_it(self) -> None:
        first = kept({}, {"a": 1, "b": 2, "c": 3})
        second = altered(first, {"b": 5, "c": None, "d": 4})
        assert isinstance(second, Succeeding)
        assert second.changes_from(first) == frozenset({"b", "c", "d"})
        assert changed_keys(first, second) == {"b", "c", "d"}

    def test_one_that_was_made_otherwise_knows_its_changes_from_the_one_before(self) -> None:
        one, two = object(), object()
        first = kept({}, {"a": one})
        second = kept(first, {"a": one, "b": two})
        assert isinstance(second, Succeeding)
        assert second.changes_from(first) == frozenset({"b"})
        assert kept(first, second) is second

    def test_from_any_other_mapping_its_changes_are_found_by_looking(self) -> None:
        first = kept({}, {"a": 1})
        second = altered(first, {"b": 2})
        third = altered(second, {"c": 3})
        assert isinstance(third, Succeeding)
        assert third.changes_from(first) is None
        assert changed_keys(first, third) == {"b", "c"}
        assert changed_keys(third, first) == {"b", "c"}
        assert changed_keys({"a": 1}, second) == {"b"}

    def test_what_is_told_of_its_changes_can_be_added_to(self) -> None:
        first = kept({}, {"a": 1})
        second = altered(first, {"b": 2})
        changed_keys(first, second).add("x")
        assert changed_keys(first, second) == {"b"}

    def test_it_does_not_keep_the_one_before_alive(self) -> None:
        class Big:
            pass

        big = Big()
        gone = weakref.ref(big)
        first = kept({}, {"a": big})
        second = altered(first, {"a": 1})
        del big, first
        assert gone() is None
        assert second == {"a": 1}

    @given(st.lists(st.dictionaries(st.integers(0, 6), st.sampled_from([*VALUES, None])), max_size=5))
    def test_whatever_is_altered_the_changes_hold_all_that_differs(self, steps: list[dict[int, object]]) -> None:
        before: Mapping[int, object] = {}
        for changes in steps:
            now = altered(before, changes)
            plain = changed_keys(dict(before), dict(now))
            assert plain <= changed_keys(before, now) <= plain | changes.keys()
            before = now
