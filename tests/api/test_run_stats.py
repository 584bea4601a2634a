"""Run statistics (contract 3.9): which window is asked for, how it is paged, and what is read of it."""

import json
from typing import Any

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.models import RunStats
from tests.api.kit import BASE, FLOW, INTEGRATION, LISTS, Kit, object_id

URL = f"{BASE}/v1/flows/runs/stats"
ROW = {
    "_flowId": FLOW, "_integrationId": INTEGRATION, "numRuns": 96, "avgRuntime": 128941.5, "numSuccess": 21004,
    "numError": 180, "numResolvedByAuto": 40, "numResolvedByUser": 3, "numOpenError": 137,
}  # fmt: skip


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (1_788_000_000.0, 1_788_086_400.0, (1_788_000_000_000, 1_788_086_400_000)),
        (1_788_000_000.123, 1_788_000_000.456, (1_788_000_000_123, 1_788_000_000_456)),
        (1_788_000_001.001, 1_788_000_009.999, (1_788_000_001_001, 1_788_000_009_999)),
    ],
    ids=["seconds", "milliseconds", "odd"],
)
def test_a_window_is_asked_for_in_whole_milliseconds_and_nothing_else_is_sent(
    api: Kit, http: requests_mock.Mocker, since: float, until: float, expected: tuple[int, int]
) -> None:
    http.post(URL, json={"stats": []})
    api.client.run_stats(api.refresh(), since=since, until=until)
    (request,) = http.request_history
    sent = json.loads(request.text)
    assert sent == {"time_gt": expected[0], "time_lte": expected[1]}
    assert all(isinstance(value, int) for value in sent.values())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (INTEGRATION, 3, 40)),
        ({"_integrationId": None}, (None, 3, 40)),
        ({"numResolvedByUser": None}, (INTEGRATION, None, 40)),
        ({"numResolvedByAuto": None}, (INTEGRATION, 3, None)),
    ],
    ids=["whole", "standalone", "no-user", "no-auto"],
)
def test_resolved_errors_are_read_as_far_as_they_are_told(
    api: Kit, http: requests_mock.Mocker, changes: dict[str, Any], expected: tuple[str | None, int | None, int | None]
) -> None:
    http.post(URL, json={"stats": [{key: value for key, value in {**ROW, **changes}.items() if value is not None}]})
    (row,) = LISTS[Endpoint.RUN_STATS](api).rows
    assert isinstance(row, RunStats)
    assert (row.flow_id, (row.integration_id, row.resolved_by_user, row.resolved_by_auto)) == (FLOW, expected)


def pages(http: requests_mock.Mocker, refused: int | None = None) -> None:
    """Two pages; the second answers POST with status `refused`."""
    second = {"stats": [{"_flowId": object_id(2)}, {"_flowId": object_id(1)}]}

    def post(request: Any, context: Any) -> Any:
        if "after" not in request.qs:
            return {"stats": [{"_flowId": object_id(1)}], "nextPageURL": "/api/flows/runs/stats?after=p1"}
        context.status_code = refused or 200
        return {"message": "no"} if refused else second

    http.post(URL, json=post)
    http.get(URL, json=second)


@pytest.mark.parametrize(
    ("refused", "methods"),
    [(None, ["POST", "POST"]), (405, ["POST", "POST", "GET"]), (404, ["POST", "POST", "GET"])],
    ids=["post", "405", "404"],
)
def test_the_next_page_is_asked_with_the_same_body_and_with_get_where_post_is_refused(
    api: Kit, http: requests_mock.Mocker, refused: int | None, methods: list[str]
) -> None:
    pages(http, refused)
    listing = LISTS[Endpoint.RUN_STATS](api)
    assert [row.flow_id for row in listing.rows] == [object_id(1), object_id(2)]
    assert listing.complete
    assert [request.method for request in http.request_history] == methods
    assert len({request.text for request in http.request_history if request.method == "POST"}) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.BadRequest), (403, errors.Forbidden), (404, errors.NotFound)],
    ids=["400", "403", "404"],
)
def test_a_refused_first_page_is_a_failure(
    api: Kit, http: requests_mock.Mocker, status: int, kind: type[errors.ApiError]
) -> None:
    http.post(URL, status_code=status)
    with pytest.raises(kind):
        LISTS[Endpoint.RUN_STATS](api)
    assert len(http.request_history) == 1
