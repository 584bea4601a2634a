"""Many threads that want the same listing at once cost the account one request."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests_mock

from exporter.api.errors import ApiError, Forbidden, Timeout
from exporter.api.refresh import Refresh
from exporter.clock import SystemClock
from tests.api.kit import BASE, Kit, kit

URL = f"{BASE}/v1/integrations"
PATH = "/v1/integrations"
THREADS = 12


class Gate:
    """Holds the answer back until `open` is set; tells when the request has come."""

    def __init__(self, status: int = 200) -> None:
        self.asked = threading.Event()
        self.open = threading.Event()
        self.status = status

    def __call__(self, _: Any, context: Any) -> Any:
        context.status_code = self.status
        self.asked.set()
        assert self.open.wait(30)
        return [{"_id": "a" * 24}]


def until(condition: Callable[[], bool]) -> None:
    """Look until something is so; fails after half a minute."""
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


class Crowd:
    """Threads that ask for the integrations; the first is inside the request before the others start."""

    def __init__(self, api: Kit, gate: Gate, count: int = THREADS, seconds: float = 60.0) -> None:
        self.outcomes: list[object] = []
        self.entered = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(count - 1)
        self._api = api
        self._threads = [threading.Thread(target=self._ask, args=(60.0, False))]
        self._threads += [threading.Thread(target=self._ask, args=(seconds, True)) for _ in range(count - 1)]
        self._threads[0].start()
        assert gate.asked.wait(30)
        for thread in self._threads[1:]:
            thread.start()

    def _ask(self, seconds: float, together: bool) -> None:
        refresh = Refresh(self._api.clock, self._api.clock.monotonic() + seconds)
        if together:
            self._barrier.wait(30)
        with self._lock:
            self.entered += 1
        try:
            outcome: object = self._api.client.integrations(refresh)
        except ApiError as error:
            outcome = error
        with self._lock:
            self.outcomes.append(outcome)

    def join(self) -> list[object]:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        return self.outcomes


def joined(api: Kit) -> float:
    number = api.count("celigo_api_cache_requests_total", PATH, "shared")
    assert isinstance(number, float | int)
    return number


def test_callers_at_once_share_one_request(http: requests_mock.Mocker) -> None:
    gate = Gate()
    http.get(URL, json=gate)
    with kit(SystemClock()) as api:
        crowd = Crowd(api, gate)
        until(lambda: crowd.entered == THREADS)
        gate.open.set()
        outcomes = crowd.join()
        assert http.call_count == 1
        assert len(outcomes) == THREADS
        assert len({id(outcome) for outcome in outcomes}) == 1
        counted = [api.count("celigo_api_cache_requests_total", PATH, result) for result in ("miss", "shared", "hit")]
        assert counted[0] == 1
        assert sum(number for number in counted if isinstance(number, float | int)) == THREADS


def test_callers_at_once_share_its_failure(http: requests_mock.Mocker) -> None:
    gate = Gate(status=403)
    http.get(URL, json=gate)
    with kit(SystemClock()) as api:
        crowd = Crowd(api, gate)
        until(lambda: joined(api) == THREADS - 1)
        gate.open.set()
        outcomes = crowd.join()
        assert [type(outcome) for outcome in outcomes] == [Forbidden] * THREADS
        assert http.call_count == 1
        assert api.errors() == {"forbidden": 1}


def test_after_a_shared_failure_the_next_caller_asks_anew(http: requests_mock.Mocker) -> None:
    gate = Gate(status=403)
    http.get(URL, json=gate)
    gate.open.set()
    with kit(SystemClock()) as api:
        Crowd(api, gate, count=4).join()
        calls = http.call_count
        http.get(URL, json=[])
        assert api.client.integrations(api.refresh()).rows == ()
        assert http.call_count == calls + 1


def test_waiting_for_another_s_request_ends_at_one_s_own_deadline(http: requests_mock.Mocker) -> None:
    gate = Gate()
    http.get(URL, json=gate)
    with kit(SystemClock()) as api:
        crowd = Crowd(api, gate, count=4, seconds=0.2)
        until(lambda: len(crowd.outcomes) == 3)
        assert [type(outcome) for outcome in crowd.outcomes] == [Timeout] * 3
        gate.open.set()
        outcomes = crowd.join()
        assert sum(not isinstance(outcome, ApiError) for outcome in outcomes) == 1
        assert http.call_count == 1


def test_a_bug_in_the_request_does_not_leave_the_others_waiting(http: requests_mock.Mocker) -> None:
    with kit(SystemClock()) as api:
        http.get(URL, exc=ZeroDivisionError("a bug"))
        with pytest.raises(ZeroDivisionError):
            api.client.integrations(api.refresh())
        http.get(URL, json=[])
        assert api.client.integrations(api.refresh(5.0)).rows == ()
