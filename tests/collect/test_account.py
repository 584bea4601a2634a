"""One account at run time: what is started, by whom, how often, and how it ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.account import CLOSE_SECONDS, AccountRuntime
from exporter.api.token import TokenUnreadable
from exporter.collect.gate import MOMENT_SECONDS
from exporter.collect.health import ChecksView, HealthView
from exporter.collectors import COLLECTORS
from exporter.config.settings import (
    PROFILES,
    Account,
    Collectors,
    ErrorsSettings,
    Profile,
    RateLimit,
    Settings,
    TokenSource,
)
from exporter.expose.catalogue import CATALOGUE
from exporter.ledger.store import MemoryStore
from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.processes import until
from tests.serve.rig import TOKEN, ShiftedClock, settings_of
from tests.serve.upstream import Upstream

DEFAULTS = Collectors()
SWITCHED_OFF = {name: replace(getattr(DEFAULTS, name), enabled=False) for name in COLLECTORS}
ONLY_HEALTH = Collectors(**{**SWITCHED_OFF, "health": DEFAULTS.health})


@contextmanager
def running(upstream: Upstream, clock: ShiftedClock | None = None, **changes: Any) -> Iterator[AccountRuntime]:
    settings, clock = settings_of([upstream], **changes), clock or ShiftedClock()
    account = AccountRuntime(settings.accounts[0], settings, {"T": TOKEN}, clock, MemoryStore())
    try:
        yield account
    finally:
        upstream.let_go()
        account.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as held:
        yield held


def finish(account: AccountRuntime, *names: str) -> None:
    """Start what is due and wait for all that is under way, also for what no scrape waits for."""
    account.trigger(names or None)
    for future in list(account._futures.values()):
        future.result(60)


def served(account: AccountRuntime, clock: ShiftedClock) -> dict[str, int]:
    """Number of series by family of the account's own blocks."""
    return {name: count for block in account.current(clock.monotonic()) for name, count in block.series.items()}


class TestTrigger:
    def test_every_collector_runs_once(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            finish(account)
            assert {name: row.success for name, row in account.statuses().items()} == dict.fromkeys(COLLECTORS, True)
            assert upstream.count("/v1/tokenInfo") == 1

    def test_nothing_is_due_again_within_the_interval(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            finish(account)
            asked = upstream.total
            assert account.trigger() == []
            assert upstream.total == asked

    def test_after_an_interval_only_what_is_due_runs(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            clock.advance(60)
            finish(account)
            versions = {name: row.version for name, row in account.statuses().items() if name != "history"}
            again = {name for name, version in versions.items() if version == 2}
            assert {"health", "jobs", "connections"} <= again
            assert again == {name for name in versions if getattr(DEFAULTS, name).interval <= 60}
            assert {name for name, version in versions.items() if version == 1} == versions.keys() - again

    def test_only_what_is_named_runs(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            finish(account, "health", "connections", "exporter", "nothing")
            ran = {name for name, row in account.statuses().items() if row.success is not None}
            assert ran == {"health", "connections"}
            assert upstream.count("/v1/flows") == 0

    def test_what_is_under_way_is_handed_to_everybody_who_waits_for_it(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            upstream.hold("/v1/connections")
            first = account.trigger(["connections"])
            upstream.arrived("/v1/connections")
            assert account.trigger(["connections"]) == first
            assert account.trigger(["health"]) != first
            upstream.let_go()
            first[0].result(60)
            assert upstream.count("/v1/connections") == 1

    def test_many_threads_at_once_start_one_run(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            barrier = threading.Barrier(24)

            def scrape() -> None:
                barrier.wait(30)
                finish(account)

            threads = [threading.Thread(target=scrape) for _ in range(24)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert upstream.count("/v1/tokenInfo") == 1
            assert upstream.count("/v1/connections") == 1
            # Nobody waits for the history, so it may still be running.
            until(lambda: account.statuses()["history"].version == 1, "the history's run")
            assert {row.version for row in account.statuses().values()} == {1}

    def test_a_collector_that_hangs_delays_no_other(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            upstream.hold("/v1/jobs/current")
            futures = account.trigger()
            upstream.arrived("/v1/jobs/current")
            others = [name for name in COLLECTORS if name != "jobs"]
            until(lambda: all(account.statuses()[name].success for name in others), "the other collectors")
            assert account.statuses()["jobs"].success is None
            assert sum(not future.done() for future in futures) == 1

    def test_a_collector_that_is_off_does_not_exist(self, upstream: Upstream) -> None:
        with running(upstream, collectors=ONLY_HEALTH) as account:
            finish(account)
            assert set(account.statuses()) == {"health"}
            assert [path for _, path in upstream.requests] == ["/v1/tokenInfo"]

    def test_nobody_waits_for_an_account_that_hangs_once_that_is_known(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            upstream.hold("/v1/connections")
            assert account.trigger(["connections"])
            upstream.arrived("/v1/connections")
            clock.advance(MOMENT_SECONDS)
            assert account.trigger() == []
            upstream.let_go()
            until(lambda: not account.busy, "all runs")
            clock.advance(60)
            finish(account)
            clock.advance(60)
            upstream.hold("/v1/connections")
            assert account.trigger(["connections"])


class TestWhatIsKnown:
    def test_before_the_first_run_only_what_is_configured_is_served_about_the_account(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            names = set(served(account, clock))
            told = {name for name in names if not name.startswith(("celigo_exporter_", "celigo_api_"))}
            assert told == {"celigo_account_info"}

    def test_an_empty_account_is_up_and_has_no_runs(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            for future in tuple(account._futures.values()):
                future.result(60)  # the history too, which no scrape waits for
            found = served(account, clock)
            assert found["celigo_up"] == 1
            assert found["celigo_active_runs"] == 4
            assert found["celigo_exporter_collector_success"] == len(COLLECTORS)

    def test_every_check_is_told_after_one_collection_with_open_errors(self, upstream: Upstream) -> None:
        upstream.answers["/v1/integrations"] = (200, [{"_id": "i1", "name": "Shop"}])
        upstream.answers["/v1/flows"] = (200, [{"_id": "f1", "_integrationId": "i1"}])
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            view = account.model.view("checks", ChecksView, clock.monotonic())
            assert view is not None
            assert view.checks == dict.fromkeys(
                ("auth", "integrations", "connections", "flows", "jobs", "errors"), True
            )

    def test_a_failing_call_is_a_failed_check_and_a_failed_collector(self, upstream: Upstream) -> None:
        upstream.answers["/v1/connections"] = (500, {})
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            view = account.model.view("checks", ChecksView, clock.monotonic())
            assert view is not None
            assert [name for name, good in view.checks.items() if not good] == ["connections"]
            assert account.statuses()["connections"].errors == {"server_error": 1}

    def test_values_vanish_when_they_are_stale(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            clock.advance(150)
            assert "celigo_up" in served(account, clock)
            clock.advance(151)
            assert "celigo_up" not in served(account, clock)
            assert "celigo_exporter_collector_last_success_timestamp_seconds" in served(account, clock)

    def test_objects_are_counted_by_kind_once_known(self, upstream: Upstream) -> None:
        upstream.answers["/v1/flows"] = (200, [{"_id": "f1"}, {"_id": "f2"}])
        upstream.answers["/v1/connections"] = (200, [{"_id": "c1"}])
        upstream.answers["/v1/exports"] = (200, [{"_id": "e1"}])
        with running(upstream) as account:
            assert account.objects() == {}
            finish(account, "connections")
            assert account.objects() == {"connection": 1}
            finish(account)
            expected = {"connection": 1, "flow": 2, "integration": 1, "export": 1, "import": 0}
            expected |= {"agent": 0, "active_run": 0, "pending_run": 0}
            assert account.objects() == expected

    def test_the_budget_is_told(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            assert account.tokens() == 999

    @pytest.mark.parametrize("status", [200, 401])
    def test_it_is_ready_after_a_first_run_whatever_came_of_it(self, upstream: Upstream, status: int) -> None:
        upstream.answers["/v1/tokenInfo"] = (status, {"_userId": "u"})
        with running(upstream) as account:
            assert not account.ready
            finish(account, "health")
            assert account.ready

    def test_with_every_collector_off_it_is_ready(self, upstream: Upstream) -> None:
        with running(upstream, collectors=Collectors(**SWITCHED_OFF)) as account:
            assert account.trigger() == []
            assert account.ready


class TestSteps:
    """One flow with two exports and an import, none of which has open errors."""

    @pytest.fixture(autouse=True)
    def steps(self, upstream: Upstream) -> None:
        generators = [{"_exportId": "e1"}]
        flow = {"_id": "f1", "pageGenerators": generators, "pageProcessors": [{"_importId": "i1"}]}
        upstream.answers["/v1/flows"] = (200, [flow])
        exports = [{"_id": "e1", "_connectionId": "c1", "type": "delta"}, {"_id": "e2", "_connectionId": "c1"}]
        upstream.answers["/v1/exports"] = (200, exports)
        upstream.answers["/v1/imports"] = (200, [{"_id": "i1", "_connectionId": "c2"}])
        upstream.answers["/v1/connections"] = (200, [{"_id": "c1"}, {"_id": "c2"}])
        position = {"lastExportDateTime": "2026-08-30T09:00:00.000Z"}
        upstream.answers["/v1/flows/f1/lastExportDateTime"] = (200, position)

    def test_the_topology_is_told_and_what_only_the_full_profile_has_is_not(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account)
            found = served(account, clock)
            assert (found["celigo_flow_connection_info"], found["celigo_connection_flows"]) == (2, 4)
            full_only = {"celigo_step_info", "celigo_orphaned_resources", "celigo_flow_last_export_timestamp_seconds"}
            assert full_only.isdisjoint(found)
            assert upstream.count("/v1/flows/f1/lastExportDateTime") == 0

    def test_the_full_profile_names_all_steps_and_tells_orphans_and_positions(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock, profile="full") as account:
            finish(account)
            found = served(account, clock)
            assert found["celigo_step_info"] == 3
            assert found["celigo_orphaned_resources"] == 4
            assert found["celigo_flow_last_export_timestamp_seconds"] == 1

    def test_steps_outlive_the_flows_by_as_long_as_their_lists_may_be_old(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock, profile="full") as account:
            finish(account)
            clock.advance(901)
            found = served(account, clock)
            assert "celigo_flow_connection_info" not in found
            assert found["celigo_step_info"] == 3
            clock.advance(1800)
            assert "celigo_step_info" not in served(account, clock)

    def test_the_lists_of_steps_are_asked_for_every_half_hour(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            for _ in range(7):
                finish(account, "inventory")
                clock.advance(300)
            assert (upstream.count("/v1/exports"), upstream.count("/v1/imports")) == (2, 2)
            assert upstream.count("/v1/flows") == 7


class TestCodesLeftOut:
    def records(self, upstream: Upstream, count: int) -> None:
        last = "2026-08-30T09:16:40.001Z"
        upstream.answers["/v1/integrations"] = (200, [{"_id": "i1"}])
        upstream.answers["/v1/flows"] = (200, [{"_id": "f1", "_integrationId": "i1"}])
        upstream.answers["/v1/integrations/i1/errors"] = (
            200,
            [{"_flowId": "f1", "numError": count, "lastErrorAt": last}],
        )
        upstream.answers["/v1/flows/f1/errors"] = (
            200,
            {"flowErrors": [{"_expOrImpId": "s1", "numError": count, "lastErrorAt": last}]},
        )
        upstream.answers["/v1/flows/f1/s1/errors"] = (
            200,
            {"errors": [{"errorId": f"e{number}", "code": f"CODE_{number}"} for number in range(count)]},
        )

    def folded(self, account: AccountRuntime, clock: ShiftedClock) -> str:
        (own,) = [block for block in account.current(clock.monotonic()) if block.collector == "exporter"]
        text = own.lines["celigo_exporter_series_dropped_total"].text.decode()
        return text.strip().rsplit(" ", 1)[1]

    def test_they_are_counted_once_for_each_run_that_left_them_out(self, upstream: Upstream) -> None:
        self.records(upstream, 5)
        clock = ShiftedClock()
        with running(upstream, clock, collectors=Collectors(errors=ErrorsSettings(codes=2))) as account:
            finish(account, "errors")
            assert self.folded(account, clock) == "3.0"
            clock.advance(300)
            finish(account, "errors")
            assert self.folded(account, clock) == "6.0"

    def test_a_run_that_could_not_publish_counts_none(self, upstream: Upstream) -> None:
        self.records(upstream, 5)
        clock = ShiftedClock()
        with running(upstream, clock, collectors=Collectors(errors=ErrorsSettings(codes=2))) as account:
            finish(account, "errors")
            for path in ("/v1/integrations", "/v1/flows", "/v1/integrations/i1/errors"):
                upstream.answers[path] = (500, {})
            clock.advance(300)
            finish(account, "errors")
            assert account.statuses()["errors"].success is False
            assert self.folded(account, clock) == "3.0"


ERRORS = "/v1/integrations/{}/errors"


class TestClose:
    def threads(self) -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("account-account-0")}

    def test_threads_are_there_only_while_there_is_work(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            assert self.threads() == set()
            upstream.hold("/v1/connections")
            account.trigger()
            upstream.arrived("/v1/connections")
            until(lambda: len(self.threads()) == 1, "the end of the others")
            upstream.let_go()
            until(lambda: self.threads() == set(), "the end of the last one")

    def test_it_ends_all_threads(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            account.trigger()
        assert self.threads() == set()

    def test_afterwards_nothing_is_started(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            account.close()
            assert account.trigger() == []
            assert upstream.total == 0

    def test_it_can_be_closed_twice(self, upstream: Upstream) -> None:
        with running(upstream) as account:
            account.close()
            account.close()

    def test_a_request_that_hangs_is_not_waited_for_to_its_end(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            upstream.hold("/v1/connections")
            account.trigger(["connections"])
            upstream.arrived("/v1/connections")
            started = clock.monotonic()
            account.close()
            # Far below the read timeout of 100 s, and far above what closing takes on a slow machine.
            assert clock.monotonic() - started < CLOSE_SECONDS + 20

    def test_the_end_of_the_exporter_does_not_read_as_down(self, upstream: Upstream) -> None:
        clock = ShiftedClock()
        with running(upstream, clock) as account:
            finish(account, "health")
            clock.advance(60)
            account.stop()
            finish(account, "health")
            assert account.model.view("health", HealthView, clock.monotonic()) == HealthView(up=True)


class TestToken:
    def test_without_a_token_there_is_no_account_and_no_thread(self, upstream: Upstream) -> None:
        settings = settings_of([upstream])
        before = threading.active_count()
        with pytest.raises(TokenUnreadable):
            AccountRuntime(settings.accounts[0], settings, {}, ShiftedClock(), MemoryStore())
        assert threading.active_count() == before

    def test_a_token_file_is_good_too(self, upstream: Upstream, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text(f"{TOKEN}\n")
        account = Account("acme", TokenSource(file=str(path)), upstream.url, None)
        runtime = AccountRuntime(account, Settings((account,)), {}, ShiftedClock(), MemoryStore())
        try:
            finish(runtime, "health")
            assert runtime.statuses()["health"].success
        finally:
            runtime.close()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_family_belongs_to_one_block(profile: Profile) -> None:
    """Blocks are joined by family, so a family in two of them would be served twice."""
    options = SimulatorOptions(flows=12, history_seconds=7200.0)
    clock = ShiftedClock()
    with Simulator(options) as simulator:
        account = Account("acme", TokenSource(env="T"), simulator.url, None, rate_limit=RateLimit(1000.0, 1000))
        settings = Settings((account,), profile=profile)
        runtime = AccountRuntime(account, settings, {"T": simulator.token}, clock, MemoryStore())
        try:
            finish(runtime)
            names = [name for block in runtime.current(clock.monotonic()) for name in block.lines]
            assert len(names) == len(set(names))
            assert set(names) <= {metric.name for metric in CATALOGUE}
            assert {row.success for row in runtime.statuses().values()} == {True}
        finally:
            runtime.close()
