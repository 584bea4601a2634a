"""A next-page address is data of the server: it cannot choose host, path, method or headers of a request."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests_mock
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, UnexpectedShape
from tests.api.kit import LISTS, STEP_ERRORS_PATH, Kit, kit, object_id

PINNED = {
    "foreign host": "https://evil.example/v1/flows?after=p1",
    "protocol-relative": "//evil.example/v1/flows?after=p1",
    "plain HTTP": "http://api.integrator.io/v1/flows?after=p1",
    "userinfo": "https://user:password@evil.example/v1/flows?after=p1",
    "host as user": "https://api.integrator.io@evil.example/v1/flows?after=p1",
    "port": "https://api.integrator.io:8443/v1/flows?after=p1",
    "fragment": "https://api.integrator.io/v1/flows?after=p1#x",
    "web app": "/api/flows?after=p1",
    "foreign web app": "https://evil.example/api/flows?after=p1",
    "address of a machine": "http://169.254.169.254/v1/flows?after=p1",
}
"""Addresses whose path and query are good: they are asked at the configured host."""

REFUSED = {
    "root": "/",
    "no path": "https://evil.example",
    "parent": "/v1/../admin?after=p1",
    "parent of the list": "/v1/flows/../connections?after=p1",
    "parent that leads back": "/v1/flows/x/..?after=p1",
    "leading parent": "/../v1/flows/../../admin",
    "encoded parent": "/v1/%2e%2e/admin?after=p1",
    "mixed parent": "/v1/flows/.%2e/connections",
    "encoded slash": "/v1/flows%2f..%2fconnections",
    "twice encoded": "/v1/%252e%252e/admin",
    "other list": "/v1/connections?after=p1",
    "one flow": "/v1/flows/64b2e1d3c5f6a70023bc45d2",
    "secret": "/v1/agents/64b2e1d3c5f6a70023bc45d2/display-token",
    "ping": "https://api.integrator.io/v1/connections/64b2e1d3c5f6a70023bc45d2/ping",
    "other version": "/v2/flows?after=p1",
    "longer word": "/v1/flowsx?after=p1",
    "prefix twice": "/api/v1/flows?after=p1",
    "api alone": "/api",
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "backslashes": "\\\\evil.example\\v1\\flows",
    "broken port": "https://evil.example:port/v1/elsewhere",
    "broken bracket": "https://[::1/v1/flows",
}
"""Addresses that are not followed; the list must not look whole because of it."""


def listing_with_link(api: Kit, http: requests_mock.Mocker, link: str) -> Any:
    first = {"json": [{"_id": object_id(1)}], "headers": {"Link": f'<{link}>; rel="next"'}}
    http.register_uri(requests_mock.ANY, requests_mock.ANY, [first, {"json": [{"_id": object_id(2)}]}])
    return LISTS[Endpoint.FLOWS](api)


def assert_only(http: requests_mock.Mocker, path: str) -> None:
    """Everything sent went to this path of the configured host."""
    for request in http.request_history:
        parts = urlsplit(request.url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.integrator.io", path)
        assert parts.fragment == ""


@pytest.mark.parametrize("link", PINNED.values(), ids=PINNED.keys())
def test_only_path_and_query_of_a_link_count(api: Kit, http: requests_mock.Mocker, link: str) -> None:
    listing = listing_with_link(api, http, link)
    assert [int(row.id, 16) for row in listing.rows] == [1, 2]
    assert_only(http, "/v1/flows")
    assert http.request_history[1].qs == {"after": ["p1"]}


@pytest.mark.parametrize("link", REFUSED.values(), ids=REFUSED.keys())
def test_a_link_to_anything_else_is_refused(api: Kit, http: requests_mock.Mocker, link: str) -> None:
    with pytest.raises(UnexpectedShape):
        listing_with_link(api, http, link)
    assert_only(http, "/v1/flows")
    assert http.call_count == 1
    assert api.errors() == {"unexpected_shape": 1}


def test_a_refused_link_is_not_repeated_in_the_error(api: Kit, http: requests_mock.Mocker) -> None:
    with pytest.raises(UnexpectedShape) as caught:
        listing_with_link(api, http, "https://evil.example/v1/jane.roe@example.com")
    assert "evil" not in str(caught.value)
    assert "jane" not in str(caught.value)


PIECES = (
    *("/", "//", "v1", "api", "flows", "..", ".", "%2e", "%2f", "evil.example", "https:", "@", ":", "?", "#", "\\"),
    *("after=p1", "connections", ";", "&", " ", "%0d%0a", "64b2e1d3c5f6a70023bc45d2", "errors", "http://", "%"),
)
URLS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=9).map("".join))


@settings(max_examples=150, deadline=None)
@given(URLS)
@example("/v1/flows?\r\nX-Evil: 1")
def test_no_link_leads_to_another_place_or_to_a_list_that_looks_whole(link: str) -> None:
    header = "".join(character for character in link if " " <= character <= "~" and character not in "<>")
    with requests_mock.Mocker() as http, kit() as api:
        try:
            listing = listing_with_link(api, http, header)
        except ApiError:
            listing = None
        assert_only(http, "/v1/flows")
        if listing is not None and http.call_count == 1:
            assert not listing.complete or header.strip() == ""


def first_page(next_page: object) -> dict[str, Any]:
    return {"errors": [{"errorId": "1"}], "nextPageURL": next_page}


def records_with_next(api: Kit, http: requests_mock.Mocker, next_page: object) -> Any:
    text = json.dumps(first_page(next_page))
    http.register_uri(requests_mock.ANY, requests_mock.ANY, [{"text": text}, {"json": {"errors": [{"errorId": "2"}]}}])
    return LISTS[Endpoint.STEP_ERRORS](api)


BODY_REFUSED = {
    **{name: link for name, link in REFUSED.items() if name not in ("one flow",)},
    "records of another step": "/v1/flows/64b2e1d3c5f6a70023bc45d2/ffffffffffffffffffffffff/errors?after=p1",
    "resolved": STEP_ERRORS_PATH.replace("errors", "resolved"),
    "signed address": f"{STEP_ERRORS_PATH}/signedURL",
}


@pytest.mark.parametrize("link", BODY_REFUSED.values(), ids=BODY_REFUSED.keys())
def test_a_next_page_in_a_body_that_leads_elsewhere_is_refused(api: Kit, http: requests_mock.Mocker, link: str) -> None:
    with pytest.raises(UnexpectedShape):
        records_with_next(api, http, link)
    assert_only(http, STEP_ERRORS_PATH)
    assert http.call_count == 1


@pytest.mark.parametrize("value", [5, 1.5, True, [], {}, ["/v1/x"], {"url": "x"}], ids=repr)
def test_a_next_page_that_is_no_text_is_refused(api: Kit, http: requests_mock.Mocker, value: object) -> None:
    with pytest.raises(UnexpectedShape):
        records_with_next(api, http, value)


@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_an_empty_next_page_is_the_end(api: Kit, http: requests_mock.Mocker, value: object) -> None:
    listing = records_with_next(api, http, value)
    assert [row.id for row in listing.rows] == ["1"]
    assert listing.complete


@pytest.mark.parametrize(
    "breaking",
    ["\r\nX-Evil: 1", "\n", "\0", "\x7f", " HTTP/1.1\r\n\r\nDELETE /v1/flows", "\u2028", "é", "\ud800"],
    ids=ascii,
)
def test_line_ends_in_a_next_page_cannot_add_headers_or_requests(
    api: Kit, http: requests_mock.Mocker, breaking: str
) -> None:
    try:
        records_with_next(api, http, f"{STEP_ERRORS_PATH}?after=p1{breaking}")
    except ApiError:
        assert http.call_count == 1
    assert_only(http, STEP_ERRORS_PATH)
    for request in http.request_history:
        assert request.url.isascii()
        assert request.url.isprintable()
        assert "X-Evil" not in request.headers


@settings(max_examples=150, deadline=None)
@given(URLS)
def test_no_next_page_of_a_body_leads_to_another_place(link: str) -> None:
    with requests_mock.Mocker() as http, kit() as api:
        try:
            listing = records_with_next(api, http, link)
        except ApiError:
            listing = None
        assert_only(http, STEP_ERRORS_PATH)
        if listing is not None and http.call_count == 1:
            assert not listing.complete or link.strip() == ""
