"""The agents collector: which on-premise agents exist, and which are alive (contract 3.13).

    celigo_agent_info{agent_id="61e0",agent_name="warehouse-dc1"} 1
    celigo_agent_online{agent_id="61e0"} 1
    celigo_agent_last_heartbeat_timestamp_seconds{agent_id="61e0"} 1788000000
    celigo_agent_connections{agent_id="61e0"} 3

An account without the permission for agents has none of these, which is no failure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models_governance import Agent
from exporter.api.refresh import Refresh
from exporter.collect.base import Block, Publish
from exporter.collect.connections import ConnectionsView
from exporter.collect.kept import Kept
from exporter.collect.optional import Availability, OptionalCalls, TokenClient
from exporter.config.settings import CollectorSettings
from exporter.expose import catalogue
from exporter.expose.families import Family, known_series

HEARTBEAT_SECONDS = 600.0
"""How old the heartbeat of an agent that is online may be."""


class AgentsClient(TokenClient, Protocol):
    """The calls of the client that the agents collector makes."""

    def agents(self, refresh: Refresh) -> Listing[Agent]:
        """Contract 3.13."""
        ...

    def server_now(self) -> float:
        """Unix seconds by the server's clock."""
        ...


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One agent. `online` and `last_heartbeat` (Unix seconds) are None where the API does not tell."""

    id: str
    name: str
    online: bool | None = None
    last_heartbeat: float | None = None


@dataclass(frozen=True, slots=True)
class AgentsView:
    """Agents by id."""

    agents: Mapping[str, AgentFacts] = field(default_factory=dict)


class AgentsCollector:
    """Reads the agents; used by one thread at a time."""

    name = "agents"

    def __init__(self, client: AgentsClient, settings: CollectorSettings, availability: Availability) -> None:
        self.settings = settings
        self._client = client
        self._availability = availability
        self._kept: Kept[Agent] = Kept(settings.lasting_seconds)
        self._agents: Mapping[str, Agent] = {}
        self._read_at: float | None = None

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read the listing and publish `agents`; raises ApiError.

        What was read before is published again, as old as it is, when there is nothing newer: heartbeats grow old
        meanwhile, and an agent must not stay online because its listing fails.
        """
        calls = OptionalCalls(self._availability, self._client, refresh)
        try:
            calls.ask(Endpoint.AGENTS, lambda: self._read(refresh))
        finally:
            if self._read_at is not None:
                now = self._client.server_now()
                publish(
                    "agents", AgentsView({key: _facts(row, now) for key, row in self._agents.items()}), self._read_at
                )

    def _read(self, refresh: Refresh) -> None:
        listing = self._client.agents(refresh).required(Endpoint.AGENTS)
        self._agents = self._kept.merge(listing, {row.id: row for row in listing.rows})
        self._read_at = listing.fetched_at


def _facts(row: Agent, now: float) -> AgentFacts:
    return AgentFacts(row.id, row.name or row.id, is_online(row, now), row.last_heartbeat_at)


def is_online(row: Agent, now: float) -> bool | None:
    """The rule of contract 3.13 at server instant `now`; None when the agent tells nothing of itself."""
    if row.online is not None:
        return row.online
    if row.last_heartbeat_at is not None:
        return now - row.last_heartbeat_at <= HEARTBEAT_SECONDS
    return None if row.offline is None else not row.offline


def agents_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `agents` view (metric catalogue, section 6); connections are counted when they are known."""
    view: AgentsView = views["agents"]
    connections: ConnectionsView | None = views["connections"]
    rows = view.agents.values()
    yield Family(catalogue.AGENT_INFO, {(row.id, row.name): 1.0 for row in rows})
    yield Family(catalogue.AGENT_ONLINE, known_series({row.id: row.online for row in rows}))
    heartbeats = known_series({row.id: row.last_heartbeat for row in rows})
    yield Family(catalogue.AGENT_LAST_HEARTBEAT_TIMESTAMP_SECONDS, heartbeats)
    if connections is not None:
        counts = Counter(row.agent_id for row in connections.connections.values())
        yield Family(catalogue.AGENT_CONNECTIONS, {(row.id,): float(counts[row.id]) for row in rows})


AGENTS_BLOCK = Block("agents", "agents", ("agents", "connections"), agents_families)
