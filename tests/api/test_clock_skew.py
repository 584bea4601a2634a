"""How far the local clock is from the API's, read from what it stamps on its answers."""

from email.utils import formatdate
from typing import Any

import pytest
import requests_mock

from tests.api.kit import BASE, Kit, kit
from tests.clocks import ManualClock

URL = f"{BASE}/v1/tokenInfo"


def ask(api: Kit) -> None:
    api.client.token_info(api.refresh())


def serve(http: requests_mock.Mocker, clock: ManualClock, ahead: float, travel: float = 0.0) -> None:
    """The API's clock is `ahead` of ours; a request takes `travel` seconds each way."""

    def answer(_: Any, context: Any) -> str:
        clock.advance(travel)
        context.headers["Date"] = formatdate(clock.time() + ahead, usegmt=True)
        clock.advance(travel)
        return '{"_userId":"u"}'

    http.get(URL, text=answer)


@pytest.mark.parametrize("ahead", [-86400.0, -300.0, -10.0, 10.0, 300.0, 86400.0])
def test_a_skew_is_local_time_minus_the_api_s(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, ahead: float
) -> None:
    serve(http, clock, ahead)
    ask(api)
    assert api.telemetry.clock_skew() == pytest.approx(-ahead, abs=1.0)
    assert api.client.server_now() == pytest.approx(clock.time() + ahead, abs=1.0)


@pytest.mark.parametrize("ahead", [-0.9, -0.4, 0.0, 0.4, 0.9])
def test_less_than_a_second_cannot_be_told_from_the_date_s_resolution(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, ahead: float
) -> None:
    serve(http, clock, ahead)
    ask(api)
    assert api.telemetry.clock_skew() is None
    assert api.client.server_now() == pytest.approx(clock.time(), abs=1.0)


@pytest.mark.parametrize("travel", [2.0, 5.0, 9.0])
def test_a_slow_answer_is_not_taken_for_a_skew(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, travel: float
) -> None:
    serve(http, clock, 0.0, travel)
    ask(api)
    assert api.telemetry.clock_skew() is None


def test_a_skew_that_was_repaired_is_gone(api: Kit, clock: ManualClock, http: requests_mock.Mocker) -> None:
    serve(http, clock, 300.0)
    ask(api)
    assert api.telemetry.clock_skew() is not None
    serve(http, clock, 0.0)
    ask(api)
    assert api.telemetry.clock_skew() is None
    assert api.client.server_now() == pytest.approx(clock.time(), abs=1.0)


@pytest.mark.parametrize("date", [None, "", "yesterday", "0", "Sat, 99 Aug 2026 10:40:30 GMT", "9" * 400])
def test_an_answer_without_a_usable_date_tells_nothing(
    api: Kit, clock: ManualClock, http: requests_mock.Mocker, date: str | None
) -> None:
    http.get(URL, json={"_userId": "u"}, headers={} if date is None else {"Date": date})
    ask(api)
    assert api.telemetry.clock_skew() is None
    assert api.client.server_now() == clock.time()


def test_before_any_answer_the_local_clock_counts(api: Kit, clock: ManualClock) -> None:
    assert api.telemetry.clock_skew() is None
    assert api.client.server_now() == clock.time()


def test_the_corrected_time_goes_on(api: Kit, clock: ManualClock, http: requests_mock.Mocker) -> None:
    serve(http, clock, 300.0)
    ask(api)
    before = api.client.server_now()
    clock.advance(45.0)
    assert api.client.server_now() - before == pytest.approx(45.0)


def test_a_refused_answer_tells_the_time_as_well(clock: ManualClock, http: requests_mock.Mocker) -> None:
    http.get(URL, status_code=401, headers={"Date": formatdate(clock.time() + 300, usegmt=True)})
    with kit(clock) as api:
        with pytest.raises(Exception, match="unauthorized"):
            ask(api)
        assert api.telemetry.clock_skew() == pytest.approx(-300.0, abs=1.0)


def test_a_date_to_wait_for_is_read_by_the_api_s_clock(clock: ManualClock, http: requests_mock.Mocker) -> None:
    sent: list[float] = []

    def throttled(_: Any, context: Any) -> str:
        sent.append(clock.monotonic())
        if len(sent) == 1:
            theirs = clock.time() - 3600.0
            context.status_code = 429
            context.headers["Date"] = formatdate(theirs, usegmt=True)
            context.headers["Retry-After"] = formatdate(theirs + 20.0, usegmt=True)
        return '{"_userId":"u"}'

    http.get(URL, text=throttled)
    with kit(clock) as api:
        ask(api)
    # An hour's skew must neither drop the wait nor stretch it; the backoff on top is at most 20 s.
    assert 19.0 <= sent[1] - sent[0] <= 41.0
