"""What a scrape asks for: collectors, and how long it may wait. Anybody may send anything."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.settings import Settings
from exporter.expose.document import Documents
from exporter.serve.fleet import SELECTABLE
from exporter.serve.roster import Group, Roster
from exporter.serve.scrape import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    BadSelection,
    check_parameters,
    chosen_account,
    selection,
    wait_seconds,
)
from tests.clocks import ManualClock


def test_without_a_choice_everything_is_wanted() -> None:
    assert selection([], []) is None


@pytest.mark.parametrize("names", [["jobs"], ["jobs", "health"], ["jobs", "jobs"], list(SELECTABLE)])
def test_collect_names_what_is_wanted(names: list[str]) -> None:
    assert selection(names, []) == frozenset(names)


@pytest.mark.parametrize("names", [["errors"], ["errors", "exporter"], list(SELECTABLE)])
def test_exclude_leaves_out(names: list[str]) -> None:
    assert selection([], names) == frozenset(SELECTABLE) - frozenset(names)


def test_both_together_are_refused() -> None:
    with pytest.raises(BadSelection, match="cannot be used together"):
        selection(["jobs"], ["errors"])


@pytest.mark.parametrize("name", ["", "Jobs", "jobs ", "nosuch", "\n", "<script>", "x" * 5000])
@pytest.mark.parametrize("where", ["collect", "exclude"])
def test_an_unknown_collector_is_refused_with_the_list_on_one_short_line(name: str, where: str) -> None:
    with pytest.raises(BadSelection) as refused:
        selection(*([name], []) if where == "collect" else ([], [name]))
    line = str(refused.value)
    assert line.endswith(", ".join(SELECTABLE))
    assert "\n" not in line
    assert len(line) < 200


@pytest.mark.parametrize("name", ["collect", "exclude", "name[]", "", "\x00", "é" * 500])
def test_an_unknown_parameter_is_refused_instead_of_ignored(name: str) -> None:
    with pytest.raises(BadSelection) as refused:
        check_parameters(["collect[]", name])
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 300


NOBODY = Group((), Documents((), ManualClock()))
ROSTER = Roster(NOBODY.accounts, NOBODY.documents, Settings(()), {"acme": NOBODY, "\n": NOBODY})


@given(name=st.text(max_size=400).filter(lambda name: name not in ROSTER.alone))
def test_an_account_that_is_not_there_is_refused_on_one_short_line(name: str) -> None:
    with pytest.raises(BadSelection) as refused:
        chosen_account(ROSTER, [name])
    assert refused.value.status == (404 if name else 400)
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("10", 9.5),
        ("10.5", 10.0),
        ("0.5", SHORTEST_SECONDS),
        ("0.1", SHORTEST_SECONDS),
        ("100000", LONGEST_SECONDS),
        (None, DEFAULT_SECONDS - 0.5),
        ("", DEFAULT_SECONDS - 0.5),
        ("0", DEFAULT_SECONDS - 0.5),
        ("-3", DEFAULT_SECONDS - 0.5),
        ("nan", DEFAULT_SECONDS - 0.5),
        ("inf", DEFAULT_SECONDS - 0.5),
        ("1e999", DEFAULT_SECONDS - 0.5),
        ("10s", DEFAULT_SECONDS - 0.5),
        ("٣", 2.5),
    ],
)
def test_the_wait_is_the_scrapers_timeout_minus_the_offset_within_bounds(header: str | None, expected: float) -> None:
    assert wait_seconds(header, 0.5) == pytest.approx(expected)


@given(header=st.one_of(st.none(), st.text(max_size=400), st.floats().map(str)), offset=st.floats(0, 60))
def test_no_header_makes_a_wait_out_of_bounds(header: str | None, offset: float) -> None:
    seconds = wait_seconds(header, offset)
    assert math.isfinite(seconds)
    assert SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS
