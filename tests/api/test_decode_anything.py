"""Decoding under arbitrary input: never anything but rows, counted rejections, or a leaf of the error tree."""

import json
from datetime import UTC, datetime

import pytest
import requests_mock
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, leaves
from exporter.api.listing import REJECT_REASONS
from tests.api.kit import CALLS, LISTS, Ask, Kit, kit

KEYS = {
    Endpoint.FLOW_ERRORS: "flowErrors",
    Endpoint.STEP_ERRORS: "errors",
    Endpoint.JOBS_CURRENT: "jobs",
    Endpoint.JOB_FAMILY: "children",
    Endpoint.RUN_STATS: "stats",
}
LONG = {"_id": "a" * 24, "_flowId": "b" * 24, "_expOrImpId": "c" * 24, "errorId": "1", "numError": 3, "name": "n"}


def body(endpoint: Endpoint, rows: object) -> object:
    return {KEYS[endpoint]: rows} if endpoint in KEYS else rows


def answer(http: requests_mock.Mocker, content: bytes | str) -> None:
    content = content if isinstance(content, bytes) else content.encode()
    http.register_uri(requests_mock.ANY, requests_mock.ANY, content=content)


WORDS = ("2026-08-30T09:15:02.114Z", "completed", "a" * 24, "/v1/jobs/current?after=1")
KEY_NAMES = (
    *("_id", "_flowId", "_expOrImpId", "errorId", "numError", "name", "createdAt", "errors", "jobs", "_userId"),
    *("flowErrors", "nextPageURL", "queues", "size", "pageGenerators", "routers", "branches"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEY_NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)


def assert_rows_or_leaf(api: Kit, ask: Ask) -> None:
    failure = None
    try:
        ask(api)
    except ApiError as error:
        failure = error
    assert failure is None or type(failure) in leaves()
    assert set(api.last.rejected) <= set(REJECT_REASONS)


@pytest.mark.parametrize(("endpoint", "ask"), CALLS.items(), ids=[endpoint.name for endpoint in CALLS])
@settings(max_examples=40, deadline=None)
@given(value=JSON)
def test_any_json_gives_rows_or_a_leaf(endpoint: Endpoint, ask: Ask, value: object) -> None:
    for content in (value, body(endpoint, value), body(endpoint, [value, LONG])):
        with requests_mock.Mocker() as http, kit() as api:
            answer(http, json.dumps(content))
            assert_rows_or_leaf(api, ask)


@pytest.mark.parametrize(("endpoint", "ask"), CALLS.items(), ids=[endpoint.name for endpoint in CALLS])
@settings(max_examples=25, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_give_rows_or_a_leaf(endpoint: Endpoint, ask: Ask, content: bytes) -> None:
    del endpoint
    with requests_mock.Mocker() as http, kit() as api:
        answer(http, content)
        assert_rows_or_leaf(api, ask)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, max_size=8))
def test_every_row_is_either_read_or_counted(values: list[object]) -> None:
    with requests_mock.Mocker() as http, kit() as api:
        answer(http, json.dumps(values))
        listing = LISTS[Endpoint.INTEGRATION_ERRORS](api)
        rejected = sum(api.last.rejected.values())
    assert len(listing.rows) + rejected <= len(values)
    assert listing.whole is (rejected == 0)
    assert listing.complete or rejected > len(listing.unread)
    assert all(
        any(isinstance(value, dict) and value.get("_flowId") == name for value in values) for name in listing.unread
    )
    good = [value for value in values if isinstance(value, dict) and {"_flowId", "numError"} <= value.keys()]
    assert len(listing.rows) <= len(good)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))
@settings(max_examples=60, deadline=None)
def test_any_instant_is_read_to_the_millisecond(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with requests_mock.Mocker() as http, kit() as api:
        answer(http, json.dumps([{"_id": "a", "createdAt": text}]))
        (flow,) = LISTS[Endpoint.FLOWS](api).rows
    assert round(flow.created_at * 1000) == round(moment.timestamp() * 1000)
