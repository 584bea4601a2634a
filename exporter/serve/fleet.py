"""All accounts of one exporter and the documents made of them."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Self
from weakref import WeakSet

from exporter.account import CLOSE_SECONDS, AccountRuntime
from exporter.api.token import TokenUnreadable
from exporter.clock import Clock
from exporter.collect.workers import Executor, Workers
from exporter.collectors import COLLECTORS
from exporter.config.problem import ConfigError
from exporter.config.settings import Settings
from exporter.expose.build import build_info
from exporter.expose.document import Documents
from exporter.expose.process_metrics import ProcessBlocks
from exporter.expose.snapshot import OWN_COLLECTOR
from exporter.ledger.place import open_state

SELECTABLE = (*COLLECTORS, OWN_COLLECTOR)
"""Names that `collect[]` and `exclude[]` take; the last one stands for what the exporter tells about itself."""


class Fleet:
    """Accounts at run time. Thread-safe.

    Raises ConfigError when an account's token cannot be read, or another process has the state file.

    `outlived` holds runs that took longer than a scrape could wait; it belongs to the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        workers: Callable[[str, int], Executor] = Workers,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.accounts: list[AccountRuntime] = []
        self.stopping = False
        self.outlived: WeakSet[Future[None]] = WeakSet()
        self.state = open_state(settings.state, [account.name for account in settings.accounts], clock)
        try:
            for account in settings.accounts:
                store = self.state.account(account.name)
                self.accounts.append(AccountRuntime(account, settings, environ, clock, store, workers))
        except TokenUnreadable as unreadable:
            self.close()
            raise ConfigError(str(unreadable)) from None
        process = ProcessBlocks(build_info(), lambda: self.state.status, clock)
        self.documents = Documents((process, *self.accounts), clock)

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due in every account; futures of the selected runs under way."""
        return [future for account in self.accounts for future in account.trigger(names)]

    @property
    def ready(self) -> bool:
        """Whether every account has a first snapshot. Asks nobody."""
        return all(account.ready for account in self.accounts)

    def backfill_ratios(self) -> Mapping[str, float | None]:
        """How much of each account's history has been read, 0 to 1; accounts whose history is not read are left out."""
        return {account.account.name: account.backfill for account in self.accounts if account.reads_history}

    def stop(self) -> None:
        """Let no new request start, and waiting scrapes be answered. Returns at once; may be called by a signal."""
        self.stopping = True
        for account in self.accounts:
            account.stop()

    def close(self) -> None:
        """Stop and close all accounts; takes at most about 2 s together, however many have a request that hangs."""
        self.stop()
        end = self.clock.monotonic() + CLOSE_SECONDS
        for account in self.accounts:
            account.close(end - self.clock.monotonic())
        self.state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
