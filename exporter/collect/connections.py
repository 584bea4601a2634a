"""The connections collector: which connections exist, which are down, and what waits for them (contract 3.10).

    celigo_connection_info{agent_id="",connection_id="62f0",connection_name="ERP production",type="netsuite"} 1
    celigo_connection_online{connection_id="62f0"} 0
    celigo_connection_concurrency{connection_id="62f0"} 5
    celigo_connection_queue_messages{connection_id="62f0"} 214

A connection is never pinged: that would open a session to the customer's system.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models import Connection
from exporter.api.refresh import Refresh
from exporter.collect.base import Block, Publish
from exporter.collect.kept import Kept
from exporter.config.settings import CollectorSettings
from exporter.expose import catalogue
from exporter.expose.families import Family, known_series


class ConnectionsClient(Protocol):
    """The call of the client that the connections collector makes."""

    def connections(self, refresh: Refresh) -> Listing[Connection]:
        """Contract 3.10."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One connection.

    `queued` and `concurrency` are None where they are not served, `debug_until` where debugging was never on.
    """

    id: str
    name: str
    type: str
    online: bool
    agent_id: str = ""
    queued: int | None = None
    debug_until: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionsView:
    """Connections by id. `complete` is false when there may be some that are not among them."""

    connections: Mapping[str, ConnectionFacts] = field(default_factory=dict)
    complete: bool = False


class ConnectionsCollector:
    """Reads the connections; used by one thread at a time."""

    name = "connections"

    def __init__(self, client: ConnectionsClient, settings: CollectorSettings) -> None:
        self.settings = settings
        self._client = client
        self._kept: Kept[ConnectionFacts] = Kept(settings.lasting_seconds)

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read the listing and publish `connections`; raises ApiError."""
        listing = self._client.connections(refresh).required(Endpoint.CONNECTIONS)
        found = {row.id: _facts(row) for row in listing.rows}
        publish("connections", ConnectionsView(self._kept.merge(listing, found), listing.whole), listing.fetched_at)


def _facts(row: Connection) -> ConnectionFacts:
    queued = sum(queue.size for queue in row.queues) if row.queues is not None else row.queue_size
    return ConnectionFacts(
        id=row.id,
        name=row.name or row.id,
        type=row.type or "",
        online=not row.offline,
        agent_id=row.agent_id or "",
        queued=queued,
        debug_until=row.debug_until,
        concurrency=row.concurrency,
    )


def connections_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `connections` view (metric catalogue, section 6)."""
    view: ConnectionsView = views["connections"]
    rows = view.connections.values()
    yield Family(catalogue.CONNECTION_INFO, {(row.id, row.name, row.type, row.agent_id): 1.0 for row in rows})
    yield Family(catalogue.CONNECTION_ONLINE, {(row.id,): float(row.online) for row in rows})
    yield Family(catalogue.CONNECTION_CONCURRENCY, known_series({row.id: row.concurrency for row in rows}))
    yield Family(catalogue.CONNECTION_QUEUE_MESSAGES, known_series({row.id: row.queued for row in rows}))
    until = known_series({row.id: row.debug_until for row in rows})
    yield Family(catalogue.CONNECTION_DEBUG_UNTIL_TIMESTAMP_SECONDS, until)


CONNECTIONS_BLOCK = Block("connections", "connections", ("connections",), connections_families)
