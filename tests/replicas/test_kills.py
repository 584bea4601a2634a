"""The leading replica is killed again and again: exporters, simulator and Redis as real processes.

`make prove` kills twenty times and compares with a single exporter that does the same for as long, in some twelve
minutes; `make test` kills three times.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

import pytest
import requests

from tests.e2e.processes import until
from tests.replicas.redis_server import RedisServer
from tests.replicas.running import LEASE, PROVE, Crew, Replica, simulated, state

KILLS = 20 if PROVE else 3
LIFE_SECONDS = (15.0, 45.0) if PROVE else (0.3, 1.5)
"""How long a replica leads at least and at most before it is killed."""


@pytest.fixture
def crews(tmp_path: Path) -> Iterator[tuple[Crew, Crew | None]]:
    """Three replicas on one Redis, and with `PROVE` a single one beside them, each with an account like the other's."""
    with ExitStack() as stack:
        found: list[Crew | None] = []
        for count in (3, 1) if PROVE else (3,):
            folder = tmp_path / str(count)
            server = stack.enter_context(RedisServer(folder / "redis"))
            account = stack.enter_context(simulated())
            crew = stack.enter_context(Crew(folder, account, [state(server.port)] * count, calm=PROVE))
            crew.see()
            found.append(crew)
        yield found[0], found[1] if PROVE else None  # type: ignore[misc]


def extra(crew: Crew, single: Crew) -> dict[str, int]:
    """How many more requests there were of each kind, where it is more than a few."""
    counts, others = (Counter(str(row["template"]) for row in each.requests()) for each in (crew, single))
    return {name: more for name in counts | others if abs(more := counts[name] - others[name]) > KILLS // 4}


def taken_over(crew: Crew, began: float) -> float:
    """Seconds since `began` until another one leads."""
    crew.leader()
    return time.monotonic() - began


def same_documents(crew: Crew) -> set[str]:
    """What the replicas tell of the account, each read at the same time."""
    return {requests.get(f"{each.url}/probe?account=acme", timeout=30).text for each in crew.running()}


def stop_for_longer_than_a_lease(crew: Crew) -> None:
    """A leading replica that stands still and goes on has nothing to say any more, and learns it."""
    stopped = crew.leader()
    stopped.pause()
    other = crew.leader()
    before = until(partial(newer, other, time.time()), "the other one publishes")
    stopped.resume()
    until(lambda: not stopped.look().leading, "it stands by")
    assert crew.leader() is other
    until(lambda: stopped.look().snapshot >= before, "it serves what the other one published")


def newer(replica: Replica, than: float) -> float:
    """When its newest snapshot was built, if that is newer than an instant."""
    found = replica.look().snapshot
    return found if found > than else 0.0


def lives(crew: Crew, draws: Random) -> list[float]:
    """Kill and start the leading one; how long each take-over took."""
    seconds = []
    for _ in range(KILLS):
        time.sleep(draws.uniform(*LIFE_SECONDS))  # the moment of the kill is drawn; nothing is waited for
        killed, began = crew.leader(), time.monotonic()
        killed.kill()
        seconds.append(taken_over(crew, began))
        killed.start()
        killed.watched = False  # nobody scrapes what does not listen yet
        until(partial(known, killed), "it is back")
        killed.watched = True
    return seconds


def known(replica: Replica) -> bool:
    """Whether it serves the account."""
    return replica.program.running() and replica.look().snapshot > 0.0


@pytest.mark.timeout(1500)
def test_kill_nine_of_the_leading_replica_loses_and_repeats_nothing(crews: tuple[Crew, Crew | None]) -> None:
    crew, single = crews
    asked, asked_by_single = len(crew.requests()), len(single.requests()) if single else 0
    began = time.monotonic()
    seconds = lives(crew, Random(8))
    lasted, calls = time.monotonic() - began, len(crew.requests()) - asked
    calls_of_single = len(single.requests()) - asked_by_single if single else 0
    more = extra(crew, single) if single else {}
    stop_for_longer_than_a_lease(crew)
    runs, drops, failed = crew.settle(), crew.life.drops, crew.life.failed
    until(lambda: len(same_documents(crew)) == 1, "all replicas tell the same")
    print(
        f"{KILLS} kills, {runs} runs: 0 lost, 0 double; {crew.life.scrapes} scrapes, {len(drops)} drops; taken over"
        f" after {sum(seconds) / KILLS:.1f} s, at most {max(seconds):.1f} s, lease {LEASE:.0f} s;"
        f" {calls} requests in {lasted:.0f} s, of a single replica {calls_of_single or 'not measured'}; more of {more}"
    )
    assert (drops, failed) == ([], [])
    if PROVE:
        assert max(seconds) <= 2 * LEASE
        assert runs > 500
        assert 0.9 * calls_of_single <= calls <= 1.1 * calls_of_single
