"""Reloads one after the other: who is answered with which, and what becomes of failures."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from exporter.bugs import bug_fields
from exporter.config.problem import ConfigError
from exporter.config.settings import Account, Settings, TokenSource
from exporter.serve.fleet import Fleet
from exporter.serve.reload import Reloader
from exporter.serve.reload_requests import ReloadRequests
from tests.clocks import EPOCH, ManualClock

SETTINGS = Settings((Account("acme", TokenSource(env="T"), "http://127.0.0.1:9", None),))
BAD = "celigo.yml:3: accounts[0].name: wrong"


class Loads:
    """Loading that a test holds in its hand."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.held = False
        self.count = 0
        self.failure: Exception | None = None

    def __call__(self) -> Settings:
        self.count += 1
        failure = self.failure  # what the file holds now
        self.begun.release()
        if self.held:
            self.may_end.acquire(timeout=60)
        if failure is not None:
            raise failure
        return SETTINGS


@contextmanager
def reloading(loads: Loads) -> Iterator[Fleet]:
    with Fleet(SETTINGS, {"T": "prober-token-4f1c"}, ManualClock()) as fleet, Reloader(fleet, loads):
        yield fleet


def test_requests_that_come_during_a_reload_are_answered_by_one_that_begins_after_them() -> None:
    loads = Loads()
    loads.held = True
    with reloading(loads) as fleet:
        first = fleet.reload_requests.request()
        loads.begun.acquire(timeout=60)
        loads.failure = ConfigError(BAD)
        later = [fleet.reload_requests.request() for _ in range(100)]
        loads.may_end.release()
        assert first.result(60) is None
        loads.may_end.release()
        assert {each.result(60) for each in later} == {BAD}
        assert loads.count == 2


def test_every_outcome_is_counted_and_told() -> None:
    loads = Loads()
    with reloading(loads) as fleet:
        for failure in (None, ConfigError(BAD), None, ConfigError(BAD), ConfigError(BAD)):
            loads.failure = failure
            assert fleet.reload_requests.request().result(60) == (BAD if failure else None)
            assert fleet.reloads.status.successful == (failure is None)
        assert fleet.reloads.status.counts == {"applied": 2, "rejected": 3}
        assert fleet.reloads.status.succeeded_at == EPOCH


def test_a_bug_costs_one_reload_and_gives_away_no_more_than_its_class(caplog: pytest.LogCaptureFixture) -> None:
    loads = Loads()
    loads.failure = ValueError("holds prober-token-4f1c")
    assert "prober" not in str(bug_fields(loads.failure))
    with reloading(loads) as fleet:
        assert fleet.reload_requests.request().result(60) == "internal error (ValueError)"
        loads.failure = None
        assert fleet.reload_requests.request().result(60) is None
    assert "prober" not in str([vars(record) for record in caplog.records])


def test_what_was_requested_before_the_end_is_answered_and_the_end_comes() -> None:
    requests = ReloadRequests()
    futures = [requests.request() for _ in range(3)]
    requests.end()
    assert requests.next() == futures
    assert requests.next() == []


def test_requests_are_kept_until_somebody_serves_them() -> None:
    loads = Loads()
    with Fleet(SETTINGS, {"T": "prober-token-4f1c"}, ManualClock()) as fleet:
        early = fleet.reload_requests.request()
        with Reloader(fleet, loads):
            assert early.result(60) is None
    assert loads.count == 1


def test_a_caller_that_gave_up_does_not_end_the_reloader() -> None:
    loads = Loads()
    loads.held = True
    with reloading(loads) as fleet:
        fleet.reload_requests.request()
        loads.begun.acquire(timeout=60)
        given_up: Future[str | None] = fleet.reload_requests.request()
        assert given_up.cancel()
        loads.held = False
        loads.may_end.release()
        assert fleet.reload_requests.request().result(60) is None


def test_nothing_is_reloaded_once_the_end_has_begun() -> None:
    loads = Loads()
    with reloading(loads) as fleet:
        fleet.stop()
        assert fleet.reload_requests.request().result(60) == "the exporter is about to end"
