"""Rows of a hostile or broken API: what fuzzing found, and the bounds on how much of them is kept."""

import json
from typing import Any

import pytest
import requests_mock

from exporter.api import decode, paging
from exporter.api.decode import RowDecoder, decode_rows
from exporter.api.endpoints import Endpoint
from exporter.api.errors import InvalidJson, TooLarge, UnexpectedShape
from exporter.api.failures import server_time
from exporter.api.models import ID_CHARACTERS, NAME_CHARACTERS, WORD_CHARACTERS, Connection, Flow
from exporter.api.paging import iso
from exporter.config.settings import Limits
from tests.api.kit import CALLS, LISTS, Kit, failure_of, kit
from tests.api.test_decode import answer


def flows(text: str) -> Any:
    return decode_rows(text.encode(), RowDecoder(Flow), Endpoint.FLOWS)


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        (r"cut \ud83d", "cut \N{REPLACEMENT CHARACTER}"),
        (r"\ude00 cut", "\N{REPLACEMENT CHARACTER} cut"),
        (r"\ud83d\ud83d\ude00", "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (r"\uD83D\uDE00", "\N{GRINNING FACE}"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_half_an_emoji_costs_a_character_and_not_the_list(escaped: str, name: str) -> None:
    read = flows(f'[{{"_id":"a","name":"{escaped}"}},{{"_id":"b"}}]')
    assert [(row.id, row.name) for row in read.rows] == [("a", name), ("b", None)]
    assert not read.rejected


@pytest.mark.parametrize("value", ['"\xff"', "1e999", "9" * 400], ids=["bytes", "huge", "long"])
def test_a_next_page_that_cannot_be_read_is_a_typed_failure(api: Kit, http: requests_mock.Mocker, value: str) -> None:
    answer(http, f'{{"jobs":[],"nextPageURL":{value}}}'.encode("latin-1"))
    assert type(failure_of(CALLS[Endpoint.JOBS_CURRENT], api)) in (InvalidJson, UnexpectedShape)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_outside_of_the_calendar_costs_its_row_alone(text: str) -> None:
    read = flows(json.dumps([{"_id": "a", "createdAt": text}, {"_id": "b"}]))
    assert [row.id for row in read.rows] == ["b"]
    assert read.rejected == {"bad_instant": 1}


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00%3A00%3A00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23%3A59%3A59.999Z"),
    ],
)
def test_jobs_at_the_ends_of_the_calendar_are_paged_like_others(text: str, bound: str) -> None:
    rows = [{"_id": str(number), "type": "flow", "createdAt": text} for number in range(120)]
    with requests_mock.Mocker() as http, kit() as api:
        answer(http, json.dumps(rows))
        CALLS[Endpoint.JOBS](api)
        assert http.request_history[1].url.endswith(f"createdAt_lte={bound}")


def test_the_instant_after_the_last_one_is_the_last_one() -> None:
    assert iso(253_402_300_800.0) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Sun, 06 Nov 1960 08:49:37 GMT", "Wed, 01 Jan 2200 00:00:00 GMT"]
)
def test_a_server_that_lives_in_another_age_tells_no_time(date: str) -> None:
    assert server_time(date) is None


def test_a_name_of_a_megabyte_is_cut() -> None:
    (row,) = flows(json.dumps([{"_id": "a", "name": "n" * 1_000_000}])).rows
    assert row.name == "n" * NAME_CHARACTERS


def test_an_id_that_is_too_long_is_none(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, json.dumps([{"_id": "a" * (ID_CHARACTERS + 1)}, {"_id": "b" * ID_CHARACTERS}]))
    listed = LISTS[Endpoint.FLOWS](api)
    assert [row.id for row in listed.rows] == ["b" * ID_CHARACTERS]
    assert (listed.complete, listed.unread) == (False, frozenset())
    assert api.last.rejected == {"wrong_type": 1}


def test_a_word_that_is_too_long_for_a_label_costs_its_row_alone() -> None:
    rows = [{"_id": "a", "type": "t" * (WORD_CHARACTERS + 1)}, {"_id": "b", "type": "http"}]
    read = decode_rows(json.dumps(rows).encode(), RowDecoder(Connection), Endpoint.CONNECTIONS)
    assert [row.id for row in read.rows] == ["b"]
    assert read.unread == {"a"}


def test_an_answer_of_too_many_rows_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "ROWS", 10)
    assert len(flows(json.dumps([{"_id": str(number)} for number in range(10)])).rows) == 10
    with pytest.raises(TooLarge) as caught:
        flows(json.dumps([{"_id": str(number)} for number in range(11)]))
    assert caught.value.detail == "over 10 rows"


def test_a_listing_of_too_many_rows_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "ROWS", 25)
    rows = [[{"_id": f"{page}-{number}"} for number in range(10)] for page in range(9)]
    links = [{"Link": f"</v1/flows?p={page}>; rel=next"} for page in range(9)]
    pages = [{"json": each, "headers": link} for each, link in zip(rows, links, strict=True)]
    with requests_mock.Mocker() as http, kit() as api:
        http.register_uri("GET", requests_mock.ANY, pages)
        listed = LISTS[Endpoint.FLOWS](api)
        assert (len(listed.rows), listed.complete, http.call_count) == (30, False, 3)
        assert api.last.truncated == 1


def test_jobs_of_too_many_pages_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "ROWS", 250)
    with requests_mock.Mocker() as http, kit() as api:
        pages = [
            [{"_id": f"{page}-{row}", "createdAt": f"2026-08-2{9 - page}T00:00:00Z"} for row in range(100)]
            for page in range(9)
        ]
        http.register_uri("GET", requests_mock.ANY, [{"json": page} for page in pages])
        read = CALLS[Endpoint.JOBS](api)
        assert ([page.cut for page in read], http.call_count) == ([False, False, True], 3)


def test_an_answer_of_nothing_but_commas_is_too_large_before_it_is_read() -> None:
    with requests_mock.Mocker() as http, kit(limits=Limits(response_bytes=64 * 1024)) as api:
        answer(http, "[" + "1," * 5000 + "1]")
        assert type(failure_of(CALLS[Endpoint.FLOWS], api)) is TooLarge
        answer(http, "[" + "1," * 4000 + "1]")
        assert LISTS[Endpoint.FLOWS](api).illegible
