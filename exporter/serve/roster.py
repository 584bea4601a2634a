"""The accounts of an exporter at one time, and how the next roster is made of this one.

A roster never changes. A reload makes another one, in which accounts under the same settings are the very same objects,
and puts it in place in one step.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from exporter.account import AccountRuntime
from exporter.api.budget import Budget
from exporter.api.token import TokenUnreadable
from exporter.clock import Clock
from exporter.collect.gate import Gate
from exporter.collect.workers import Executor, Workers
from exporter.config.differences import differences
from exporter.config.problem import ConfigError
from exporter.config.settings import Account, Settings
from exporter.expose.document import Body, Documents, Selection, Source
from exporter.expose.render import Format
from exporter.ledger.sqlite import StateUnreadable
from exporter.ledger.store import StateStore, Store
from exporter.replicas.desk import Desk
from exporter.replicas.seat import Seat

Held = AccountRuntime | Seat
"""An account as a roster has it: this exporter's alone, or shared by replicas."""


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that are scraped together, and the documents made of them; `desk` when several replicas share them."""

    accounts: tuple[Held, ...]
    documents: Documents
    desk: Desk | None = field(default=None, kw_only=True)

    @property
    def runtimes(self) -> tuple[AccountRuntime, ...]:
        """The accounts at run time."""
        return tuple(account.runtime for account in self.accounts)

    @property
    def seats(self) -> list[Seat]:
        """The accounts that several replicas share."""
        return [account for account in self.accounts if isinstance(account, Seat)]

    @property
    def freshening_seconds(self) -> float:
        """How long `freshen` may take."""
        return 0.0 if self.desk is None else self.desk.freshening_seconds(len(self.accounts))

    def freshen(self) -> None:
        """Let what is served of accounts that replicas share be what all of them serve now. Raises nothing."""
        if self.desk is not None:
            self.desk.freshen(self.seats)

    def content(self, selection: Selection, fmt: Format, *, compressed: bool) -> Body:
        """The document (see `Documents.content`); of accounts that replicas share it is what `freshen` left."""
        with self._gathering():  # somebody waits for it, and runs would share the processor with it
            return self.documents.content(selection, fmt, compressed=compressed)

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due in every account, the most urgent first; futures of the selected runs under way."""
        with self._gathering():
            return [future for account in self.accounts for future in account.trigger(names)]

    @contextmanager
    def _gathering(self) -> Iterator[None]:
        """Inside, no run of any account begins."""
        with ExitStack() as stack:
            for gate in {runtime.gate for runtime in self.runtimes}:
                stack.enter_context(gate.gathering())
            yield


@dataclass(frozen=True, slots=True)
class Roster(Group):
    """All accounts and what belongs to none, and the settings they run under. `alone` has each account by itself."""

    settings: Settings
    alone: Mapping[str, Group]


class Rosters:
    """Makes rosters. Used by one thread at a time.

    `own` are the sources of what belongs to no account. Accounts that went leave their budgets here as long as these
    are not full again, or an account that comes and goes would start with a full one each time.
    """

    def __init__(
        self,
        state: StateStore,
        environ: Mapping[str, str],
        clock: Clock,
        own: Sequence[Source],
        workers: Callable[[str, int], Executor] = Workers,
        desk: Desk | None = None,
    ) -> None:
        self._state = state
        self._environ = environ
        self._clock = clock
        self._own = own
        self._workers = workers
        self._desk = desk
        self._gate = Gate(clock) if desk is None else desk.place.gate
        self._budgets: dict[str, Budget] = {}

    def change(self, settings: Settings, before: Roster | None, put_in_place: Callable[[Roster], None]) -> Roster:
        """Make the roster for `settings` and hand it to `put_in_place`, with all ledgers in its accounts' hands then.

        Raises ConfigError when an account has no token or no state that can be read; then nothing changed at all.
        Afterwards the accounts that are in `before` only count nothing any more; they are still to be closed.
        """
        old = {} if before is None else {runtime.account.name: runtime for runtime in before.accounts}
        stale = set() if before is None else set(differences(before.settings, settings).changed)
        made: dict[str, Held] = {}
        with ExitStack() as handed_over:
            try:
                for account in settings.accounts:
                    if account.name not in old or account.name in stale:
                        made[account.name] = self._made(account, settings, old.get(account.name), handed_over)
                accounts = tuple(made.get(account.name) or old[account.name] for account in settings.accounts)
                documents, alone = self._documents(accounts, before), self._alone(accounts, before)
                roster = Roster(accounts, documents, settings, alone, desk=self._desk)
                put_in_place(roster)
            except BaseException:
                _close(made.values())
                raise
        self._budgets = {name: budget for name, budget in self._budgets.items() if not budget.untouched}
        for name, runtime in old.items():
            if runtime in accounts:
                runtime.reread_token()
            elif name not in made:
                self._let_go(runtime)
        return roster

    def _made(self, account: Account, settings: Settings, old: Held | None, handed_over: ExitStack) -> Held:
        try:
            if self._desk is not None:
                return self._seat(self._desk, account, settings, old, handed_over)
            return self._runtime(account, settings, old, handed_over)
        except TokenUnreadable as unreadable:
            raise ConfigError(str(unreadable)) from None

    def _seat(self, desk: Desk, account: Account, settings: Settings, old: Held | None, handed_over: ExitStack) -> Seat:
        before = old if isinstance(old, Seat) else None
        ledger = None if before is None else handed_over.enter_context(before.handing_over())
        return Seat(account, settings, desk.place, before, ledger)

    def _runtime(
        self, account: Account, settings: Settings, old: Held | None, handed_over: ExitStack
    ) -> AccountRuntime:
        before = old if isinstance(old, AccountRuntime) else None
        handed = None if before is None else handed_over.enter_context(before.ledger.handing_over())
        store = handed or self._store(account, settings)
        budget = self._budgets.get(account.name)
        return AccountRuntime(
            account,
            settings,
            self._environ,
            self._clock,
            store,
            self._workers,
            before=before,
            budget=budget,
            gate=self._gate,
        )

    def _store(self, account: Account, settings: Settings) -> Store:
        try:
            return self._state.account(account.name)
        except StateUnreadable as unreadable:
            problem = f"what it holds of the account {account.name} cannot be read: {unreadable}"
            raise ConfigError(problem, source=settings.state.path, key="state.path") from None

    def _documents(self, accounts: tuple[Held, ...], before: Roster | None) -> Documents:
        if before is not None and before.accounts == accounts:
            return before.documents
        return Documents((*self._own, *accounts), self._clock)

    def _alone(self, accounts: tuple[Held, ...], before: Roster | None) -> dict[str, Group]:
        kept = {} if before is None else {group.accounts: group for group in before.alone.values()}
        return {account.account.name: kept.get((account,)) or self._group(account) for account in accounts}

    def _group(self, account: Held) -> Group:
        return Group((account,), Documents((account,), self._clock), desk=self._desk)

    def _let_go(self, gone: Held) -> None:
        gone.runtime.ledger.end()
        self._state.forget(gone.account.name)
        self._budgets[gone.account.name] = gone.budget


def _close(runtimes: Iterable[Held]) -> None:
    for runtime in runtimes:
        runtime.close()
