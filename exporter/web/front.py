"""Everything between the sockets and the application, put together, and the uvicorn server that uses it."""

import resource
import socket

import uvicorn
from starlette.types import ASGIApp

from exporter.clock import Clock
from exporter.web.connections import Connection, Connections
from exporter.web.gate import Gate
from exporter.web.keeper import WebKeeper
from exporter.web.limits import Limits
from exporter.web.listener import Listener
from exporter.web.load import WebAccess
from exporter.web.passwords import Passwords
from exporter.web.protocol import GuardedProtocol
from exporter.web.tally import Tally


class Front:
    """Access to one server. `path` is the web configuration file. Raises ConfigError when that is bad."""

    def __init__(self, path: str | None, clock: Clock, limits: Limits | None = None) -> None:
        self.keeper = WebKeeper(path, clock)
        self.tally = Tally()
        self.limits = Limits() if limits is None else limits
        self._clock = clock
        self._passwords = Passwords(clock)

    @property
    def scheme(self) -> str:
        """`https` or `http`; it stays what it was at the start."""
        return "http" if self.keeper.access.context is None else "https"

    def gate(self, app: ASGIApp) -> Gate:
        """`app` behind the passwords."""
        return Gate(app, self.keeper, self._passwords, self.tally, self._clock)

    def close(self) -> None:
        """Look at no further password."""
        self._passwords.close()


class FrontServer(uvicorn.Server):
    """A uvicorn server behind a `Front`; `connections` are those that are open, handshakes included."""

    def __init__(self, config: uvicorn.Config, front: Front) -> None:
        super().__init__(config)
        self._front = front
        most = min(front.limits.connections, _files() // 2)
        self.connections = Connections(most, min(front.limits.per_peer, most))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections; the sockets listen already."""
        if not self.config.loaded:
            self.config.load()
        front = self._front
        listeners = [
            Listener(each, front.keeper, self.connections, self._protocol, front.limits, front.tally)
            for each in sockets or ()
        ]
        # A listener has what uvicorn asks of a server: `close` and `wait_closed`.
        self.servers = listeners  # type: ignore[assignment]
        self.started = True

    def _protocol(self, connection: Connection, access: WebAccess) -> GuardedProtocol:
        tls = access.config.tls
        return GuardedProtocol(
            self.config,
            self.server_state,
            connection,
            self._front.limits,
            self._front.tally,
            lambda: self.connections.discard(connection),
            () if tls is None else tls.client_allowed_sans,
        )


def _files() -> int:
    """How many files and sockets this process may have open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
