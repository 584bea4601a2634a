"""One collection without a server: read here when nobody else does, else what another replica published."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.clock import SystemClock
from exporter.config.settings import RedisSettings, Settings, StateSettings
from exporter.expose.render import Format
from exporter.serve.fleet import Fleet
from exporter.serve.once import collect_once
from tests.e2e.processes import until
from tests.replicas.redis_server import RedisServer
from tests.serve.rig import TOKEN, settings_of
from tests.serve.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as held:
        yield held


@pytest.fixture
def shared(upstream: Upstream, server: RedisServer) -> Settings:
    """An account whose state is in Redis."""
    return replace(settings_of([upstream]), state=StateSettings(redis=RedisSettings(server.url, lease=2.0)))


def test_an_account_that_nobody_reads_is_read(upstream: Upstream, shared: Settings) -> None:
    document = collect_once(shared, {"T": TOKEN}, SystemClock()).decode()
    assert "celigo_up{" in document
    assert upstream.count("/v1/tokenInfo") == 1


def test_it_leaves_the_account_to_the_next_one_at_once(shared: Settings, server: RedisServer) -> None:
    collect_once(shared, {"T": TOKEN}, SystemClock())
    name = shared.accounts[0].name
    assert server.client.hget(f"celigo-exporter:{{{name}}}:lease", "owner") == b""
    assert list(server.client.scan_iter("*:replicas*")) == []


def test_an_account_that_another_replica_reads_costs_no_request(upstream: Upstream, shared: Settings) -> None:
    with Fleet(shared, {"T": TOKEN}, SystemClock()) as fleet, fleet.attending():
        fleet.trigger()
        until(lambda: fleet.ready and "celigo_up{" in document_of(fleet), "the other replica has read it")
        until(lambda: not fleet.accounts[0].busy, "nothing is under way")
        asked = len(upstream.requests)
        document = collect_once(shared, {"T": TOKEN}, SystemClock()).decode()
        assert "celigo_up{" in document
        assert upstream.count("/v1/tokenInfo") == 1
        assert len(upstream.requests) == asked


def document_of(fleet: Fleet) -> str:
    return fleet.roster.content(None, Format.TEXT, compressed=False).content.decode()
