"""Redis and the leading replica in trouble at the same time, and replicas that go on alone, with real processes."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.processes import until
from tests.replicas.line import Line
from tests.replicas.redis_server import RedisServer
from tests.replicas.running import LEASE, PROVE, Crew, Replica, simulated, state


@dataclass
class Place:
    """Two replicas, each behind a line of its own."""

    server: RedisServer
    lines: list[Line]
    crew: Crew

    def pair(self) -> tuple[Replica, Replica]:
        """The one that leads and the other one."""
        self.crew.fresh("both are well")
        leader = self.crew.leader()
        (other,) = self.crew.others(leader)
        return leader, other

    def live(self, replica: Replica, seconds: float = 2.0) -> None:
        """Let `replica` tell of what happened some seconds from now."""
        end = time.time() + seconds
        until(lambda: replica.look().snapshot > end, "life goes on")


@contextmanager
def placed(folder: Path, *more: str) -> Iterator[Place]:
    """`more` are settings of `state`."""
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "redis"))
        lines = [stack.enter_context(Line(server.port)) for _ in range(2)]
        account = stack.enter_context(simulated())
        crew = stack.enter_context(Crew(folder, account, [state(line.port, *more) for line in lines]))
        crew.life.across = False
        crew.see()
        yield Place(server, lines, crew)


def alone_the_leading_replica_reads_on(folder: Path) -> str:
    """Also while another one does, when only the first is cut off."""
    with placed(folder, "alone: true") as place:
        leader, other = place.pair()
        place.server.kill()
        stood, asked = other.look().snapshot, len(place.crew.requests())
        place.live(leader, 2 * LEASE)
        assert (leader.look().leading, leader.look().persistent, other.look().leading) == (True, False, False)
        assert other.look().snapshot - stood < 1.0
        assert len(place.crew.requests()) > asked
        place.server.start()
        place.crew.fresh("back")
        assert leader.look().leading
        runs, drops = place.crew.settle(), list(place.crew.life.drops)
        # After two leases an account is left to the replica that it belongs to, which may be the other one.
        until(lambda: place.crew.leader().look().value("celigo_exporter_replicas") == 2.0, "both know of each other")
        place.live(other, 3 * LEASE)
        leader, other = place.pair()
        place.lines[place.crew.replicas.index(leader)].cut()
        until(lambda: other.look().leading and leader.look().leading, "both read")
        place.live(leader)
        place.live(other)
        place.lines[place.crew.replicas.index(leader)].mend()
        until(lambda: not leader.look().leading, "the one that was cut off stands by")
        place.crew.fresh("mended")
        assert drops == []
        return f"{runs} and {place.crew.settle()} runs"


def back_with_data_of_the_leader_before(folder: Path) -> str:
    """The one that leads now writes everything again."""
    with placed(folder) as place:
        first, second = place.pair()
        place.server.client.save()
        first.kill()
        until(lambda: second.look().leading, "it is taken over")
        place.live(second)
        place.server.kill()
        place.server.start()
        place.live(second)
        assert second.look().leading
        assert second.look().persistent
        runs = place.crew.settle()
        assert place.crew.life.drops == []
        return f"{runs} runs"


def back_with_older_data_and_nobody_who_knows_better(folder: Path) -> str:
    """Counters go back to it, and everything after that is counted once."""
    with placed(folder) as place:
        leader, other = place.pair()
        place.server.client.save()
        place.live(leader)
        leader.kill()
        place.server.kill()
        place.crew.life.forget()
        place.server.start()
        until(lambda: other.look().leading, "it is taken over")
        place.live(other)
        return f"{place.crew.settle()} runs"


def flushed_with_nobody_who_knows_better(folder: Path) -> str:
    """Counters begin anew, and everything after that is counted once."""
    with placed(folder) as place:
        leader, other = place.pair()
        place.crew.life.working.clear()
        stood_at, began = place.crew.account.freeze(), time.monotonic()
        leader.kill()
        place.server.client.flushall()
        until(lambda: other.look().leading, "it is taken over")
        place.crew.first_sight(stood_at, began, [other])
        place.crew.life.forget()
        place.crew.life.working.set()
        place.crew.account.resume()
        place.live(other)
        return f"{place.crew.settle()} runs"


def killed_both_while_runs_were_counted_in_memory_alone(folder: Path) -> str:
    """What was not saved was not served, and is read again."""
    with placed(folder) as place:
        leader, other = place.pair()
        place.server.client.config_set("appendonly", "yes")
        until(lambda: not place.server.client.info("persistence")["aof_rewrite_in_progress"], "the first file")
        place.live(leader)
        place.server.kill()
        until(lambda: not leader.look().leading, "its lease ran out")
        leader.kill()
        place.server.start("--appendonly", "yes")
        until(lambda: other.look().leading, "it is taken over")
        place.live(other)
        runs = place.crew.settle()
        assert place.crew.life.drops == []
        return f"{runs} runs"


Loss = Callable[[Path], str]
ALWAYS: tuple[Loss, ...] = (back_with_data_of_the_leader_before,)
LONG: tuple[Loss, ...] = (
    *(alone_the_leading_replica_reads_on, back_with_older_data_and_nobody_who_knows_better),
    *(flushed_with_nobody_who_knows_better, killed_both_while_runs_were_counted_in_memory_alone),
)


@pytest.mark.parametrize("loss", [*ALWAYS, *(LONG if PROVE else ())], ids=lambda each: each.__name__)
def test_no_run_is_counted_twice_and_none_lost_that_can_be_known(loss: Loss, tmp_path: Path) -> None:
    print(f"{loss.__name__}: {loss(tmp_path)} counted once")
