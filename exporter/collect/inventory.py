"""The inventory collector: which integrations, flows and steps exist, and their state.

Sources: contract 3.2, 3.4, 3.12 and 3.14.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Protocol, Self

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models import Flow, Integration
from exporter.api.refresh import Refresh
from exporter.changes import altered, changed_keys, kept
from exporter.collect.attempts import Attempts
from exporter.collect.base import Publish
from exporter.collect.counted import Counted
from exporter.collect.derived import Derived
from exporter.collect.flow_steps import generator_ids, step_ids
from exporter.collect.kept import Kept
from exporter.collect.last_exports import LastExports, LastExportsClient
from exporter.collect.step_listings import StepListings
from exporter.collect.steps import StepFacts, StepsClient
from exporter.collect.triggers import Trigger, delta_flows, trigger_of
from exporter.config.settings import InventorySettings
from exporter.ledger.tally import STANDALONE

STATES = ("enabled", "disabled")
STANDALONE_NAME = "Standalone flows"

_KEPT_SHARE = 1 / 3
"""Share of its interval by which a listing may be old that somebody else has asked for."""


class InventoryClient(StepsClient, LastExportsClient, Protocol):
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

    `trigger` is as far as the exports were known; `generator_ids` are those among `step_ids` that the flow begins with.
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
    generator_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InventoryView:
    """Integration names by id, `none` among them when there are flows outside any, and flows by id.

    `complete` is false when there may be flows that are not among them. `listeners_known` is false until exports were
    read: no flow can be told to be a listener by then.
    """

    integrations: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, FlowFacts] = field(default_factory=dict)
    complete: bool = False
    listeners_known: bool = False


@dataclass(frozen=True, slots=True)
class _Told:
    """What integrations and flows told last, at monotonic instant `at`."""

    names: Mapping[str, str]
    facts: Mapping[str, FlowFacts]
    complete: bool
    at: float


class InventoryCollector:
    """Reads integrations, flows and steps; used by one thread at a time. `full`: delta positions too."""

    name = "inventory"

    def __init__(self, client: InventoryClient, settings: InventorySettings, *, full: bool = False) -> None:
        self.settings = settings
        self._client = client
        self._integration_names: Derived[Integration, str] = Derived(name_of)
        self._flow_facts: Derived[Flow, FlowFacts] = Derived(flow_facts)
        self._triggers = Triggers()
        self._names: Kept[str] = Kept(settings.lasting_seconds)
        self._facts: Kept[FlowFacts] = Kept(settings.lasting_seconds)
        self._steps = StepListings(client, settings.lasting_seconds)
        self._last_exports = LastExports(client, settings.last_exports_per_run) if full else None
        self._told: _Told | None = None
        self._published: dict[str, object] = {}

    def go_on(self, before: Self) -> None:
        """Begin with the delta positions that another collector of the same account knows."""
        if self._last_exports is not None and before._last_exports is not None:
            self._last_exports.go_on(before._last_exports)

    @property
    def positions(self) -> Mapping[str, float]:
        """Up to when each delta export has read, by flow id."""
        return {} if self._last_exports is None else self._last_exports.view.flows

    def restore(self, positions: Mapping[str, float]) -> None:
        """Begin with the delta positions that another replica was told."""
        if self._last_exports is not None:
            self._last_exports.restore(positions)

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Publish `inventory`, `steps` and, if full, `last_exports`; raises the first ApiError that matters.

        Integrations and flows are published before the longer lists of steps are asked for, and again when these change
        a trigger. Rows that the client's cache stands in with after a failure keep their age, and count as a failure.
        """
        attempts = Attempts(refresh)
        with attempts.step():
            self._read_flows(refresh, publish)
        if not attempts.hopeless:
            self._steps.read(refresh, attempts)
            self._publish_inventory(publish)
        self._publish_steps(refresh, publish)
        if self._last_exports is not None:
            self._read_last_exports(self._last_exports, refresh, publish, attempts)
        attempts.finish()

    def _read_flows(self, refresh: Refresh, publish: Publish) -> None:
        # Others keep to the client's lifetime, which is nearly an interval: the inventory would be two of them old.
        refresh.kept_seconds = self.settings.interval * _KEPT_SHARE
        try:
            integrations = self._client.integrations(refresh).required(Endpoint.INTEGRATIONS)
            flows = self._client.flows(refresh).required(Endpoint.FLOWS)
        finally:
            refresh.kept_seconds = math.inf
        self._told = _Told(
            names=self._names.merge(integrations, self._integration_names.of(integrations.rows)),
            facts=self._facts.merge(flows, self._flow_facts.of(flows.rows)),
            complete=flows.whole,
            at=min(integrations.fetched_at, flows.fetched_at),
        )
        self._published.pop("inventory", None)
        self._publish_inventory(publish)
        for failure in (integrations.failure, flows.failure):
            if failure is not None:
                raise failure

    def _publish_inventory(self, publish: Publish) -> None:
        if (told := self._told) is not None:
            exports = self._steps.exports_told
            view = inventory_view(told.names, told.facts, exports, complete=told.complete, triggers=self._triggers)
            self._publish_changed(publish, "inventory", view, told.at)

    def _publish_steps(self, refresh: Refresh, publish: Publish) -> None:
        known = self._steps.view(refresh.clock.monotonic())
        if known is not None:
            self._publish_changed(publish, "steps", *known)

    def _publish_changed(self, publish: Publish, part: str, view: object, at: float) -> None:
        if self._published.get(part) != (view, at):
            self._published[part] = (view, at)
            publish(part, view, at)

    def _read_last_exports(
        self, last_exports: LastExports, refresh: Refresh, publish: Publish, attempts: Attempts
    ) -> None:
        told, exports = self._told, self._steps.exports_told
        if told is None or exports is None:
            return
        generators = {flow.id: flow.generator_ids for flow in told.facts.values()}
        if not attempts.hopeless:
            last_exports.read(refresh, delta_flows(generators, exports), attempts)
        publish("last_exports", last_exports.view, told.at)


def inventory_view(
    names: Mapping[str, str],
    facts: Mapping[str, FlowFacts],
    exports: Mapping[str, StepFacts] | None = None,
    *,
    complete: bool = False,
    triggers: "Triggers | None" = None,
) -> InventoryView:
    """Put the integrations' names and the flows together; `exports` are as told last, None while they never were."""
    if any(flow.integration_id == STANDALONE for flow in facts.values()):
        names = {**names, STANDALONE: STANDALONE_NAME}
    return InventoryView(names, (triggers or Triggers()).of(facts, exports or {}), complete, exports is not None)


def name_of(integration: Integration) -> str:
    """What it is called; its id where it has no name."""
    return integration.name or integration.id


def flow_facts(flow: Flow) -> FlowFacts:
    """What a row of the listing tells."""
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
        generator_ids=generator_ids(flow),
    )


class Triggers:
    """Works out what starts each flow; used by one thread.

    A flow of which nothing changed is not looked at and stays the same object, and all of them the same mapping.
    """

    def __init__(self) -> None:
        self._facts: Mapping[str, FlowFacts] = {}
        self._exports: Mapping[str, StepFacts] = {}
        self._followed: Counted[FlowFacts, str] = Counted()
        self._chained: frozenset[str] = frozenset()
        self._told: Mapping[str, FlowFacts] = {}

    def of(self, facts: Mapping[str, FlowFacts], exports: Mapping[str, StepFacts]) -> Mapping[str, FlowFacts]:
        """The flows with their triggers, as far as `exports` tell. Neither is to be changed afterwards."""
        chained = frozenset(self._followed.of(facts, attrgetter("next_flow_ids")))
        touched = changed_keys(self._facts, facts) | (chained ^ self._chained)
        if exports is not self._exports and exports != self._exports:
            touched |= facts.keys()
        if touched:
            before = self._told
            made = {
                key: _with_trigger(facts[key], exports, key in chained, before.get(key))
                for key in touched & facts.keys()
            }
            if facts.keys() == before.keys():
                self._told = altered(before, {key: told for key, told in made.items() if told is not before[key]})
            else:
                self._told = kept(before, {key: made[key] if key in made else before[key] for key in facts})
        self._facts, self._exports, self._chained = facts, exports, chained
        return self._told


def _with_trigger(
    flow: FlowFacts, exports: Mapping[str, StepFacts], chained: bool, before: FlowFacts | None
) -> FlowFacts:
    """The flow with what starts it; `before` itself when that says the same."""
    trigger = flow.trigger
    if not flow.scheduled:
        trigger = trigger_of(scheduled=False, exports=map(exports.get, flow.generator_ids), chained=chained)
    told = replace(flow, trigger=trigger)
    return before if told == before else told
