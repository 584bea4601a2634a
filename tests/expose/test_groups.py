"""Rows in groups: the same lines as in one piece, and a change costs its groups alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.base import Each, Facts, Row
from exporter.expose import catalogue
from exporter.expose.families import Family, Value
from exporter.expose.groups import Groups, group_count, grouped, rows_of
from exporter.expose.pieces import EMPTY, Piece
from exporter.expose.render import lines
from tests.expose.kit import ACME

IDS = st.text(max_size=6)
ROWS = st.dictionaries(IDS, st.tuples(st.floats(allow_nan=False), st.none() | st.floats(allow_nan=False)), max_size=300)

USUAL = 32
"""Rows of a group, about."""


def each_of(build: Callable[[Mapping[str, Any]], Iterator[Family]], label: str = "flow_id") -> Each:
    """Rows that are facts themselves."""
    return Each(label, lambda _: Facts(()), lambda known, _: known[0], build)


def rendered(groups: Groups, rows: Mapping[str, Row], choice: object = None) -> Mapping[str, Piece]:
    return groups.rendered(Facts((rows,)), choice, iter)


VALUES = [1.0, 2.0, 3.0]
ALWAYS = {f"always{number}": 5.0 for number in range(100)}


def _two(known: tuple[float | None, ...], common: str) -> Row | None:
    """Nothing is told of what only the second mapping has, when `b` is common."""
    one, two, always = known
    if one is None and common == "b" and always is None:
        return None
    return (one or 0.0, two or 0.0, always or 0.0, float(common == "b"))


def series_of(rows: Mapping[str, Any]) -> dict[tuple[str, ...], Value]:
    return {(name,): sum(values) for name, values in rows.items()}


def _told(rows: Mapping[str, Any]) -> Iterator[Family]:
    yield Family(catalogue.FLOW_ENABLED, series_of(rows))


class Builds:
    """Two families of (value, perhaps another value) by flow id; notes which rows were made and built."""

    def __init__(self) -> None:
        self.built: list[set[str]] = []
        self.made = 0
        self.groups = Groups(Each("flow_id", lambda _: Facts(()), self._row, self._build), ACME)

    def _row(self, known: tuple[Any, ...], common: object) -> Row | None:
        self.made += 1
        return None if common == "nothing is told" else known[0]

    def _build(self, rows: Mapping[str, Any]) -> Iterator[Family]:
        self.built.append(set(rows))
        yield Family(catalogue.FLOW_ENABLED, {(name,): one for name, (one, _) in rows.items()})
        yield Family(catalogue.FLOW_OPEN_ERRORS, {(name,): two for name, (_, two) in rows.items() if two is not None})

    def lines(self, rows: Mapping[str, Row], choice: object = None, without: str = "") -> dict[str, list[bytes]]:
        def choose(families: Iterable[Family]) -> Iterator[Family]:
            return (family for family in families if family.metric.name != without)

        made = self.groups.rendered(Facts((rows,)), choice, choose)
        return {name: sorted(piece.text.splitlines(keepends=True)) for name, piece in made.items()}

    def whole(self, rows: Mapping[str, Row]) -> dict[str, list[bytes]]:
        """The same without groups."""
        texts = {family.metric.name: lines(family, ACME) for family in self._build(rows)}
        return {name: sorted(text.splitlines(keepends=True)) for name, text in texts.items() if text}


def many(number: int) -> dict[str, Row]:
    return {f"f{place}": (float(place), None) for place in range(number)}


@given(st.lists(ROWS, max_size=4))
def test_whatever_changes_the_lines_are_those_of_all_rows_at_once(readings: list[dict[str, Row]]) -> None:
    builds = Builds()
    for rows in readings:
        assert builds.lines(rows) == builds.whole(rows)


@given(st.integers(200, 2000), st.sets(st.integers(0, 199), max_size=5), st.booleans())
def test_of_many_rows_only_the_groups_of_those_that_changed_are_built(
    number: int, changed: set[int], gone: bool
) -> None:
    builds, rows = Builds(), many(number)
    builds.lines(rows)
    builds.built.clear()
    after = {**rows, **{f"f{place}": (-1.0, 2.0) for place in changed}}
    if gone and changed:
        del after[f"f{min(changed)}"]
    assert builds.lines(after) == builds.whole(after)
    renewed = builds.built[:-1]
    assert len(renewed) <= len(changed)
    assert {f"f{place}" for place in changed} & after.keys() <= set().union(*renewed)


def test_rows_that_did_not_change_are_not_built_again_even_as_other_objects() -> None:
    builds = Builds()
    first = rendered(builds.groups, many(500))
    builds.built.clear()
    again = rendered(builds.groups, many(500))
    assert builds.built == []
    assert again == first


def test_what_is_rendered_does_not_hold_the_rows_of_before() -> None:
    builds, old, new = Builds(), many(10), many(10)
    builds.lines(old)
    builds.lines(new)
    (group,) = builds.groups._groups
    assert group is not None
    assert group.rows["f3"] is new["f3"]


def test_another_choice_of_families_is_built_anew_and_the_same_one_is_not() -> None:
    builds, rows = Builds(), {"f1": (1.0, 2.0)}
    one, two = object(), object()
    assert set(builds.lines(rows, one)) == {"celigo_flow_enabled", "celigo_flow_open_errors"}
    assert set(builds.lines(rows, two, "celigo_flow_enabled")) == {"celigo_flow_open_errors"}
    builds.lines(rows, two, "celigo_flow_enabled")
    assert len(builds.built) == 2


def test_a_failed_build_leaves_nothing_wrong_behind() -> None:
    failing = [True]

    def build(rows: Mapping[str, Any]) -> Iterator[Family]:
        if failing[0] and "f7" in rows:
            raise RuntimeError("a bug")
        yield Family(catalogue.FLOW_ENABLED, {(name,): one for name, (one, _) in rows.items()})

    groups = Groups(each_of(build), ACME)
    with pytest.raises(RuntimeError):
        rendered(groups, many(500))
    failing[0] = False
    assert rendered(groups, many(500))["celigo_flow_enabled"].lines == 500


def test_what_changed_when_a_build_failed_is_told_by_the_next_one() -> None:
    failing = [False]

    def build(rows: Mapping[str, Any]) -> Iterator[Family]:
        if failing[0]:
            raise RuntimeError("a bug")
        yield Family(catalogue.FLOW_ENABLED, {(name,): one for name, (one, _) in rows.items()})

    groups, rows = Groups(each_of(build), ACME), many(500)
    rendered(groups, rows)
    failing[0] = True
    changed = {**rows, "f7": (-1.0, None)}
    with pytest.raises(RuntimeError):
        rendered(groups, changed)
    failing[0] = False
    assert b'"f7"} -1.0\n' in rendered(groups, changed)["celigo_flow_enabled"].text


@pytest.mark.parametrize("other", ["f2", "f400"])
def test_a_series_about_a_row_of_another_group_is_refused_since_it_could_come_twice(other: str) -> None:
    def build(rows: Mapping[str, Any]) -> Iterator[Family]:
        yield Family(catalogue.FLOW_ENABLED, {**{(name,): 1.0 for name in rows}, (other,): 1.0})

    with pytest.raises(ValueError, match="celigo_flow_enabled"):
        rendered(Groups(each_of(build), ACME), many(300))


def test_a_family_without_the_label_of_its_rows_is_refused() -> None:
    def build(rows: Mapping[str, Any]) -> Iterator[Family]:
        del rows
        yield Family(catalogue.INTEGRATION_OPEN_ERRORS, {("i",): 1.0})

    with pytest.raises(ValueError, match="not in tuple"):
        rendered(Groups(each_of(build), ACME), many(3))


def test_without_rows_nothing_is_built() -> None:
    builds = Builds()
    assert builds.lines({}) == {}
    assert builds.built == []


def test_few_rows_are_one_group_in_their_own_order() -> None:
    builds, rows = Builds(), dict.fromkeys(("b", "c", "a"), (1.0, None))
    piece = rendered(builds.groups, rows)["celigo_flow_enabled"]
    assert [line.split(b'"')[5] for line in piece.text.splitlines()] == [b"b", b"c", b"a"]


class TestFacts:
    """Rows of facts from several mappings, of which those are made anew that are of another object."""

    def test_of_many_rows_those_are_made_again_whose_facts_are_other_objects(self) -> None:
        builds, rows = Builds(), many(2_000)
        rendered(builds.groups, rows)
        builds.made = 0
        rendered(builds.groups, {**rows, "f3": (9.0, None), "f4": tuple(rows["f4"]), "new": (1.0, None)})
        assert 0 < builds.made <= 3

    def test_nothing_is_made_or_joined_again_of_the_same_facts(self) -> None:
        builds, rows = Builds(), many(2_000)
        first = rendered(builds.groups, rows)
        builds.made = 0
        assert rendered(builds.groups, dict(rows)) is first
        assert builds.made == 0

    def test_all_are_made_again_when_what_they_have_in_common_differs(self) -> None:
        builds, facts = Builds(), Facts((many(500),), "all is told")
        builds.groups.rendered(facts, None, iter)
        assert builds.groups.rendered(Facts(facts.by_id, "nothing is told"), None, iter) == {}
        again = builds.groups.rendered(facts, None, iter)
        assert again["celigo_flow_enabled"].lines == 500

    def test_what_is_equal_in_common_makes_nothing_again(self) -> None:
        builds, rows = Builds(), many(500)
        builds.groups.rendered(Facts((rows,), {"i1": "Shop"}), None, iter)
        builds.made = 0
        builds.groups.rendered(Facts((rows,), {"i1": "Shop"}), None, iter)
        assert builds.made == 0

    @given(
        st.lists(
            st.tuples(
                st.dictionaries(st.integers(0, 199), st.sampled_from(VALUES)),
                st.dictionaries(st.integers(0, 199), st.sampled_from(VALUES)),
                st.sampled_from(["a", "b"]),
            ),
            min_size=2,
            max_size=5,
        )
    )
    def test_whatever_changes_the_rows_are_those_of_all_facts(
        self, readings: list[tuple[dict[int, Any], dict[int, Any], str]]
    ) -> None:
        each = Each("flow_id", lambda _: Facts(()), _two, _told)
        groups = Groups(each, ACME)
        for one, two, common in readings:
            by_id = tuple({f"f{key}": value for key, value in values.items()} for values in (one, two))
            facts = Facts((*by_id, ALWAYS), common)
            expected = lines(Family(catalogue.FLOW_ENABLED, series_of(rows_of(each, facts))), ACME)
            made = groups.rendered(facts, None, iter).get("celigo_flow_enabled", EMPTY)
            assert sorted(made.text.splitlines()) == sorted(expected.splitlines())

    def test_groups_of_many_rows_are_in_their_order_whatever_was_before(self) -> None:
        rows = many(300)
        grown, at_once = Builds(), Builds()
        for number in (200, 250, 300):
            rendered(grown.groups, dict(list(rows.items())[-number:]))
        assert rendered(grown.groups, rows) == rendered(at_once.groups, dict(reversed(rows.items())))


def test_rows_of_many_series_are_fewer_in_a_group() -> None:
    built: list[int] = []

    def build(rows: Mapping[str, Any]) -> Iterator[Family]:
        built.append(len(rows))
        yield Family(catalogue.FLOW_ENABLED, {(name,): one for name, (one, _) in rows.items()})

    rendered(Groups(replace(each_of(build), together=8), ACME), many(1_000))
    assert len(built) == 64
    assert max(built) < 40


class TestNumber:
    @given(st.integers(0, 10**6), st.integers(0, 10**6))
    def test_groups_stay_about_as_large_as_they_should_be(self, rows: int, before: int) -> None:
        count = group_count(rows, group_count(before, 1, USUAL), USUAL)
        assert rows <= count * 2 * USUAL
        assert count == 1 or rows >= count * USUAL / 4

    def test_it_does_not_come_and_go_with_a_few_rows(self) -> None:
        count = group_count(10_000, 1, USUAL)
        assert count == 256
        for rows in (10_001, 9_999, 8_192, 12_000, 6_000, 16_000):
            assert group_count(rows, count, USUAL) == count

    @given(st.sets(IDS, max_size=50), st.sampled_from([1, 2, 8, 256]))
    def test_every_row_is_in_one_group_and_always_in_the_same(self, names: set[str], count: int) -> None:
        rows: dict[str, Row] = {name: (name,) for name in names}
        groups = grouped(rows, count)
        assert len(groups) == count
        assert sorted(name for group in groups for name in group) == sorted(names)
        alone = [grouped({name: ("x",)}, count) for name in names]
        assert all(name in groups[place] for each in alone for place, group in enumerate(each) for name in group)

    def test_rows_are_spread_evenly(self) -> None:
        sizes = [len(group) for group in grouped({f"{n * 7919:024x}": () for n in range(10_000)}, 256)]
        assert max(sizes) < 3 * USUAL

    def test_half_an_emoji_in_an_id_has_its_place_too(self) -> None:
        assert sum(map(len, grouped({"\ud83d": ()}, 8))) == 1
