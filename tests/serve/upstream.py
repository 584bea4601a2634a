"""An upstream that does exactly what a test says: answers, refuses, or holds a request until it is let go.

It knows nothing of the contract but the shape of empty answers; the simulator is for everything else.
"""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakSet

EMPTY: Mapping[str, Any] = {
    "/v1/tokenInfo": {"_userId": "5f1a2b3c4d5e6f7081920a01"},
    "/v1/jobs/current": {"jobs": []},
    "/v1/licenseEntitlementUsage": {},
}
"""Answers of an account that has nothing; every other path is an empty list."""


SMALL: Mapping[str, Any] = {
    "/v1/integrations": [{"_id": "i1", "name": "Shop to ERP"}],
    "/v1/flows": [{"_id": "f1", "name": "Orders", "_integrationId": "i1"}],
    "/v1/connections": [{"_id": "c1", "name": "ERP", "type": "netsuite"}],
    "/v1/agents": [{"_id": "a1", "name": "warehouse", "online": True}],
}
"""What an account with one of each answers besides."""


class Upstream:
    """A server on a free port. Use it in `with`; leaving lets all held requests go."""

    def __init__(self, account: Mapping[str, Any] | None = None) -> None:
        contents = {**EMPTY, **(account or {})}
        self.answers: dict[str, tuple[int, Any]] = {path: (200, content) for path, content in contents.items()}
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self._held: dict[str, threading.Event] = {}
        self._changed = threading.Condition()  # guards requests and _held
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Base URL for a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold(self, path: str) -> None:
        """From now on requests of `path` get no answer until `let_go`."""
        with self._changed:
            self._held.setdefault(path, threading.Event())

    def let_go(self, *paths: str) -> None:
        """Answer what is held of `paths`, or of all."""
        with self._changed:
            for path in paths or tuple(self._held):
                self._held.pop(path).set()

    def count(self, path: str) -> int:
        """How many requests of `path` arrived so far."""
        with self._changed:
            return sum(asked == path for _, asked in self.requests)

    @property
    def total(self) -> int:
        """How many requests arrived so far."""
        with self._changed:
            return len(self.requests)

    def arrived(self, path: str, count: int = 1) -> None:
        """Wait until `count` requests of `path` have arrived."""
        with self._changed:
            enough = self._changed.wait_for(lambda: sum(asked == path for _, asked in self.requests) >= count, 60)
        assert enough, f"{path} was not asked for"

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Note a request, hold it if it is to be held; its answer."""
        with self._changed:
            self.requests.append((method, path))
            gate = self._held.get(path)
            self._changed.notify_all()
        if gate is not None:
            gate.wait(120)
        return self.answers.get(path, (200, []))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.let_go()
        self._server.hang_up()
        self._server.shutdown()
        self._thread.join(30)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._connections: WeakSet[socket.socket] = WeakSet()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def hang_up(self) -> None:
        """End every connection, so that no handler waits for a next request."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or the kernel waits 40 ms between them
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.upstream.tokens.append(self.headers.get("Authorization", ""))
        status, content = self.server.upstream.answer(self.command, urlsplit(self.path).path)
        body = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            # The exporter gave up on a held request.
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return
