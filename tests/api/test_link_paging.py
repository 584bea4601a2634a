"""Lists paged by the Link header (contract 1.6 A): all rows, once, or marked as not all."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import requests_mock
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.config.settings import Limits
from tests.api.kit import BASE, LINK_PATHS, LISTS, Kit, kit, object_id

HOSTS = {
    "same": BASE,
    "internal": "http://ip-10-0-0-7.internal:8080",
    "none": "",
    "protocol-relative": "//internal.example",
}
PREFIXES = {"v1": "/v1/", "web app": "/api/"}


def serve(
    http: requests_mock.Mocker, path: str, pages: Sequence[Sequence[int]], host: str = BASE, prefix: str = "/v1/"
) -> None:
    """Serve these pages under opaque cursors."""

    def answer(request: Any, context: Any) -> Any:
        number = int(request.qs.get("after", ["p0"])[0][1:])
        if number + 1 < len(pages):
            target = path.replace("/v1/", prefix)
            context.headers["Link"] = f'<{host}{target}?include=a,b&after=p{number + 1}>; rel="next"'
        return [{"_id": object_id(row), "name": f"row {row}"} for row in pages[number]]

    http.get(f"{BASE}{path}", json=answer)


def ids(listing: Any) -> list[int]:
    return [int(row.id, 16) for row in listing.rows]


@pytest.mark.parametrize(("endpoint", "path"), LINK_PATHS.items(), ids=[e.name for e in LINK_PATHS])
@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES.keys())
def test_every_page_is_read_whatever_host_the_link_names(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, path: str, host: str, prefix: str
) -> None:
    serve(http, path, [[1, 2], [3], [4, 5]], host, prefix)
    listing = LISTS[endpoint](api)
    assert ids(listing) == [1, 2, 3, 4, 5]
    assert listing.complete
    assert api.last.truncated == 0
    assert {(request.scheme, request.netloc, request.path) for request in http.request_history} == {
        ("https", "api.integrator.io", path.lower())
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=6), min_size=1, max_size=12))
def test_any_split_into_pages_gives_each_row_once_in_order(pages: list[list[int]]) -> None:
    with requests_mock.Mocker() as http, kit() as api:
        serve(http, "/v1/integrations", pages)
        listing = LISTS[Endpoint.INTEGRATIONS](api)
    assert ids(listing) == list(dict.fromkeys(row for page in pages for row in page))
    assert listing.complete


@pytest.mark.parametrize(
    "empty", [{"status_code": 204}, {"text": "", "headers": {"Content-Length": "0"}}, {"json": []}], ids=repr
)
@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.name)
def test_an_empty_answer_is_an_empty_whole_list(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, empty: dict[str, Any]
) -> None:
    keyed = {
        Endpoint.FLOW_ERRORS: "flowErrors",
        Endpoint.STEP_ERRORS: "errors",
        Endpoint.JOBS_CURRENT: "jobs",
        Endpoint.JOB_FAMILY: "children",
        Endpoint.RUN_STATS: "stats",
    }
    if "json" in empty and endpoint in keyed:
        empty = {"json": {keyed[endpoint]: []}}
    http.register_uri(requests_mock.ANY, requests_mock.ANY, **empty)
    listing = LISTS[endpoint](api)
    assert (listing.rows, listing.complete, listing.stale) == ((), True, False)


def test_an_empty_answer_on_a_later_page_ends_the_list(api: Kit, http: requests_mock.Mocker) -> None:
    link = {"Link": f'<{BASE}/v1/flows?after=p1>; rel="next"'}
    http.get(f"{BASE}/v1/flows", [{"json": [{"_id": object_id(1)}], "headers": link}, {"status_code": 204}])
    listing = LISTS[Endpoint.FLOWS](api)
    assert ids(listing) == [1]
    assert listing.complete


NEXT = f"{BASE}/v1/flows?after=p1"
LINKS: dict[str, tuple[str, bool]] = {
    "plain": (f'<{NEXT}>; rel="next"', True),
    "bare word": (f"<{NEXT}>; rel=next", True),
    "no blank": (f'<{NEXT}>;rel="next"', True),
    "more parameters": (f'<{NEXT}>; title="more"; rel="next"', True),
    "second of two": (f'<{BASE}/v1/flows>; rel="first", <{NEXT}>; rel="next"', True),
    "first of two": (f'<{NEXT}>; rel="next", <{BASE}/v1/flows?after=z>; rel="last"', True),
    "comma in the query": (f'<{BASE}/v1/flows?include=name,disabled&after=p1>; rel="next"', True),
    "semicolon in the query": (f'<{BASE}/v1/flows?a=b;c&after=p1>; rel="next"', True),
    "capital letters": (f'<{NEXT}>; REL="Next"', True),
    "several relations": (f'<{NEXT}>; rel="next last"', True),
    "other relations only": (f'<{BASE}/v1/flows>; rel="prev", <{NEXT}>; rel="last"', False),
    "no relation": (f"<{NEXT}>", False),
    "empty": ("", False),
}


@pytest.mark.parametrize(("header", "followed"), LINKS.values(), ids=LINKS.keys())
def test_the_next_link_is_found_among_others(api: Kit, http: requests_mock.Mocker, header: str, followed: bool) -> None:
    http.get(
        f"{BASE}/v1/flows",
        [{"json": [{"_id": object_id(1)}], "headers": {"Link": header}}, {"json": [{"_id": object_id(2)}]}],
    )
    assert ids(LISTS[Endpoint.FLOWS](api)) == ([1, 2] if followed else [1])
    if followed:
        assert http.request_history[1].qs["after"] == ["p1"]


def test_a_cursor_is_sent_back_as_it_came(api: Kit, http: requests_mock.Mocker) -> None:
    cursor = "after=aB%2Fc%2B%3D%20x&skip=%C3%BC&include=a,b.c"
    link = {"Link": f'<{BASE}/v1/flows?{cursor}>; rel="next"'}
    http.get(f"{BASE}/v1/flows", [{"json": [], "headers": link}, {"json": []}])
    LISTS[Endpoint.FLOWS](api)
    assert http.request_history[1].url.split("?", 1)[1] == cursor


@pytest.mark.parametrize("bound", [1, 2, 3])
def test_a_list_longer_than_the_bound_is_marked_as_cut(http: requests_mock.Mocker, bound: int) -> None:
    serve(http, "/v1/connections", [[number] for number in range(10)])
    with kit(limits=dataclasses.replace(Limits(), pages=bound)) as api:
        listing = LISTS[Endpoint.CONNECTIONS](api)
        assert ids(listing) == list(range(bound))
        assert listing.complete is False
        assert api.last.truncated == 1
        assert http.call_count == bound


def test_a_list_exactly_as_long_as_the_bound_is_whole(http: requests_mock.Mocker) -> None:
    serve(http, "/v1/connections", [[1], [2], [3]])
    with kit(limits=dataclasses.replace(Limits(), pages=3)) as api:
        assert LISTS[Endpoint.CONNECTIONS](api).complete
        assert api.last.truncated == 0


@pytest.mark.parametrize("back_to", ["p1", "p2", "p3"])
def test_a_loop_of_pages_ends_and_is_marked_as_cut(api: Kit, http: requests_mock.Mocker, back_to: str) -> None:
    following = {"p0": "p1", "p1": "p2", "p2": "p3", "p3": back_to}

    def answer(request: Any, context: Any) -> Any:
        page = request.qs.get("after", ["p0"])[0]
        context.headers["Link"] = f'<{BASE}/v1/connections?after={following[page]}>; rel="next"'
        return [{"_id": object_id(int(page[1]))}]

    http.get(f"{BASE}/v1/connections", json=answer)
    listing = LISTS[Endpoint.CONNECTIONS](api)
    assert ids(listing) == [0, 1, 2, 3]
    assert listing.complete is False
    assert api.last.truncated == 1
    assert http.call_count <= 5


@pytest.mark.parametrize(
    ("status", "leaf"), [(403, errors.Forbidden), (404, errors.NotFound), (500, errors.ServerError)]
)
def test_a_refused_later_page_is_a_failure_not_a_shorter_list(
    api: Kit, http: requests_mock.Mocker, status: int, leaf: type[errors.ApiError]
) -> None:
    link = {"Link": f'<{BASE}/v1/connections?after=p1>; rel="next"'}
    http.get(f"{BASE}/v1/connections", [{"json": [{"_id": "a"}], "headers": link}, {"status_code": status}])
    with pytest.raises(leaf):
        LISTS[Endpoint.CONNECTIONS](api)


def test_a_later_page_is_retried_like_the_first(api: Kit, http: requests_mock.Mocker) -> None:
    link = {"Link": f'<{BASE}/v1/connections?after=p1>; rel="next"'}
    page = {"json": [{"_id": object_id(1)}], "headers": link}
    http.get(f"{BASE}/v1/connections", [page, {"status_code": 503}, {"json": [{"_id": object_id(2)}]}])
    listing = LISTS[Endpoint.CONNECTIONS](api)
    assert ids(listing) == [1, 2]
    assert listing.complete


def test_the_first_request_sets_no_limit(api: Kit, http: requests_mock.Mocker) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, json=[])
    for endpoint in LINK_PATHS:
        LISTS[endpoint](api)
    assert not [request.url for request in http.request_history if "limit" in request.qs]


def test_connections_are_asked_for_their_queues(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/connections", json=[])
    LISTS[Endpoint.CONNECTIONS](api)
    assert http.request_history[0].qs["fetchqueuesize"] == ["true"]


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint.FLOWS, Endpoint.CONNECTIONS, Endpoint.EXPORTS, Endpoint.IMPORTS, Endpoint.AGENTS],
    ids=lambda endpoint: endpoint.name,
)
def test_a_refused_projection_is_asked_again_without(api: Kit, http: requests_mock.Mocker, endpoint: Endpoint) -> None:
    def answer(request: Any, context: Any) -> Any:
        if "include" in request.qs:
            context.status_code = 400
            return {"errors": [{"code": "invalid_query_params", "message": "m"}]}
        return [{"_id": object_id(1)}]

    http.get(f"{BASE}{LINK_PATHS[endpoint]}", json=answer)
    assert ids(LISTS[endpoint](api)) == [1]
    includes = ["include" in request.qs for request in http.request_history]
    assert includes == [True, False]


def test_a_projection_uses_only_the_allowed_characters(api: Kit, http: requests_mock.Mocker) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, json=[])
    for endpoint in LINK_PATHS:
        LISTS[endpoint](api)
    projections = [request.qs["include"][0] for request in http.request_history if "include" in request.qs]
    assert len(projections) >= 3
    for projection in projections:
        assert set(projection) <= set("abcdefghijklmnopqrstuvwxyz0123456789._,")
    assert not [request.url for request in http.request_history if "exclude" in request.qs or "%5B" in request.url]
