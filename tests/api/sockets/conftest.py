"""Servers for the socket tests, and an environment without this machine's proxies and certificates."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from exporter.clock import SystemClock
from exporter.config.settings import Limits
from tests.api.kit import Kit, kit
from tests.api.sockets.server import Conversation, RawServer

_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")

Serve = Callable[[Conversation], RawServer]
Connect = Callable[..., Kit]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes clients before servers."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    """Start a server with this conversation."""
    return lambda converse: stack.enter_context(RawServer(converse))


@pytest.fixture
def connect(stack: ExitStack) -> Connect:
    """A client of this base URL that tries once unless told otherwise."""

    def connected(url: str, *, attempts: int = 1, read: float = 20.0, size: int = 1024 * 1024) -> Kit:
        limits = Limits(attempts=attempts, read_timeout=read, connect_timeout=5.0, response_bytes=size)
        return stack.enter_context(kit(SystemClock(), base_url=url, limits=limits, uniform=lambda: 0.0))

    return connected
