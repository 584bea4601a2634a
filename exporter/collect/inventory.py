"""The inventory collector: which integrations and flows exist, what they are called, and their state.

    celigo_integration_info{integration_id="63a1",integration_name="Shop to ERP"} 1
    celigo_flow_info{flow_id="64b2",flow_name="Orders",integration_id="63a1",...,trigger="scheduled"} 1
    celigo_flow_enabled{flow_id="64b2"} 1
    celigo_integration_flows{integration_id="63a1",state="disabled"} 2

Sources: contract 3.2 and 3.4.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models import Flow, Integration
from exporter.api.refresh import Refresh
from exporter.collect.base import Block, Publish
from exporter.collect.flow_steps import step_ids
from exporter.collect.kept import Kept
from exporter.config.settings import CollectorSettings
from exporter.expose import catalogue
from exporter.expose.families import Family, Series, known_series
from exporter.ledger.tally import STANDALONE

Trigger = Literal["scheduled", "chained", "on_demand", "listener"]
STATES = ("enabled", "disabled")
STANDALONE_NAME = "Standalone flows"


class InventoryClient(Protocol):
    """The calls of the client that the inventory collector makes."""

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        """Contract 3.2."""
        ...

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        """Contract 3.4."""
        ...


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """One flow. Instants are Unix seconds; `integration_id` is `none` for a standalone flow.

    `trigger` is never `listener` as long as exports are not read: only their type tells a listener from `on_demand`.
    """

    id: str
    name: str
    integration_id: str
    enabled: bool
    scheduled: bool
    trigger: Trigger
    step_ids: tuple[str, ...] = ()
    last_modified: float | None = None
    last_executed: float | None = None
    next_flow_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InventoryView:
    """Integration names by id, `none` among them when there are flows outside any, and flows by id."""

    integrations: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, FlowFacts] = field(default_factory=dict)


class InventoryCollector:
    """Reads integrations and flows; used by one thread at a time."""

    name = "inventory"

    def __init__(self, client: InventoryClient, settings: CollectorSettings) -> None:
        self.settings = settings
        self._client = client
        self._names: Kept[str] = Kept(settings.lasting_seconds)
        self._facts: Kept[FlowFacts] = Kept(settings.lasting_seconds)

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read both listings and publish `inventory`; raises ApiError when one of them failed.

        Rows that the client's cache stands in with after a failure keep their age, and count as a failure.
        """
        integrations = self._client.integrations(refresh).required(Endpoint.INTEGRATIONS)
        flows = self._client.flows(refresh).required(Endpoint.FLOWS)
        names = self._names.merge(integrations, {row.id: row.name or row.id for row in integrations.rows})
        facts = self._facts.merge(flows, {row.id: _facts(row) for row in flows.rows})
        publish("inventory", inventory_view(names, facts), min(integrations.fetched_at, flows.fetched_at))
        for failure in (integrations.failure, flows.failure):
            if failure is not None:
                raise failure


def inventory_view(names: Mapping[str, str], facts: Mapping[str, FlowFacts]) -> InventoryView:
    """Put the integrations' names and the flows together."""
    if any(flow.integration_id == STANDALONE for flow in facts.values()):
        names = {**names, STANDALONE: STANDALONE_NAME}
    return InventoryView(names, _with_chains(facts))


def _facts(flow: Flow) -> FlowFacts:
    scheduled = bool(flow.schedule) or any(generator.schedule for generator in flow.page_generators or ())
    return FlowFacts(
        id=flow.id,
        name=flow.name or flow.id,
        integration_id=flow.integration_id or STANDALONE,
        enabled=not flow.disabled,
        scheduled=scheduled,
        trigger="scheduled" if scheduled else "on_demand",
        step_ids=step_ids(flow),
        last_modified=flow.last_modified,
        last_executed=flow.last_executed_at,
        next_flow_ids=flow.run_next_flow_ids or (),
    )


def _with_chains(facts: Mapping[str, FlowFacts]) -> Mapping[str, FlowFacts]:
    """The flows with those `chained` that another one starts and no schedule does."""
    chained = {flow_id for flow in facts.values() for flow_id in flow.next_flow_ids}
    triggers: Mapping[bool, Trigger] = {True: "chained", False: "on_demand"}
    return {
        key: flow if flow.scheduled else replace(flow, trigger=triggers[key in chained]) for key, flow in facts.items()
    }


def inventory_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `inventory` view (metric catalogue, section 2)."""
    view: InventoryView = views["inventory"]
    names = view.integrations
    flows = view.flows.values()
    yield Family(catalogue.INTEGRATION_INFO, _ones(names.items()))
    yield Family(catalogue.FLOW_INFO, _ones(_labels(flow, names) for flow in flows))
    yield Family(catalogue.FLOW_ENABLED, {(flow.id,): float(flow.enabled) for flow in flows})
    yield Family(catalogue.FLOW_SCHEDULE_CONFIGURED, {(flow.id,): float(flow.scheduled) for flow in flows})
    modified = {flow.id: flow.last_modified for flow in flows}
    yield Family(catalogue.FLOW_LAST_MODIFIED_TIMESTAMP_SECONDS, known_series(modified))
    executed = {flow.id: flow.last_executed for flow in flows}
    yield Family(catalogue.FLOW_LAST_EXECUTED_TIMESTAMP_SECONDS, known_series(executed))
    yield Family(catalogue.INTEGRATION_FLOWS, _flow_counts(view))


def _ones(keys: Iterable[tuple[str, ...]]) -> Series:
    return dict.fromkeys(keys, 1.0)


def _labels(flow: FlowFacts, names: Mapping[str, str]) -> tuple[str, ...]:
    home = flow.integration_id
    return (flow.id, flow.name, home, names.get(home, home), flow.trigger)


def _flow_counts(view: InventoryView) -> Series:
    """Flows by integration and state, 0 included, also for an integration that only its flows tell of."""
    counts = Counter((flow.integration_id, STATES[not flow.enabled]) for flow in view.flows.values())
    homes = dict.fromkeys((*view.integrations, *(flow.integration_id for flow in view.flows.values())))
    return {(home, state): float(counts[home, state]) for home in homes for state in STATES}


INVENTORY_BLOCK = Block("inventory", "inventory", ("inventory",), inventory_families)
