"""HTTP/1.1 of one connection, with an end to everything that a client can leave unfinished."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from exporter.web.connections import Connection
from exporter.web.limits import Limits
from exporter.web.tally import Tally
from exporter.web.tls import has_allowed_name

_Awaited = Literal["headers", "write", "close", "end"]


class GuardedProtocol(H11Protocol):
    """uvicorn's protocol with deadlines. `closed` is called once when the connection is gone."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        connection: Connection,
        limits: Limits,
        tally: Tally,
        closed: Callable[[], None],
        client_names: Sequence[str] = (),
    ) -> None:
        super().__init__(config, server_state, {})
        self.timeout_keep_alive = limits.idle
        self._connection = connection
        self._limits = limits
        self._tally = tally
        self._closed = closed
        self._client_names = client_names
        self._refused = False
        self._written: RequestResponseCycle | None = None
        self._timers: dict[_Awaited, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, unless the client's certificate has none of the names."""
        super().connection_made(transport)
        self._connection.abort = transport.abort
        if self._client_names and not has_allowed_name(transport.get_extra_info("peercert"), self._client_names):
            self._tally.add("client_name")
            self._refused = True
            transport.abort()
            return
        self._await("headers", self._limits.headers)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see what is awaited now."""
        if self._refused:
            return
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        """The answer is handed over, though perhaps not read yet."""
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        """The client reads slower than it is written to."""
        super().pause_writing()
        self._connection.waits_since = self.loop.time()
        self._await("write", self._limits.write)

    def resume_writing(self) -> None:
        """The client has read on."""
        super().resume_writing()
        if self._answering:
            self._connection.waits_since = None

    def timeout_keep_alive_handler(self) -> None:
        """No further request has come."""
        super().timeout_keep_alive_handler()
        self._settle()

    def send_400_response(self, msg: str) -> None:
        """Say that this was no HTTP, unless an answer to what came before has begun: then only the end is left."""
        self._tally.add("bad_request")
        if not self._answering and self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            return
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything is over."""
        for name in list(self._timers):
            self._forget(name)
        super().connection_lost(exc)
        self._closed()

    def _settle(self) -> None:
        """See what is awaited now."""
        if self.transport.is_closing():
            self._await("close", self._limits.close)
        elif self._answering:
            self._connection.waits_since = None
            self._forget("headers")
            if self.cycle is not self._written:  # whoever asks again has read the answer before
                self._written = self.cycle
                self._forget("write")
        else:
            if self._connection.waits_since is None:
                self._connection.waits_since = self.loop.time()
            if self.transport.get_write_buffer_size():
                self._await("write", self._limits.write)
            if self.conn.trailing_data[0]:
                self._await("headers", self._limits.headers)

    @property
    def _answering(self) -> bool:
        # uvicorn has no cycle before the first request, whatever its annotation says.
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await(self, what: _Awaited, seconds: float) -> None:
        """Have an end to `what` in `seconds`, unless it has one."""
        if what not in self._timers:
            self._timers[what] = self.loop.call_later(seconds, self._over, what)

    def _forget(self, *what: _Awaited) -> None:
        for each in what:
            timer = self._timers.pop(each, None)
            if timer is not None:
                timer.cancel()

    def _over(self, what: _Awaited) -> None:
        del self._timers[what]
        if what == "end" and self._answering and not self.flow.write_paused:
            return  # the client waits for us, not we for it
        if what == "write" and not self.transport.get_write_buffer_size():
            return  # all of it was read after all
        if what == "headers":
            self._tally.add("header_timeout")
        if what == "write":
            self._tally.add("write_timeout")
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends: close when nothing is being answered. A client that does not notice gets no longer."""
        if not self.transport.is_closing() and self.conn.our_state is not h11.ERROR:
            super().shutdown()
        self._await("end", self._limits.end)
