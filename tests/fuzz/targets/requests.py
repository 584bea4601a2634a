"""Bytes on a connection to the exporter: anything that a client may send, through uvicorn to the answer."""

import asyncio
import re
from concurrent.futures import Future
from functools import cache
from typing import Any

import h11
from uvicorn.server import ServerState

from exporter.clock import SystemClock
from exporter.config.settings import Account, RateLimit, Settings, TokenSource
from exporter.expose.negotiate import accepts_gzip, choose_format
from exporter.expose.render import Format
from exporter.serve.app import build_app
from exporter.serve.fleet import Fleet
from exporter.serve.scrape import LONGEST_SECONDS, SHORTEST_SECONDS, wait_seconds
from exporter.serve.server import uvicorn_config
from exporter.web.connections import Connection
from exporter.web.front import Front
from exporter.web.protocol import GuardedProtocol
from tests.clocks import ManualClock
from tests.fuzz.target import CANARY, LOGS, Target, require

KNOWN = {200, 400, 401, 404, 405, 413, 429, 501, 503}
"""Statuses that the exporter gives. 500 is none of them."""

ACCOUNTS = ("acme", "globex")

MOST_ROUNDS = 2000
"""Turns of the loop that an input may take; a request needs a dozen."""


class Idle:
    """Takes tasks and runs none, so that no collector asks any API."""

    def submit(self, task: object) -> Future[None]:
        """Say that it is done."""
        del task
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def close(self, seconds: float) -> bool:
        """Nothing is under way."""
        del seconds
        return True


class Wire(asyncio.Transport):
    """The other end of the connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what the exporter sends."""
        self.sent += data

    def close(self) -> None:
        """The exporter ends the connection."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether it did."""
        return self.closed

    def abort(self) -> None:
        """The exporter ends the connection at once."""
        self.closed = True

    def get_write_buffer_size(self) -> int:
        """The other end reads everything at once."""
        return 0

    def pause_reading(self) -> None:
        """Nothing more comes anyway."""

    def resume_reading(self) -> None:
        """Nothing more comes anyway."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Nobody in particular is connected."""
        del name
        return default


@cache
def fleet() -> Fleet:
    """Two accounts that were never read."""
    plenty = RateLimit(300, 1000)
    accounts = tuple(
        Account(name, TokenSource(env="T"), "https://api.integrator.io", None, rate_limit=plenty) for name in ACCOUNTS
    )
    return Fleet(Settings(accounts=accounts), {"T": CANARY}, ManualClock(), lambda *_: Idle())


@cache
def front() -> Front:
    """What is between the sockets and the application, without a web configuration."""
    return Front(None, SystemClock())


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop of all inputs."""
    return asyncio.new_event_loop()


def check(held: bytes) -> None:
    """The first byte chooses: `H` a header's value, else bytes on the wire, cut in two at that place."""
    if held[:1] == b"H":
        _header(held[1:].decode("latin-1"))
        return
    cut = held[0] if held else 0
    sent, closed = loop().run_until_complete(_served(held[1 : 1 + cut], held[1 + cut :]))
    require(CANARY.encode() not in sent or CANARY.encode() in held, "the token is served")
    _judge(sent, held[1:], closed=closed)
    require(not any("Traceback" in line or "Exception" in line for line in LOGS.lines), f"a bug: {LOGS.lines}")


async def _served(*parts: bytes) -> tuple[bytes, bool]:
    """What the exporter answers until nothing moves any more, and whether it ends the connection then."""
    state, wire, closed = ServerState(), Wire(), []
    server = front()
    config = uvicorn_config(server.gate(build_app(fleet())))
    config.load()
    connection = Connection("192.0.2.1", None, wire.abort)
    protocol = GuardedProtocol(config, state, connection, server.limits, server.tally, lambda: closed.append(True))
    protocol.connection_made(wire)
    for part in parts:
        if part and not wire.closed:
            protocol.data_received(part)
        for _ in range(MOST_ROUNDS):
            await asyncio.sleep(0)
            if not state.tasks:
                break
        else:
            await asyncio.wait(state.tasks, timeout=30)
    protocol.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=30)
    require(not state.tasks and closed == [True], "a request or a connection that does not end")
    return bytes(wire.sent), wire.closed


def _judge(sent: bytes, asked: bytes, *, closed: bool) -> None:
    """Whole answers of HTTP, each of a known kind, and none that a browser would run."""
    client = h11.Connection(h11.CLIENT)
    # What was asked decides whether an answer has a body; a HEAD is taken for one only where it really begins.
    method = "HEAD" if re.match(rb"[\r\n]*HEAD ", asked) else "GET"
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(sent)
    if closed:
        client.receive_data(b"")
    if not sent:
        return
    event: Any = client.next_event()
    require(isinstance(event, h11.Response) and event.status_code in KNOWN, f"an answer of {event}")
    headers = {name.lower(): value for name, value in event.headers}
    require(b"location" not in headers and b"server" not in headers, "more than an answer")
    html = headers.get(b"content-type", b"").startswith(b"text/html")
    require(not html or b"content-security-policy" in headers, "a page without a policy")
    body = bytearray()
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    require(isinstance(event, h11.EndOfMessage), "an answer that does not end")
    require(len(body) < 1_000_000, "an answer that is too long")
    if re.match(rb"[\r\n]*(GET|HEAD) /probe[? ]", asked):
        told = [name for name in ACCOUNTS if f'account="{name}"'.encode() in body]
        require(len(told) <= 1, "one account was asked for and another one is told")


def _header(text: str) -> None:
    require(choose_format(text) in Format, "no format")
    require(isinstance(accepts_gzip(text), bool), "no encoding")
    seconds = wait_seconds(text, 0.5)
    require(SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS, f"a wait of {seconds}")


TARGET = Target(
    "requests",
    "any bytes get a whole answer of a known kind, or none; nothing breaks, nothing is run in a browser",
    check,
    words=(
        *(
            b"GET ",
            b"HEAD ",
            b"POST ",
            b"/metrics",
            b"/-/healthy",
            b"/-/ready",
            b"/-/reload",
            b"/probe?account=acme",
            b"&account=globex",
            b"/sd?shard=0/2",
            b"/",
        ),
        *(
            b"?collect[]=jobs",
            b"&exclude[]=errors",
            b"&collect%5B%5D=",
            b" HTTP/1.1\r\n",
            b" HTTP/1.0\r\n",
            b"Host: x\r\n",
            b"\r\n",
        ),
        *(b"Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n", b"Accept-Encoding: gzip;q=1\r\n"),
        *(b"X-Prometheus-Scrape-Timeout-Seconds: 10\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
        *(
            b"Expect: 100-continue\r\n",
            b"Connection: close\r\n",
            b"Upgrade: websocket\r\n",
            b"0\r\n\r\n",
            b"nan",
            b"1e999",
        ),
        *(
            b"Authorization: Basic YTpi\r\n",
            b"%00",
            b"%ff",
            b"<script>",
            b"../",
            b"http://x/metrics",
            b"*",
            CANARY.encode(),
        ),
    ),
    longest=20_000,
    quick=60,
)
