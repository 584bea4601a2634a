"""Who a flow belongs to and what is expected of it, according to the configuration.

    celigo_flow_owner_info{flow_id="64b2",team="commerce",tier="gold"} 1
    celigo_flow_slo_freshness_seconds{flow_id="64b2",tier="gold"} 3600
    celigo_flow_last_delivery_timestamp_seconds{flow_id="64b2"} 1790841600

The first entry that matches a flow is its only one. An objective is about data that came: a record in a thousand that
failed makes no data old, so it is held against the newest delivery and not against the newest run without an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from exporter.collect.base import Block, Each, Facts, no_families
from exporter.collect.inventory import STANDALONE_NAME, FlowFacts, InventoryView
from exporter.config.patterns import compiled, matches
from exporter.config.settings import Owner
from exporter.expose import catalogue
from exporter.expose.families import Family, Value, known_series
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import NEVER, STANDALONE

_REMEMBERED_NAMES = 65_536


class Ownership:
    """The entries of the configuration. Pure and thread-safe; what a name matches is remembered."""

    def __init__(self, entries: Sequence[Owner]) -> None:
        self._entries = tuple(entries)
        places = range(len(entries) - 1, -1, -1)  # of equal keys the first entry stays
        self._flows = {entries[place].match.flow: place for place in places}
        self._integrations = {entries[place].match.integration: place for place in places}
        self._patterns = [(place, compiled(row.match.name)) for place, row in enumerate(entries) if row.match.name]
        self._named = lru_cache(_REMEMBERED_NAMES)(self._first_named)

    def owner_of(self, flow: FlowFacts, integrations: Mapping[str, str]) -> Owner | None:
        """The entry that the flow has, None when none matches; `integrations` are the account's names by id."""
        home = flow.integration_id
        name = STANDALONE_NAME if home == STANDALONE else integrations.get(home, home)
        own = (self._flows.get(flow.id), self._flows.get(flow.name))
        found = (*own, self._integrations.get(home), self._integrations.get(name))
        places = [place for place in (*found, self._named(flow.name)) if place is not None]
        return self._entries[min(places)] if places else None

    def silence_of(self, flow: FlowFacts, integrations: Mapping[str, str]) -> float | None:
        """Seconds that the flow may go without a run; None when nothing is said about it."""
        owner = self.owner_of(flow, integrations)
        return None if owner is None else owner.silence

    def _first_named(self, name: str) -> int | None:
        return next((place for place, pattern in self._patterns if matches(pattern, name)), None)


def ownership_blocks(ownership: Ownership) -> tuple[Block, Block]:
    """The blocks of these entries: who and what, and how it stands."""

    def owned(known: tuple[FlowFacts], names: Mapping[str, str]) -> tuple[Owner] | None:
        owner = ownership.owner_of(known[0], names)
        return None if owner is None else (owner,)

    def delivered(known: tuple[FlowFacts | None, FlowHistory | None], names: Mapping[str, str]) -> tuple[float] | None:
        return last_delivery(ownership, names, *known)

    return (
        Block(
            "ownership",
            "inventory",
            ("inventory",),
            no_families,
            "standard",
            (Each("flow_id", _flows, owned, ownership_families),),
        ),
        Block(
            "deliveries",
            "jobs",
            ("finished_runs", "inventory"),
            no_families,
            "standard",
            (Each("flow_id", _flows_and_runs, delivered, delivery_families),),
        ),
    )


def ownership_families(rows: Mapping[str, tuple[Owner]]) -> Iterator[Family]:
    """Families of the flows that have an entry in the configuration (metric catalogue, sections 2 and 3)."""
    held = {flow_id: owner for flow_id, (owner,) in rows.items()}
    info: dict[tuple[str, ...], Value] = {
        (flow_id, row.team, row.tier): 1.0 for flow_id, row in held.items() if row.team or row.tier
    }
    yield Family(catalogue.FLOW_OWNER_INFO, info)
    freshness: dict[tuple[str, ...], Value] = {
        (flow_id, row.tier): row.freshness for flow_id, row in held.items() if row.freshness is not None
    }
    yield Family(catalogue.FLOW_SLO_FRESHNESS_SECONDS, freshness)


def _flows(views: Mapping[str, Any]) -> Facts:
    view: InventoryView | None = views["inventory"]
    return Facts((view.flows,), view.integrations) if view is not None else Facts(({},), {})


def _flows_and_runs(views: Mapping[str, Any]) -> Facts:
    """While the inventory is unknown nobody knows which flows have an objective."""
    flows, runs = _flows(views), views["finished_runs"]
    return Facts((*flows.by_id, runs.histories), flows.common)


def last_delivery(
    ownership: Ownership, names: Mapping[str, str], flow: FlowFacts | None, history: FlowHistory | None
) -> tuple[float] | None:
    """What the freshness objective of a flow is held against, Unix seconds; None when it has none, or no delivery."""
    if flow is None or history is None or history.delivery == NEVER:
        return None
    owner = ownership.owner_of(flow, names)
    return (history.delivery,) if owner is not None and owner.freshness is not None else None


def delivery_families(rows: Mapping[str, tuple[float]]) -> Iterator[Family]:
    """The family of `last_delivery`, row by row."""
    instants = {flow_id: at for flow_id, (at,) in rows.items()}
    yield Family(catalogue.FLOW_LAST_DELIVERY_TIMESTAMP_SECONDS, known_series(instants))
