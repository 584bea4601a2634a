"""Accepts connections: so many and no more, TLS with the newest certificate, and an end to every handshake."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from exporter.web.connections import Connection, Connections
from exporter.web.keeper import WebKeeper
from exporter.web.limits import HEADER_BYTES, SEND_BYTES, Limits
from exporter.web.load import WebAccess
from exporter.web.tally import Reason, Tally
from exporter.web.throttle import peer_of

_log = logging.getLogger(__name__)

_HANDSHAKE = b"\x16"
"""What every TLS client sends first."""

_PLAIN_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"this port speaks HTTPS\n"
)
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS = 0.2
"""How long nothing is accepted when the system has no more sockets."""

Protocols = Callable[[Connection, WebAccess], asyncio.Protocol]
"""Makes what speaks HTTP on a connection that is open."""


class Listener:
    """Accepts on one listening socket until it is closed. Has what uvicorn asks of a server."""

    def __init__(
        self,
        listening: socket.socket,
        keeper: WebKeeper,
        connections: Connections,
        protocols: Protocols,
        limits: Limits,
        tally: Tally,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._keeper = keeper
        self._connections = connections
        self._protocols = protocols
        self._limits = limits
        self._tally = tally
        self._opening: set[asyncio.Task[None]] = set()
        self._listening.setblocking(False)  # noqa: FBT003 - the socket's own way
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept nothing more, and give up handshakes."""
        self._accepting.cancel()
        for task in self._opening:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until what `close` began has ended."""
        await asyncio.gather(self._accepting, *self._opening, return_exceptions=True)

    async def _accept(self) -> None:
        short = False
        while True:
            try:
                client, address = await self._loop.sock_accept(self._listening)
            except OSError as failure:
                if failure.errno in _SHORTAGES:
                    if not short:
                        _log.error(
                            "no connection can be accepted", extra={"fields": {"problem": str(failure.strerror)}}
                        )
                    short = True
                # Else the client has gone again, which is nobody's trouble.
                await asyncio.sleep(_PAUSE_SECONDS if short else 0)
                continue
            short = False
            self._admit(client, peer_of(str(address[0])))
            # A queue that is never empty must not keep the loop from everything else.
            await asyncio.sleep(0)

    def _admit(self, client: socket.socket, peer: str) -> None:
        connection = Connection(peer, self._loop.time(), client.close)
        out = self._connections.admit(connection)
        if out is not None:
            self._tally.add("too_many_connections")
            out.abort()
        if out is connection:
            return
        client.setblocking(False)  # noqa: FBT003 - the socket's own way
        # The system would keep megabytes for each client that does not read.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        task = self._loop.create_task(self._open(client, connection))
        connection.abort = task.cancel
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, client: socket.socket, connection: Connection) -> None:
        """Bring a connection to the point where HTTP is spoken on it; whatever goes wrong closes it."""
        opened = False
        try:
            access = await self._keeper.current()
            if access.context is None:
                await self._loop.connect_accepted_socket(lambda: self._protocols(connection, access), client)
            else:
                await self._shake_hands(client, connection, access)
            opened = True
        except TimeoutError:
            self._tally.add("handshake_timeout")
        except _NoTls as other:
            if other.reason is not None:
                self._tally.add(other.reason)
        except OSError as failure:  # of which TLS errors are one kind
            self._tally.add("handshake_timeout" if isinstance(failure, ConnectionAbortedError) else "handshake")
        finally:
            if not opened:
                client.close()
                self._connections.discard(connection)

    async def _shake_hands(self, client: socket.socket, connection: Connection, access: WebAccess) -> None:
        began = self._loop.time()
        async with asyncio.timeout(self._limits.handshake):
            first = await _first_byte(self._loop, client)
        if not first:
            raise _NoTls(None)
        if first != _HANDSHAKE:
            _refuse(client)
            raise _NoTls("plain_http" if first.isalpha() else "handshake")
        await self._loop.connect_accepted_socket(
            lambda: self._protocols(connection, access),
            client,
            ssl=access.context,
            ssl_handshake_timeout=max(0.1, began + self._limits.handshake - self._loop.time()),
            ssl_shutdown_timeout=self._limits.close,
        )


class _NoTls(Exception):
    """The client does not speak TLS. `reason` None when it said nothing at all, as a probe of the port does."""

    def __init__(self, reason: Reason | None) -> None:
        self.reason: Reason | None = reason
        super().__init__(reason)


async def _first_byte(loop: asyncio.AbstractEventLoop, client: socket.socket) -> bytes:
    """What the client sends first, which stays there to be read; empty when it has closed."""
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(client, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(client)
    return client.recv(1, socket.MSG_PEEK)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _refuse(client: socket.socket) -> None:
    """Tell a person who forgot the s in https; what came is read, or the answer would be thrown away with it."""
    client.recv(HEADER_BYTES)
    client.send(_PLAIN_ANSWER)
    client.shutdown(socket.SHUT_WR)
