"""Every operation of the contract answers as the contract says, on every page it has."""

import hashlib
import re
from collections.abc import Callable

import pytest

from tests.simulator.contract import openapi
from tests.simulator.contract.account import Sample
from tests.simulator.contract.client import Api, judge

# Of the shared file; a change of the contract is a decision, not an edit in the tests.
CONTRACT_SHA256 = "0ff19b25ed3b763374d0413fb9f29957c2fa3aed270a9a826ed122dc36d30d71"

Asked = Callable[[Sample], tuple[str, str, object]]

LINK_LISTS = {
    "listIntegrations": "/v1/integrations",
    "listFlows": "/v1/flows",
    "listConnections": "/v1/connections",
    "listExports": "/v1/exports",
    "listImports": "/v1/imports",
    "listAgents": "/v1/agents",
    "listLicenses": "/v1/licenses",
    "listNotifications": "/v1/notifications?users=all",
    "listAudit": "/v1/audit",
}


def _listing(path: str) -> Asked:
    return lambda _: ("GET", path, None)


# A request per operation whose answer must be a 200 with a body in the sample account.
REQUESTS: dict[str, Asked] = {
    **{name: _listing(path) for name, path in LINK_LISTS.items()},
    "getTokenInfo": lambda _: ("GET", "/v1/tokenInfo", None),
    "getFlow": lambda s: ("GET", f"/v1/flows/{s.flow_id}", None),
    "listIntegrationOpenErrorCounts": lambda s: ("GET", f"/v1/integrations/{s.failing_integration}/errors", None),
    "listFlowOpenErrorCounts": lambda s: ("GET", f"/v1/flows/{s.failing_flow}/errors", None),
    "listStepOpenErrors": lambda s: ("GET", f"/v1/flows/{s.failing_flow}/{s.failing_step}/errors", None),
    "listStepResolvedErrors": lambda s: ("GET", f"/v1/flows/{s.resolved_flow}/{s.resolved_step}/resolved", None),
    "getLastExportDateTime": lambda s: ("GET", f"/v1/flows/{s.delta_flow}/lastExportDateTime", None),
    "listLatestJobsOfFlow": lambda s: ("GET", f"/v1/flows/{s.flow_id}/jobs/latest", None),
    "queryRunStats": lambda s: ("POST", "/v1/flows/runs/stats", s.last_day),
    "listJobs": lambda _: ("GET", "/v1/jobs?createdAt_gte=2020-01-01", None),
    "queryCurrentJobs": lambda _: ("POST", "/v1/jobs/current", {}),
    "getJob": lambda s: ("GET", f"/v1/jobs/{s.job_id}", None),
    "getJobFamily": lambda s: ("GET", f"/v1/jobs/{s.job_id}/family", None),
    "getEntitlementUsage": lambda _: ("GET", "/v1/licenseEntitlementUsage", None),
    "listTiles": lambda _: ("GET", "/v1/tiles", None),
}


def test_the_contract_file_in_the_tests_is_the_shared_one_byte_for_byte() -> None:
    assert hashlib.sha256(openapi.CONTRACT_FILE.read_bytes()).hexdigest() == CONTRACT_SHA256
    assert len(openapi.operations()) == 24


def test_a_request_is_known_for_every_operation_of_the_contract() -> None:
    assert set(REQUESTS) == {operation.operation_id for operation in openapi.operations()}


@pytest.mark.parametrize("operation_id", sorted(REQUESTS))
def test_operation_answers_200_with_a_body_that_fits_the_contract(operation_id: str, api: Api, sample: Sample) -> None:
    method, path, body = REQUESTS[operation_id](sample)
    response = api.raw(method, path, body=body)
    assert response.status_code == 200, response.text[:200]
    judge(response, method, path.partition("?")[0])
    assert response.content.strip() not in {b"", b"[]", b"{}"}


@pytest.mark.parametrize("operation_id", sorted(REQUESTS))
def test_operation_carries_a_date_header(operation_id: str, api: Api, sample: Sample) -> None:
    method, path, body = REQUESTS[operation_id](sample)
    stamp = api.raw(method, path, body=body).headers["Date"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", stamp)


@pytest.mark.parametrize("path", LINK_LISTS.values(), ids=LINK_LISTS)
def test_every_page_of_a_link_list_fits_the_contract(path: str, api: Api) -> None:
    assert api.rows(path)


def test_every_page_of_jobs_fits_the_contract(api: Api) -> None:
    for kind in ("flow", "retry"):
        assert api.jobs(type=kind, createdAt_gte="2020-01-01")


def test_every_page_of_the_reading_posts_fits_the_contract(api: Api, sample: Sample) -> None:
    assert api.current()
    assert api.stats(**sample.last_day)


def test_every_flow_answers_for_itself_its_errors_its_latest_runs_and_its_delta_position(api: Api) -> None:
    for flow in api.rows("/v1/flows"):
        base = f"/v1/flows/{flow['_id']}"
        assert api.get(base)["_id"] == flow["_id"]
        for sub in ("errors", "jobs/latest", "lastExportDateTime"):
            response = api.call("GET", f"{base}/{sub}")
            assert response.status_code in {200, 204} or (sub == "lastExportDateTime" and response.status_code == 404)


def test_every_answer_has_a_request_id_of_its_own(api: Api) -> None:
    first, second = (api.call("GET", "/v1/tokenInfo").headers for _ in range(2))
    names = [name for name in first if "request-id" in name.lower()]
    assert names
    assert first[names[0]] != second[names[0]]
