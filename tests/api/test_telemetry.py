"""What the client counts about itself: every attempt, at once, by a closed set of labels."""

from contextlib import suppress
from typing import Any

import pytest
import requests_mock

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ERROR_TYPES
from exporter.api.telemetry import Telemetry
from exporter.config.settings import RateLimit
from exporter.expose.families import Distribution
from tests.api.kit import BASE, CALLS, Ask, Kit, failure_of, kit
from tests.clocks import ManualClock, run_together

NAMES = (
    "celigo_api_requests_total",
    "celigo_api_request_duration_seconds",
    "celigo_api_errors_total",
    "celigo_api_retries_total",
    "celigo_api_response_bytes_total",
    "celigo_api_cache_requests_total",
    "celigo_api_rate_limit_wait_seconds_total",
)
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PATHS = {endpoint.value for endpoint in Endpoint}


@pytest.fixture
def telemetry(clock: ManualClock) -> Telemetry:
    return Telemetry(clock)


def test_before_any_call_no_endpoint_has_a_series(telemetry: Telemetry) -> None:
    for name in NAMES[:-1]:
        assert dict(telemetry.series(name)) == {}
    assert set(telemetry.series(NAMES[-1]).values()) <= {0.0}


def test_both_reasons_to_wait_are_there_from_the_start(telemetry: Telemetry) -> None:
    assert set(telemetry.series("celigo_api_rate_limit_wait_seconds_total")) == {("budget",), ("retry_after",)}


def test_after_a_call_the_closed_enumerations_of_its_endpoint_are_there(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", 0.2, 100)
    failed = telemetry.series("celigo_api_errors_total")
    assert set(failed) == {("/v1/flows", kind) for kind in ERROR_TYPES}
    assert set(failed.values()) == {0.0}


def test_a_zero_is_not_made_up_for_endpoints_never_asked(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", 0.2, 100)
    for name in NAMES[:-1]:
        assert {labels[0] for labels in telemetry.series(name)} <= {"/v1/flows"}


def test_an_exchange_is_counted_with_method_and_status(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.JOBS_CURRENT, "200", 0.2, 100)
    telemetry.exchange(Endpoint.JOBS_CURRENT, "200", 0.2, 100)
    telemetry.exchange(Endpoint.JOBS_CURRENT, "none", 5.0, 0)
    assert dict(telemetry.series("celigo_api_requests_total")) == {
        ("/v1/jobs/current", "POST", "200"): 2.0,
        ("/v1/jobs/current", "POST", "none"): 1.0,
    }


@pytest.mark.parametrize(
    ("seconds", "first"),
    [(0.0, 0), (0.04, 0), (0.05, 0), (0.051, 1), (0.3, 3), (2.5, 5), (29.0, 8), (30.0, 8), (31.0, 9)],
)
def test_durations_fall_into_the_documented_buckets(telemetry: Telemetry, seconds: float, first: int) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", seconds, 1)
    (distribution,) = telemetry.series("celigo_api_request_duration_seconds").values()
    assert distribution == Distribution(tuple(int(n >= first) for n in range(len(BUCKETS))), seconds, 1)


def test_body_bytes_are_summed(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1000)
    telemetry.exchange(Endpoint.FLOWS, "500", 0.1, 24)
    assert telemetry.series("celigo_api_response_bytes_total")[("/v1/flows",)] == 1024.0


def test_waits_are_summed_by_reason(telemetry: Telemetry) -> None:
    telemetry.waited("budget", 0.5)
    telemetry.waited("budget", 0.25)
    telemetry.waited("retry_after", 17.0)
    assert dict(telemetry.series("celigo_api_rate_limit_wait_seconds_total")) == {
        ("budget",): 0.75,
        ("retry_after",): 17.0,
    }


def test_the_version_moves_with_every_event(telemetry: Telemetry) -> None:
    versions = [telemetry.version]
    telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1)
    versions.append(telemetry.version)
    telemetry.error(Endpoint.FLOWS, "timeout")
    versions.append(telemetry.version)
    telemetry.retry(Endpoint.FLOWS, "timeout")
    versions.append(telemetry.version)
    telemetry.cache(Endpoint.FLOWS, "hit")
    versions.append(telemetry.version)
    telemetry.waited("budget", 1.0)
    versions.append(telemetry.version)
    assert versions == sorted(set(versions))


def test_reading_does_not_move_the_version(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1)
    before = telemetry.version
    for name in NAMES:
        telemetry.series(name)
    telemetry.outcomes()
    telemetry.clock_skew()
    assert telemetry.version == before


def test_two_accounts_count_apart(clock: ManualClock) -> None:
    one, other = Telemetry(clock), Telemetry(clock)
    one.exchange(Endpoint.FLOWS, "200", 0.1, 1)
    assert dict(other.series("celigo_api_requests_total")) == {}


def test_a_series_that_was_handed_out_does_not_change_later(telemetry: Telemetry) -> None:
    telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1)
    before = telemetry.series("celigo_api_requests_total")
    telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 1)
    assert before[("/v1/flows", "GET", "200")] == 1.0


@pytest.mark.parametrize("ask", CALLS.values(), ids=[endpoint.name for endpoint in CALLS])
@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 429, 500, 999])
def test_the_endpoint_label_is_always_a_template(api: Kit, http: requests_mock.Mocker, ask: Ask, status: int) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=status, text='{"_userId":"u","_id":"a"}')
    with suppress(errors.ApiError):
        ask(api)
    for name in NAMES[:-1]:
        assert {labels[0] for labels in api.telemetry.series(name)} <= PATHS


def test_a_successful_call_counts_one_request_and_its_bytes(api: Kit, http: requests_mock.Mocker) -> None:
    text = '[{"_id":"a"}]'
    http.get(f"{BASE}/v1/integrations", text=text)
    api.client.integrations(api.refresh())
    assert api.count("celigo_api_requests_total", "/v1/integrations", "GET", "200") == 1
    assert api.count("celigo_api_response_bytes_total", "/v1/integrations") == len(text)
    assert api.errors() == {}
    assert api.last.requests == 1


def test_a_call_that_got_no_answer_counts_as_code_none(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/integrations", exc=ConnectionRefusedError(111, "refused"))
    failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    counted = dict(api.telemetry.series("celigo_api_requests_total"))
    assert counted == {("/v1/integrations", "GET", "none"): api.last.requests}


def test_an_unusable_body_is_an_error_besides_its_status(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/integrations", text="<html>")
    failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    assert api.count("celigo_api_requests_total", "/v1/integrations", "GET", "200") == 1
    assert api.count("celigo_api_errors_total", "/v1/integrations", "invalid_json") == 1


def test_waiting_for_the_budget_is_counted(clock: ManualClock, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/tokenInfo", json={"_userId": "u"})
    start = clock.monotonic()
    with kit(clock, rate=RateLimit(1.0, 2)) as api:
        for _ in range(6):
            api.client.token_info(api.refresh())
        waited = api.count("celigo_api_rate_limit_wait_seconds_total", "budget")
        assert waited == pytest.approx(clock.monotonic() - start)
        assert waited == pytest.approx(4.5, abs=0.6)


def test_the_duration_is_from_sending_to_the_whole_body(clock: ManualClock, http: requests_mock.Mocker) -> None:
    def slow(*_: Any) -> str:
        clock.advance(1.5)
        return '{"_userId":"u"}'

    http.get(f"{BASE}/v1/tokenInfo", text=slow)
    with kit(clock) as api:
        api.client.token_info(api.refresh())
        (seen,) = api.telemetry.series("celigo_api_request_duration_seconds").values()
    assert isinstance(seen, Distribution)
    assert seen.sum == pytest.approx(1.5)
    assert seen.count == 1


def test_the_newest_outcome_of_each_endpoint_is_known(api: Kit, clock: ManualClock, http: requests_mock.Mocker) -> None:
    assert dict(api.telemetry.outcomes()) == {}
    http.get(f"{BASE}/v1/tokenInfo", [{"json": {"_userId": "u"}}, {"status_code": 401}, {"json": {"_userId": "u"}}])
    expected = []
    seen = []
    for good in (True, False, True):
        clock.advance(60.0)
        expected.append((good, clock.monotonic()))
        with suppress(errors.Unauthorized):
            api.client.token_info(api.refresh())
        seen.append(api.telemetry.outcomes()[Endpoint.TOKEN_INFO])
    assert seen == expected


def test_a_call_that_succeeds_after_a_retry_is_a_success(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/tokenInfo", [{"status_code": 500}, {"json": {"_userId": "u"}}])
    api.client.token_info(api.refresh())
    assert api.telemetry.outcomes()[Endpoint.TOKEN_INFO][0] is True


def test_an_unusable_body_is_a_failed_outcome(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/integrations", text="<html>")
    failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    assert api.telemetry.outcomes()[Endpoint.INTEGRATIONS][0] is False


def test_the_last_error_of_an_endpoint_is_kept(api: Kit, http: requests_mock.Mocker) -> None:
    assert api.telemetry.last_error(Endpoint.INTEGRATIONS) is None
    http.get(f"{BASE}/v1/integrations", status_code=403)
    failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    last = api.telemetry.last_error(Endpoint.INTEGRATIONS)
    assert isinstance(last, errors.Forbidden)
    assert api.telemetry.last_error(Endpoint.FLOWS) is None


def test_counting_from_many_threads_loses_nothing(clock: ManualClock) -> None:
    telemetry = Telemetry(clock)

    def count() -> None:
        for _ in range(500):
            telemetry.exchange(Endpoint.FLOWS, "200", 0.1, 3)
            telemetry.error(Endpoint.FLOWS, "timeout")

    run_together(clock, [count] * 6)
    assert telemetry.series("celigo_api_requests_total")[("/v1/flows", "GET", "200")] == 3000
    assert telemetry.series("celigo_api_response_bytes_total")[("/v1/flows",)] == 9000
    assert telemetry.series("celigo_api_errors_total")[("/v1/flows", "timeout")] == 3000
