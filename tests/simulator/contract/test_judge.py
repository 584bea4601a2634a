"""The judge itself: it must say no to answers that break the contract, or every other test here proves nothing."""

import copy
from typing import Any

import pytest

from tests.simulator.contract import openapi
from tests.simulator.contract.client import form_of_next, path_and_query

ID = "64b2e1d3c5f6a70023bc45d2"
NOW = "2026-08-30T09:15:02.114Z"
JOB: dict[str, Any] = {"_id": ID, "type": "flow", "status": "completed", "createdAt": NOW, "numError": 1}


def judged(method: str, path: str, status: int, body: Any) -> list[str]:
    operation = openapi.operation_of(method, path)
    assert operation is not None
    return openapi.violations(operation, status, body)


GOOD = {
    "jobs": ("GET", "/v1/jobs", 200, [JOB]),
    "current": ("POST", "/v1/jobs/current", 200, {"jobs": [JOB], "nextPageURL": "/v1/x"}),
    "unauthorized": ("GET", "/v1/flows", 401, {"message": "Unauthorized"}),
    "envelope": ("GET", "/v1/flows", 500, {"errors": [{"code": "x", "message": "y"}]}),
    "counts": ("GET", f"/v1/integrations/{ID}/errors", 200, [{"_flowId": ID, "numError": 0}]),
}


@pytest.mark.parametrize(("method", "path", "status", "body"), GOOD.values(), ids=GOOD)
def test_an_answer_of_the_contract_is_accepted(method: str, path: str, status: int, body: Any) -> None:
    assert judged(method, path, status, body) == []


@pytest.mark.parametrize(
    "change",
    [
        {"_id": "short"},
        {"status": "cancelled"},
        {"type": "job"},
        {"numError": -1},
        {"numError": "1"},
        {"createdAt": "2026-08-30T09:15:02Z"},
        {"createdAt": "2026-08-30 09:15:02.114"},
        {"createdAt": "2026-08-30T09:15:02.114+00:00"},
        {"doneExporting": "yes"},
    ],
    ids=lambda change: "-".join(f"{key}={value}" for key, value in change.items()),
)
def test_a_wrong_row_is_refused_in_a_list_and_in_a_page_even_after_a_right_one(change: dict[str, Any]) -> None:
    assert judged("GET", "/v1/jobs", 200, [JOB]) == []
    assert judged("GET", "/v1/jobs", 200, [JOB, {**JOB, **change}])
    assert judged("GET", "/v1/jobs", 200, [{**JOB, **change}, JOB])
    assert judged("POST", "/v1/jobs/current", 200, {"jobs": [{**JOB, **change}]})


def test_a_wrong_row_is_refused_every_time_it_comes() -> None:
    for _ in range(3):
        assert judged("GET", "/v1/jobs", 200, [{**JOB, "status": "cancelled"}])


@pytest.mark.parametrize("body", [{}, None, "x", [[]], [None], {"jobs": [JOB]}], ids=repr)
def test_a_wrong_shape_is_refused(body: Any) -> None:
    assert judged("GET", "/v1/jobs", 200, body)


def test_a_row_without_its_id_is_refused() -> None:
    row = copy.copy(JOB)
    del row["_id"]
    assert judged("GET", "/v1/jobs", 200, [row])


def test_a_body_where_the_contract_has_none_is_refused() -> None:
    assert judged("GET", "/v1/flows", 204, [])


@pytest.mark.parametrize(
    ("method", "path", "operation_id"),
    [
        ("GET", f"/v1/flows/{ID}", "getFlow"),
        ("GET", f"/v1/flows/{ID}/errors", "listFlowOpenErrorCounts"),
        ("GET", f"/v1/flows/{ID}/{ID}/errors", "listStepOpenErrors"),
        ("GET", f"/v1/flows/{ID}/jobs/latest", "listLatestJobsOfFlow"),
        ("POST", "/v1/flows/runs/stats", "queryRunStats"),
        ("POST", "/v1/jobs/current", "queryCurrentJobs"),
        ("GET", "/v1/integrations/none/errors", "listIntegrationOpenErrorCounts"),
    ],
)
def test_a_request_is_matched_with_its_operation(method: str, path: str, operation_id: str) -> None:
    operation = openapi.operation_of(method, path)
    assert operation is not None
    assert operation.operation_id == operation_id


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/flows"), ("GET", "/v1/flows/a/b/c"), ("GET", "/v1")])
def test_a_request_outside_the_contract_has_no_operation(method: str, path: str) -> None:
    assert openapi.operation_of(method, path) is None


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/v1/flows/runs/stats?after=a%2Fb", "v1"),
        ("/api/flows/runs/stats?after=a%2Fb", "api"),
        ("https://internal.example/v1/flows/runs/stats?after=a%2Fb", "absolute"),
        ("https://internal.example/api/flows/runs/stats?after=a%2Fb", "absolute"),
    ],
)
def test_each_form_of_the_next_address_is_read_as_the_same_page(address: str, form: str) -> None:
    assert path_and_query(address) == "/v1/flows/runs/stats?after=a%2Fb"
    assert form_of_next(address) == form
