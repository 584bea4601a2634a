"""Replicas over hours of an account: the one that leads is killed at any moment, and nothing is lost or counted twice.

`make prove` kills 20 times in a day, `make test` four times in an hour.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporter.config.settings import Collectors
from exporter.replicas.scripts import COMMIT, PUBLISH
from tests.replicas.redis_server import RedisServer
from tests.replicas.world import LEASE, Replica, ReplicaWorld

PROVE = bool(os.environ.get("PROVE"))
KILLS, HOURS = (20, 24.0) if PROVE else (4, 1.0)
EVERYTHING: dict[str, Any] = {"collectors": Collectors()}
OPTIONS: dict[str, Any] = {"flows": 16, "seed": 11, "history_seconds": 3600.0}


@pytest.fixture(autouse=True)
def no_bugs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """In the end nobody told of a bug."""
    yield
    assert [record.getMessage() for record in caplog.records if "bug" in record.getMessage()] == []


def idle(leader: Replica, world: ReplicaWorld, draws: Random) -> None:
    """Between two things."""
    del draws
    world.kill(leader)
    world.start()


def before_a_request(leader: Replica, world: ReplicaWorld, draws: Random) -> None:
    """In a run, before one of its next requests."""
    del world
    leader.dies_before_request = draws.randrange(8)


def at_a_commit(leader: Replica, world: ReplicaWorld, draws: Random) -> None:
    """Right before or right after Redis has taken a change of the ledger."""
    del world
    leader.dies_at[COMMIT] = draws.randrange(6)


def at_a_publication(leader: Replica, world: ReplicaWorld, draws: Random) -> None:
    """Right before or right after Redis has taken a snapshot."""
    del world
    leader.dies_at[PUBLISH] = draws.randrange(6)


MOMENTS = (idle, before_a_request, at_a_commit, at_a_publication)


def lived(server: RedisServer, hours: float, kills: int, replicas: int, **options: Any) -> ReplicaWorld:
    """A world with so many kills at random instants."""
    draws = Random(3)
    with ReplicaWorld(server, replicas=replicas, **{**OPTIONS, **options}) as world:
        world.minutes(10)
        for number in range(kills):
            world.minutes(draws.uniform(0.5, 1.5) * 60 * hours / kills)
            before = world.kills
            MOMENTS[number % len(MOMENTS)](world.leader or world.replicas[0], world, draws)
            world.minutes(min(5.0, 30 * hours / kills))
            assert world.kills == before + 1, "the kill did not come"
        assert world.settled() == []
        return world


@pytest.mark.timeout(3600 if PROVE else 240)
def test_nothing_is_lost_counted_twice_or_asked_again_however_often_the_leading_replica_is_killed(
    server: RedisServer,
) -> None:
    shared = lived(server, HOURS, KILLS, 3, **EVERYTHING)
    assert shared.fallen() == []
    assert (shared.different, shared.ageless) == ([], [])
    server.client.flushall()
    with ReplicaWorld(server, replicas=1, **OPTIONS, **EVERYTHING) as alone:
        alone.minutes((shared.clock.true() - shared.begun) / 60)
    ratio = shared.requests / alone.requests
    print(
        f"{shared.kills} kills of the leading one of 3 replicas in {HOURS:.0f} h: "
        f"{shared.truth.total('celigo_flow_runs_total')} runs ended, 0 lost, 0 double; "
        f"{len(shared.scraped.at)} scrapes, in none replicas told different numbers; "
        f"{shared.requests} requests, of one alone {alone.requests}"
    )
    assert 0.9 < ratio < 1.1


def test_a_leader_that_is_stopped_for_longer_than_its_lease_writes_nothing_afterwards(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=2, **OPTIONS) as world:
        world.minutes(30)
        stopped = world.leader
        assert stopped is not None
        stopped.frozen = True
        world.minutes(30)
        assert world.leader not in {None, stopped}
        written = server.client.hgetall("celigo-exporter:{acme}:ledger")
        served = server.client.hget("celigo-exporter:{acme}:served", "version")
        # It goes on where it was, believing what it believed.
        for runner in stopped.fleet.accounts[0]._runners.values():
            runner._grid.set_due(0.0)
        stopped.fleet.accounts[0].trigger()
        stopped.drain()
        stopped.fleet.roster.seats[0].publish()
        assert server.client.hgetall("celigo-exporter:{acme}:ledger") == written
        assert server.client.hget("celigo-exporter:{acme}:served", "version") == served
        stopped.frozen = False
        world.minutes(10)
        assert sum(each.leading for each in world.replicas) == 1
        assert world.settled() == []
        assert (world.fallen(), world.different, world.ageless) == ([], [], [])


def test_another_replica_leads_within_two_leases(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=3, **OPTIONS) as world:
        world.minutes(10)
        for _ in range(5):
            world.kill(world.leader)
            world.start()
            killed_at = world.clock.true()
            while world.leader is None:
                world.clock.advance(1.0)
            assert world.clock.true() - killed_at <= 2 * LEASE
            world.minutes(5)


def test_a_clean_end_hands_over_at_once(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=3, **OPTIONS) as world:
        world.minutes(10)
        leader = world.leader
        assert leader is not None
        leader.fleet.close()
        world.kill(leader)
        world.clock.advance(LEASE / 2)
        assert world.leader is not None


@pytest.mark.parametrize("lost", [True, False], ids=["everything", "the last ten minutes"])
def test_a_redis_that_lost_data_gets_it_back_from_the_leading_replica(server: RedisServer, lost: bool) -> None:
    with ReplicaWorld(server, replicas=3, **OPTIONS) as world:
        world.minutes(60)
        kept = {} if lost else {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}
        world.minutes(10)
        leader = world.leader
        server.client.flushall()
        for key, value in kept.items():
            server.client.restore(key, 0, value)
        world.minutes(10)
        assert world.leader is leader
        assert world.settled() == []
        assert (world.fallen(), world.different, world.ageless) == ([], [], [])


def test_without_the_leading_replica_lost_counters_begin_anew_and_are_not_twice_as_high(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=3, **OPTIONS) as world:
        world.minutes(60)
        server.client.flushall()
        world.kill(world.leader)
        while world.leader is None:
            world.clock.advance(1.0)
        world.truth.begin()
        world.minutes(5)
        assert world.settled() == []


def test_a_reload_goes_on_where_the_settings_before_were(server: RedisServer, tmp_path: Path) -> None:
    del tmp_path
    with ReplicaWorld(server, replicas=2, **OPTIONS) as world:
        world.minutes(30)
        requests = world.requests
        for replica in world.replicas:
            replica.fleet.change(world.changed(environment="staging"))
        world.minutes(30)
        assert world.requests < 2.2 * requests
        assert world.settled() == []
        assert b'environment="staging"' in world.replicas[0].document()


def test_a_take_over_keeps_to_the_pause_that_the_api_asked_for(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=2, **OPTIONS) as world:
        world.minutes(10)
        incident = world.simulator.inject("rate_limited", retry_after=110)
        world.clock.advance(60)
        world.scrape()
        world.simulator.lift(incident)
        asked_at, asked = world.clock.true(), world.requests
        world.kill(world.leader)
        while world.leader is None:
            world.clock.advance(1.0)
        world.scrape()
        assert world.clock.true() - asked_at > 100 or world.requests == asked
        world.minutes(5)
        assert world.settled() == []


def test_a_replica_that_leads_again_leaves_no_gap_either(server: RedisServer) -> None:
    with ReplicaWorld(server, replicas=2, **OPTIONS) as world:
        world.minutes(10)
        first = world.leader
        assert first is not None
        first.frozen = True
        world.minutes(10)
        first.frozen = False
        world.clock.advance(LEASE)
        second = world.leader
        assert second is not None
        assert second is not first
        before = series_of(second.document())
        world.kill(second)
        while world.leader is None:
            world.clock.advance(1.0)
        assert world.leader is first
        assert series_of(first.document()) >= before


def series_of(document: bytes) -> set[bytes]:
    """Names and labels of all series but those that tell of the exporter itself."""
    lines = [line for line in document.splitlines() if not line.startswith((b"#", b"celigo_exporter", b"celigo_api"))]
    return {line.rpartition(b" ")[0] for line in lines}
