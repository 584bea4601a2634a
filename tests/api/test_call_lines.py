"""Each attempt of a call is a line at debug: what it was and cost, and nothing of what it held."""

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests_mock

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from tests.api.kit import BASE, CALLS, Kit
from tests.logs.written import Written, written


@pytest.fixture
def log() -> Iterator[Written]:
    with written() as into:
        yield into


def test_each_attempt_is_one_line_with_what_it_was_and_cost(log: Written, api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/connections", [{"status_code": 502}, {"json": [], "headers": {"X-Request-Id": "up-1"}}])
    CALLS[Endpoint.CONNECTIONS](api)
    first, second = log.lines("a request was sent")
    assert (first["attempt"], first["status"], first["error"]) == (1, "502", "bad_gateway")
    assert (second["attempt"], second["status"], second["error"]) == (2, "200", "")
    assert second["call_id"] == first["call_id"]
    assert (second["endpoint"], second["method"], second["body_bytes"]) == ("/v1/connections", "GET", 2)
    assert (first["upstream_request_id"], second["upstream_request_id"]) == (None, "up-1")
    assert {"duration_seconds", "waited_seconds"} <= first.keys()


def test_another_call_has_another_id(log: Written, api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/connections", json=[])
    CALLS[Endpoint.CONNECTIONS](api)
    CALLS[Endpoint.CONNECTIONS](api)
    first, second = log.lines("a request was sent")
    assert first["call_id"] != second["call_id"]


def test_an_id_of_the_server_s_that_is_not_well_formed_is_not_written(
    log: Written, api: Kit, http: requests_mock.Mocker
) -> None:
    http.get(f"{BASE}/v1/connections", json=[], headers={"X-Request-Id": "jane.roe@example.com owes"})
    CALLS[Endpoint.CONNECTIONS](api)
    assert log.lines("a request was sent")[0]["upstream_request_id"] is None


def test_ids_in_paths_and_queries_are_not_written(log: Written, api: Kit, http: requests_mock.Mocker) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=404)
    for ask in CALLS.values():
        with suppress(ApiError):
            ask(api)
    sent = {request.path.rpartition("/")[2] for request in http.request_history}
    ids = {part for part in sent if re.fullmatch(r"[0-9a-f]{24}", part)}
    assert ids
    ours = "".join(str(line) for line in log.lines() if line["logger"].startswith("exporter"))
    assert "/v1/jobs/{jobId}" in ours
    assert not any(each in ours for each in ids)
    assert "createdAt" not in ours


def test_what_the_cache_holds_is_told_as_such(log: Written, api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/flows", json=[])
    CALLS[Endpoint.FLOWS](api)
    CALLS[Endpoint.FLOWS](api)
    assert [line["cached"] for line in log.lines("a listing was looked up")] == ["miss", "hit"]
    assert len(log.lines("a request was sent")) == 1


def test_a_pause_that_the_api_asks_for_is_a_warning_told_once(
    log: Written, api: Kit, http: requests_mock.Mocker
) -> None:
    throttled = {"status_code": 429, "headers": {"Retry-After": "7"}}
    http.get(f"{BASE}/v1/connections", [throttled, throttled, {"json": []}])
    CALLS[Endpoint.CONNECTIONS](api)
    (line,) = log.lines("the API asks for a pause")
    assert (line["level"], line["endpoint"], line["pause_seconds"]) == ("warning", "/v1/connections", 7)
    assert log.lines("a request was sent")[1]["waited_seconds"] == 7
