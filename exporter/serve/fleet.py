"""All accounts of one exporter and the documents made of them, whichever accounts these are by now."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self
from weakref import WeakSet

from exporter.account import CLOSE_SECONDS, AccountRuntime
from exporter.clock import Clock
from exporter.collect.workers import Executor, Workers
from exporter.collectors import COLLECTORS
from exporter.config.problem import ConfigError
from exporter.config.reloads import ReloadRecord
from exporter.config.settings import RedisSettings, Settings
from exporter.expose.blocks import OWN_COLLECTOR
from exporter.expose.build import build_info
from exporter.expose.document import Documents, Source
from exporter.expose.process_metrics import ProcessBlocks
from exporter.ledger.place import open_state
from exporter.ledger.store import StateStatus
from exporter.replicas.desk import Desk
from exporter.replicas.desk_threads import DeskThreads
from exporter.replicas.metrics import ReplicaBlocks
from exporter.serve.reload_requests import ReloadRequests
from exporter.serve.roster import Held, Roster, Rosters

SELECTABLE = (*COLLECTORS, OWN_COLLECTOR)
"""Names that `collect[]` and `exclude[]` take; the last one stands for what the exporter tells about itself."""


class Fleet:
    """Accounts at run time. Thread-safe; `change` belongs to one thread at a time.

    `desk` makes what several replicas share accounts by, when the settings ask for it.

    Raises ConfigError when an account's token cannot be read, or another process has the state file.

    `beside` are sources of more metrics, which belong to no account.

    `outlived` holds runs that took longer than a scrape could wait; it belongs to the event loop. `reloads` is what
    became of the configuration, `reload_requests` who wants it to be read anew. `roster` is replaced as a whole:
    whoever needs it twice keeps what was read first.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        workers: Callable[[str, int], Executor] = Workers,
        beside: Sequence[Source] = (),
        desk: Callable[[RedisSettings, Mapping[str, str], Clock, Callable[[str, int], Executor]], Desk] = Desk,
    ) -> None:
        self.clock = clock
        self.stopping = False
        self.outlived: WeakSet[Future[None]] = WeakSet()
        self.reloads = ReloadRecord(clock.time())
        self.reload_requests = ReloadRequests()
        self.desk = None if settings.state.redis is None else desk(settings.state.redis, environ, clock, workers)
        self._file = open_state(settings.state, [account.name for account in settings.accounts], clock)
        self._ready = False
        self._closing: list[threading.Thread] = []
        own = ProcessBlocks(build_info(), lambda: self.state, lambda: self.reloads.status, clock)
        sources = (own, *beside) if self.desk is None else (own, *beside, ReplicaBlocks(self.desk, clock))
        self._rosters = Rosters(self._file, environ, clock, sources, workers, self.desk)
        try:
            self._rosters.change(settings, None, self._put_in_place)
        except BaseException:
            self._close_state()
            raise

    @property
    def settings(self) -> Settings:
        """What the accounts run under now."""
        return self.roster.settings

    @property
    def state(self) -> StateStatus:
        """How the ledgers are kept now."""
        return self._file.status if self.desk is None else self.desk.status

    @property
    def accounts(self) -> tuple[AccountRuntime, ...]:
        """The accounts at run time now, in the order of the settings."""
        return self.roster.runtimes

    @property
    def documents(self) -> Documents:
        """What is served now."""
        return self.roster.documents

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due in every account; futures of the selected runs under way."""
        return self.roster.trigger(names)

    @property
    def ready(self) -> bool:
        """Whether every account has had a first snapshot; accounts that come later change nothing. Asks nobody."""
        self._ready = self._ready or all(account.ready for account in self.roster.accounts)
        return self._ready

    def backfill_ratios(self) -> Mapping[str, float | None]:
        """How much of each account's history has been read, 0 to 1; accounts whose history is not read are left out."""
        return {account.account.name: account.backfill for account in self.accounts if account.reads_history}

    def change(self, settings: Settings) -> None:
        """Run under `settings` from now on; accounts under the same settings as before notice nothing.

        What the others still ask is given up, and ends behind. Accounts that came or changed start what is due.
        Raises ConfigError, and then nothing changed at all.
        """
        before, self._ready = self.roster, self.ready
        if self.stopping:
            raise ConfigError("the exporter is about to end")
        if settings.state != before.settings.state:
            problem = "the state cannot be kept elsewhere while the exporter runs; restart it, or put `state` back"
            raise ConfigError(problem, source=settings.source, line=settings.state_line, key="state")
        after = self._rosters.change(settings, before, self._put_in_place)
        self._end([runtime for runtime in before.accounts if runtime not in after.accounts])
        for runtime in after.accounts:
            if runtime not in before.accounts:
                runtime.trigger()

    def stop(self) -> None:
        """Let no new request start, and waiting scrapes be answered. Returns at once; may be called by a signal."""
        self.stopping = True
        for account in self.roster.accounts:
            account.stop()

    def close(self) -> None:
        """Stop and close all accounts; takes at most about 2 s together, however many have a request that hangs."""
        self.stop()
        end = self.clock.monotonic() + CLOSE_SECONDS
        _close(self.roster.accounts, end, self.clock)
        for thread in self._closing:
            thread.join(max(0.0, end - self.clock.monotonic()))
        self._close_state()

    def attending(self) -> AbstractContextManager[object]:
        """Look after the leases of all accounts in its `with`, when several replicas share them."""
        return nullcontext() if self.desk is None else DeskThreads(self.desk, lambda: self.roster.seats)

    def _close_state(self) -> None:
        self._file.close()
        if self.desk is not None:
            self.desk.close()

    def _put_in_place(self, roster: Roster) -> None:
        self.roster: Roster = roster

    def _end(self, gone: Collection[Held]) -> None:
        for runtime in gone:
            runtime.stop()
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        if gone:
            end = self.clock.monotonic() + CLOSE_SECONDS
            thread = threading.Thread(target=_close, args=(gone, end, self.clock), name="closing", daemon=True)
            thread.start()
            self._closing.append(thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _close(runtimes: Iterable[Held], end: float, clock: Clock) -> None:
    """Close them, waiting for requests that hang until the monotonic instant `end`."""
    for runtime in runtimes:
        runtime.close(end - clock.monotonic())
