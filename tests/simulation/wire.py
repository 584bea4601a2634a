"""A wire without sockets: the exporter's own HTTP client talks to a simulator in the same thread.

Only the socket is left out. The client's session, urllib3's reading of the body and its decompression are the real
ones, so an answer that goes wrong ends in the same `ApiError` as over a network. What costs real time there, a slow or
a silent server, moves the virtual clock on instead.
"""

import http.client
import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from exporter.simulator.messages import Request
from exporter.simulator.server import Simulator
from exporter.simulator.wire import Reply
from tests.simulation.clock import VirtualClock

Before = Callable[[requests.PreparedRequest], None]
"""Called with each request before it is answered. What it raises leaves the session as it is."""

_UNSEEN_POOL = mock.sentinel.pool


class SimulatorFailed(Exception):
    """The simulator failed on a request: a mistake of the harness, which must not look like a lost connection."""


class InProcess(BaseAdapter):
    """Answers requests from a simulator object. For one thread.

    The simulator need not be started, but its ports are bound once it exists: `stop` it in the end.
    """

    def __init__(self, simulator: Simulator, clock: VirtualClock, before: Before | None = None) -> None:
        super().__init__()
        # The simulator names its front nowhere in public; its listener is what a connection's thread asks.
        self._app = simulator._api._listener.app
        self._clock = clock
        self._before = before
        self._builder = HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer `request`; raises what requests raises for a reset and for a silence longer than the read timeout.

        Raises SimulatorFailed for a mistake of the simulator, and ValueError for a silence that nothing would end.
        """
        del stream, verify, cert, proxies
        if self._before is not None:
            self._before(request)
        reply = self._reply(request)
        self._keep_silent(reply, request, _read_timeout(timeout))
        if reply.delivery == "reset":
            aborted = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
            raise requests.exceptions.ConnectionError(aborted, request=request)
        return self._builder.build_response(request, _raw(reply, request.method or "GET"))

    def close(self) -> None:
        """Nothing is open between two requests."""

    def _reply(self, request: requests.PreparedRequest) -> Reply:
        try:
            return self._app(_received(request))
        except Exception as failure:
            raise SimulatorFailed(request.path_url) from failure

    def _keep_silent(self, reply: Reply, request: requests.PreparedRequest, timeout: float) -> None:
        silence = math.inf if reply.delivery == "hang" else reply.delay_seconds
        if silence > timeout:
            self._clock.advance(timeout)
            late = ReadTimeoutError(_UNSEEN_POOL, request.url or "", f"Read timed out. (read timeout={timeout})")
            raise requests.exceptions.ReadTimeout(late, request=request)
        self._clock.advance(silence)


@contextmanager
def in_process(simulator: Simulator, clock: VirtualClock, before: Before | None = None) -> Iterator[InProcess]:
    """Inside, every session of this process reaches `simulator.url` without a socket, and other URLs as ever."""
    adapter = InProcess(simulator, clock, before)
    prefix = simulator.url + "/"
    usual = requests.Session.get_adapter

    def chosen(session: requests.Session, url: str) -> BaseAdapter:
        return adapter if url.startswith(prefix) else usual(session, url)

    usual_proxies = requests.sessions.get_environ_proxies

    def no_proxies(url: str, no_proxy: str | None = None) -> dict[str, str]:
        # requests looks through the whole environment for each request, which would be a third of a simulated week.
        return {} if url.startswith(prefix) else usual_proxies(url, no_proxy=no_proxy)

    with (
        mock.patch.object(requests.Session, "get_adapter", chosen),
        mock.patch.object(requests.sessions, "get_environ_proxies", no_proxies),
    ):
        yield adapter


def _read_timeout(timeout: float | tuple[float | None, float | None] | None) -> float:
    read = timeout[1] if isinstance(timeout, tuple) else timeout
    return math.inf if read is None else read


def _received(request: requests.PreparedRequest) -> Request:
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    body = request.body or b""
    if not isinstance(body, bytes | str):
        raise TypeError("a request whose body is sent in pieces")
    return Request.of(
        request.method or "GET", request.path_url, headers, body.encode() if isinstance(body, str) else body
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _raw(reply: Reply, method: str) -> HTTPResponse:
    bodiless = method == "HEAD" or reply.status == 204
    return HTTPResponse(
        body=io.BytesIO() if bodiless else _body(reply),
        headers=_headers(reply),
        status=reply.status,
        version=11,
        version_string="HTTP/1.1",
        reason=http.client.responses.get(reply.status, "Unknown"),
        preload_content=False,
        request_method=method,
    )


def _headers(reply: Reply) -> HTTPHeaderDict:
    headers = HTTPHeaderDict()
    for name, value in reply.headers:
        headers.add(name, _over_the_wire(value))
    if reply.status != 204:
        headers.add("Content-Length", str(reply.content_length))
    if reply.delivery == "truncated":
        headers.add("Connection", "close")
    return headers


def _over_the_wire(value: str) -> str:
    return value if value.isascii() else value.encode("latin-1", errors="replace").decode("latin-1")


def _body(reply: Reply) -> io.BufferedIOBase:
    return io.BytesIO(reply.body) if reply.blocks is None else io.BufferedReader(_Blocks(reply.blocks()))


class _Blocks(io.RawIOBase):
    """A body that is made while it is read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is left of one block; 0 at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
