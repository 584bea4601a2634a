"""The counters of all that is listed: the plain computation, done again only for what changed."""

from collections.abc import Mapping, Set
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.changes import Succeeding, altered
from exporter.collect.all_tallies import AllTallies

NONE: tuple[int, ...] = (0,)
NAMES = st.frozensets(st.sampled_from("abcdef"))


class Tally(tuple[int, ...]):
    """Told from others by what it is, as tallies are by their identity."""

    __slots__ = ()


def plain(names: Set[str], tallies: Mapping[str, Any], hidden: Set[str]) -> dict[str, Any]:
    whole = {**dict.fromkeys(names, NONE), **tallies}
    return {name: row for name, row in whole.items() if name not in hidden}


def test_what_never_ran_has_counters_too() -> None:
    assert AllTallies(NONE).of(["a", "b"], {"b": (3,)}, frozenset()) == {"a": NONE, "b": (3,)}


def test_what_is_counted_and_not_listed_is_told() -> None:
    assert AllTallies(NONE).of(["a"], {"b": (3,)}, frozenset()) == {"a": NONE, "b": (3,)}


def test_what_is_hidden_is_not() -> None:
    assert AllTallies(NONE).of(["a", "b"], {"b": (3,), "c": (4,)}, {"b", "a"}) == {"c": (4,)}


def test_what_is_not_counted_any_more_is_told_as_long_as_it_is_listed() -> None:
    held = AllTallies(NONE)
    names = ["a"]
    tallies: Mapping[str, tuple[int, ...]] = {"a": (1,), "b": (1,)}
    held.of(names, tallies, frozenset())
    assert held.of(names, {}, frozenset()) == {"a": NONE}


def test_when_nothing_changed_it_is_the_very_mapping() -> None:
    held, tallies = AllTallies(NONE), {"b": (3,)}
    first = held.of(["a", "b"], tallies, frozenset())
    assert held.of(["a", "b"], tallies, frozenset()) is first
    assert held.of(["a", "b"], dict(tallies), set()) is first


def test_what_changed_is_known_and_not_looked_for() -> None:
    names = [f"flow-{number}" for number in range(50)]
    held, tallies = AllTallies(NONE), altered({}, dict.fromkeys(names, (1,)))
    held.of(names, tallies, frozenset())
    for number in (2, 3):
        before = held.of(names, tallies, frozenset())
        tallies = altered(tallies, {"flow-7": (number,)})
        now = held.of(names, tallies, frozenset())
        assert now["flow-7"] == (number,)
    assert isinstance(now, Succeeding)
    assert now.changes_from(before) == frozenset({"flow-7"})


@given(st.lists(st.tuples(NAMES, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)), NAMES), max_size=10))
def test_whatever_changes_it_is_the_plain_computation(steps: Any) -> None:
    held = AllTallies(NONE)
    names: Set[str] = frozenset()
    hidden: Set[str] = frozenset()
    tallies: Mapping[str, Tally] = {}
    told: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    for number, (more_names, counts, more_hidden) in enumerate(steps):
        # Every third step changes nothing but counters, as nearly all readings do.
        names, hidden = (more_names, more_hidden) if number % 3 == 0 else (names, hidden)
        tallies = altered(tallies, {name: Tally((count,)) if count else None for name, count in counts.items()})
        now = held.of(names, tallies, hidden)
        assert now == plain(names, tallies, hidden)
        told.append((now, dict(now)))
    assert all(then == copy for then, copy in told), "what was told never changes"
