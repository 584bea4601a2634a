"""Lists whose next page stands in the body (contract 1.6 B): error records and running jobs."""

import dataclasses
import json
from typing import Any

import pytest
import requests_mock
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.config.settings import Limits
from tests.api.kit import BASE, FLOW, LISTS, STEP, STEP_ERRORS_PATH, Kit, kit, object_id

RECORDS_URL = f"{BASE}{STEP_ERRORS_PATH}"
CURRENT_URL = f"{BASE}/v1/jobs/current"

FORMS = {
    "path": "{path}",
    "web app": "{web}",
    "absolute": "https://api.integrator.io{path}",
    "internal": "http://10.1.2.3:8080{path}",
    "absolute web app": "https://integrator.io{web}",
}


def address(form: str, path: str) -> str:
    return form.format(path=path, web=path.replace("/v1/", "/api/", 1))


def serve_records(http: requests_mock.Mocker, pages: list[list[str]], form: str = "{path}") -> None:
    def answer(request: Any, _: Any) -> Any:
        number = int(request.qs.get("after", ["p0"])[0][1:])
        body: dict[str, Any] = {"errors": [{"errorId": record} for record in pages[number]]}
        if number + 1 < len(pages):
            body["nextPageURL"] = address(form, f"{STEP_ERRORS_PATH}?after=p{number + 1}")
        return body

    http.get(RECORDS_URL, json=answer)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_all_three_forms_of_the_next_page_are_followed(api: Kit, http: requests_mock.Mocker, form: str) -> None:
    serve_records(http, [["1", "2"], ["3"], ["4"]], form)
    listing = LISTS[Endpoint.STEP_ERRORS](api)
    assert [row.id for row in listing.rows] == ["1", "2", "3", "4"]
    assert listing.complete
    assert {request.netloc for request in http.request_history} == {"api.integrator.io"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=5), min_size=1, max_size=5))
def test_any_split_of_records_gives_each_once(pages: list[list[str]]) -> None:
    with requests_mock.Mocker() as http, kit() as api:
        serve_records(http, pages)
        listing = api.client.step_errors(api.refresh(), FLOW, STEP, max_pages=5)
    assert [row.id for row in listing.rows] == list(dict.fromkeys(record for page in pages for record in page))
    assert listing.complete


@pytest.mark.parametrize("bound", [1, 2, 3])
def test_records_beyond_the_asked_pages_are_marked_as_cut(api: Kit, http: requests_mock.Mocker, bound: int) -> None:
    serve_records(http, [["1"], ["2"], ["3"], ["4"]])
    listing = api.client.step_errors(api.refresh(), FLOW, STEP, max_pages=bound)
    assert [row.id for row in listing.rows] == ["1", "2", "3", "4"][:bound]
    assert listing.complete is False
    # A sample that was asked to be bounded is no truncated listing; the sampled ratio tells how complete it is.
    assert api.last.truncated == 0
    assert http.call_count == bound


def test_records_are_bounded_by_the_configured_pages_too(http: requests_mock.Mocker) -> None:
    serve_records(http, [[str(number)] for number in range(10)])
    with kit(limits=dataclasses.replace(Limits(), pages=2)) as api:
        listing = api.client.step_errors(api.refresh(), FLOW, STEP, max_pages=9)
        assert (len(listing.rows), listing.complete) == (2, False)


def test_a_loop_of_record_pages_ends_and_is_marked_as_cut(http: requests_mock.Mocker) -> None:
    http.get(RECORDS_URL, json={"errors": [{"errorId": "1"}], "nextPageURL": f"{STEP_ERRORS_PATH}?after=p1"})
    with kit() as api:
        listing = api.client.step_errors(api.refresh(), FLOW, STEP, max_pages=50)
        assert ([row.id for row in listing.rows], listing.complete) == (["1"], False)
        assert http.call_count <= 3


def jobs(http: requests_mock.Mocker, *, posted: int = 200, form: str = "{path}") -> None:
    """Two pages of running jobs; the second answers POST with status `posted`."""
    second = {"jobs": [{"_id": object_id(2)}]}

    def post(request: Any, context: Any) -> Any:
        if "after" not in request.qs:
            return {"jobs": [{"_id": object_id(1)}], "nextPageURL": address(form, "/v1/jobs/current?after=p1")}
        context.status_code = posted
        return second if posted == 200 else {"message": "no"}

    http.post(CURRENT_URL, json=post)
    http.get(CURRENT_URL, json=second)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_next_page_of_running_jobs_is_asked_with_the_same_post(
    api: Kit, http: requests_mock.Mocker, form: str
) -> None:
    jobs(http, form=form)
    listing = LISTS[Endpoint.JOBS_CURRENT](api)
    assert [row.id for row in listing.rows] == [object_id(1), object_id(2)]
    assert listing.complete
    first, second = http.request_history
    assert (first.method, second.method) == ("POST", "POST")
    assert first.text == second.text
    assert second.qs == {"after": ["p1"]}
    assert second.netloc == "api.integrator.io"


@pytest.mark.parametrize("status", [404, 405])
def test_where_the_next_page_takes_no_post_it_is_asked_with_get(
    api: Kit, http: requests_mock.Mocker, status: int
) -> None:
    jobs(http, posted=status)
    listing = LISTS[Endpoint.JOBS_CURRENT](api)
    assert [row.id for row in listing.rows] == [object_id(1), object_id(2)]
    assert [request.method for request in http.request_history] == ["POST", "POST", "GET"]
    assert http.request_history[2].text is None


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_another_refusal_of_the_next_page_is_a_failure(api: Kit, http: requests_mock.Mocker, status: int) -> None:
    jobs(http, posted=status)
    with pytest.raises(errors.ApiError) as caught:
        LISTS[Endpoint.JOBS_CURRENT](api)
    assert caught.value.status == status
    assert {request.method for request in http.request_history} == {"POST"}


@pytest.mark.parametrize("status", [404, 405])
def test_a_refused_first_page_is_not_asked_with_get(api: Kit, http: requests_mock.Mocker, status: int) -> None:
    http.register_uri(requests_mock.ANY, CURRENT_URL, status_code=status)
    with pytest.raises(errors.RequestError):
        LISTS[Endpoint.JOBS_CURRENT](api)
    assert [request.method for request in http.request_history] == ["POST"]


def test_running_jobs_are_asked_for_the_whole_account_as_json(api: Kit, http: requests_mock.Mocker) -> None:
    http.post(CURRENT_URL, json={"jobs": []})
    LISTS[Endpoint.JOBS_CURRENT](api)
    (request,) = http.request_history
    assert json.loads(request.text) == {}
    assert request.headers["Content-Type"].startswith("application/json")


def test_a_job_that_moved_between_pages_is_one_job(api: Kit, http: requests_mock.Mocker) -> None:
    first = {"jobs": [{"_id": "a", "numSuccess": 1}, {"_id": "b"}], "nextPageURL": "/api/jobs/current?after=p1"}
    http.post(CURRENT_URL, [{"json": first}, {"json": {"jobs": [{"_id": "b"}, {"_id": "c"}]}}])
    listing = LISTS[Endpoint.JOBS_CURRENT](api)
    assert [row.id for row in listing.rows] == ["a", "b", "c"]


def test_running_jobs_beyond_the_bound_are_marked_as_cut(http: requests_mock.Mocker) -> None:
    def endless(request: Any, _: Any) -> Any:
        number = int(request.qs.get("after", ["p0"])[0][1:])
        return {"jobs": [{"_id": object_id(number)}], "nextPageURL": f"/api/jobs/current?after=p{number + 1}"}

    http.post(CURRENT_URL, json=endless)
    with kit(limits=dataclasses.replace(Limits(), pages=3)) as api:
        listing = LISTS[Endpoint.JOBS_CURRENT](api)
        assert (len(listing.rows), listing.complete, api.last.truncated) == (3, False, 1)
        assert http.call_count == 3


def test_a_refused_later_page_of_records_is_a_failure(api: Kit, http: requests_mock.Mocker) -> None:
    first = {"errors": [{"errorId": "1"}], "nextPageURL": f"{STEP_ERRORS_PATH}?after=p1"}
    http.get(RECORDS_URL, [{"json": first}, {"status_code": 404}])
    with pytest.raises(errors.NotFound):
        LISTS[Endpoint.STEP_ERRORS](api)
