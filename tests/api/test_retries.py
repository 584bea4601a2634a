"""Attempts: only where repeating can help, a bounded number of times, never past the deadline."""

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import requests
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from exporter.config.settings import Limits
from tests.api.kit import BASE, CALLS, FLOW, Ask, Kit, failure_of, kit
from tests.clocks import ManualClock

URL = f"{BASE}/v1/tokenInfo"
GOOD: dict[str, Any] = {"json": {"_userId": "5f1a2b3c4d5e6f7081920a01"}}
REPEATED = [429, 500, 501, 502, 503, 504, 599]
FINAL = [302, 400, 401, 403, 404, 405, 409, 410, 418, 422]


@pytest.mark.parametrize("status", REPEATED)
@pytest.mark.parametrize("attempts", [1, 2, 4, 7])
def test_a_passing_failure_is_tried_as_often_as_configured(
    clock: ManualClock, http: requests_mock.Mocker, status: int, attempts: int
) -> None:
    http.get(URL, status_code=status)
    with kit(clock, limits=dataclasses.replace(Limits(), attempts=attempts)) as api:
        error = failure_of(CALLS[Endpoint.TOKEN_INFO], api)
        assert error.status == status
        assert http.call_count == api.last.requests == attempts
        assert api.errors() == {error.type: attempts}
        retries = sum(
            v for v in api.telemetry.series("celigo_api_retries_total").values() if isinstance(v, float | int)
        )
        assert retries == attempts - 1


@pytest.mark.parametrize("status", FINAL)
def test_a_refusal_is_not_repeated(api: Kit, http: requests_mock.Mocker, status: int) -> None:
    http.get(URL, status_code=status)
    assert failure_of(CALLS[Endpoint.TOKEN_INFO], api).status == status
    assert http.call_count == api.last.requests == 1


@pytest.mark.parametrize(
    "raised",
    [requests.ReadTimeout(), requests.ConnectTimeout(), requests.ConnectionError(ConnectionResetError(104, "reset"))],
    ids=["read timeout", "connect timeout", "reset"],
)
def test_no_answer_is_repeated(api: Kit, http: requests_mock.Mocker, raised: Exception) -> None:
    http.get(URL, [{"exc": raised}, {"exc": raised}, GOOD])
    assert api.client.token_info(api.refresh()).user_id == "5f1a2b3c4d5e6f7081920a01"
    assert http.call_count == 3


@pytest.mark.parametrize(
    "answer",
    [{"exc": requests.exceptions.SSLError("certificate")}, {"text": "<html>"}, {"json": []}, {"json": "text"}],
    ids=["tls", "no JSON", "other shape", "text"],
)
def test_what_cannot_get_better_is_not_repeated(api: Kit, http: requests_mock.Mocker, answer: dict[str, Any]) -> None:
    http.get(URL, [answer])
    failure_of(CALLS[Endpoint.TOKEN_INFO], api)
    assert http.call_count == 1


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_later_success_answers_and_the_failed_attempts_stay_counted(
    api: Kit, http: requests_mock.Mocker, failures: int
) -> None:
    http.get(URL, [{"status_code": 503}] * failures + [GOOD])
    assert api.client.token_info(api.refresh()).user_id
    assert api.errors() == {"unavailable": failures}
    assert api.count("celigo_api_requests_total", "/v1/tokenInfo", "GET", "503") == failures
    assert api.count("celigo_api_requests_total", "/v1/tokenInfo", "GET", "200") == 1
    assert api.last.requests == failures + 1


def sent_at(http: requests_mock.Mocker, clock: ManualClock, answers: list[dict[str, Any]]) -> list[float]:
    """Answer in turn and remember when each request came."""
    start = clock.monotonic()
    came: list[float] = []

    def answer(_: Any, context: Any) -> str:
        came.append(clock.monotonic() - start)
        given = answers[min(len(came), len(answers)) - 1]
        context.status_code = given.get("status", 200)
        context.headers.update(given.get("headers", {}))
        return '{"_userId": "u"}'

    http.get(URL, text=answer)
    return came


@pytest.mark.parametrize("status", [429, 503])
def test_the_next_attempt_waits_for_as_long_as_the_server_asked(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, status: int
) -> None:
    came = sent_at(http, clock, [{"status": status, "headers": {"Retry-After": "17"}}, {}])
    api.client.token_info(api.refresh())
    assert 17.0 <= came[1] - came[0] <= 17.0 + 20.0


def test_without_retry_after_the_wait_is_the_backoff(clock: ManualClock, http: requests_mock.Mocker) -> None:
    came = sent_at(http, clock, [{"status": 500}, {"status": 500}, {"status": 500}, {}])
    with kit(clock, uniform=lambda: 1.0) as api:
        api.client.token_info(api.refresh())
    pauses = [after - before for before, after in pairwise(came)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 1.01
    assert pauses[-1] > pauses[0]


def test_retry_after_is_bounded(clock: ManualClock, http: requests_mock.Mocker) -> None:
    came = sent_at(http, clock, [{"status": 429, "headers": {"Retry-After": "999999"}}, {}])
    with kit(clock, limits=dataclasses.replace(Limits(), retry_after_max=60.0)) as api:
        api.client.token_info(api.refresh(600.0))
    assert 60.0 <= came[1] <= 81.0


def test_a_429_holds_back_every_other_call_of_the_account(clock: ManualClock, http: requests_mock.Mocker) -> None:
    came = sent_at(http, clock, [{"status": 429, "headers": {"Retry-After": "30"}}, {}])
    http.get(f"{BASE}/v1/integrations", json=[])
    with kit(clock, limits=dataclasses.replace(Limits(), attempts=1)) as api:
        with pytest.raises(errors.RateLimited):
            api.client.token_info(api.refresh())
        start = clock.monotonic()
        api.client.integrations(api.refresh())
        assert came == [0.0]
        assert clock.monotonic() - start >= 30.0
        assert api.count("celigo_api_rate_limit_wait_seconds_total", "retry_after") == pytest.approx(30.0, abs=0.1)


def test_a_429_of_one_account_does_not_hold_back_another(clock: ManualClock, http: requests_mock.Mocker) -> None:
    sent_at(http, clock, [{"status": 429, "headers": {"Retry-After": "30"}}])
    http.get(f"{BASE}/v1/integrations", json=[])
    with kit(clock, limits=dataclasses.replace(Limits(), attempts=1)) as api, kit(clock) as other:
        with pytest.raises(errors.RateLimited):
            api.client.token_info(api.refresh())
        start = clock.monotonic()
        other.client.integrations(other.refresh())
        assert clock.monotonic() == start


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_would_pass_the_deadline_is_not_begun(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, status: int
) -> None:
    http.get(URL, status_code=status, headers={"Retry-After": "30"})
    refresh = api.refresh(10.0)
    started = clock.monotonic()
    with pytest.raises((errors.RateLimited, errors.Unavailable, errors.Timeout)):
        api.client.token_info(refresh)
    assert http.call_count == 1
    assert clock.monotonic() == started


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 3.0])
def test_no_attempt_starts_after_the_deadline(clock: ManualClock, http: requests_mock.Mocker, seconds: float) -> None:
    came = sent_at(http, clock, [{"status": 500}])
    limits = dataclasses.replace(Limits(), attempts=50)
    with kit(clock, limits=limits, uniform=lambda: 1.0) as api:
        refresh = api.refresh(seconds)
        with pytest.raises(ApiError):
            api.client.token_info(refresh)
        assert all(instant <= seconds for instant in came)
        assert clock.monotonic() <= refresh.deadline


def test_a_deadline_already_over_sends_nothing(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(URL, **GOOD)
    with pytest.raises(errors.Timeout):
        api.client.token_info(api.refresh(0.0))
    assert http.call_count == 0


def test_stopping_ends_the_waits_between_attempts(clock: ManualClock, http: requests_mock.Mocker) -> None:
    with kit(clock) as api:
        refresh = api.refresh()

        def stop(_: Any, context: Any) -> str:
            refresh.stop.set()
            context.status_code = 503
            context.headers["Retry-After"] = "60"
            return ""

        http.get(URL, text=stop)
        before = clock.monotonic()
        with pytest.raises(ApiError):
            api.client.token_info(refresh)
        assert http.call_count == 1
        assert clock.monotonic() == before


@pytest.mark.parametrize("reason", [429, 500, 502, 503])
def test_a_retry_is_counted_under_what_made_it_necessary(api: Kit, http: requests_mock.Mocker, reason: int) -> None:
    http.get(URL, [{"status_code": reason}, GOOD])
    api.client.token_info(api.refresh())
    names = {429: "rate_limited", 500: "server_error", 502: "bad_gateway", 503: "unavailable"}
    assert api.count("celigo_api_retries_total", "/v1/tokenInfo", names[reason]) == 1


def pages(api: Kit) -> Any:
    return api.client.flow_errors(api.refresh(), FLOW)


@pytest.mark.parametrize("ask", [CALLS[Endpoint.JOBS_CURRENT], pages], ids=["post", "get"])
def test_a_repeated_request_is_the_same_request(api: Kit, http: requests_mock.Mocker, ask: Ask) -> None:
    empty: dict[str, Any] = {"json": {"jobs": [], "flowErrors": []}}
    http.register_uri(requests_mock.ANY, requests_mock.ANY, [{"status_code": 500}, {"status_code": 502}, empty])
    ask(api)
    sent = [(request.method, request.url, request.text) for request in http.request_history]
    assert len(sent) == 3
    assert len(set(sent)) == 1


def late(api: Kit) -> Callable[[], object]:
    return lambda: api.client.token_info(api.refresh(1.0))


def test_a_budget_that_would_come_too_late_is_a_timeout(clock: ManualClock, http: requests_mock.Mocker) -> None:
    came = sent_at(http, clock, [{"status": 429, "headers": {"Retry-After": "30"}}, {}])
    with kit(clock, limits=dataclasses.replace(Limits(), attempts=1)) as api:
        with pytest.raises(errors.RateLimited):
            api.client.token_info(api.refresh())
        with pytest.raises(errors.Timeout):
            late(api)()
        assert len(came) == 1
        assert api.errors() == {"rate_limited": 1, "timeout": 1} or api.errors() == {"rate_limited": 1}
