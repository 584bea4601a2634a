"""Nothing to list is 204 without a body, everywhere (contract 1.3)."""

import pytest

from tests.simulator.contract.account import Sample
from tests.simulator.contract.client import Api, judge
from tests.simulator.contract.conftest import Launch

UNKNOWN = "f" * 24

EMPTY_BY_FILTER = {
    "flows": ("GET", f"/v1/flows?_integrationId={UNKNOWN}", None),
    "connections": ("GET", f"/v1/connections?_integrationId={UNKNOWN}", None),
    "exports": ("GET", f"/v1/exports?_integrationId={UNKNOWN}", None),
    "imports": ("GET", f"/v1/imports?_integrationId={UNKNOWN}", None),
    "imports-by-adaptor": ("GET", "/v1/imports?adaptorType=NoSuchImport", None),
    "audit": ("GET", "/v1/audit?resourceType=noSuchType", None),
    "audit-window": ("GET", "/v1/audit?to=1999-01-01T00:00:00.000Z", None),
    "current-unknown-flow": ("POST", "/v1/jobs/current", {"_flowIds": [UNKNOWN]}),
    "stats-unknown-flow": ("POST", "/v1/flows/runs/stats", {"_flowIds": [UNKNOWN]}),
    "stats-empty-window": ("POST", "/v1/flows/runs/stats", {"time_gt": 1, "time_lte": 2}),
}


@pytest.mark.parametrize(("method", "path", "body"), EMPTY_BY_FILTER.values(), ids=EMPTY_BY_FILTER)
def test_an_empty_answer_is_204_without_a_body(method: str, path: str, body: object, api: Api) -> None:
    response = api.call(method, path, body=body)
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers.get("Content-Length", "0") == "0"


def test_jobs_that_match_nothing_are_204_or_an_empty_array(api: Api) -> None:
    response = api.call("GET", "/v1/jobs", params={"_flowId": UNKNOWN})
    assert response.status_code == 204 or response.json() == []


def test_a_flow_without_open_errors_answers_204(api: Api) -> None:
    statuses = {api.call("GET", f"/v1/flows/{flow['_id']}/errors").status_code for flow in api.rows("/v1/flows")}
    assert statuses == {200, 204}


def test_a_connection_stays_usable_after_204(api: Api, sample: Sample) -> None:
    for _ in range(3):
        assert api.call("GET", "/v1/flows", params={"_integrationId": UNKNOWN}).status_code == 204
        assert api.call("GET", f"/v1/flows/{sample.flow_id}").status_code == 200


LISTS = [
    ("GET", "/v1/integrations"),
    ("GET", "/v1/flows"),
    ("GET", "/v1/connections"),
    ("GET", "/v1/exports"),
    ("GET", "/v1/imports"),
    ("GET", "/v1/agents"),
    ("GET", "/v1/licenses"),
    ("GET", "/v1/notifications?users=all"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/tiles"),
    ("GET", "/v1/integrations/none/errors"),
    ("POST", "/v1/jobs/current"),
    ("POST", "/v1/flows/runs/stats"),
]


def test_an_account_without_flows_never_sends_an_empty_list(launch: Launch) -> None:
    with launch(flows=0) as account:
        for method, path in LISTS:
            response = account.api.raw(method, path, body={} if method == "POST" else None)
            judge(response, method, path.partition("?")[0])
            assert response.status_code in {200, 204}
            assert response.content not in {b"[]", b"null", b"{}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/flows"), ("POST", "/v1/jobs/current"), ("POST", "/v1/flows/runs/stats")],
    ids=["flows", "current", "stats"],
)
def test_an_account_without_flows_has_no_flows_and_no_runs(method: str, path: str, launch: Launch) -> None:
    with launch(flows=0) as account:
        assert account.api.call(method, path, body={} if method == "POST" else None).status_code == 204
        assert account.api.jobs(createdAt_gte="2020-01-01") == []
