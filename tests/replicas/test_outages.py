"""Redis in trouble, with real processes: what docs/replicas.md says of each is what can be seen.

`make prove` counts every run again after each trouble; `make test` does after the last one, of fewer.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exporter.replicas.client import TIMEOUT_SECONDS
from exporter.replicas.keys import Keys, replicas
from exporter.replicas.lease import home
from tests.e2e.processes import free_port, until
from tests.replicas.line import Line
from tests.replicas.redis_server import RedisServer
from tests.replicas.running import LEASE, LONGEST_SCRAPE, PROVE, Crew, Replica, Sight, simulated, state

SILENT_SECONDS = 3.0 if PROVE else 1.5
"""How long the API is not asked until we believe that nobody asks it: longer than the interval of what is read."""


@dataclass
class Place:
    """Two replicas behind a line of their own each, and one Redis."""

    folder: Path
    server: RedisServer
    lines: list[Line]
    crew: Crew
    notes: list[str] = field(default_factory=list)
    terms_before: list[float | None] = field(default_factory=list)

    def terms(self) -> list[float | None]:
        """How often each began to lead."""
        return [each.look().value("celigo_exporter_replica_terms_total") for each in self.crew.replicas]

    def at_home(self) -> bool:
        """Whether both know of each other and the account is led by the one that it belongs to."""
        client: Any = self.server.client
        there = {each.decode() for each in client.zrange(replicas("celigo-exporter", ["acme"]), 0, -1)}
        owner = (client.hget(Keys("celigo-exporter", "acme").lease, "owner") or b"").decode()
        return len(there) == len(self.crew.replicas) and owner == home("acme", there)

    def line_of(self, replica: Replica) -> Line:
        """The line of a replica."""
        return self.lines[self.crew.replicas.index(replica)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Both have seen the account; runs go on, and somebody scrapes."""
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "redis"))
        lines = [stack.enter_context(Line(server.port)) for _ in range(2)]
        account = stack.enter_context(simulated())
        crew = stack.enter_context(Crew(folder, account, [state(line.port) for line in lines]))
        # What was published last a replica that does not lead may not have had yet when Redis failed.
        crew.life.across = False
        crew.see()
        yield Place(folder, server, lines, crew)


@pytest.fixture(autouse=True)
def _counted_once(place: Place, request: pytest.FixtureRequest) -> Iterator[None]:
    """After each trouble all are well again, no counter ever fell, and no scrape hung."""
    life = place.crew.life
    life.slowest_seconds, before = 0.0, life.scrapes
    until(place.at_home, "the account is where it belongs, and moves no more by itself")
    place.crew.fresh("before")
    place.terms_before = place.terms()
    yield
    place.crew.fresh("afterwards")
    counted = f"{place.crew.settle()} runs counted once so far; " if PROVE else ""
    told = f"{life.scrapes - before} scrapes, the slowest {life.slowest_seconds:.2f} s; {' '.join(place.notes)}"
    place.notes.clear()
    print(f"{request.node.name}: {counted}{told}")
    assert (life.drops, life.failed) == ([], [])
    assert life.slowest_seconds < LONGEST_SCRAPE * (1 if PROVE else 2)


def fails(replica: Replica, reason: str) -> Sight:
    """Wait until a replica says that Redis fails for a reason."""
    before = replica.look().failures.get(reason, 0.0)

    def seen() -> Sight | None:
        sight = replica.look()
        return sight if sight.failures.get(reason, 0.0) > before and not sight.persistent else None

    return until(seen, f"{reason}, which makes it not persistent")


def fall_silent(place: Place, reason: str, began: float) -> None:
    """All serve what was there, the API is not asked any more, and every replica says why."""
    crew = place.crew
    for replica in crew.replicas:
        fails(replica, reason)
    until(lambda: crew.silence() > SILENT_SECONDS, "the API is left in peace")
    asked = time.monotonic() - crew.silence() - began
    sights = [replica.look() for replica in crew.replicas]
    place.notes.append(f"API asked {max(asked, 0.0):.1f} s on, lease {LEASE:.0f} s.")
    assert not any(sight.leading for sight in sights)
    behind = abs(sights[0].snapshot - sights[1].snapshot)
    place.notes.append(f"One replica is {behind:.1f} s behind.")
    until(lambda: time.time() - sights[0].snapshot > LEASE, "its age grows")
    assert [replica.look().snapshot for replica in crew.replicas] == [sight.snapshot for sight in sights]
    if PROVE:
        assert asked < LEASE + TIMEOUT_SECONDS + 0.5  # what was begun may wait for Redis as long as for an answer


def go_on(place: Place, leader: Replica) -> None:
    """The same replica leads on, and nobody else ever did."""
    place.crew.fresh("well again")
    assert leader.look().leading
    assert place.terms() == place.terms_before


def killed_and_started_again_empty(place: Place) -> None:
    began, leader = time.monotonic(), place.crew.leader()
    place.server.kill()
    fall_silent(place, "unreachable", began)
    place.server.start()
    go_on(place, leader)


def killed_and_started_again_with_what_it_kept(place: Place) -> None:
    place.server.client.config_set("appendonly", "yes")
    until(lambda: not place.server.client.info("persistence")["aof_rewrite_in_progress"], "the first file")
    place.crew.fresh("with a file")
    leader = place.crew.leader()
    place.server.kill()
    fails(leader, "unreachable")
    place.server.start("--appendonly", "yes")
    assert any(b":ledger:" in key for key in place.server.client.scan_iter())


def paused(place: Place) -> None:
    began = time.monotonic()
    place.server.pause()
    fall_silent(place, "unreachable", began)
    place.server.resume()


def full(place: Place) -> None:
    """The lease is kept, runs are counted in memory, and nothing is published."""
    leader, redis = place.crew.leader(), place.server.client
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", redis.info("memory")["used_memory"] // 2)
    fails(leader, "full")
    sights = [replica.look() for replica in place.crew.replicas]
    asked = place.crew.requests()[-1]["seq"]
    until(lambda: len(place.crew.requests(asked)) > 3 and time.time() - sights[0].snapshot > LEASE, "it reads on")
    after = [replica.look() for replica in place.crew.replicas]
    assert [sight.snapshot for sight in after] == [sight.snapshot for sight in sights]
    assert [sight.counts for sight in after] == [sight.counts for sight in sights]
    assert leader.look().leading
    redis.config_set("maxmemory", 0)
    go_on(place, leader)


def slow_by_300_ms_goes_on(place: Place) -> None:
    leader = place.crew.leader()
    before = [replica.look().failures for replica in place.crew.replicas]
    for line in place.lines:
        line.delay = 0.3
    for what in ("slow", "still slow"):
        place.crew.fresh(what)
    assert [replica.look().failures for replica in place.crew.replicas] == before
    for line in place.lines:
        line.delay = 0.0
    go_on(place, leader)


def slow_by_three_seconds_is_like_away(place: Place) -> None:
    began = time.monotonic()
    for line in place.lines:
        line.delay = 3.0
    fall_silent(place, "unreachable", began)
    for line in place.lines:
        line.delay = 0.0


def flushed_while_the_leading_replica_is_there(place: Place) -> None:
    leader = place.crew.leader()
    for _ in range(10 if PROVE else 3):
        place.server.client.flushall()
        place.crew.fresh("flushed")
    go_on(place, leader)


def back_with_data_of_some_seconds_before(place: Place) -> None:
    """What all were told since then is told on, and in Redis again."""
    leader = place.crew.leader()
    place.server.client.save()
    time_to_count = time.time() + 2.0
    until(lambda: all(each.look().snapshot > time_to_count for each in place.crew.replicas), "life goes on")
    place.server.kill()
    place.server.start()
    go_on(place, leader)


def replica_of_one_that_is_away(place: Place) -> None:
    began = time.monotonic()
    place.server.client.replicaof("127.0.0.1", free_port())
    fall_silent(place, "read_only", began)
    place.server.client.replicaof("NO", "ONE")


def replica_of_one_that_is_empty(place: Place) -> None:
    began = time.monotonic()
    with RedisServer(place.folder / "primary") as primary:
        place.server.client.replicaof("127.0.0.1", primary.port)
        fall_silent(place, "read_only", began)
        place.server.client.replicaof("NO", "ONE")


def only_the_leading_replica_is_cut_off(place: Place) -> None:
    leader = place.crew.leader()
    began = time.monotonic()
    place.line_of(leader).cut()
    (other,) = place.crew.others(leader)
    until(lambda: other.look().leading, "another one takes over")
    place.notes.append(f"taken over after {time.monotonic() - began:.1f} s.")
    until(lambda: not leader.look().leading, "it stops")
    stood = leader.look()
    until(lambda: other.look().snapshot > stood.snapshot + 2.0, "the other one goes on")
    assert (leader.look().snapshot, leader.look().persistent) == (stood.snapshot, False)
    place.line_of(leader).mend()
    place.crew.fresh("mended")
    assert not leader.look().leading
    assert other.look().leading


ALWAYS = (
    killed_and_started_again_empty,
    full,
    flushed_while_the_leading_replica_is_there,
    back_with_data_of_some_seconds_before,
    only_the_leading_replica_is_cut_off,
)
OFTEN_ENOUGH = (
    *(killed_and_started_again_with_what_it_kept, paused, slow_by_300_ms_goes_on, slow_by_three_seconds_is_like_away),
    *(replica_of_one_that_is_away, replica_of_one_that_is_empty),
)


@pytest.mark.parametrize("outage", [*ALWAYS, *(OFTEN_ENOUGH if PROVE else ())], ids=lambda each: each.__name__)
def test_what_is_said_of_it_can_be_seen(place: Place, outage: Callable[[Place], None]) -> None:
    outage(place)


def test_every_run_was_counted_once(place: Place) -> None:
    assert place.crew.settle() > 20
