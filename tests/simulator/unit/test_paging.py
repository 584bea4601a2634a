"""Cursors, pages, and the three forms of the next address."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.messages import Refused, Request
from exporter.simulator.paging import Cursor, body_page, cut, link_page, page_limit
from exporter.simulator.resources import JsonObject

Row = tuple[int, str]


def key(row: Row) -> Row:
    return row


def walk(rows: list[Row], size: int) -> list[list[Row]]:
    pages: list[list[Row]] = []
    cursor: Cursor | None = None
    while True:
        page, last = cut(rows, key, cursor, size)
        pages.append(list(page))
        if last is None:
            return pages
        cursor = Cursor(len(pages), *last)


@given(st.lists(st.tuples(st.integers(-9, 9), st.text("ab", max_size=2)), unique=True), st.integers(1, 7))
def test_pages_hold_every_row_once_in_order(rows: list[Row], size: int) -> None:
    rows = sorted(rows)
    pages = walk(rows, size)
    assert [row for page in pages for row in page] == rows
    assert all(len(page) == size for page in pages[:-1])


def test_rows_that_come_and_go_between_pages_neither_repeat_nor_get_lost() -> None:
    rows = [(n, "x") for n in range(0, 20, 2)]
    first, last = cut(rows, key, None, 4)
    assert last is not None
    changed = sorted([*rows[1:3], *rows[4:], (1, "new"), (9, "new")])
    second, _ = cut(changed, key, Cursor(1, *last), 4)
    assert list(second) == [(8, "x"), (9, "new"), (10, "x"), (12, "x")]
    assert not set(first) & set(second)


@given(
    st.integers(0, 99), st.integers(-(2**60), 2**60), st.text(), st.dictionaries(st.text(), st.booleans() | st.text())
)
def test_a_cursor_survives_its_way_through_a_url(page: int, at: int, row_id: str, body: dict[str, Any]) -> None:
    cursor = Cursor(page, at, row_id, body)
    text = cursor.encode()
    target = Request.of("GET", "/v1/flows").target(after=text)
    assert Cursor.read(Request.of("GET", target)) == cursor


@pytest.mark.parametrize("text", ["", "x", "loop", "####", "W10", "WzFd", "e30", "/" * 50], ids=str)
def test_a_cursor_that_is_not_ours_is_a_400(text: str) -> None:
    with pytest.raises(Refused) as caught:
        Cursor.read(Request("GET", "/v1/flows", (("after", text),)))
    assert caught.value.answer.status == 400


def test_a_first_page_has_no_cursor() -> None:
    assert Cursor.read(Request.of("GET", "/v1/flows")) is None


@pytest.mark.parametrize(("text", "expected"), [(None, 70), ("1", 1), ("1000", 1000)], ids=str)
def test_the_limit_is_obeyed(text: str | None, expected: int) -> None:
    query = () if text is None else (("limit", text),)
    assert page_limit(Request("GET", "/", query), 70) == expected


@pytest.mark.parametrize("text", ["0", "-1", "1001", "x", "", "1.5", "²"])
def test_a_limit_that_makes_no_sense_is_a_400(text: str) -> None:
    with pytest.raises(Refused):
        page_limit(Request("GET", "/", (("limit", text),)), 70)


ROWS: list[JsonObject] = [{"_id": "a"}]


def test_a_link_keeps_the_query_and_names_a_foreign_host() -> None:
    answer = link_page(Request.of("GET", "/v1/flows?include=name"), ROWS, Cursor(1, 5, "id"))
    ((name, value),) = answer.headers
    address = urlsplit(value[1 : value.index(">")])
    assert (name, value.endswith('; rel="next"')) == ("Link", True)
    assert address.hostname == "api-worker-7.integrator.internal"
    assert address.path == "/v1/flows"
    assert address.query.startswith("include=name&after=")


def test_the_last_page_has_no_link_and_an_empty_list_no_body() -> None:
    request = Request.of("GET", "/v1/flows")
    assert link_page(request, ROWS, None).headers == ()
    assert link_page(request, [], None).status == 204
    assert body_page(request, "jobs", [], None).status == 204


def test_the_next_address_in_the_body_takes_three_forms_in_turn() -> None:
    request = Request.of("POST", "/v1/jobs/current")
    forms = []
    for page in range(6):
        content = body_page(request, "jobs", ROWS, Cursor(page, 1, "x")).content
        assert isinstance(content, dict)
        forms.append(str(content["nextPageURL"]).partition("jobs/current")[0])
    assert set(forms[:3]) == {"/v1/", "/api/", "https://api-worker-7.integrator.internal:3443/v1/"}
    assert forms[:3] == forms[3:]
