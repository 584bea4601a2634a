"""An exporter as it is served, on a real socket, before an upstream that the test holds in its hand."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import requests

from exporter.config.problem import ConfigError
from exporter.config.settings import Account, Limits, RateLimit, Settings, TokenSource, Web
from exporter.serve.app import build_app
from exporter.serve.fleet import Fleet
from exporter.serve.reload import Reloader
from exporter.serve.server import uvicorn_config
from exporter.serve.sockets import open_sockets, url_of
from exporter.web.front import Front, FrontServer
from tests.e2e.processes import until
from tests.serve.upstream import SMALL, Upstream

TOKEN = "prober-token-4f1c"
LIMITS = Limits(attempts=1, read_timeout=100.0)
SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


class ShiftedClock:
    """The machine's clock, which a test can move on."""

    def __init__(self) -> None:
        self._offset = 0.0

    def time(self) -> float:
        """Unix seconds."""
        return time.time() + self._offset

    def monotonic(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() + self._offset

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Really wait."""
        return event.wait(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move time on."""
        self._offset += seconds


@dataclass(frozen=True)
class Raw:
    """A response as it came. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Rig:
    """The exporter's address and everything behind it."""

    url: str
    fleet: Fleet
    clock: ShiftedClock
    upstreams: Sequence[Upstream]
    session: requests.Session
    wanted: "Wanted"

    @property
    def upstream(self) -> Upstream:
        """The first account's."""
        return self.upstreams[0]

    @property
    def port(self) -> int:
        """Where the exporter listens."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def get(self, path: str, **headers: str) -> requests.Response:
        """One request; underscores in header names stand for hyphens."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.session.get(self.url + path, headers=sent, timeout=60, allow_redirects=False)

    def scrape(self, query: str = "", timeout: float = 30.0) -> str:
        """The document of one scrape, which must succeed."""
        answer = self.session.get(f"{self.url}/metrics{query}", headers={SCRAPE_TIMEOUT: str(timeout)}, timeout=90)
        assert answer.status_code == 200
        return answer.text

    def raw(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Raw:
        """One request on a connection of its own, without the client library's headers and decompression."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            headers = {name.lower(): text for name, text in response.getheaders()}
            return Raw(response.status, headers, response.read())
        finally:
            connection.close()

    def reload(self, settings: Settings | None = None) -> str | None:
        """Reload, with other settings from now on; why it was rejected."""
        self.wanted.settings = settings or self.wanted.settings
        return self.fleet.reload_requests.request().result(60)

    def idle(self) -> None:
        """Wait until no collector runs, also none that no scrape waits for; starts what is due."""
        until(lambda: not self.fleet.trigger() and not self.running, "the collectors are done")

    @property
    def running(self) -> bool:
        """Whether a collector of any account runs."""
        return any(not run.done() for account in self.fleet.accounts for run in list(account._futures.values()))


@dataclass
class Wanted:
    """The settings that a reload finds; a text is why it finds none."""

    settings: Settings
    problem: str | None = None

    def load(self) -> Settings:
        """As from a file."""
        if self.problem is not None:
            raise ConfigError(self.problem, source="celigo.yml", line=3, key="accounts")
        return self.settings


@contextmanager
def served(fleet: Fleet) -> Iterator[str]:
    """The fleet's application on a free port; its URL."""
    (listener,) = open_sockets(["127.0.0.1:0"])
    front = Front(None, fleet.clock)
    server = FrontServer(uvicorn_config(front.gate(build_app(fleet))), front)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started, "the server")
        yield url_of(listener)
    finally:
        fleet.stop()
        server.should_exit = True
        thread.join(30)
        listener.close()
        front.close()


def settings_of(upstreams: Sequence[Upstream], **changes: Any) -> Settings:
    """An account for each upstream, with a budget that no test reaches."""
    plenty = RateLimit(requests_per_second=1000.0, burst=1000)
    accounts = tuple(
        Account(f"account-{number}", TokenSource(env="T"), each.url, None, rate_limit=plenty)
        for number, each in enumerate(upstreams)
    )
    return Settings(**{"accounts": accounts, "limits": LIMITS, "web": Web(), **changes})


@contextmanager
def rig(accounts: int = 1, **changes: Any) -> Iterator[Rig]:
    """An exporter of some accounts; `changes` go to its settings."""
    clock = ShiftedClock()
    with ExitStack() as stack:
        upstreams = [stack.enter_context(Upstream(SMALL)) for _ in range(accounts)]
        wanted = Wanted(settings_of(upstreams, **changes))
        fleet = stack.enter_context(Fleet(wanted.settings, {"T": TOKEN}, clock))
        stack.enter_context(Reloader(fleet, wanted.load))
        for each in upstreams:
            stack.callback(each.let_go)
        url = stack.enter_context(served(fleet))
        session = stack.enter_context(requests.Session())
        yield Rig(url, fleet, clock, upstreams, session, wanted)
