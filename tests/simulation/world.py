"""An account of weeks in seconds: simulator, exporter and scraper in one thread and one virtual time.

    with World(tmp_path, seed=7, flows=60) as world:
        world.minutes(30)                                  # a scrape a minute
        world.simulator.inject("flow_disabled", flow=world.flow("Orders"))
        world.minutes(10)
        assert world.scraped.value("celigo_flow_enabled", flow_id=...) == 0
        world.kill(); world.start()                        # as after kill -9
        world.outage(hours=2)
        world.differences()                                # against the account's own truth

Everything is real but the sockets and the time: the client with its retries, budget, cache and paging, the collectors,
the ledger and its SQLite file, the rendered document. The same seed gives the same scrapes.
"""

import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from requests import PreparedRequest

from exporter.config.settings import (
    Account,
    Collectors,
    CollectorSettings,
    ErrorsSettings,
    GovernanceSettings,
    HistorySettings,
    Profile,
    Settings,
    StateSettings,
)
from exporter.config.settings import TokenSource as Token
from exporter.expose.render import Format
from exporter.serve.fleet import Fleet
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.simulation.clock import VirtualClock
from tests.simulation.series import Scraped
from tests.simulation.truth import Truth
from tests.simulation.wire import in_process

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0

JOBS_ONLY = Collectors(
    health=CollectorSettings(enabled=False),
    errors=ErrorsSettings(enabled=False),
    connections=CollectorSettings(enabled=False),
    agents=CollectorSettings(enabled=False),
    governance=GovernanceSettings(enabled=False),
    schedules=CollectorSettings(enabled=False),
    history=HistorySettings(enabled=False),
)
"""What the counters of runs need; everything else costs time."""


class Killed(BaseException):
    """The exporter's process ended here."""


class InlineWorkers:
    """Runs tasks when told, in the thread that tells it."""

    def __init__(self, name: str, count: int) -> None:
        del name, count
        self._tasks: deque[tuple[Future[None], Callable[[], None]]] = deque()

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Keep the task for `drain`."""
        future: Future[None] = Future()
        self._tasks.append((future, task))
        return future

    def drain(self) -> None:
        """Run everything in its order."""
        while self._tasks:
            future, task = self._tasks.popleft()
            task()
            future.set_result(None)

    def close(self, seconds: float) -> bool:
        """Forget what was not begun."""
        del seconds
        self._tasks.clear()
        return True


class World:
    """Use it in `with`. `options` go to the simulator, `collectors` to the exporter's settings."""

    def __init__(
        self,
        folder: Path,
        *,
        collectors: Collectors | None = None,
        durable: bool = True,
        clock: VirtualClock | None = None,
        profile: Profile = "standard",
        **options: Any,
    ) -> None:
        self.clock = clock or VirtualClock()
        # The client draws the jitter of its retries from here.
        random.seed(options.get("seed", 1))
        values = {"flows": 60, "compress": False, "base_clock": self.clock.true, "monotonic": self.clock.monotonic}
        self.simulator = Simulator(SimulatorOptions(**{**values, **options}))
        account = Account("acme", Token(env="TOKEN"), base_url=self.simulator.url, region=None)
        state = StateSettings(str(folder / "state.db") if durable else None)
        self.settings = Settings((account,), collectors or Collectors(), state=state, profile=profile)
        self.scraped = Scraped()
        self.truth = Truth(self.simulator)
        self.fleet: Fleet | None = None
        self.kill_before_request: int | None = None
        self.kill_at_commit: int | None = None
        self.scrape_every = MINUTE
        self._workers: list[InlineWorkers] = []
        self._stack = ExitStack()
        self._begin = self._next = self.scrape_began = self.clock.true()

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        return self.clock.true() - self._begin

    def __enter__(self) -> Self:
        self._stack.callback(self.simulator.stop)
        self._stack.enter_context(in_process(self.simulator, self.clock, self._before_request))
        self._stack.callback(self.kill)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the exporter, if it is not running, on the state that is there."""
        if self.fleet is None:
            self.fleet = Fleet(self.settings, {"TOKEN": self.simulator.token}, self.clock, self._made_workers)
            self._watch_commits(self.fleet)

    def kill(self) -> None:
        """End the exporter, saving nothing; closing the file without a commit is what the kernel does."""
        fleet, self.fleet = self.fleet, None
        self._workers.clear()
        self.kill_before_request = self.kill_at_commit = None
        if fleet is not None:
            fleet.close()

    def scrape(self) -> bool:
        """One scrape now; false when the exporter does not run, or was killed in it."""
        if self.fleet is None:
            return False
        self.scrape_began = self.clock.true()
        try:
            self.truth.mark()
            self.fleet.trigger()
            for workers in self._workers:
                workers.drain()
            self.truth.mark(same=self.clock.true() == self.scrape_began)
            document = self.fleet.documents.content(None, Format.TEXT, compressed=False)
        except Killed:
            self.kill()
            return False
        self.scraped.add(self.clock.true(), document.content)
        return True

    def minutes(self, count: float, each: Callable[[], None] = lambda: None) -> None:
        """Let `count` minutes pass with a scrape every `scrape_every` seconds, after each of which `each` is called."""
        # Time that passed outside of this method (a suspended machine, a nap of the test) is over.
        self._next = max(self._next, self.clock.true())
        end = self._next + count * MINUTE
        while self._next < end:
            self._next += self.scrape_every
            late = self.clock.true() - self._next
            if late < 0:
                self.clock.advance(-late)
            if late < self.scrape_every:
                self.scrape()
                each()

    def hours(self, count: float) -> None:
        """Let hours pass, with a scrape a minute."""
        self.minutes(60 * count)

    def outage(self, *, hours: float = 0.0, minutes: float = 0.0, kind: str = "reset", **fault: Any) -> None:
        """Let the API be away for a while, with a scrape a minute."""
        incident = self.simulator.inject(kind, **fault)
        self.minutes(60 * hours + minutes)
        self.simulator.lift(incident)

    def reconfigure(self, **changes: Any) -> None:
        """Restart the exporter with other settings."""
        self.kill()
        self.settings = replace(self.settings, **changes)
        self.start()

    def differences(self) -> list[str]:
        """Where the newest counters differ from the truth; see `Truth.differences`."""
        return self.truth.differences(self.scraped)

    def flow(self, name: str) -> str:
        """The id of the flow called so."""
        return next(flow.id for flow in self.simulator.engine.account.flows if flow.name == name)

    def _made_workers(self, name: str, count: int) -> InlineWorkers:
        workers = InlineWorkers(name, count)
        self._workers.append(workers)
        return workers

    def _before_request(self, request: PreparedRequest) -> None:
        del request
        if self.kill_before_request is not None:
            self.kill_before_request -= 1
            if self.kill_before_request < 0:
                raise Killed

    def _watch_commits(self, fleet: Fleet) -> None:
        commit = getattr(fleet.state, "commit", None)
        if commit is None:
            return

        def watched(*change: Any) -> None:
            # Even numbers die before the commit, odd ones after it.
            if self.kill_at_commit is None:
                commit(*change)
                return
            self.kill_at_commit -= 2
            if self.kill_at_commit == -2:
                raise Killed
            commit(*change)
            if self.kill_at_commit == -1:
                raise Killed

        fleet.state.commit = watched  # type: ignore[attr-defined]  # a state file has it
