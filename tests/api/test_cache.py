"""Answers that are kept: how long, for whom, and what happens when they cannot be renewed."""

import dataclasses
from typing import Any

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.cache import reused
from exporter.api.endpoints import Endpoint
from exporter.api.models import Integration
from exporter.config.settings import Limits
from tests.api.kit import BASE, LISTS, Kit, kit, object_id
from tests.clocks import ManualClock

LIFETIMES = {
    Endpoint.INTEGRATIONS: 240.0,
    Endpoint.FLOWS: 240.0,
    Endpoint.EXPORTS: 1800.0,
    Endpoint.IMPORTS: 1800.0,
}
WRAPPED = ("/v1/jobs", "/v1/flows/")
"""Begin the paths whose answer is an object with a listing in it; others are the listing itself."""
NEVER_KEPT = [endpoint for endpoint in LISTS if endpoint not in LIFETIMES]


def count(api: Kit, endpoint: Endpoint, result: str) -> object:
    return api.count("celigo_api_cache_requests_total", endpoint.value, result)


@pytest.fixture
def rows(http: requests_mock.Mocker) -> list[dict[str, Any]]:
    """Whatever is asked for, this is what the listings hold."""
    rows: list[dict[str, Any]] = [{"_id": object_id(1), "_flowId": object_id(2), "_expOrImpId": object_id(3)}]
    rows[0] |= {"errorId": "1", "numError": 1}

    def answer(request: Any, _: Any) -> Any:
        if not any(part in request.path for part in WRAPPED):
            return rows
        return {"jobs": rows, "errors": rows, "flowErrors": rows, "children": rows, "stats": rows}

    http.register_uri(requests_mock.ANY, requests_mock.ANY, json=answer)
    return rows


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("endpoint", "lifetime"), LIFETIMES.items(), ids=[e.name for e in LIFETIMES])
def test_a_listing_is_kept_for_its_lifetime(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, endpoint: Endpoint, lifetime: float
) -> None:
    first = LISTS[endpoint](api)
    clock.advance(lifetime - 5.0)
    assert LISTS[endpoint](api) == first
    assert http.call_count == 1
    assert api.last.requests == 0
    clock.advance(10.0)
    again = LISTS[endpoint](api)
    assert http.call_count == 2
    assert again.fetched_at > first.fetched_at
    assert not again.stale
    assert (count(api, endpoint, "hit"), count(api, endpoint, "miss")) == (1, 2)


@pytest.mark.usefixtures("rows")
def test_who_wants_it_newer_asks_again_and_everybody_has_it_then(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker
) -> None:
    api.client.flows(api.refresh())
    clock.advance(101.0)
    particular = api.refresh()
    particular.kept_seconds = 100.0
    newer = api.client.flows(particular)
    assert http.call_count == 2
    assert newer.fetched_at == clock.monotonic()
    clock.advance(99.0)
    assert api.client.flows(particular) == api.client.flows(api.refresh()) == newer
    assert http.call_count == 2


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("endpoint", NEVER_KEPT, ids=lambda endpoint: endpoint.name)
def test_what_changes_every_minute_is_never_kept(api: Kit, http: requests_mock.Mocker, endpoint: Endpoint) -> None:
    for _ in range(3):
        LISTS[endpoint](api)
    assert http.call_count == 3


def test_the_health_check_is_never_answered_from_memory(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/tokenInfo", json={"_userId": "u"})
    for _ in range(3):
        api.client.token_info(api.refresh())
    assert http.call_count == 3


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("endpoint", "lifetime"), LIFETIMES.items(), ids=[e.name for e in LIFETIMES])
def test_when_renewing_fails_the_older_listing_is_served_as_stale(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, endpoint: Endpoint, lifetime: float
) -> None:
    first = LISTS[endpoint](api)
    clock.advance(lifetime + 5.0)
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=500)
    kept = LISTS[endpoint](api)
    assert kept.stale
    assert (kept.rows, kept.fetched_at) == (first.rows, first.fetched_at)
    assert count(api, endpoint, "stale") == 1
    assert api.errors() == {"server_error": Limits().attempts}


@pytest.mark.usefixtures("rows")
def test_a_stale_listing_does_not_delay_its_renewal(api: Kit, clock: ManualClock, http: requests_mock.Mocker) -> None:
    LISTS[Endpoint.INTEGRATIONS](api)
    clock.advance(250.0)
    http.get(f"{BASE}/v1/integrations", [{"status_code": 404}, {"json": [{"_id": "b" * 24}]}])
    assert LISTS[Endpoint.INTEGRATIONS](api).stale
    renewed = LISTS[Endpoint.INTEGRATIONS](api)
    assert not renewed.stale
    assert [row.id for row in renewed.rows] == ["b" * 24]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("endpoint", LIFETIMES, ids=lambda endpoint: endpoint.name)
def test_a_listing_too_old_is_not_served_any_more(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, endpoint: Endpoint
) -> None:
    LISTS[endpoint](api)
    clock.advance(6 * 3600.0)
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=500)
    with pytest.raises(errors.ServerError):
        LISTS[endpoint](api)


@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.name)
def test_without_an_older_listing_the_failure_is_the_answer(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint
) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=502)
    with pytest.raises(errors.BadGateway):
        LISTS[endpoint](api)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("endpoint", NEVER_KEPT, ids=lambda endpoint: endpoint.name)
def test_what_is_never_kept_is_never_served_stale(api: Kit, http: requests_mock.Mocker, endpoint: Endpoint) -> None:
    LISTS[endpoint](api)
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=502)
    with pytest.raises(errors.BadGateway):
        LISTS[endpoint](api)


@pytest.mark.usefixtures("rows")
def test_a_failure_is_not_kept(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/integrations", [{"status_code": 403}, {"json": []}])
    with pytest.raises(errors.Forbidden):
        LISTS[Endpoint.INTEGRATIONS](api)
    assert LISTS[Endpoint.INTEGRATIONS](api).rows == ()
    assert http.call_count == 2


@pytest.mark.usefixtures("rows")
def test_exports_and_imports_do_not_answer_for_each_other(api: Kit, http: requests_mock.Mocker) -> None:
    LISTS[Endpoint.EXPORTS](api)
    LISTS[Endpoint.IMPORTS](api)
    assert [request.path for request in http.request_history] == ["/v1/exports", "/v1/imports"]


def test_errors_of_one_integration_do_not_answer_for_another(api: Kit, http: requests_mock.Mocker) -> None:
    for number in (1, 2):
        row = {"_flowId": object_id(number), "numError": number}
        http.get(f"{BASE}/v1/integrations/{object_id(number)}/errors", json=[row])
    answers = [api.client.integration_errors(api.refresh(), object_id(number)).rows[0] for number in (1, 2)]
    assert [answer.open_errors for answer in answers] == [1, 2]


@pytest.mark.usefixtures("rows")
def test_two_accounts_never_share_an_answer(clock: ManualClock, http: requests_mock.Mocker) -> None:
    with kit(clock) as one, kit(clock, base_url="https://api.eu.integrator.io") as other:
        LISTS[Endpoint.FLOWS](one)
        LISTS[Endpoint.FLOWS](other)
    assert [request.hostname for request in http.request_history] == ["api.integrator.io", "api.eu.integrator.io"]


@pytest.mark.usefixtures("rows")
def test_an_unprojected_answer_is_kept_like_a_projected_one(api: Kit, http: requests_mock.Mocker) -> None:
    def answer(request: Any, context: Any) -> Any:
        context.status_code = 400 if "include" in request.qs else 200
        return {"errors": [{"code": "invalid_query_params"}]} if "include" in request.qs else []

    http.get(f"{BASE}/v1/flows", json=answer)
    LISTS[Endpoint.FLOWS](api)
    LISTS[Endpoint.FLOWS](api)
    assert http.call_count == 2


@pytest.mark.usefixtures("rows")
def test_a_long_life_does_not_make_the_cache_grow(clock: ManualClock, http: requests_mock.Mocker) -> None:
    with kit(clock, limits=dataclasses.replace(Limits(), pages=5)) as api:
        for number in range(300):
            api.client.integration_errors(api.refresh(), object_id(number))
            api.client.flow_errors(api.refresh(), object_id(number))
            api.client.step_errors(api.refresh(), object_id(number), object_id(7), max_pages=1)
            api.client.integrations(api.refresh())
            clock.advance(60.0)
        assert http.call_count >= 900
        kept = api.count("celigo_api_cache_requests_total", "/v1/integrations", "hit")
        assert isinstance(kept, float | int)
        assert kept >= 200


@pytest.mark.parametrize("endpoint", LIFETIMES, ids=lambda endpoint: endpoint.name)
def test_a_row_that_did_not_change_is_the_same_object_in_the_next_listing(
    api: Kit, clock: ManualClock, rows: list[dict[str, Any]], endpoint: Endpoint
) -> None:
    rows[:] = [{"_id": object_id(number), "name": "a"} for number in range(3)]
    before = LISTS[endpoint](api)
    rows[1] = {**rows[1], "name": "b"}
    rows.append({"_id": object_id(9)})
    clock.advance(3600.0)
    after = LISTS[endpoint](api)
    assert [row.name for row in after.rows] == ["a", "b", "a", None]
    assert [one is two for one, two in zip(before.rows, after.rows, strict=False)] == [True, False, True]


@pytest.mark.parametrize("endpoint", LIFETIMES, ids=lambda endpoint: endpoint.name)
def test_a_listing_in_which_nothing_changed_has_the_very_rows_of_before(
    api: Kit, clock: ManualClock, rows: list[dict[str, Any]], endpoint: Endpoint
) -> None:
    rows[:] = [{"_id": object_id(number)} for number in range(3)]
    before = LISTS[endpoint](api)
    clock.advance(3600.0)
    after = LISTS[endpoint](api)
    assert after.rows is before.rows
    assert after.fetched_at > before.fetched_at


def test_of_rows_that_stayed_in_their_places_those_that_changed_are_others_alone() -> None:
    one, two, three = (Integration(id=name) for name in "abc")
    again = (Integration(id="a"), Integration(id="b", name="new"), three)
    same = reused(again, (one, two, three))
    assert [row is old for row, old in zip(same, (one, again[1], three), strict=True)] == [True, True, True]


def test_rows_in_another_order_keep_it() -> None:
    one, two = (Integration(id=name) for name in "ab")
    assert reused((Integration(id="b"), Integration(id="a")), (one, two)) == (two, one)
    assert reused((Integration(id="a"),), (one, two)) == (one,)
    assert reused((), (one,)) == ()
