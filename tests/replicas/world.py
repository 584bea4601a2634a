"""Several replicas on one real Redis, with one simulated account, in one thread and one virtual time.

    with ReplicaWorld(tmp_path, redis, replicas=3, seed=7, flows=24) as world:
        world.hours(1)
        world.kill(world.leader)
        world.hours(1)
        assert world.settled() == []

Scrapes go to one replica after the other, as behind a Service, and are kept as one series, as Prometheus would. Time
that passes lets every replica look after its leases, also while a run waits. Leases go by the virtual time.

What an exporter does in threads of its own follows at once here, unless `draws` decide which of them comes when.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from requests import PreparedRequest

from exporter.clock import Clock
from exporter.collect.workers import Executor
from exporter.config.settings import Account, RedisSettings, Settings, StateSettings
from exporter.config.settings import TokenSource as Token
from exporter.expose.render import Format
from exporter.replicas.desk import Desk
from exporter.replicas.lease import TICKS
from exporter.serve.fleet import Fleet
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.replicas.redis_server import RedisServer
from tests.simulation.clock import VirtualClock
from tests.simulation.series import Scraped
from tests.simulation.truth import Truth
from tests.simulation.wire import in_process
from tests.simulation.world import JOBS_ONLY, MINUTE, InlineWorkers, Killed

LEASE = 30.0


class TickingClock(VirtualClock):
    """Calls `tick` whenever `every` seconds have passed, however they pass."""

    def __init__(self, every: float) -> None:
        super().__init__()
        self.tick: Callable[[], None] = lambda: None
        self._every = every
        self._left = every
        self._inside = False

    def advance(self, seconds: float) -> None:
        """Let time pass, ticks on their way."""
        while not self._inside and seconds >= self._left:
            seconds -= self._left
            super().advance(self._left)
            self._left = self._every
            self._inside = True
            try:
                self.tick()
            finally:
                self._inside = False
        self._left -= 0.0 if self._inside else seconds
        super().advance(seconds)


class Replica:
    """One exporter. `dies_at` counts the runs of a script down, by 2: at 0 it dies before one, at 1 after it."""

    def __init__(
        self, number: int, settings: Settings, token: str, clock: VirtualClock, draws: random.Random | None = None
    ) -> None:
        self.number = number
        self._draws = draws
        self._pace = 1.0 if draws is None else draws.uniform(0.1, 0.9)
        self._aside: dict[Callable[[], None], int] = {}  # and for how many ticks each has waited
        self.workers: list[InlineWorkers] = []
        self.dies_at: dict[str, int] = {}
        self.dies_before_request: int | None = None
        self.frozen = False
        self._clock = clock
        self.fleet = Fleet(settings, {"TOKEN": token}, clock, self._made_workers, desk=self._desk)

    @property
    def leading(self) -> bool:
        """Whether it refreshes the account."""
        return any(seat.leading for seat in self.fleet.roster.seats)

    def tick(self) -> None:
        """Look after the leases. What these start is done by the next `drain`."""
        desk, seats = self.fleet.desk, self.fleet.roster.seats
        assert desk is not None
        if self._draws is None:
            desk.tick(seats)
            return
        desk.attend(seats)
        if self._draws.random() < self._pace:
            desk.exchange()
        for work, waited in list(self._aside.items()):
            self._aside[work] = waited + 1
            if waited == TICKS or self._draws.random() < self._pace:
                del self._aside[work]
                work()

    def drain(self) -> None:
        """Do what is to be done."""
        for workers in list(self.workers):
            workers.drain()

    def document(self) -> bytes:
        """What the account's target tells."""
        (group,) = self.fleet.roster.alone.values()
        group.freshen()
        return group.content(None, Format.TEXT, compressed=False).content

    def _made_workers(self, name: str, count: int) -> InlineWorkers:
        workers = InlineWorkers(name, count)
        self.workers.append(workers)
        return workers

    def _desk(
        self, settings: RedisSettings, environ: Mapping[str, str], clock: Clock, workers: Callable[[str, int], Executor]
    ) -> Desk:
        desk = Desk(
            *(settings, environ, clock, workers),
            now=lambda: int(self._clock.true() * 1000),
            aside=(lambda work: work()) if self._draws is None else lambda work: self._aside.update({work: 0}),
            owner=f"replica-{self.number}",
        )
        link = desk.place.link
        run, run_all = link.run, link.run_all
        link.run = lambda script, *args: self._mortal({script}, partial(run, script, *args))  # type: ignore[method-assign]
        link.run_all = lambda calls, **how: self._mortal(  # type: ignore[method-assign]
            {call.script for call in calls}, partial(run_all, calls, **how)
        )
        return desk

    def _mortal(self, scripts: set[str], work: Callable[[], Any]) -> Any:
        script = next((each for each in scripts if each in self.dies_at), None)
        if script is None:
            return work()
        left = self.dies_at[script]
        self.dies_at[script] = left - 2
        if left == 0:
            raise Killed
        answer = work()
        if left == 1:
            raise Killed
        return answer


class ReplicaWorld:
    """Use it in `with`. `options` go to the simulator."""

    def __init__(
        self,
        server: RedisServer,
        *,
        replicas: int = 3,
        alone: bool = False,
        collectors: Any = JOBS_ONLY,
        draws: random.Random | None = None,
        **options: Any,
    ) -> None:
        self.clock = TickingClock(LEASE / 6)
        random.seed(options.get("seed", 1))
        values = {"flows": 24, "compress": False, "base_clock": self.clock.true, "monotonic": self.clock.monotonic}
        self.simulator = Simulator(SimulatorOptions(**{**values, **options}))
        account = Account("acme", Token(env="TOKEN"), base_url=self.simulator.url, region=None)
        state = StateSettings(redis=RedisSettings(server.url, lease=LEASE, alone=alone))
        self.settings = Settings((account,), collectors, state=state)
        self.begun = self.clock.true()
        self.scraped = Scraped()
        self.truth = Truth(self.simulator)
        self.requests = 0
        self.replicas: list[Replica] = []
        self.different: list[float] = []
        self.ageless: list[float] = []
        self.kills = 0
        self._count = replicas
        self._draws = draws
        self._numbers = 0
        self._turn = 0
        self._running: Replica | None = None
        self._lives = self._life()

    def __enter__(self) -> "ReplicaWorld":
        next(self._lives)
        for _ in range(self._count):
            self.start()
        self.clock.tick = self._tick
        return self

    def __exit__(self, *_: object) -> None:
        next(self._lives, None)

    def _life(self) -> Iterator[None]:
        with in_process(self.simulator, self.clock, self._before_request):
            try:
                yield
            finally:
                self.replicas.clear()
                self.simulator.stop()

    def changed(self, **changes: Any) -> Settings:
        """The settings with other ones of the account."""
        self.settings = replace(self.settings, accounts=(replace(self.settings.accounts[0], **changes),))
        return self.settings

    @property
    def leader(self) -> Replica | None:
        """The replica that refreshes the account."""
        return next((each for each in self.replicas if each.leading), None)

    def start(self) -> Replica:
        """One replica more."""
        self._numbers += 1
        replica = Replica(self._numbers, self.settings, self.simulator.token, self.clock, self._draws)
        self.replicas.append(replica)
        return replica

    def kill(self, replica: Replica | None) -> None:
        """As SIGKILL does."""
        assert replica is not None
        self.replicas.remove(replica)
        self.kills += 1

    def minutes(self, count: float, each: Callable[[], None] = lambda: None) -> None:
        """Let minutes pass, with a scrape in each; `each` is called after it."""
        end = self.clock.true() + count * MINUTE
        while self.clock.true() < end:
            self.clock.advance(MINUTE)
            self.scrape()
            each()

    def hours(self, count: float) -> None:
        """Let hours pass."""
        self.minutes(60 * count)

    def scrape(self) -> None:
        """One scrape, of the replica whose turn it is."""
        self.truth.mark()
        self._turn += 1
        awake = [each for each in self.replicas if not each.frozen]
        replica = awake[self._turn % len(awake)]
        replica.fleet.trigger()
        # What it asks for is done at the next tick of the one that refreshes the account.
        self._each(Replica.tick)
        self._each(Replica.drain)
        self.truth.mark()
        self._each(Replica.tick)
        if replica in self.replicas and (document := replica.document()):
            self.scraped.add(self.clock.true(), document)
            self._compare(document)

    def settled(self) -> list[str]:
        """Where the newest counters differ from the truth, once everything of now was read."""
        for _ in range(4):
            self.clock.advance(MINUTE)
            self.scrape()
        for _ in range(0 if self._draws is None else 30):  # until all threads had their turn
            self.scrape()
        return self.truth.differences(self.scraped)

    def fallen(self) -> list[str]:
        """Counters of the account's runs that ever went down."""
        names = (b"celigo_flow_runs_total", b"celigo_flow_records_total", b"celigo_integration_runs_total")
        found = []
        for series, points in self.scraped.points.items():
            values = [value for _, value in points if value is not None]
            if series.startswith(names) and any(b < a for a, b in pairwise(values)):
                found.append(series.decode())
        return found

    def _compare(self, document: bytes) -> None:
        if b"\nceligo_exporter_snapshot_timestamp_seconds{" not in document:
            self.ageless.append(self.clock.true())
        documents = [document, *(replica.document() for replica in self.replicas if not replica.frozen)]
        told = {text for text in documents if text}
        if len(told) > 1:
            self.different.append(self.clock.true())

    def _tick(self) -> None:
        self._each(Replica.tick)

    def _each(self, work: Callable[[Replica], None]) -> None:
        for replica in [each for each in self.replicas if not each.frozen]:
            before, self._running = self._running, replica
            try:
                work(replica)
            except Killed:
                if before is replica:
                    raise
                self._bury(replica)
            finally:
                self._running = before

    def _bury(self, replica: Replica) -> None:
        if replica in self.replicas:
            self.kill(replica)
        self.start()

    def _before_request(self, request: PreparedRequest) -> None:
        del request
        self.requests += 1
        running = self._running
        if running is not None and running.dies_before_request is not None:
            running.dies_before_request -= 1
            if running.dies_before_request < 0:
                raise Killed
