"""What `changed_keys` promises, and that it looks at nothing but identity."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.changes import altered, changed_keys, kept


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
        assert kept(rows, other) is other


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
