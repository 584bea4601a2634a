"""A Redis for all tests of the process, empty for each."""

from collections.abc import Iterator

import pytest

from exporter.account import AccountRuntime
from exporter.config.settings import RedisSettings
from exporter.replicas.keys import Keys
from exporter.replicas.link import Link
from tests.clocks import ManualClock
from tests.replicas.publishing import Replica
from tests.replicas.redis_server import RedisServer


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that is there for the whole run."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as held:
        yield held


@pytest.fixture
def server(one_server: RedisServer) -> RedisServer:
    """A Redis with nothing in it."""
    one_server.client.flushall()
    return one_server


@pytest.fixture
def clock() -> ManualClock:
    """A clock that tests move."""
    return ManualClock()


@pytest.fixture
def link(server: RedisServer, clock: ManualClock) -> Iterator[Link]:
    """A link whose leases go by the clock of the test."""
    held = Link(RedisSettings(server.url), {}, clock, lambda: int(clock.time() * 1000))
    yield held
    held.close()


@pytest.fixture
def keys() -> Keys:
    """Those of an account."""
    return Keys("celigo-exporter", "acme")


@pytest.fixture
def reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts are led, and nothing of them is read."""
    monkeypatch.setattr(AccountRuntime, "trigger", lambda *_: [])


@pytest.fixture
def leader(link: Link, keys: Keys, clock: ManualClock) -> Replica:
    """A replica that leads."""
    held = Replica(link, keys, clock, "a")
    held.lead()
    return held


@pytest.fixture
def other(link: Link, keys: Keys, clock: ManualClock) -> Replica:
    """One that stands by."""
    return Replica(link, keys, clock, "b")
