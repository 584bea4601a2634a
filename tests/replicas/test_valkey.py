"""Valkey is as good as Redis: the same scripts, the same words for what is wrong, an account led through kills."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config.settings import RedisSettings
from exporter.ledger.state import Counted, LedgerChange
from exporter.replicas.keys import Keys
from exporter.replicas.lease import Lease
from exporter.replicas.link import Link
from exporter.replicas.scripts import ACQUIRE, ATTEND, COMMIT, PUBLISH
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.replicas.redis_server import RedisServer, valkey_binary
from tests.replicas.test_ledger import Ledger
from tests.replicas.world import ReplicaWorld


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Valkey for all tests of this module."""
    with RedisServer(tmp_path_factory.mktemp("valkey"), binary=valkey_binary()) as held:
        yield held


@pytest.fixture
def link(valkey: RedisServer, clock: ManualClock) -> Iterator[Link]:
    """A link to it, and nothing in it."""
    valkey.client.flushall()
    held = Link(RedisSettings(valkey.url), {}, clock, lambda: int(clock.time() * 1000))
    yield held
    held.close()


def test_it_is_no_redis(valkey: RedisServer) -> None:
    assert re.fullmatch(r"valkey", str(valkey.client.info("server")["server_name"]))


def test_an_account_is_led_through_kills(valkey: RedisServer) -> None:
    valkey.client.flushall()
    with ReplicaWorld(valkey, replicas=3, flows=12, seed=4, history_seconds=3600.0) as world:
        world.minutes(5)
        for script in (COMMIT, PUBLISH):
            assert world.leader is not None
            world.leader.dies_at[script] = 1
            world.minutes(5)
        assert world.kills == 2
        assert world.settled() == []
        assert (world.fallen(), world.different, world.ageless) == ([], [], [])


def test_without_the_lease_nothing_is_written(link: Link, keys: Keys, clock: ManualClock) -> None:
    assert link.run(ACQUIRE, [keys.lease], ["a", link.stamp(), 15_000]) == 1
    ledger = Ledger(link, keys, clock)
    clock.advance(16)
    assert link.run(ACQUIRE, [keys.lease], ["b", link.stamp(), 15_000]) == 2
    ledger.commit(LedgerChange(counted={"one": Counted("flow", 1.0, 2.0)}))
    assert ledger.lost == 1
    assert Ledger(link, keys, clock, "b").state.counted == {}


def test_a_full_one_keeps_leases_and_is_called_full(
    link: Link, keys: Keys, clock: ManualClock, valkey: RedisServer
) -> None:
    link.run(ACQUIRE, [keys.lease], ["a", link.stamp(), 15_000])
    ledger = Ledger(link, keys, clock)
    valkey.client.config_set("maxmemory", "1")
    try:
        told = [keys.lease, keys.ledger, keys.served, keys.wanted]
        lease = Lease.of(link.run(ATTEND, told, ["a", link.stamp(), 15_000]))
        ledger.commit(LedgerChange(notes={"n": "t"}))
    finally:
        valkey.client.config_set("maxmemory", "0")
    assert lease.until == lease.at + 15_000
    assert (ledger.unsaved(), link.trouble) == (True, "full")


def test_its_password_is_asked_for_as_redis_does(tmp_path: Path, clock: ManualClock) -> None:
    with RedisServer(tmp_path, ["--requirepass", "hunter2-4f1c"], binary=valkey_binary()) as guarded:
        link = Link(RedisSettings(guarded.url), {}, clock)
        with pytest.raises(Away) as failure:
            link.asked(lambda client: client.ping())
        assert failure.value.trouble == "refused"
