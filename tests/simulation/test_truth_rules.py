"""The rules that hold for every series, collector by collector: unknown is absent, kept until stale, then gone.

And a partial list never zeroes or deletes what it did not contain.
"""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from exporter.collect import departed
from exporter.config.settings import Collectors
from tests.simulation.series import family_of
from tests.simulation.world import HOUR, World

CALLS = {
    "inventory": ("/v1/flows",),
    "jobs": ("/v1/jobs", "/v1/jobs/current"),
    "errors": ("/v1/integrations/{integrationId}/errors",),
    "connections": ("/v1/connections",),
    "agents": ("/v1/agents",),
}
"""What each collector cannot do without."""

COME_AND_GO = frozenset(
    {
        "celigo_flow_active_runs",
        "celigo_flow_oldest_active_run_start_timestamp_seconds",
        "celigo_flow_active_run_progress_timestamp_seconds",
    }
)
"""Families that are absent while no run is in progress."""

SMALL: dict[str, Any] = {"flows": 30, "seed": 4, "page_size": 10, "job_page_size": 200, "history_seconds": 7200.0}


def families_of(world: World, collector: str) -> frozenset[str]:
    """Families of one collector that are served now."""
    assert world.fleet is not None
    blocks = world.fleet.accounts[0].current(world.clock.monotonic())
    return frozenset(name for block in blocks if block.collector == collector for name in block.lines)


def values_of(world: World, collector: str) -> dict[bytes, float]:
    """Series of one collector in the newest scrape."""
    names = tuple(name.encode() for name in families_of(world, collector))
    return {series: value for series, value in world.scraped.series().items() if series.split(b"{")[0] in names}


def away(world: World, collector: str) -> list[int]:
    """Let the collector's calls fail."""
    return [world.simulator.inject("status", path=path, status=503) for path in CALLS[collector]]


def lift(world: World, incidents: list[int]) -> None:
    for incident in incidents:
        world.simulator.lift(incident)


def staleness_minutes(collector: str) -> int:
    """How long values are kept, in whole minutes."""
    return int(getattr(Collectors(), collector).staleness_seconds // 60)


def of_collectors(turn: int) -> pytest.MarkDecorator:
    """All collectors in `make prove`; else every second one, beginning with one or the other."""
    return pytest.mark.parametrize("collector", list(CALLS) if os.environ.get("PROVE") else list(CALLS)[turn::2])


class TestEachCollector:
    @of_collectors(0)
    def test_nothing_is_told_before_the_first_success(self, tmp_path: Path, collector: str) -> None:
        with World(tmp_path, **SMALL) as world:
            incidents = away(world, collector)
            world.minutes(12)
            assert families_of(world, collector) == frozenset()
            others = {name for name in CALLS if name != collector}
            # Errors are drilled down by the integrations that the inventory's calls list.
            needs_inventory = {"errors"} if collector == "inventory" else set()
            assert all(families_of(world, other) for other in others - needs_inventory)
            lift(world, incidents)
            world.minutes(12)
            assert families_of(world, collector) != frozenset()

    @of_collectors(1)
    def test_values_are_kept_until_they_are_stale_then_gone_and_come_back(self, tmp_path: Path, collector: str) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(11)
            known = values_of(world, collector)
            incidents = away(world, collector)
            # One run has shown that the calls fail; from then on nothing new is known.
            settled = int(getattr(Collectors(), collector).interval // 60) + 1
            world.minutes(settled)
            last = values_of(world, collector)
            assert {family_of(series) for series in last} == {family_of(series) for series in known} != set()
            world.minutes(staleness_minutes(collector) - settled - 2)
            assert values_of(world, collector) == last
            world.minutes(13)
            assert values_of(world, collector) == {}
            lift(world, incidents)
            world.minutes(12)
            lasting = {family_of(series) for series in last} - COME_AND_GO
            assert {family_of(series) for series in values_of(world, collector)} >= lasting != set()

    @of_collectors(0)
    def test_a_restart_begins_with_nothing(self, tmp_path: Path, collector: str) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(6)
            world.kill()
            world.start()
            away(world, collector)
            world.minutes(3)
            assert families_of(world, collector) == frozenset()


class TestAPartialList:
    """The fault `loop` ends a listing after its first page of ten."""

    def test_flows_that_it_does_not_hold_stay_with_their_counters(self, tmp_path: Path) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(6)
            before, counters = world.scraped.now("celigo_flow_enabled"), world.scraped.now("celigo_flow_runs_total")
            assert len(before) == 30
            world.outage(minutes=60, kind="loop", path="/v1/flows")
            assert world.scraped.now("celigo_flow_enabled").keys() == before.keys()
            assert world.scraped.now("celigo_flow_runs_total").keys() == counters.keys()
            assert world.scraped.falls("celigo_flow_runs_total") == []

    def test_connections_that_it_does_not_hold_stay(self, tmp_path: Path) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(3)
            before = world.scraped.now("celigo_connection_online")
            assert len(before) > 10
            world.outage(minutes=20, kind="loop", path="/v1/connections")
            assert world.scraped.now("celigo_connection_online") == before

    def test_integrations_that_it_does_not_hold_stay(self, tmp_path: Path) -> None:
        with World(tmp_path, **{**SMALL, "flows": 150}) as world:
            world.minutes(6)
            before = world.scraped.now("celigo_integration_runs_total")
            assert len({name for name, _ in before}) > 10
            world.outage(minutes=20, kind="loop", path="/v1/integrations")
            assert world.scraped.now("celigo_integration_runs_total").keys() == before.keys()


class TestARowThatCannotBeRead:
    """For good, while its id can: it exists, its state is unknown before long, and it holds nothing else back."""

    def test_deleted_flows_go_all_the_same_and_its_own_runs_go_on_counting(self, tmp_path: Path) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(30)
            broken, deleted = world.simulator.engine.account.flows[:2]
            world.simulator.inject("wrong_types", path="/v1/flows", row=broken.id)
            world.simulator.inject("flow_deleted", flow=deleted.id)
            world.minutes(10)
            assert world.scraped.value("celigo_flow_enabled", flow_id=broken.id) is not None
            assert world.scraped.value("celigo_flow_enabled", flow_id=deleted.id) is None
            assert world.scraped.value("celigo_flow_runs_total", flow_id=deleted.id, status="completed") is None
            world.kill()
            world.start()
            before = world.scraped.value("celigo_flow_runs_total", flow_id=broken.id, status="completed")
            world.hours(1)
            assert world.scraped.value("celigo_flow_enabled", flow_id=broken.id) is None
            assert world.scraped.value("celigo_flow_open_errors", flow_id=broken.id) is not None
            after = world.scraped.value("celigo_flow_runs_total", flow_id=broken.id, status="completed")
            assert before is not None
            assert after is not None
            assert after > before
            assert sum(world.scraped.now("celigo_exporter_rows_rejected_total", collector="inventory").values()) > 0
            assert world.differences() == []

    def test_the_state_of_a_connection_is_unknown_when_it_is_stale_and_known_again_afterwards(
        self, tmp_path: Path
    ) -> None:
        with World(tmp_path, **SMALL) as world:
            world.minutes(3)
            broken = world.simulator.engine.account.connections[0].id
            others = {series for series in world.scraped.now("celigo_connection_online") if broken not in series}
            incident = world.simulator.inject("wrong_types", path="/v1/connections", row=broken)
            world.minutes(staleness_minutes("connections") - 2)
            assert world.scraped.value("celigo_connection_online", connection_id=broken) == 1
            world.minutes(4)
            assert set(world.scraped.now("celigo_connection_online")) == others
            world.simulator.lift(incident)
            world.minutes(2)
            assert world.scraped.value("celigo_connection_online", connection_id=broken) == 1


class TestWhatIsDeleted:
    def test_a_flow_goes_with_all_its_series_at_the_next_good_listing(self, tmp_path: Path) -> None:
        with mock.patch.object(departed, "KEPT_SECONDS", HOUR), World(tmp_path, **SMALL) as world:
            world.minutes(6)
            flow = world.simulator.engine.account.flows[0]
            assert world.scraped.value("celigo_flow_runs_total", flow_id=flow.id, status="completed") is not None
            world.simulator.inject("flow_deleted", flow=flow.id)
            world.minutes(7)
            assert not [
                series for series in world.scraped.series() if flow.id.encode() in series and b"flow_id" in series
            ]
            world.hours(1.2)
            assert not [
                series for series in world.scraped.series() if flow.id.encode() in series and b"flow_id" in series
            ]

    def test_a_flow_that_comes_back_goes_on_counting(self, tmp_path: Path) -> None:
        with World(tmp_path, **SMALL) as world:
            world.hours(1)
            flow = world.simulator.engine.account.flows[0]
            before = world.scraped.value("celigo_flow_runs_total", flow_id=flow.id, status="completed")
            world.outage(minutes=30, kind="flow_deleted", flow=flow.id)
            world.minutes(20)
            after = world.scraped.value("celigo_flow_runs_total", flow_id=flow.id, status="completed")
            assert before is not None
            assert after is not None
            assert after > before > 0
            assert world.differences() == []


class TestWhatChanges:
    def test_a_renamed_and_a_moved_flow_go_on_counting(self, tmp_path: Path) -> None:
        with World(tmp_path, **SMALL) as world:
            world.hours(1)
            account = world.simulator.engine.account
            moved, renamed = account.flows[0], account.flows[1]
            other = next(row for row in account.integrations if row.id != moved.integration_id)
            world.simulator.inject("flow_moved", flow=moved.id, integration=other.id)
            world.simulator.inject("flow_renamed", flow=renamed.id, name="Another name")
            world.hours(1)
            assert world.differences() == []
            assert world.scraped.falls("celigo_flow_runs_total") == []
            assert world.scraped.now("celigo_flow_info", flow_name="Another name")


def test_an_unreachable_account_is_down_not_unknown(tmp_path: Path) -> None:
    with World(tmp_path, **SMALL) as world:
        world.minutes(2)
        assert world.scraped.value("celigo_up") == 1
        world.outage(minutes=3)
        assert world.scraped.value("celigo_up") == 0
        world.minutes(2)
        assert world.scraped.value("celigo_up") == 1
