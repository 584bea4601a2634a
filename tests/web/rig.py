"""A small application behind a `Front`, served on a real socket with deadlines that a test can wait for."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from exporter.clock import Clock, SystemClock
from exporter.serve.server import uvicorn_config
from exporter.serve.sockets import open_sockets
from exporter.web.front import Front, FrontServer
from exporter.web.limits import Limits
from tests.e2e.processes import until

BODY = b"x" * 3_000_000
"""More than the kernel takes for a client that reads nothing."""

PATIENT = Limits(handshake=60.0, headers=60.0, write=60.0, close=60.0)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """`/large` is `BODY`, `/policy` has a header of its own, everything else is one word."""
    headers = {"Content-Security-Policy": "its own"} if scope["path"] == "/policy" else {}
    content: Any = BODY if scope["path"] == "/large" else "here\n"
    await PlainTextResponse(content, headers=headers)(scope, receive, send)


@dataclass
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Served:
    """A running server."""

    port: int
    front: Front
    server: FrontServer

    def protocols(self) -> list[Any]:
        """What speaks HTTP on the connections that are open."""
        return list(self.server.server_state.connections)

    def get(
        self,
        path: str = "/",
        context: ssl.SSLContext | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection: http.client.HTTPConnection = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            if context is None
            else http.client.HTTPSConnection("localhost", self.port, timeout=60, context=context)
        )
        try:
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): text for name, text in answer.getheaders()})
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def counted(self, reason: str) -> int:
        """How often somebody was turned away for that."""
        return {str(name): count for name, count in self.front.tally.counts().items()}[reason]


def closed_by_server(client: socket.socket, within: float = 60.0) -> bool:
    """Read until the server closes; False when it does not."""
    client.settimeout(within)
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def served(
    path: Path | None = None,
    limits: Limits = PATIENT,
    clock: Clock | None = None,
    app: Callable[[Scope, Receive, Send], Any] = application,
) -> Iterator[Served]:
    """The application on a free port."""
    (listener,) = open_sockets(["127.0.0.1:0"])
    front = Front(None if path is None else str(path), clock or SystemClock(), limits)
    server = FrontServer(uvicorn_config(front.gate(app)), front)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started, "the server")
        yield Served(listener.getsockname()[1], front, server)
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
        front.close()


def quick(**changes: float) -> Limits:
    """Patient limits with a few that end soon."""
    return replace(PATIENT, **changes)  # type: ignore[arg-type]  # names and types are those of the fields


def seconds_of(action: Callable[[], object]) -> float:
    """How long `action` takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
