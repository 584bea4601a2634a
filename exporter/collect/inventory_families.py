"""Families made from the inventory (metric catalogue, section 2).

celigo_integration_info{integration_id="63a1",integration_name="Shop to ERP"} 1
celigo_flow_info{flow_id="64b2",flow_name="Orders",integration_id="63a1",...,trigger="scheduled"} 1
celigo_flow_enabled{flow_id="64b2"} 1
celigo_integration_flows{integration_id="63a1",state="disabled"} 2
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from exporter.collect.base import Block, Each, Facts
from exporter.collect.counted import Counted
from exporter.collect.inventory import STATES, FlowFacts, InventoryView
from exporter.expose import catalogue
from exporter.expose.families import Family, Series, known_series


def inventory_families(counted: Counted[FlowFacts, tuple[str, str]], views: Mapping[str, Any]) -> Iterator[Family]:
    """What of the `inventory` view is about integrations (metric catalogue, section 2)."""
    view: InventoryView = views["inventory"]
    yield Family(catalogue.INTEGRATION_INFO, _ones(view.integrations.items()))
    yield Family(catalogue.INTEGRATION_FLOWS, _flow_counts(view, counted))


def _facts(views: Mapping[str, Any]) -> Facts:
    view: InventoryView = views["inventory"]
    return Facts((view.flows,), view.integrations)


def _row(known: tuple[FlowFacts], names: Mapping[str, str]) -> tuple[FlowFacts, str]:
    """A flow, and the name of its integration."""
    (flow,) = known
    return flow, names.get(flow.integration_id, flow.integration_id)


def flow_families(rows: Mapping[str, tuple[FlowFacts, str]]) -> Iterator[Family]:
    """Families about each flow (metric catalogue, section 2)."""
    flows = [flow for flow, _ in rows.values()]
    yield Family(catalogue.FLOW_INFO, _ones(_labels(flow, home) for flow, home in rows.values()))
    yield Family(catalogue.FLOW_ENABLED, {(flow.id,): float(flow.enabled) for flow in flows})
    yield Family(catalogue.FLOW_SCHEDULE_CONFIGURED, {(flow.id,): float(flow.scheduled) for flow in flows})
    modified = {flow.id: flow.last_modified for flow in flows}
    yield Family(catalogue.FLOW_LAST_MODIFIED_TIMESTAMP_SECONDS, known_series(modified))
    executed = {flow.id: flow.last_executed for flow in flows}
    yield Family(catalogue.FLOW_LAST_EXECUTED_TIMESTAMP_SECONDS, known_series(executed))


def _ones(keys: Iterable[tuple[str, ...]]) -> Series:
    return dict.fromkeys(keys, 1.0)


def _labels(flow: FlowFacts, home: str) -> tuple[str, ...]:
    return (flow.id, flow.name, flow.integration_id, home, flow.trigger)


def _flow_counts(view: InventoryView, counted: Counted[FlowFacts, tuple[str, str]]) -> Series:
    """Flows by integration and state, 0 included, also for an integration that only its flows tell of."""
    counts = counted.of(view.flows, lambda flow: ((flow.integration_id, STATES[not flow.enabled]),))
    homes = dict.fromkeys((*view.integrations, *sorted(home for home, _ in counts)))
    return {(home, state): float(counts[home, state]) for home in homes for state in STATES}


def inventory_block() -> Block:
    """A block of its own for each account: it remembers what it counted."""
    each = Each("flow_id", _facts, _row, flow_families)
    return Block("inventory", "inventory", ("inventory",), partial(inventory_families, Counted()), each=(each,))
