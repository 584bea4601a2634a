"""Leases, counts and take-overs are looked after by threads of their own: whichever comes when, every run counts once.

`make prove` lives through 100 times 16 troubles in a random order, `make test` through 2 of them, in which something
was lost once.
"""

import os
from collections.abc import Callable
from random import Random

import pytest

from tests.replicas.redis_server import RedisServer
from tests.replicas.world import ReplicaWorld

PROVE = bool(os.environ.get("PROVE"))
SEEDS = range(1, 101) if PROVE else (3, 16)
TROUBLES = 16

Kept = dict[str, bytes]
Trouble = Callable[[ReplicaWorld, RedisServer, Kept], None]


def kept(server: RedisServer) -> Kept:
    """All that Redis has."""
    return {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}


def killed(world: ReplicaWorld, server: RedisServer, older: Kept) -> None:
    del server, older
    world.kill(world.leader or world.replicas[0])
    world.start()


def flushed(world: ReplicaWorld, server: RedisServer, older: Kept) -> None:
    del world, older
    server.client.flushall()


def back_with_older_data(world: ReplicaWorld, server: RedisServer, older: Kept) -> None:
    """What was kept is of the term before or of the one before that, as kills come in between."""
    del world
    server.client.flushall()
    for key, value in older.items():
        server.client.restore(key, 0, value)


def stopped_for_longer_than_its_lease(world: ReplicaWorld, server: RedisServer, older: Kept) -> None:
    del server, older
    (replica := world.leader or world.replicas[0]).frozen = True
    world.minutes(3)
    replica.frozen = False


def left(world: ReplicaWorld, server: RedisServer, older: Kept) -> None:
    del server, older
    if (leader := world.leader) is not None:
        leader.fleet.close()
        world.replicas.remove(leader)
        world.start()


TROUBLE: tuple[Trouble, ...] = (
    *(killed, back_with_older_data, flushed),
    *(back_with_older_data, stopped_for_longer_than_its_lease, left),
)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(600)
def test_no_run_is_lost_or_counted_twice_and_no_counter_falls(server: RedisServer, seed: int) -> None:
    draws = Random(seed)
    with ReplicaWorld(server, replicas=3, draws=draws, flows=12, seed=seed, history_seconds=3600.0) as world:
        world.minutes(10)
        for _ in range(TROUBLES):
            older = kept(server)
            world.minutes(draws.uniform(1.0, 5.0))
            trouble = draws.choice(TROUBLE)
            trouble(world, server, older)
            world.minutes(draws.uniform(3.0, 8.0))
        assert world.settled() == []
        assert world.fallen() == []
        print(
            f"seed {seed}: {TROUBLES} troubles, {world.truth.total('celigo_flow_runs_total')} runs, 0 lost, 0 double; "
            f"{len(world.scraped.at)} scrapes, no counter fell"
        )
