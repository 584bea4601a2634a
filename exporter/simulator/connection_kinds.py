"""Incidents of the token, of connections and of agents."""

from typing import Annotated

import msgspec

from exporter.simulator.incident_base import Incident, Records


class TokenRevoked(Incident, frozen=True, tag="token_revoked"):
    """Every call is 401: the token was revoked."""


class TokenExpired(Incident, frozen=True, tag="token_expired"):
    """Every call is 401: the token purged itself."""


class ConnectionOffline(Incident, frozen=True, tag="connection_offline"):
    """The connection is down; flows that use it pause and its queue grows."""

    connection: str


class ConnectionOnline(Incident, frozen=True, tag="connection_online"):
    """The connection is up, whatever it was."""

    connection: str


class ConnectionDeleted(Incident, frozen=True, tag="connection_deleted"):
    """The connection is in no list; flows that use it pause."""

    connection: str


class ConnectionQueue(Incident, frozen=True, tag="connection_queue"):
    """So many messages wait in the connection's queue, and every minute brings more."""

    connection: str
    messages: Records
    per_minute: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0


class ConnectionConcurrency(Incident, frozen=True, tag="connection_concurrency"):
    """The connection's row shows this concurrency level."""

    connection: str
    level: Annotated[int, msgspec.Meta(ge=0, le=1000)]


class AgentOffline(Incident, frozen=True, tag="agent_offline"):
    """The agent is down and so are its connections."""

    agent: str


class AgentOnline(Incident, frozen=True, tag="agent_online"):
    """The agent is up and so are its connections."""

    agent: str


TokenKind = TokenRevoked | TokenExpired
ConnectionKind = (
    ConnectionOffline
    | ConnectionOnline
    | ConnectionDeleted
    | ConnectionQueue
    | ConnectionConcurrency
    | AgentOffline
    | AgentOnline
)
