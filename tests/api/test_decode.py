"""From bodies to rows: whatever arrives, the answer is rows or a leaf of the error tree."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import InvalidJson, UnexpectedShape
from exporter.api.listing import REJECT_REASONS
from tests.api.kit import BASE, CALLS, INTEGRATION, JOB, LINK_PATHS, LISTS, Ask, Kit, failure_of, kit

KEYS = {
    Endpoint.FLOW_ERRORS: "flowErrors",
    Endpoint.STEP_ERRORS: "errors",
    Endpoint.JOBS_CURRENT: "jobs",
    Endpoint.JOB_FAMILY: "children",
    Endpoint.RUN_STATS: "stats",
}
BARE = [endpoint for endpoint in LISTS if endpoint not in KEYS]
LONG = {"_id": "a" * 24, "_flowId": "b" * 24, "_expOrImpId": "c" * 24, "errorId": "1", "numError": 3, "name": "n"}

IDS = {
    Endpoint.INTEGRATION_ERRORS: "_flowId",
    Endpoint.FLOW_ERRORS: "_expOrImpId",
    Endpoint.STEP_ERRORS: "errorId",
    Endpoint.RUN_STATS: "_flowId",
}
"""What identifies a row where it is not `_id`."""


def body(endpoint: Endpoint, rows: object) -> object:
    return {KEYS[endpoint]: rows} if endpoint in KEYS else rows


def answer(http: requests_mock.Mocker, content: bytes | str) -> None:
    content = content if isinstance(content, bytes) else content.encode()
    http.register_uri(requests_mock.ANY, requests_mock.ANY, content=content)


NOT_JSON = {
    "text": b"hello",
    "page of a proxy": b"<html><body>Sign in</body></html>",
    "half": b'[{"_id":"a"',
    "two documents": b"[][]",
    "trailing comma": b"[1,]",
    "single quotes": b"[{'_id':'a'}]",
    "not a number": b'[{"_id":"a","numError":NaN}]',
    "bytes that are no text": b"\xff\xfe\x00",
    "byte order mark and nothing": b"\xef\xbb\xbf",
    "NUL": b"\0",
    "csv": b"_id,name\n1,x\n",
}


@pytest.mark.parametrize(("endpoint", "ask"), CALLS.items(), ids=[endpoint.name for endpoint in CALLS])
@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_json_is_a_failure(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, ask: Ask, content: bytes
) -> None:
    answer(http, content)
    error = failure_of(ask, api)
    assert type(error) is InvalidJson
    assert error.endpoint == endpoint.value
    assert api.errors() == {"invalid_json": 1}


@pytest.mark.parametrize("endpoint", BARE, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("value", [None, True, 5, "text", {}, {"items": []}, {"errors": []}], ids=json.dumps)
def test_a_bare_list_is_expected_where_the_contract_has_one(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, value: object
) -> None:
    answer(http, json.dumps(value))
    assert type(failure_of(LISTS[endpoint], api)) is UnexpectedShape


@pytest.mark.parametrize("endpoint", KEYS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize(
    "value",
    [None, True, 5, "text", [], [{}], {}, {"rows": []}, {"KEY": None}, {"KEY": {}}, {"KEY": "x"}, {"KEY": 1}],
    ids=json.dumps,
)
def test_a_list_under_its_key_is_expected_where_the_contract_has_one(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, value: object
) -> None:
    answer(http, json.dumps(value).replace("KEY", KEYS[endpoint]))
    assert type(failure_of(LISTS[endpoint], api)) is UnexpectedShape


@pytest.mark.parametrize("endpoint", [Endpoint.TOKEN_INFO, Endpoint.JOB], ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("value", [None, True, 5, "text", [], [{}], {}, {"_id": 5, "_userId": 5}], ids=json.dumps)
def test_one_object_is_expected_where_the_contract_has_one(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, value: object
) -> None:
    answer(http, json.dumps(value))
    assert type(failure_of(CALLS[endpoint], api)) is UnexpectedShape


@pytest.mark.parametrize("endpoint", [Endpoint.TOKEN_INFO, Endpoint.JOB], ids=lambda endpoint: endpoint.name)
def test_no_object_at_all_is_a_failure_not_an_empty_one(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint
) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=204)
    assert isinstance(failure_of(CALLS[endpoint], api), errors.PayloadError)


BROKEN: dict[str, tuple[Endpoint, object, str]] = {
    "number": (Endpoint.FLOWS, 5, "not_an_object"),
    "text": (Endpoint.FLOWS, "x", "not_an_object"),
    "null": (Endpoint.FLOWS, None, "not_an_object"),
    "list": (Endpoint.FLOWS, [], "not_an_object"),
    "true": (Endpoint.FLOWS, True, "not_an_object"),
    "empty object": (Endpoint.FLOWS, {}, "missing_id"),
    "id under another name": (Endpoint.FLOWS, {"id": "a"}, "missing_id"),
    "numeric id": (Endpoint.FLOWS, {"_id": 5}, "wrong_type"),
    "list as id": (Endpoint.FLOWS, {"_id": ["a"]}, "wrong_type"),
    "numeric name": (Endpoint.FLOWS, {"_id": "a", "name": 5}, "wrong_type"),
    "text as flag": (Endpoint.FLOWS, {"_id": "a", "disabled": "true"}, "wrong_type"),
    "numeric schedule": (Endpoint.FLOWS, {"_id": "a", "schedule": 5}, "wrong_type"),
    "object as list": (Endpoint.FLOWS, {"_id": "a", "pageProcessors": {}}, "wrong_type"),
    "broken step": (Endpoint.FLOWS, {"_id": "a", "pageProcessors": [5]}, "wrong_type"),
    "word as instant": (Endpoint.FLOWS, {"_id": "a", "createdAt": "yesterday"}, "bad_instant"),
    "empty instant": (Endpoint.FLOWS, {"_id": "a", "createdAt": ""}, "bad_instant"),
    "no such day": (Endpoint.FLOWS, {"_id": "a", "createdAt": "2026-02-30T00:00:00.000Z"}, "bad_instant"),
    "no such hour": (Endpoint.FLOWS, {"_id": "a", "createdAt": "2026-02-20T25:00:00.000Z"}, "bad_instant"),
    "offline as text": (Endpoint.CONNECTIONS, {"_id": "a", "offline": "yes"}, "wrong_type"),
    "negative queue": (Endpoint.CONNECTIONS, {"_id": "a", "queues": [{"size": -1}]}, "wrong_type"),
    "queue as text": (Endpoint.CONNECTIONS, {"_id": "a", "queueSize": "5"}, "wrong_type"),
    "count as text": (Endpoint.JOBS_CURRENT, {"_id": "a", "numSuccess": "5"}, "wrong_type"),
    "negative count": (Endpoint.JOBS_CURRENT, {"_id": "a", "numError": -1}, "wrong_type"),
    "half a record": (Endpoint.JOBS_CURRENT, {"_id": "a", "numError": 1.5}, "wrong_type"),
    "flag as count": (Endpoint.JOBS_CURRENT, {"_id": "a", "numError": True}, "wrong_type"),
    "job of no time": (Endpoint.JOBS_CURRENT, {"_id": "a", "createdAt": "soon"}, "bad_instant"),
    "count without a flow": (Endpoint.INTEGRATION_ERRORS, {"numError": 5}, "missing_id"),
    "open errors as text": (Endpoint.INTEGRATION_ERRORS, {"_flowId": "a", "numError": "5"}, "wrong_type"),
    "step without an id": (Endpoint.FLOW_ERRORS, {"numError": 5}, "missing_id"),
    "statistics of no flow": (Endpoint.RUN_STATS, {"numResolvedByAuto": 5}, "missing_id"),
    "resolved errors as text": (Endpoint.RUN_STATS, {"_flowId": "a", "numResolvedByAuto": "5"}, "wrong_type"),
    "fewer than none resolved": (Endpoint.RUN_STATS, {"_flowId": "a", "numResolvedByUser": -1}, "wrong_type"),
    "record without an id": (Endpoint.STEP_ERRORS, {"source": "mapping"}, "missing_id"),
    "record with a list as code": (Endpoint.STEP_ERRORS, {"errorId": "a", "code": []}, "wrong_type"),
    "list as source": (Endpoint.STEP_ERRORS, {"errorId": "a", "source": []}, "wrong_type"),
    "step with a numeric adaptor": (Endpoint.EXPORTS, {"_id": "a", "adaptorType": 1}, "wrong_type"),
}


@pytest.mark.parametrize(("endpoint", "row", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_row_is_left_out_counted_and_costs_no_other_row(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, row: object, reason: str
) -> None:
    second = {**LONG, "_id": "z", "_flowId": "z", "_expOrImpId": "z", "errorId": "z"}
    answer(http, json.dumps(body(endpoint, [LONG, row, second])))
    listing = LISTS[endpoint](api)
    assert len(listing.rows) == 2
    assert dict(api.last.rejected) == {reason: 1}
    own_id = row.get(IDS.get(endpoint, "_id")) if isinstance(row, dict) else None
    shown = isinstance(own_id, str) and own_id != ""
    assert listing.unread == ({own_id} if shown else set())
    assert listing.complete is shown
    assert not listing.whole
    assert listing.may_hold("b") is not shown
    assert not shown or listing.may_hold(str(own_id))


@pytest.mark.parametrize("endpoint", [Endpoint.FLOWS, Endpoint.JOBS_CURRENT])
@pytest.mark.parametrize("kept", [True, False])
def test_one_broken_row_without_an_id_among_those_with_one_leaves_the_listing_incomplete(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, kept: bool
) -> None:
    rows = [LONG] if kept else []
    answer(http, json.dumps(body(endpoint, [*rows, {"_id": "a", "createdAt": 1}, {"_id": 5}, {"_id": "c"}])))
    listing = LISTS[endpoint](api)
    assert (listing.complete, listing.unread) == (False, {"a"})


def test_a_listing_of_broken_rows_alone_is_illegible_and_an_empty_one_is_not(
    api: Kit, http: requests_mock.Mocker
) -> None:
    answer(http, json.dumps([{"_id": "a", "offline": 5}]))
    listing = LISTS[Endpoint.CONNECTIONS](api)
    assert (listing.rows, listing.unread, listing.illegible) == ((), {"a"}, True)
    answer(http, "[]")
    assert not LISTS[Endpoint.CONNECTIONS](api).illegible


def test_a_count_row_without_a_count_is_left_out(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, json.dumps([{"_flowId": "a" * 24, "message": "an error record?"}, LONG]))
    listing = LISTS[Endpoint.INTEGRATION_ERRORS](api)
    assert len(listing.rows) == 1
    assert sum(api.last.rejected.values()) == 1
    assert set(api.last.rejected) <= set(REJECT_REASONS)
    assert (listing.complete, listing.unread) == (True, {"a" * 24})


INSTANTS = {
    "2026-08-30T09:15:02.114Z": datetime(2026, 8, 30, 9, 15, 2, 114000, UTC).timestamp(),
    "2026-08-30T09:15:02Z": datetime(2026, 8, 30, 9, 15, 2, 0, UTC).timestamp(),
    "2026-08-30T09:15:02.114": datetime(2026, 8, 30, 9, 15, 2, 114000, UTC).timestamp(),
    "2026-08-30T09:15:02": datetime(2026, 8, 30, 9, 15, 2, 0, UTC).timestamp(),
    "2026-08-30T11:15:02.114+02:00": datetime(2026, 8, 30, 9, 15, 2, 114000, UTC).timestamp(),
    "2026-08-30T03:45:02.000-05:30": datetime(2026, 8, 30, 9, 15, 2, 0, UTC).timestamp(),
    "1970-01-01T00:00:00.000Z": 0.0,
}


@pytest.mark.parametrize(("text", "seconds"), INSTANTS.items(), ids=INSTANTS.keys())
def test_an_instant_is_read_as_unix_seconds(api: Kit, http: requests_mock.Mocker, text: str, seconds: float) -> None:
    answer(http, json.dumps([{"_id": "a", "createdAt": text}]))
    (flow,) = LISTS[Endpoint.FLOWS](api).rows
    assert flow.created_at == pytest.approx(seconds, abs=1e-6)
    assert isinstance(flow.created_at, float)


@pytest.mark.parametrize("value", [1_788_000_000_000, 1.5, True, [], {}], ids=json.dumps)
def test_an_instant_that_is_no_text_is_refused(api: Kit, http: requests_mock.Mocker, value: object) -> None:
    answer(http, json.dumps([{"_id": "a", "createdAt": value}]))
    assert LISTS[Endpoint.FLOWS](api).rows == ()
    assert set(api.last.rejected) <= {"wrong_type", "bad_instant"}
    assert sum(api.last.rejected.values()) == 1


def test_a_repeated_key_does_not_break_the_body(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, b'[{"_id":"a","_id":"b","name":"x","name":"y"}]')
    assert [row.id for row in LISTS[Endpoint.FLOWS](api).rows] == ["b"]


@pytest.mark.parametrize("depth", [100, 2_000, 200_000])
@pytest.mark.parametrize("where", ["body", "unknown field", "read field"])
def test_a_body_nested_without_end_is_a_failure_or_a_rejected_row(
    http: requests_mock.Mocker, depth: int, where: str
) -> None:
    nest = "[" * depth + "]" * depth
    text = {
        "body": nest,
        "unknown field": f'[{{"_id":"a","mapping":{nest}}}]',
        "read field": f'[{{"_id":"a","schedule":{{"x":{nest}}}}}]',
    }[where]
    with kit() as api:
        answer(http, text)
        try:
            rows = LISTS[Endpoint.FLOWS](api).rows
        except errors.PayloadError:
            return
        assert len(rows) + sum(api.last.rejected.values()) == 1


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\ud83d"', '"a\\u0000b"', '"\\udc00\\ud800"', '"é€𐍈"', '"\\u202e"'])
def test_every_text_that_comes_through_can_be_written_as_utf8(api: Kit, http: requests_mock.Mocker, text: str) -> None:
    answer(http, f'[{{"_id":"a","name":{text}}}]')
    try:
        rows = LISTS[Endpoint.FLOWS](api).rows
    except errors.PayloadError:
        return
    for row in rows:
        row.name.encode()


def test_numbers_beyond_all_bounds_are_refused_or_kept_exact(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, f'{{"jobs":[{{"_id":"a","numError":{10**400}}},{{"_id":"b","numError":1e999}},{{"_id":"c"}}]}}')
    try:
        rows = LISTS[Endpoint.JOBS_CURRENT](api).rows
    except errors.PayloadError:
        return
    for row in rows:
        assert float(row.num_error) < 1e30


CONTRACT_ROWS: dict[Endpoint, dict[str, Any]] = {
    Endpoint.INTEGRATIONS: {"_id": INTEGRATION, "name": "Shop", "sandbox": False, "flowGroupings": [{"_id": "g"}]},
    Endpoint.CONNECTIONS: {"_id": "c", "name": "ERP", "offline": True, "queues": [{"name": "c", "size": 214}]},
    Endpoint.EXPORTS: {"_id": "e", "adaptorType": "NetSuiteExport", "_connectionId": "c"},
    Endpoint.IMPORTS: {"_id": "i", "adaptorType": "NetSuiteDistributedImport", "_connectionId": "c"},
    Endpoint.FLOWS: {
        "_id": "f",
        "name": "Orders → ERP",
        "schedule": "? 0,15,30,45 * ? * *",
        "pageGenerators": [{"_exportId": "e", "schedule": "? 5 0 ? * *"}],
        "routers": [
            {"id": "r1", "branches": [{"name": "EU", "pageProcessors": [{"type": "import", "_importId": "i"}]}]}
        ],
        "_runNextFlowIds": ["g"],
        "logging": {"debugUntil": "2026-08-30T10:00:00.000Z"},
    },
}


@pytest.mark.parametrize(("endpoint", "row"), CONTRACT_ROWS.items(), ids=[e.name for e in CONTRACT_ROWS])
def test_rows_as_the_contract_shows_them_are_read(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, row: dict[str, Any]
) -> None:
    assert endpoint in LINK_PATHS
    answer(http, json.dumps([row]))
    listing = LISTS[endpoint](api)
    assert [read.id for read in listing.rows] == [row["_id"]]
    assert listing.complete


def test_a_schedule_may_be_an_object(api: Kit, http: requests_mock.Mocker) -> None:
    answer(http, json.dumps([{"_id": "f", "schedule": {"cron": "? 5 0 ? * *"}}]))
    (flow,) = LISTS[Endpoint.FLOWS](api).rows
    assert isinstance(flow.schedule, dict)


def test_one_job_is_read(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/jobs/{JOB}", json={"_id": JOB, "status": "completed", "numSuccess": 223})
    job = api.client.job(api.refresh(), JOB)
    assert (job.id, job.status, job.num_success) == (JOB, "completed", 223)


def test_a_purged_job_is_not_found(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/jobs/{JOB}", status_code=404)
    with pytest.raises(errors.NotFound):
        api.client.job(api.refresh(), JOB)
