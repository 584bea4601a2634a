"""Which flow uses which connection, and what no flow uses: flow -> step -> connection (contract 3.4, 3.10, 3.12).

    celigo_flow_connection_info{connection_id="62f0",flow_id="64b2"} 1
    celigo_connection_flows{connection_id="62f0",state="enabled"} 7
    celigo_orphaned_resources{kind="export"} 3

Pure: everything is made from the views of flows, steps and connections.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, Literal

from exporter.collect.base import Block, Each, Facts, no_families
from exporter.collect.connections import ConnectionsView
from exporter.collect.counted import Counted
from exporter.collect.inventory import STATES, FlowFacts, InventoryView
from exporter.collect.step_listings import StepListing, StepsView
from exporter.expose import catalogue
from exporter.expose.families import Family, Series

ResourceKind = Literal["connection", "export", "import", "flow"]


def connections_of(flow: FlowFacts, steps: StepsView) -> tuple[str, ...]:
    """The connections that steps of the flow use, each once.

    A step that nothing is known of, or that needs no connection, adds none.
    """
    exports, imports = steps.listings
    facts = (imports.get(step_id) or exports.get(step_id) for step_id in flow.step_ids)
    return tuple(dict.fromkeys(known.connection_id for known in facts if known is not None and known.connection_id))


def flow_connections(inventory: InventoryView, steps: StepsView) -> Iterator[tuple[str, str]]:
    """Flow id and connection id for each connection that a step of the flow uses, each pair once."""
    return ((flow.id, name) for flow in inventory.flows.values() for name in connections_of(flow, steps))


class ConnectionFlows:
    """Counts the flows of each connection; used by one thread at a time.

    It remembers what it counted last: of fifty thousand flows those are counted anew that changed.
    """

    def __init__(self) -> None:
        self._steps: StepsView | None = None
        self._counts: Counted[FlowFacts, tuple[str, str]] = Counted()

    def series(self, inventory: InventoryView, steps: StepsView, connections: ConnectionsView) -> Series | None:
        """Flows by connection and state, 0 where none uses it; None unless both lists of steps are known."""
        if steps.exports is None or steps.imports is None:
            return None
        if steps != self._steps:
            self._steps, self._counts = steps, Counted()
        counts = self._counts.of(inventory.flows, lambda flow: _states(flow, steps))
        return {(name, state): float(counts[name, state]) for name in connections.connections for state in STATES}


def _states(flow: FlowFacts, steps: StepsView) -> Iterator[tuple[str, str]]:
    return ((connection_id, STATES[not flow.enabled]) for connection_id in connections_of(flow, steps))


def orphans(
    inventory: InventoryView, steps: StepsView | None, connections: ConnectionsView | None
) -> dict[ResourceKind, int]:
    """How many resources of each kind no flow uses, and how many enabled flows nothing starts.

    Nothing starts a flow that has neither a schedule nor a listener and follows no other flow: its trigger is
    `on_demand`, however often people or programs run it.

    Only what follows from complete lists has an entry: what seems unused may be used by a flow or step that was not
    listed.
    """
    if not inventory.complete:
        return {}
    found: dict[ResourceKind, int] = {}
    exports, imports = (steps.exports, steps.imports) if steps is not None else (None, None)
    used = {step_id for flow in inventory.flows.values() for step_id in flow.step_ids}
    if steps is not None and _whole(exports) and _whole(imports) and connections is not None and connections.complete:
        connected = {connection_id for _, connection_id in flow_connections(inventory, steps)}
        found["connection"] = len(connections.connections.keys() - connected)
    if exports is not None and exports.complete:
        found["export"] = _unused(exports, used)
    if imports is not None and imports.complete:
        found["import"] = _unused(imports, used)
    if inventory.listeners_known:
        found["flow"] = sum(flow.enabled and flow.trigger == "on_demand" for flow in inventory.flows.values())
    return found


def _whole(listing: StepListing | None) -> bool:
    return listing is not None and listing.complete


def _unused(listing: StepListing, used: Collection[str]) -> int:
    return sum(step_id not in used for step_id in listing.facts)


def _facts(views: Mapping[str, Any]) -> Facts:
    inventory: InventoryView = views["inventory"]
    return Facts((inventory.flows,), views["steps"])


def _row(known: tuple[FlowFacts], steps: StepsView | None) -> tuple[str, ...] | None:
    """The connections of a flow that uses any."""
    return (connections_of(known[0], steps) or None) if steps is not None else None


def flow_connection_families(rows: Mapping[str, tuple[str, ...]]) -> Iterator[Family]:
    """Topology (metric catalogue, section 2)."""
    pairs = ((flow_id, connection_id) for flow_id, row in rows.items() for connection_id in row)
    yield Family(catalogue.FLOW_CONNECTION_INFO, dict.fromkeys(pairs, 1.0))


def connection_flows_families(counted: ConnectionFlows, views: Mapping[str, Any]) -> Iterator[Family]:
    """How many flows depend on each connection (metric catalogue, section 6)."""
    inventory: InventoryView | None = views["inventory"]
    steps: StepsView | None = views["steps"]
    if inventory is not None and steps is not None:
        yield Family(catalogue.CONNECTION_FLOWS, counted.series(inventory, steps, views["connections"]) or {})


def orphans_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """What nothing uses and nothing starts (metric catalogue, section 7)."""
    counts = orphans(views["inventory"], views["steps"], views["connections"])
    yield Family(catalogue.ORPHANED_RESOURCES, {(kind,): float(number) for kind, number in counts.items()})


FLOW_CONNECTIONS_BLOCK = Block(
    "flow_connections",
    "inventory",
    ("inventory", "steps"),
    no_families,
    "standard",
    (Each("flow_id", _facts, _row, flow_connection_families),),
)


def connection_flows_block() -> Block:
    """A block of its own for each account: it remembers what it counted."""
    build = partial(connection_flows_families, ConnectionFlows())
    return Block("connection_flows", "connections", ("connections", "inventory", "steps"), build, "standard")


ORPHANS_BLOCK = Block("orphans", "inventory", ("inventory", "steps", "connections"), orphans_families, "full")
