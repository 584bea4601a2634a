"""Where runs are found: by id, by window, by flow; and how long."""

from typing import Any

import pytest

from exporter.simulator.runbook import RunBook
from exporter.simulator.runs import Run
from tests.simulator.unit.build import START, flow, plan, run


def made(number: int, created_ms: int, **changes: Any) -> Run:
    return run(id=f"{number:022x}00", created_ms=created_ms, **changes)


def finished(book: RunBook, number: int, status: str = "completed", **changes: Any) -> Run:
    of = made(number, START + number, **changes)
    book.add(of)
    of.settle(plan(status=status, records=10, ignored=1), START + number + 1)
    book.finish(of)
    return of


@pytest.fixture
def book() -> RunBook:
    filled = RunBook()
    for number in (1, 2, 3, 5):
        filled.add(made(number, START + number))
    filled.add(made(4, START + 4))
    return filled


def test_runs_come_newest_first_even_when_one_was_added_late(book: RunBook) -> None:
    assert [of.created_ms - START for of in book.newest_first(None, None)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("gte", "lte", "expected"),
    [(None, 3, [3, 2, 1]), (3, None, [5, 4, 3]), (2, 4, [4, 3, 2]), (9, None, []), (None, 0, []), (4, 2, [])],
    ids=str,
)
def test_a_window_includes_both_ends(gte: int | None, lte: int | None, expected: list[int], book: RunBook) -> None:
    first = None if gte is None else START + gte
    last = None if lte is None else START + lte
    assert [of.created_ms - START for of in book.newest_first(first, last)] == expected


def test_a_run_is_found_by_its_id_and_by_those_of_its_steps(book: RunBook) -> None:
    found = book.get(f"{3:022x}00")
    assert found is not None
    assert found[1] == 0
    child = book.get(f"{3:022x}02")
    assert child is not None
    assert (child[0].created_ms, child[1]) == (START + 3, 2)


def test_an_unknown_id_is_not_found(book: RunBook) -> None:
    assert book.get("e" * 24) is None


def test_finished_runs_leave_the_active_ones_and_enter_the_tally() -> None:
    book, of = RunBook(), flow()
    finished(book, 1, flow=of)
    finished(book, 2, "failed", flow=of)
    book.add(made(3, START + 3, flow=of))
    tally = book.tallies[of.id]
    assert tally.runs == {"completed": 1, "failed": 1, "canceled": 0}
    assert tally.ignored == 2
    assert list(book.active) == [f"{3:022x}00"]


def test_retries_are_counted_apart_and_their_numbers_are_not_added() -> None:
    book, of = RunBook(), flow()
    retry = made(1, START, kind="retry", flow=of)
    book.add(retry)
    retry.plan = plan(status="completed")
    retry.end_retry(3, 1, START + 5)
    book.finish(retry)
    tally = book.tallies[of.id]
    assert tally.retries["completed"] == 1
    assert (sum(tally.runs.values()), tally.success, tally.error) == (0, 0, 0)


def test_purged_runs_are_found_nowhere_but_stay_in_the_tally() -> None:
    book, of = RunBook(), flow()
    for number in range(1, 6):
        finished(book, number, flow=of)
    book.purge(START + 3)
    assert [row.created_ms - START for row in book.newest_first(None, None)] == [5, 4, 3]
    assert [row.created_ms - START for row in book.of_flow(of.id)] == [3, 4, 5]
    assert book.get(f"{1:022x}00") is None
    assert len(book) == 3
    assert book.tallies[of.id].runs["completed"] == 5


def test_purging_an_unfinished_run_takes_it_out_of_the_active_ones(book: RunBook) -> None:
    book.purge(START + 100)
    assert len(book) == 0
    assert book.active == {}


def test_purging_nothing_changes_nothing(book: RunBook) -> None:
    book.purge(START)
    assert len(book) == 5
    RunBook().purge(START)
