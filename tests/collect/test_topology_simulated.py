"""The topology of simulated accounts is what follows from the accounts themselves, and so are triggers and orphans."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from exporter.collect.connections import ConnectionsCollector, ConnectionsView
from exporter.collect.inventory import InventoryCollector, InventoryView
from exporter.collect.last_exports import LastExportsView
from exporter.collect.step_listings import StepsView
from exporter.collect.topology import ConnectionFlows, flow_connections, orphans
from exporter.config.settings import CollectorSettings, InventorySettings
from exporter.simulator.account import Account
from exporter.simulator.resources import Flow
from exporter.simulator.server import Simulator
from tests.api.kit import kit
from tests.collect.listing_client import ListingClient
from tests.collect.simulated import simulated

ACCOUNTS = [(1, 12), (5, 40), (11, 150), (42, 600)]


@dataclass(frozen=True)
class Read:
    """A simulated account and what the collectors made of it."""

    simulator: Simulator
    client: ListingClient
    inventory_collector: InventoryCollector
    connections_collector: ConnectionsCollector

    def collect(self) -> None:
        """One run of both, long enough after the one before for every list to be asked for anew."""
        self.client.clock.advance(1801)
        assert self.client.collect(self.inventory_collector) is None
        assert self.client.collect(self.connections_collector) is None

    @property
    def account(self) -> Account:
        return self.simulator.engine.account

    @property
    def inventory(self) -> InventoryView:
        view = self.client.published.views["inventory"]
        assert isinstance(view, InventoryView)
        return view

    @property
    def steps(self) -> StepsView:
        view = self.client.published.views["steps"]
        assert isinstance(view, StepsView)
        return view

    @property
    def connections(self) -> ConnectionsView:
        view = self.client.published.views["connections"]
        assert isinstance(view, ConnectionsView)
        return view


@contextmanager
def reading(seed: int, flows: int) -> Iterator[Read]:
    with simulated(seed=seed, flows=flows) as world, kit(world.clock, base_url=world.simulator.url) as api:
        client = ListingClient(clock=world.clock)
        inventory = InventoryCollector(api.client, InventorySettings(last_exports_per_run=10_000), full=True)
        yield Read(world.simulator, client, inventory, ConnectionsCollector(api.client, CollectorSettings()))


def starts(flow: Flow, chained: set[str]) -> str:
    """What starts a flow, by the account's own objects."""
    if flow.scheduled:
        return "scheduled"
    sources = [(generator.step.adaptor, generator.step.export_type) for generator in flow.generators]
    if any(adaptor in ("WebhookExport", "AS2Export") or kind == "distributed" for adaptor, kind in sources):
        return "listener"
    return "chained" if flow.id in chained else "on_demand"


def expected_triggers(account: Account) -> dict[str, str]:
    chained = {flow_id for flow in account.live_flows() for flow_id in flow.run_next}
    return {flow.id: starts(flow, chained) for flow in account.live_flows()}


def expected_pairs(account: Account) -> set[tuple[str, str]]:
    steps = ((flow, step) for flow in account.live_flows() for step in flow.steps)
    return {(flow.id, step.connection_id) for flow, step in steps if step.connection_id is not None}


def expected_blast_radius(account: Account) -> dict[tuple[str, str], float]:
    counts = Counter(
        (connection_id, "enabled" if account.flow_by_id[flow_id].enabled else "disabled")
        for flow_id, connection_id in expected_pairs(account)
    )
    return {
        (row.id, state): float(counts[row.id, state])
        for row in account.live_connections()
        for state in ("enabled", "disabled")
    }


def expected_orphans(account: Account) -> dict[str, int]:
    used = {step.id for flow in account.live_flows() for step in flow.steps}
    connected = {connection_id for _, connection_id in expected_pairs(account)}
    unused = Counter(step.kind for step in account.steps if step.id not in used)
    started = expected_triggers(account)
    return {
        "connection": sum(row.id not in connected for row in account.live_connections()),
        "export": unused["export"],
        "import": unused["import"],
        "flow": sum(flow.enabled and started[flow.id] == "on_demand" for flow in account.live_flows()),
    }


def assert_it_agrees(read: Read) -> None:
    account = read.account
    pairs = set(flow_connections(read.inventory, read.steps))
    expected = expected_pairs(account)
    print(f"{len(expected)} pairs, {len(pairs ^ expected)} differences")
    assert pairs == expected
    assert ConnectionFlows().series(read.inventory, read.steps, read.connections) == expected_blast_radius(account)
    assert {row.id: row.trigger for row in read.inventory.flows.values()} == expected_triggers(account)
    assert orphans(read.inventory, read.steps, read.connections) == expected_orphans(account)


@pytest.mark.parametrize(("seed", "flows"), ACCOUNTS)
def test_topology_triggers_and_orphans_agree_before_and_after_changes(seed: int, flows: int) -> None:
    with reading(seed, flows) as read:
        read.collect()
        assert_it_agrees(read)
        live = read.account.live_flows()
        parents = [flow for flow in live if flow.run_next]
        for flow in {row.id: row for row in (live[0], live[-1], *parents[:2])}.values():
            read.simulator.inject("flow_deleted", flow=flow.id)
        read.collect()
        assert_it_agrees(read)
        assert orphans(read.inventory, read.steps, read.connections)["export"] > 0


def test_the_accounts_hold_every_trigger() -> None:
    with reading(*ACCOUNTS[-1]) as read:
        read.collect()
        found = Counter(row.trigger for row in read.inventory.flows.values())
        print(dict(found))
        assert set(found) == {"scheduled", "listener", "chained", "on_demand"}


@pytest.mark.parametrize(("seed", "flows"), ACCOUNTS[:2])
def test_positions_are_those_of_the_delta_flows_that_ran(seed: int, flows: int) -> None:
    with reading(seed, flows) as read:
        read.collect()
        view = read.client.published.views["last_exports"]
        assert isinstance(view, LastExportsView)
        rows = [flow for flow in read.account.live_flows() if flow.is_delta and flow.last_executed_ms is not None]
        expected = {flow.id: (flow.last_executed_ms or 0) / 1000 for flow in rows}
        print(f"{len(expected)} positions")
        assert len(expected) > 1
        assert view.flows == pytest.approx(expected)
