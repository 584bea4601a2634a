"""`nextPageURL` paging (contract 1.6 B): three forms of the address, nothing lost, nothing twice."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulator.contract.account import Sample
from tests.simulator.contract.client import Api, form_of_next, path_and_query
from tests.simulator.contract.conftest import PAGE_SIZE, Launch


def pages_of(api: Api, sample: Sample) -> Iterator[dict[str, Any]]:
    """All pages of all body-paged lists with more than a page in the sample account."""
    yield from api.body_pages("POST", "/v1/flows/runs/stats", body=sample.last_day)
    yield from api.body_pages("POST", "/v1/flows/runs/stats", body={**sample.last_day, "status": ["completed"]})
    yield from api.body_pages("POST", "/v1/jobs/current", body={})
    for flow in api.rows("/v1/flows"):
        for step in (api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            if step["numError"] > PAGE_SIZE:
                yield from api.body_pages("GET", f"/v1/flows/{flow['_id']}/{step['_expOrImpId']}/errors")


@pytest.fixture(scope="module")
def pages(api: Api, sample: Sample) -> list[dict[str, Any]]:
    return list(pages_of(api, sample))


def test_all_three_forms_of_the_next_address_occur(pages: list[dict[str, Any]]) -> None:
    addresses = [page["nextPageURL"] for page in pages if page.get("nextPageURL")]
    assert {form_of_next(address) for address in addresses} == {"v1", "api", "absolute"}


def test_an_absolute_next_address_names_a_foreign_host(pages: list[dict[str, Any]], api: Api) -> None:
    hosts = {urlsplit(page["nextPageURL"]).netloc for page in pages if page.get("nextPageURL")} - {""}
    assert hosts
    assert urlsplit(api.url).netloc not in hosts


def test_a_page_with_a_next_one_is_full(pages: list[dict[str, Any]]) -> None:
    for page in pages:
        (rows,) = [value for value in page.values() if isinstance(value, list)]
        assert len(rows) == PAGE_SIZE if page.get("nextPageURL") else 0 < len(rows) <= PAGE_SIZE


def test_the_next_address_leads_to_the_same_list(pages: list[dict[str, Any]]) -> None:
    for page in pages:
        if page.get("nextPageURL"):
            path = urlsplit(path_and_query(page["nextPageURL"])).path
            expected = {"stats": "/v1/flows/runs/stats", "jobs": "/v1/jobs/current"}
            (key,) = [name for name, value in page.items() if isinstance(value, list)]
            assert path == expected.get(key, path)
            assert key in expected or path.endswith("/errors")


def test_statistics_pages_list_each_flow_once(api: Api, sample: Sample) -> None:
    flows = [row["_flowId"] for row in api.stats(**sample.last_day)]
    assert len(flows) > PAGE_SIZE
    assert len(flows) == len(set(flows))


def test_error_pages_list_each_record_once_and_as_many_as_counted(api: Api) -> None:
    seen_several_pages = False
    for flow in api.rows("/v1/flows"):
        for step in (api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            ids = [record["errorId"] for record in api.step_errors(flow["_id"], step["_expOrImpId"])]
            assert len(ids) == len(set(ids)) == step["numError"]
            seen_several_pages |= len(ids) > PAGE_SIZE
    assert seen_several_pages


def test_the_filter_holds_on_later_pages_of_errors(api: Api, sample: Sample) -> None:
    records = api.step_errors(sample.failing_flow, sample.failing_step)
    wanted = records[0]["source"]
    found = api.step_errors(sample.failing_flow, sample.failing_step, source=wanted)
    assert {record["errorId"] for record in found} == {r["errorId"] for r in records if r["source"] == wanted}


@pytest.mark.parametrize("path", ["/v1/flows/runs/stats", "/v1/jobs/current"])
def test_the_next_page_of_a_reading_post_also_answers_to_post_with_the_same_body(path: str, launch: Launch) -> None:
    with launch(page_size=1) as account:
        body: dict[str, Any] = account.last_day if "stats" in path else {}
        first = account.api.call("POST", path, body=body).json()
        following = account.api.call("POST", path_and_query(first["nextPageURL"]), body=body)
        assert following.status_code == 200
        assert following.json() != first


@pytest.mark.parametrize("path", ["/v1/flows/runs/stats", "/v1/jobs/current"])
def test_the_switch_makes_the_next_page_answer_to_get_only(path: str, launch: Launch) -> None:
    with launch(page_size=1, next_page_method="GET") as account:
        body: dict[str, Any] = account.last_day if "stats" in path else {}
        first = account.api.call("POST", path, body=body).json()
        following = path_and_query(first["nextPageURL"])
        assert account.api.raw("POST", following, body=body).status_code in {404, 405}
        assert account.api.raw("GET", following).status_code == 200


@pytest.mark.parametrize("path", ["/v1/flows/runs/stats", "/v1/jobs/current"])
def test_by_default_the_next_page_refuses_get_so_that_a_client_must_try_post(path: str, launch: Launch) -> None:
    with launch(page_size=1) as account:
        body: dict[str, Any] = account.last_day if "stats" in path else {}
        first = account.api.call("POST", path, body=body).json()
        assert account.api.raw("GET", path_and_query(first["nextPageURL"])).status_code in {404, 405}


def test_the_limit_parameter_of_error_records_is_ignored(api: Api, sample: Sample) -> None:
    path = f"/v1/flows/{sample.failing_flow}/{sample.failing_step}/errors"
    assert api.get(path, limit=1)["errors"] == api.get(path)["errors"]
