"""One collector is run: one run at a time, timed, isolated, always reported."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from exporter.api.errors import ApiError, BadRequest, Forbidden, NotFound, OtherStatus, Timeout, Unauthorized, leaves
from exporter.api.refresh import Refresh
from exporter.collect.base import Publish
from exporter.collect.model import AccountModel, Part
from exporter.collect.runner import REFUSED_SECONDS, CollectorRunner, CollectorStatus, reason_of
from exporter.config.settings import CollectorSettings
from tests.clocks import ManualClock

SECRET = "prober-token-4f1c"
Action = Callable[[Refresh, Publish], None]


@dataclass
class Scripted:
    """A collector that does what the test says next, and nothing when it says nothing."""

    name: str = "connections"
    settings: CollectorSettings = field(default_factory=lambda: CollectorSettings(interval=60))
    actions: list[Action] = field(default_factory=list)
    refreshes: list[Refresh] = field(default_factory=list)

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        self.refreshes.append(refresh)
        if self.actions:
            self.actions.pop(0)(refresh, publish)


@dataclass
class Rig:
    """A runner on its own model and clock."""

    collector: Scripted = field(default_factory=Scripted)
    clock: ManualClock = field(default_factory=ManualClock)
    stop: threading.Event = field(default_factory=threading.Event)
    model: AccountModel = field(default_factory=lambda: AccountModel((Part("connections", 300.0),)))
    runner: CollectorRunner = field(init=False)

    def __post_init__(self) -> None:
        self.runner = CollectorRunner("acme", self.collector, self.model, self.clock)

    def run(self, *actions: Action) -> CollectorStatus:
        """One run when it is due, doing `actions`; the status after it."""
        self.collector.actions = list(actions)
        if self.runner.claim():
            self.runner.run(self.stop)
        return self.runner.status

    def next(self, *actions: Action, seconds: float = 60.0) -> CollectorStatus:
        """One run after a while."""
        self.clock.advance(seconds)
        return self.run(*actions)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def fails(error: BaseException) -> Action:
    def action(refresh: Refresh, publish: Publish) -> None:
        del refresh, publish
        raise error

    return action


class TestStatus:
    def test_before_the_first_run_nothing_is_known(self, rig: Rig) -> None:
        assert rig.runner.status == CollectorStatus("connections", 60)
        assert rig.runner.status.success is None

    def test_a_success(self, rig: Rig) -> None:
        def action(refresh: Refresh, publish: Publish) -> None:
            refresh.requests += 3
            rig.clock.advance(2.5)
            publish("connections", "view", rig.clock.monotonic())

        status = rig.run(action)
        assert (status.success, status.duration, status.requests) == (True, 2.5, 3)
        assert status.last_success == rig.clock.time()
        assert (status.errors, status.failure, status.disabled) == ({}, None, None)
        assert rig.model.view("connections", str, rig.clock.monotonic()) == "view"

    def test_a_failure_keeps_the_time_of_the_last_success(self, rig: Rig) -> None:
        succeeded = rig.run().last_success
        status = rig.next(fails(Timeout("/v1/connections")))
        assert status.success is False
        assert status.last_success == succeeded is not None
        assert status.failure == "GET /v1/connections: timeout"

    def test_a_success_clears_the_failure(self, rig: Rig) -> None:
        rig.run(fails(Timeout("/v1/connections")))
        status = rig.next()
        assert (status.success, status.failure, status.errors) == (True, None, {"timeout": 1})

    def test_what_was_published_before_a_failure_stays(self, rig: Rig) -> None:
        def action(refresh: Refresh, publish: Publish) -> None:
            publish("connections", "half", refresh.clock.monotonic())
            raise Timeout("/v1/connections")

        rig.run(action)
        assert rig.model.view("connections", str, rig.clock.monotonic()) == "half"

    def test_failures_add_up_by_reason(self, rig: Rig) -> None:
        for error in (Timeout("-"), Unauthorized("-"), Timeout("-"), ValueError("x")):
            status = rig.next(fails(error))
        assert status.errors == {"timeout": 2, "unauthorized": 1, "internal": 1}

    def test_cuts_and_rejected_rows_add_up_and_requests_do_not(self, rig: Rig) -> None:
        def action(refresh: Refresh, publish: Publish) -> None:
            del publish
            refresh.requests += 2
            refresh.truncated += 1
            refresh.rejected["wrong_type"] += 4

        rig.run(action)
        status = rig.next(action)
        assert (status.requests, status.truncated, status.rejected) == (2, 2, {"wrong_type": 8})

    def test_they_count_in_a_failed_run_too(self, rig: Rig) -> None:
        def action(refresh: Refresh, publish: Publish) -> None:
            del publish
            refresh.truncated += 1
            refresh.rejected["missing_id"] += 1
            raise Timeout("-")

        status = rig.run(action)
        assert (status.truncated, status.rejected) == (1, {"missing_id": 1})

    def test_a_status_that_was_taken_never_changes(self, rig: Rig) -> None:
        before = rig.run(fails(Timeout("-")))
        rig.next(fails(Timeout("-")))
        assert before.errors == {"timeout": 1}
        assert rig.runner.status.version == before.version + 1

    @pytest.mark.parametrize("kind", leaves(), ids=lambda kind: kind.type)
    def test_every_api_error_has_its_type_as_reason(self, rig: Rig, kind: type[ApiError]) -> None:
        assert rig.run(fails(kind("/v1/connections"))).errors == {kind.type: 1}
        assert reason_of(kind("-")) == kind.type


class TestBugs:
    @pytest.mark.parametrize("bug", [ValueError("x"), KeyError("part"), ZeroDivisionError(), RecursionError()])
    def test_a_bug_is_an_internal_failure_and_nothing_else(self, rig: Rig, bug: Exception) -> None:
        status = rig.run(fails(bug))
        assert (status.success, status.errors) == (False, {"internal": 1})
        assert rig.next().success is True

    def test_its_text_is_shown_to_nobody(self, rig: Rig) -> None:
        status = rig.run(fails(ValueError(f"record of {SECRET}")))
        assert status.failure == "internal error (ValueError)"

    def test_its_place_is_logged_once_without_its_text(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        rig.run(fails(ValueError(f"record of {SECRET}")))
        (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        fields = record.__dict__["fields"]
        assert fields["exception"] == "ValueError"
        assert "runner.py" in fields["at"]
        assert SECRET not in repr(record.__dict__)

    def test_an_unknown_part_is_a_bug_of_the_collector(self, rig: Rig) -> None:
        status = rig.run(lambda refresh, publish: publish("nothing", 1, refresh.clock.monotonic()))
        assert status.errors == {"internal": 1}


class TestOneAtATime:
    def test_a_claim_excludes_others_until_the_run_ended(self, rig: Rig) -> None:
        assert rig.runner.claim()
        rig.clock.advance(600)
        assert not rig.runner.claim()
        rig.runner.run(rig.stop)
        assert rig.runner.claim()

    def test_of_many_threads_one_gets_the_claim(self, rig: Rig) -> None:
        barrier, claims = threading.Barrier(32), []

        def claim() -> None:
            barrier.wait(30)
            claims.append(rig.runner.claim())

        threads = [threading.Thread(target=claim) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(claims) == [False] * 31 + [True]

    def test_it_is_due_again_within_its_interval_and_not_much_sooner(self, rig: Rig) -> None:
        rig.run()
        rig.clock.advance(46.9)
        assert not rig.runner.claim()
        rig.clock.advance(12.1)
        assert rig.runner.claim()

    def test_a_run_that_could_not_begin_is_a_failed_one_and_due_again_on_its_grid(self, rig: Rig) -> None:
        assert rig.runner.claim()
        rig.runner.lost(RuntimeError("can't start new thread"), rig.stop)
        assert (rig.runner.status.success, rig.runner.status.errors) == (False, {"internal": 1})
        assert rig.runner.status.failure == "internal error (RuntimeError)"
        assert not rig.runner.claim()
        assert rig.next().success

    def test_a_run_that_could_not_begin_at_the_end_leaves_no_trace(self, rig: Rig) -> None:
        assert rig.runner.claim()
        rig.stop.set()
        rig.runner.lost(RuntimeError("the workers are closed"), rig.stop)
        assert rig.runner.status.success is None

    def test_a_failed_run_is_not_repeated_early(self, rig: Rig) -> None:
        rig.run(fails(Timeout("-")))
        rig.clock.advance(30)
        assert not rig.runner.claim()


class TestFrame:
    @pytest.mark.parametrize(
        ("settings", "seconds"),
        [
            (CollectorSettings(interval=60), 60),
            (CollectorSettings(interval=10), 30),
            (CollectorSettings(interval=3600), 300),
            (CollectorSettings(interval=60, timeout=7), 7),
        ],
    )
    def test_the_deadline_comes_from_the_settings(self, settings: CollectorSettings, seconds: float) -> None:
        rig = Rig(Scripted(settings=settings))
        rig.run()
        (refresh,) = rig.collector.refreshes
        assert refresh.deadline == rig.clock.monotonic() + seconds

    def test_the_end_of_the_exporter_reaches_the_collector(self, rig: Rig) -> None:
        rig.run()
        (refresh,) = rig.collector.refreshes
        rig.stop.set()
        assert refresh.stop.is_set()

    def test_every_run_counts_anew(self, rig: Rig) -> None:
        rig.run()
        rig.next()
        first, second = rig.collector.refreshes
        assert first is not second


class TestRefused:
    @pytest.mark.parametrize("error", [Forbidden("/v1/connections", status=403), NotFound("/v1/connections")])
    def test_a_refusal_switches_it_off_until_a_slow_probe(self, rig: Rig, error: ApiError) -> None:
        status = rig.run(fails(error))
        assert status.disabled == error.type
        rig.clock.advance(REFUSED_SECONDS - 2)
        assert not rig.runner.claim()
        rig.clock.advance(2)
        assert rig.runner.claim()

    def test_a_long_interval_is_not_shortened_by_it(self) -> None:
        rig = Rig(Scripted(settings=CollectorSettings(interval=3600)))
        rig.run(fails(Forbidden("-")))
        rig.clock.advance(REFUSED_SECONDS + 60)
        assert not rig.runner.claim()
        rig.clock.advance(3600)
        assert rig.runner.claim()

    def test_the_probe_is_slow_after_each_refusal(self, rig: Rig) -> None:
        rig.run(fails(Forbidden("-")))
        rig.next(fails(Forbidden("-")), seconds=REFUSED_SECONDS)
        assert rig.runner.status.errors == {"forbidden": 2}
        rig.clock.advance(REFUSED_SECONDS / 2)
        assert not rig.runner.claim()

    def test_a_probe_that_succeeds_switches_it_on_again(self, rig: Rig) -> None:
        rig.run(fails(Forbidden("-")))
        status = rig.next(seconds=REFUSED_SECONDS)
        assert (status.success, status.disabled) == (True, None)
        assert rig.next().version == 3

    @pytest.mark.parametrize(
        "error", [Forbidden("-").among_successes(), OtherStatus("-"), Unauthorized("-"), BadRequest("-"), Timeout("-")]
    )
    def test_no_other_failure_does(self, rig: Rig, error: ApiError) -> None:
        assert rig.run(fails(error)).disabled is None
        assert rig.next().success is True


class TestLog:
    def told(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [record.levelname for record in caplog.records]

    @pytest.fixture(autouse=True)
    def _all_levels(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)

    def test_a_failure_that_lasts_is_told_once(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(5):
            rig.next(fails(Timeout("/v1/connections")))
        assert self.told(caplog) == ["WARNING"]

    def test_another_failure_is_told(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        rig.run(fails(Timeout("/v1/connections")))
        rig.next(fails(Unauthorized("/v1/connections", status=401)))
        assert self.told(caplog) == ["WARNING", "WARNING"]

    def test_recovery_is_told_once(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        rig.run(fails(Timeout("-")))
        rig.next()
        rig.next()
        assert self.told(caplog) == ["WARNING", "INFO"]

    def test_success_from_the_start_is_silent(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        rig.run()
        rig.next()
        assert self.told(caplog) == []

    def test_a_refusal_is_told_once(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(3):
            rig.next(fails(Forbidden("-")), seconds=REFUSED_SECONDS)
        assert self.told(caplog) == ["WARNING"]

    def test_the_end_of_the_exporter_is_no_failure_to_tell(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        rig.stop.set()
        rig.run(fails(Timeout("-")))
        assert self.told(caplog) == []
