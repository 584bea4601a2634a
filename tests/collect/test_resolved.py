"""Resolved errors are counted once each, from windows that follow each other without gap or overlap, and never fall."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.models import RunStats
from exporter.collect.resolved import Resolved, ResolvedCounts

HOMES = {"flow-a": "int-1", "flow-b": "int-1", "flow-c": "int-2"}


def row(flow_id: str, user: int | None = 0, auto: int | None = 0, home: str | None = None) -> RunStats:
    return RunStats(flow_id=flow_id, integration_id=home, resolved_by_user=user, resolved_by_auto=auto)


def after(*readings: list[RunStats]) -> ResolvedCounts:
    """What is counted after readings of one window."""
    counts = ResolvedCounts(0.0)
    for rows in readings:
        counts = counts.counted(rows, HOMES)
    return counts


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([[]], {}),
        ([[row("flow-a")]], {}),
        ([[row("flow-a", 2, 3)]], {"int-1": (2, 3)}),
        ([[row("flow-a", 2, 3)], [row("flow-a", 2, 3)]], {"int-1": (2, 3)}),
        ([[row("flow-a", 2, 3)], [row("flow-a", 5, 4)]], {"int-1": (5, 4)}),
        ([[row("flow-a", 2, 3)], []], {"int-1": (2, 3)}),
        ([[row("flow-a", 2, 3)], [row("flow-a", 1, 9)]], {"int-1": (2, 9)}),
        ([[row("flow-a", 9, 0)], [row("flow-a", 1, 0)], [row("flow-a", 9, 0)]], {"int-1": (9, 0)}),
        ([[row("flow-a", 2, 0), row("flow-b", 3, 0), row("flow-c", 0, 4)]], {"int-1": (5, 0), "int-2": (0, 4)}),
        ([[row("flow-a", None, 3)], [row("flow-a", 2, None)]], {"int-1": (2, 3)}),
    ],
    ids=[
        "no-row", "nothing", "first", "again", "grown", "row-gone", "fallen", "down-and-up", "several", "half-told",
    ],
)  # fmt: skip
def test_a_window_counts_what_each_flow_had_at_most(
    readings: list[list[RunStats]], expected: dict[str, tuple[int, int]]
) -> None:
    assert dict(after(*readings).totals) == expected


@pytest.mark.parametrize(
    ("told", "flow_id", "home"),
    [("int-9", "flow-a", "int-9"), (None, "flow-a", "int-1"), ("", "flow-a", "int-1"), (None, "unknown", "none")],
    ids=["row", "inventory", "empty", "none"],
)
def test_a_flow_belongs_to_the_integration_of_its_row_else_of_the_inventory_else_to_none(
    told: str | None, flow_id: str, home: str
) -> None:
    assert set(after([row(flow_id, 1, 1, told)]).totals) == {home}


def test_a_flow_that_moves_takes_along_only_what_comes_after() -> None:
    counts = after([row("flow-a", 5, 0, "int-1")], [row("flow-a", 8, 0, "int-2")])
    assert dict(counts.totals) == {"int-1": (5, 0), "int-2": (3, 0)}


def test_a_closed_window_stays_counted_and_the_next_begins_where_it_ended() -> None:
    counts = after([row("flow-a", 5, 1)]).closed(86_400.0)
    assert (counts.anchor, dict(counts.totals), dict(counts.newest)) == (86_400.0, {"int-1": (5, 1)}, {})
    assert dict(counts.counted([row("flow-a", 2, 0)], HOMES).totals) == {"int-1": (7, 1)}


def test_counting_leaves_the_counts_before_as_they_were() -> None:
    before = after([row("flow-a", 5, 1)])
    before.counted([row("flow-a", 9, 9)], HOMES).closed(1.0)
    assert before == after([row("flow-a", 5, 1)])


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from(["flow-a", "flow-b", "flow-c", "stranger"]),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(0, 9),
        st.sampled_from([None, "int-1", "int-2"]),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(st.lists(ROWS | st.none(), max_size=12))
def test_whatever_is_read_no_counter_ever_falls(readings: list[list[RunStats] | None]) -> None:
    """None closes the window."""
    counts = ResolvedCounts(0.0)
    for rows in readings:
        before = counts
        counts = counts.closed(1.0) if rows is None else counts.counted(rows, HOMES)
        for name, held in before.totals.items():
            now = counts.totals[name]
            assert now.user >= held.user
            assert now.auto >= held.auto


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(HOMES)), st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_a_window_in_which_numbers_only_grow_ends_with_the_sum_of_its_flows(steps: list[tuple[str, int, int]]) -> None:
    counts, grown = ResolvedCounts(0.0), dict.fromkeys(HOMES, Resolved())
    for flow_id, user, auto in steps:
        grown[flow_id] = Resolved(grown[flow_id].user + user, grown[flow_id].auto + auto)
        counts = counts.counted([row(flow_id, *grown[flow_id])], HOMES)
    for number in range(2):
        assert sum(held[number] for held in counts.totals.values()) == sum(held[number] for held in grown.values())
