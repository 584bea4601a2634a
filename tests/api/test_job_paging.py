"""The job list (contract 1.6 C, 3.7): pages by creation time, read lazily, no run lost and none twice."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
import requests_mock
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api import errors, paging
from exporter.api.listing import Page
from exporter.api.models import Job
from exporter.config.settings import Limits
from tests.api.kit import BASE, INTEGRATION, Kit, kit, object_id

pytestmark = pytest.mark.usefixtures("tiny_pages")
URL = f"{BASE}/v1/jobs"
START_MS = 1_788_000_000_123


def iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def milliseconds_of(text: str) -> int:
    """What the API reads in a time filter: ISO with or without milliseconds, or epoch milliseconds."""
    if text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    assert moment.tzinfo is not None
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


@pytest.fixture
def tiny_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages as small as these tests use count as full; the API's own hold 1,000 rows or more."""
    monkeypatch.setattr(paging, "SMALLEST_PAGE", 2)


class JobServer:
    """Jobs by the contract: newest first, at most `page` rows, filters on the creation time inclusive."""

    def __init__(self, http: requests_mock.Mocker, created: Sequence[int], page: int) -> None:
        self.rows = [
            {"_id": object_id(number), "type": "flow", "createdAt": iso(instant), "status": "completed"}
            for number, instant in sorted(enumerate(created), key=lambda pair: -pair[1])
        ]
        self.page = page
        self.http = http
        http.get(URL, json=self.answer)

    def answer(self, request: Any, _: Any) -> Any:
        query = {name: values[0] for name, values in request.qs.items()}
        assert {"createdat_gte", "createdat_lte", "_integrationid"} & query.keys()
        newest = milliseconds_of(query["createdat_lte"]) if "createdat_lte" in query else 2**60
        oldest = milliseconds_of(query["createdat_gte"]) if "createdat_gte" in query else 0
        chosen = [row for row in self.rows if oldest <= milliseconds_of(row["createdAt"]) <= newest]
        return chosen[: self.page]


def pages(api: Kit, gte: float = START_MS / 1000 - 86400, **filters: Any) -> Iterator[Page[Job]]:
    return api.client.job_pages(api.refresh(), kind="flow", created_gte=gte, **filters)


def read(api: Kit) -> tuple[list[int], bool]:
    """Ids of all rows, and whether the listing was cut."""
    got = list(pages(api))
    return [int(row.id, 16) for page in got for row in page.rows], any(page.cut for page in got)


@settings(max_examples=120, deadline=None)
@given(
    offsets=st.lists(st.integers(0, 30), max_size=60),
    page=st.integers(2, 12),
)
def test_no_run_is_lost_and_none_comes_twice(offsets: list[int], page: int) -> None:
    created = [START_MS + offset for offset in offsets]
    with requests_mock.Mocker() as http, kit() as api:
        JobServer(http, created, page)
        got, cut = read(api)
        assert len(got) == len(set(got))
        assert set(got) <= set(range(len(created)))
        if not cut:
            assert len(got) == len(created)
        assert api.last.truncated == int(cut)
        assert http.call_count <= len(created) + 2


@settings(max_examples=60, deadline=None)
@given(offsets=st.lists(st.integers(0, 10**6), unique=True, max_size=60), page=st.integers(2, 12))
def test_runs_of_different_milliseconds_are_never_cut(offsets: list[int], page: int) -> None:
    with requests_mock.Mocker() as http, kit() as api:
        JobServer(http, [START_MS + offset for offset in offsets], page)
        got, cut = read(api)
    assert sorted(got) == list(range(len(offsets)))
    assert not cut


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_runs_that_share_the_border_millisecond_are_all_read(api: Kit, http: requests_mock.Mocker, count: int) -> None:
    created = [*range(START_MS + 1, START_MS + 5), *[START_MS] * count, *range(START_MS - 9, START_MS)]
    JobServer(http, created, 6)
    assert sorted(read(api)[0]) == list(range(len(created)))


@pytest.mark.parametrize("size", [2, 3, 10])
def test_a_page_full_of_one_millisecond_is_a_cut_not_an_endless_loop(http: requests_mock.Mocker, size: int) -> None:
    JobServer(http, [START_MS] * (size + 5) + [START_MS - 50], size)
    with kit() as api:
        got, cut = read(api)
        assert cut
        assert len(got) == size
        assert api.last.truncated == 1
        assert http.call_count <= 3


def test_pages_are_read_only_when_they_are_wanted(api: Kit, http: requests_mock.Mocker) -> None:
    JobServer(http, range(START_MS, START_MS + 50), 10)
    reader = pages(api)
    assert http.call_count == 0
    next(reader)
    assert http.call_count == 1
    list(islice(reader, 2))
    assert http.call_count == 3


@pytest.mark.parametrize(
    "answer", [{"status_code": 204}, {"json": []}, {"text": "", "headers": {"Content-Length": "0"}}], ids=repr
)
def test_no_run_is_an_empty_listing_that_is_not_cut(
    api: Kit, http: requests_mock.Mocker, answer: dict[str, Any]
) -> None:
    http.get(URL, **answer)
    assert read(api) == ([], False)
    assert http.call_count == 1


def test_a_single_run_is_a_whole_listing(api: Kit, http: requests_mock.Mocker) -> None:
    JobServer(http, [START_MS], 1001)
    assert read(api) == ([0], False)
    assert api.last.truncated == 0


def test_a_short_page_is_the_last_one(api: Kit, http: requests_mock.Mocker) -> None:
    JobServer(http, range(START_MS, START_MS + 150), 100)
    assert len(read(api)[0]) == 150
    assert http.call_count == 2


def test_pages_that_differ_by_a_row_do_not_end_the_listing(api: Kit, http: requests_mock.Mocker) -> None:
    server = JobServer(http, range(START_MS, START_MS + 1000), 101)

    def uneven(request: Any, context: Any) -> Any:
        server.page = 101 if http.call_count % 2 else 100
        return server.answer(request, context)

    http.get(URL, json=uneven)
    assert len(read(api)[0]) == 1000


def test_a_listing_longer_than_the_bound_is_marked_on_its_last_page(http: requests_mock.Mocker) -> None:
    JobServer(http, range(START_MS, START_MS + 100), 10)
    with kit(limits=dataclasses.replace(Limits(), pages=3)) as api:
        got = list(pages(api))
        assert [page.cut for page in got] == [False, False, True]
        assert api.last.truncated == 1
        assert http.call_count == 3


def test_the_window_is_asked_from_no_later_than_wanted(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(URL, json=[])
    for fraction in (0.0, 0.001, 0.0015, 0.4999, 0.9999, 0.9999999):
        wanted = 1_788_000_000 + fraction
        list(pages(api, wanted))
        asked = milliseconds_of(http.request_history[-1].qs["createdat_gte"][0])
        assert wanted * 1000 - 1.001 <= asked <= wanted * 1000


def test_the_end_of_the_window_is_asked_no_earlier_than_wanted(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(URL, json=[])
    for fraction in (0.0, 0.001, 0.0015, 0.9999):
        wanted = 1_788_000_000 + fraction
        list(pages(api, created_lte=wanted))
        asked = milliseconds_of(http.request_history[-1].qs["createdat_lte"][0])
        assert wanted * 1000 - 0.001 <= asked <= wanted * 1000 + 1.001 or abs(asked - wanted * 1000) < 1


def test_an_end_of_the_window_never_widens_by_paging(api: Kit, http: requests_mock.Mocker) -> None:
    JobServer(http, range(START_MS, START_MS + 50), 10)
    list(pages(api, created_lte=(START_MS + 29) / 1000))
    asked = [milliseconds_of(request.qs["createdat_lte"][0]) for request in http.request_history]
    assert asked == sorted(asked, reverse=True)
    assert asked[0] == START_MS + 29


@pytest.mark.parametrize("kind", ["flow", "retry"])
def test_the_kind_and_nothing_but_documented_filters_are_sent(api: Kit, http: requests_mock.Mocker, kind: Any) -> None:
    JobServer(http, range(START_MS, START_MS + 30), 10)
    list(api.client.job_pages(api.refresh(), kind=kind, created_gte=1_787_000_000.0))
    for request in http.request_history:
        assert request.qs["type"] == [kind]
        assert set(request.qs) <= {"type", "createdat_gte", "createdat_lte"}
        assert all(len(values) == 1 for values in request.qs.values())


@pytest.mark.parametrize("integration", [INTEGRATION, "none"])
def test_one_integration_is_asked_for_on_every_page(api: Kit, http: requests_mock.Mocker, integration: str) -> None:
    JobServer(http, range(START_MS, START_MS + 30), 10)
    list(pages(api, integration_id=integration))
    assert [request.qs["_integrationid"] for request in http.request_history] == [[integration]] * http.call_count


def test_rows_shared_by_two_pages_come_once(api: Kit, http: requests_mock.Mocker) -> None:
    JobServer(http, range(START_MS, START_MS + 25), 10)
    got = [row.id for page in pages(api) for row in page.rows]
    assert len(got) == len(set(got)) == 25


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_refused_later_page_is_a_failure(api: Kit, http: requests_mock.Mocker, status: int) -> None:
    server = JobServer(http, range(START_MS, START_MS + 30), 10)

    def answer(request: Any, context: Any) -> Any:
        if http.call_count > 1:
            context.status_code = status
            return {}
        return server.answer(request, context)

    http.get(URL, json=answer)
    with pytest.raises(errors.ApiError):
        read(api)


def test_broken_rows_are_left_out_counted_and_do_not_stop_paging(api: Kit, http: requests_mock.Mocker) -> None:
    server = JobServer(http, range(START_MS, START_MS + 40), 10)
    for number in (3, 9, 10, 25):
        server.rows[number]["numError"] = "many"
    got, _ = read(api)
    broken = {int(server.rows[number]["_id"], 16) for number in (3, 9, 10, 25)}
    assert set(got) == set(range(40)) - broken
    assert set(api.last.rejected) == {"wrong_type"}


def test_pages_of_nothing_but_broken_rows_do_not_look_whole(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(URL, json=[5] * 10)
    try:
        got = list(pages(api))
    except errors.UnexpectedShape:
        return
    assert any(page.cut or page.rejected for page in got)
    assert api.last.rejected["not_an_object"] >= 10


def test_rows_without_a_creation_time_do_not_look_like_the_end(http: requests_mock.Mocker) -> None:
    http.get(URL, json=[{"_id": object_id(number)} for number in range(10)])
    with kit() as api:
        try:
            got = list(pages(api))
        except errors.UnexpectedShape:
            return
        assert any(page.cut for page in got)
        assert http.call_count <= 3


@pytest.mark.parametrize("rows", [2, 7, 99])
def test_a_few_runs_of_one_millisecond_are_whole_where_pages_are_large(
    api: Kit, http: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(paging, "SMALLEST_PAGE", 100)
    JobServer(http, [START_MS] * rows, 1001)
    assert read(api) == (list(range(rows)), False)
    assert api.last.truncated == 0
