"""Rows twice and rows in another order: nothing is lost, nothing is left to chance."""

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from exporter.simulator.fault_rows import ALTERATIONS, MANGLED, mangled_row
from exporter.simulator.faults import FaultSpec
from exporter.simulator.messages import NOTHING, Answer, Request

JOBS = Request.of("GET", "/v1/jobs?createdAt_gte=2026-01-01")
KINDS = ("duplicated_rows", "shuffled_rows")


def rows(count: int, key: str = "_id") -> list[dict[str, Any]]:
    return [{key: f"{number:024x}", "numError": number % 2} for number in range(count)]


def altered(kind: str, content: object, status: int = 200) -> Any:
    return ALTERATIONS[kind](Answer(status, content), JOBS).content


def ids(page: list[dict[str, Any]]) -> list[str]:
    return [row["_id"] for row in page]


@pytest.mark.parametrize(("count", "copies"), [(1, 1), (2, 1), (3, 1), (9, 3), (40, 13), (1001, 333)], ids=str)
def test_a_third_of_the_rows_but_at_least_one_comes_exactly_twice(count: int, copies: int) -> None:
    found = Counter(ids(altered("duplicated_rows", rows(count))))
    assert set(found) == set(ids(rows(count)))
    assert Counter(found.values()) == Counter({2: copies, 1: count - copies} if count > copies else {2: copies})


def test_a_copy_equals_its_row_in_everything() -> None:
    page = altered("duplicated_rows", rows(30))
    assert {msgspec.json.encode(row) for row in page} == {msgspec.json.encode(row) for row in rows(30)}


def test_the_true_rows_keep_their_order_and_copies_stand_beside_them_or_at_the_end() -> None:
    page = ids(altered("duplicated_rows", rows(60)))
    assert list(dict.fromkeys(page)) == ids(rows(60))
    beside = {first for first, second in pairwise(page[:-1]) if first == second}
    last_true = page.index(ids(rows(60))[-1])
    behind = set(page[last_true + 1 :])
    assert beside
    assert behind - beside
    assert len(beside | behind) == 20


def test_which_rows_come_twice_depends_on_their_ids_and_not_on_their_place() -> None:
    def twice(page: list[dict[str, Any]]) -> set[str]:
        return {key for key, count in Counter(ids(altered("duplicated_rows", page))).items() if count == 2}

    assert twice(rows(30)) == twice(rows(30)[::-1])


@pytest.mark.parametrize("count", [2, 3, 7, 200], ids=str)
def test_shuffled_rows_are_the_same_rows_in_another_order(count: int) -> None:
    page = ids(altered("shuffled_rows", rows(count)))
    assert page != ids(rows(count))
    assert sorted(page) == sorted(ids(rows(count)))


def test_a_shuffled_page_does_not_merely_stand_on_its_head() -> None:
    assert ids(altered("shuffled_rows", rows(50))) != ids(rows(50))[::-1]


def test_the_shuffled_order_depends_on_the_ids_alone() -> None:
    page = altered("shuffled_rows", rows(50))
    other = [{**row, "numError": 9} for row in rows(50)[::-1]]
    assert ids(altered("shuffled_rows", other)) == ids(page)


def test_rows_that_stand_in_the_shuffled_order_already_are_turned_round() -> None:
    page = altered("shuffled_rows", rows(20))
    assert altered("shuffled_rows", page) == page[::-1]


def test_a_single_row_has_no_other_order() -> None:
    assert altered("shuffled_rows", rows(1)) == rows(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["jobs", "errors", "resolved", "stats", "flowErrors"])
def test_rows_inside_an_object_are_treated_alike_and_the_rest_of_it_stays(kind: str, name: str) -> None:
    content = altered(kind, {name: rows(12), "nextPageURL": "/x"})
    assert content == {name: altered(kind, rows(12)), "nextPageURL": "/x"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", ["errorId", "_flowId"])
def test_rows_with_another_key_or_none_are_told_apart_too(kind: str, key: str) -> None:
    page = altered(kind, rows(12, key))
    assert page != rows(12, key)
    assert {row[key] for row in page} == {row[key] for row in rows(12, key)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_no_objects_is_no_mistake(kind: str) -> None:
    page = altered(kind, [1, "two", None, [4]])
    assert page != [1, "two", None, [4]]
    assert all(value in page for value in (1, "two", None, [4]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [[], {"jobs": []}, {"_id": "a", "name": "n"}, None, NOTHING],
    ids=["no rows", "no jobs", "an object", "null", "nothing"],
)
def test_an_answer_without_rows_stays_as_it_is(kind: str, content: object) -> None:
    assert altered(kind, content) == content


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_stays_as_it_is(kind: str) -> None:
    refusal = {"errors": [{"code": "a", "message": "m"}, {"code": "b", "message": "m"}]}
    assert altered(kind, refusal, status=400) == refusal


@pytest.mark.parametrize("kind", KINDS)
def test_equal_answers_are_altered_to_equal_bytes_and_left_untouched_themselves(kind: str) -> None:
    given = rows(100)
    first, second = altered(kind, given), altered(kind, rows(100))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert given == rows(100)


@pytest.mark.parametrize("kind", MANGLED)
@pytest.mark.parametrize("key", ["_id", "errorId", "_flowId", "_expOrImpId"])
def test_a_single_row_is_mangled_as_all_of_them_would_be(kind: str, key: str) -> None:
    page = [{**row, "name": "n", "createdAt": "2026-01-01T00:00:00Z"} for row in rows(3, key)]
    whole = altered(kind, page)
    single = mangled_row(kind, page[1][key], Answer(200, page), JOBS).content
    assert single == [page[0], whole[1], page[2]] != page
    assert mangled_row(kind, "nobody", Answer(200, {"jobs": page}), JOBS).content == {"jobs": page}


def test_a_row_is_told_by_its_own_id_not_by_what_it_belongs_to() -> None:
    page = [{"_id": "run", "_flowId": "flow", "numError": 1}]
    assert mangled_row("wrong_types", "flow", Answer(200, page), JOBS).content == page


def test_a_row_goes_with_faults_of_rows_only() -> None:
    assert FaultSpec("wrong_types", row="a").row == "a"
    with pytest.raises(ValueError, match="row goes with missing_ids, wrong_types, bad_dates, numbers_as_strings only"):
        FaultSpec("slow", row="a")
