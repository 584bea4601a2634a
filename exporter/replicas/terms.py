"""The terms of one account in one replica, one after the other: how each begins, is kept, and ends."""

import logging
import threading
from contextlib import suppress
from typing import Self

from exporter.account import AccountRuntime, Sharing
from exporter.api.token import TokenUnreadable
from exporter.bugs import bug_fields
from exporter.config.settings import Account, Settings
from exporter.image import Image
from exporter.ledger.runs import RunLedger
from exporter.ledger.store import MemoryStore
from exporter.replicas.apart import told_of
from exporter.replicas.budget import SharedTokens
from exporter.replicas.claim import Claim, Term
from exporter.replicas.keys import Keys
from exporter.replicas.lease import Lease, Patience
from exporter.replicas.ledger import RedisLedger
from exporter.replicas.place import Place
from exporter.replicas.publisher import Publisher
from exporter.replicas.trouble import Away

RETRY_SECONDS = 30.0
"""How soon an account is tried again that could not be taken over."""

_PASSING = {"unreachable", "refused", "read_only"}
"""Troubles of Redis itself, after which an account is tried again at once."""

_log = logging.getLogger(__name__)


class Terms:
    """Thread-safe. `runtime` is the account at run time; one that reads nothing without a `term`.

    Both change together, under `lock`. `count` is how often a term began.
    """

    def __init__(
        self,
        account: Account,
        settings: Settings,
        place: Place,
        keys: Keys,
        publisher: Publisher,
        before: Self | None = None,
        ledger: RunLedger | None = None,
    ) -> None:
        """With `before`, the terms of the same account until now, the term goes on with the `ledger` of it."""
        self.lock = threading.RLock()  # guards term, runtime, _taking and _ended; held while a term begins or ends
        self.term: Term | None = None
        self.count = 0
        self._account = account
        self._settings = settings
        self._place = place
        self._keys = keys
        self._publisher = publisher
        self._claim = Claim(place, keys)
        self._patience = Patience(place.clock, place.tick)
        self._shared = SharedTokens(place.link, keys)
        self._taking = False
        self._ended = False
        self._retry_at = float("-inf")
        self.runtime: AccountRuntime = self._made(
            ledger or MemoryStore(), before=None if before is None else before.runtime
        )
        if before is not None:
            self._go_on(before, ledger)

    @property
    def leading(self) -> bool:
        """Whether this replica refreshes the account now."""
        term, alone = self.term, self._place.link.settings.alone
        return term is not None and not term.halted and (alone or self._place.clock.monotonic() < term.sure_until)

    @property
    def ended(self) -> bool:
        """Whether none begins any more, and the last one goes on elsewhere."""
        return self._ended

    @property
    def newest(self) -> str:
        """The name of the newest change that Redis has, as far as this replica knows; empty without a term."""
        term = self.term
        return "" if term is None else term.store.newest

    def attend(self, lease: Lease, sent_at: float, newest: str, *, mine: bool) -> bool:
        """Act on what Redis told since monotonic instant `sent_at`, when `newest` was the newest change.

        `mine`: the account belongs to this replica.
        Waits for nothing: while a term begins or ends, which may wait for Redis, what was told is let go, and the next
        time is soon. Whether it was not.
        """
        if not self.lock.acquire(blocking=False):
            return False
        try:
            self._attend(lease, sent_at, newest, mine=mine)
        finally:
            self.lock.release()
        return True

    def unreachable(self, now: float) -> None:
        """Redis could not be asked. Once another replica may have the lease, nothing is asked here any more."""
        with self.lock:
            term = self.term
            if term is None or term.halted or now < term.sure_until or self._place.link.settings.alone:
                return
            term.halted = True
            self.runtime.stop()
        _log.warning(
            "an account is not refreshed until Redis is back", extra={"fields": {"account": self._account.name}}
        )

    def leave(self) -> None:
        """End the term, so that another replica can begin one at once; `lock` is held."""
        self._claim.leave()
        self._step_down("the account is left to the replica that it belongs to")

    def end(self, *, release: bool = False) -> None:
        """Begin none any more; `lock` is held. `release`: let another replica have the account at once."""
        if release and not self._ended and self.leading:
            self._claim.leave()
        self._ended = True

    def _attend(self, lease: Lease, sent_at: float, newest: str, *, mine: bool) -> None:
        if self._ended or self._taking:
            return
        if self.term is not None:
            self._attend_term(self.term, lease, sent_at, newest)
        elif self._place.clock.monotonic() >= self._retry_at and self._may_take(lease, mine=mine):
            self._taking = True
            self._place.aside(lambda: self._take(sent_at))

    def _may_take(self, lease: Lease, *, mine: bool) -> bool:
        # Either the newest snapshot is not fetched yet, or Redis forgot it, or is back with an older one.
        lost = self._publisher.served.version not in ("", lease.served)
        left_over = lease.owner == self._place.owner  # taken for a seat that is no more
        return left_over or self._patience.may_take(lease, mine=mine, lost=lost)

    def _take(self, sent_at: float) -> None:
        """Begin a term, if the lease can be had."""
        begun = self._begun(sent_at)
        with self.lock:
            self._taking = False
            if begun is None:
                return
            term, runtime = begun
            if self._ended:
                runtime.close(0.0)
                return
            idle, self.runtime, self.term = self.runtime, runtime, term
            self.count += 1
        idle.close(0.0)
        _log.info(
            "this replica refreshes an account",
            extra={"fields": {"account": self._account.name, "term": term.number}},
        )
        runtime.trigger()

    def _begun(self, sent_at: float) -> tuple[Term, AccountRuntime] | None:
        try:
            number = self._claim.take()
            return self._prepared(number, sent_at) if number else None
        except (Away, TokenUnreadable) as failure:
            _log.warning(
                "an account cannot be taken over",
                extra={"fields": {"account": self._account.name, "problem": str(failure)}},
            )
            if isinstance(failure, Away) and failure.trouble in _PASSING:
                return None
        except Exception as error:  # the thread would end, and the account wait for it for ever
            _log.error("taking an account over has a bug", extra={"fields": {**bug_fields(error)}})
        self._retry_at = self._place.clock.monotonic() + RETRY_SECONDS
        self._claim.leave()
        return None

    def _prepared(self, number: int, sent_at: float) -> tuple[Term, AccountRuntime]:
        """What a term begins with. Raises Away."""
        place = self._place
        store = RedisLedger(place.link, self._keys, place.owner, place.clock, place.wake)
        ledger = RunLedger(store)
        image = self._claim.image()
        pause = self._shared.paused()
        self._publisher.inherit()
        runtime = self._made(ledger, image)
        self._publisher.begin(runtime)
        runtime.budget.pause_here(pause)
        return Term(number, store, sent_at + place.lease), runtime

    def _attend_term(self, term: Term, lease: Lease, sent_at: float, newest: str) -> None:
        mine = lease.owner == self._place.owner
        # Terms only grow: a Redis that tells of a lower one went back to an older state, whosever that is.
        counted = lease.term >= term.number and not term.store.knows(lease.newest)
        if counted or not (mine or lease.free):
            self._step_down("another replica refreshes the account")
        elif mine and lease.term == term.number:
            term.sure_until = sent_at + self._place.lease
            if lease.newest == newest or term.store.told(lease.newest):
                term.store.retry()
            else:
                term.store.overrule(lease.newest)
            self._resume(term)
        else:
            # Until everything is saved, which may take long, Redis goes on telling of that change.
            term.store.overrule(lease.newest)
            self._taking = True
            self._place.aside(lambda: self._take_again(term, lease.newest, sent_at))

    def _take_again(self, term: Term, newest: str, sent_at: float) -> None:
        """The lease ran out, or Redis forgot it, and nobody has counted anything meanwhile: go on, and save it all."""
        number = None
        with told_of(self._account.name), suppress(Away):
            number = self._claim.take_again(newest)
        with self.lock:
            self._taking = False
            if number is not None and not self._ended and self.term is term:
                self._taken_again(term, number, sent_at)

    def _taken_again(self, term: Term, number: int, sent_at: float) -> None:
        if not number:
            self._step_down("another replica refreshes the account")
            return
        term.number, term.sure_until = number, sent_at + self._place.lease
        term.store.save_all()
        _log.info(
            "a lease that ran out or was forgotten is taken again",
            extra={"fields": {"account": self._account.name, "term": number}},
        )
        self._resume(term)
        self._place.wake()

    def _resume(self, term: Term) -> None:
        if term.halted:
            with self.runtime.ledger.handing_over() as ledger:
                before, self.runtime = self.runtime, self._made(ledger, before=self.runtime)
            before.close(0.0)
            term.halted = False
            _log.info("an account is refreshed here again", extra={"fields": {"account": self._account.name}})

    def _step_down(self, why: str) -> None:
        if self.term is not None:
            self.term.store.end()
        self.runtime.ledger.end()
        before, self.term = self.runtime, None
        before.stop()
        self._place.aside(lambda: before.close())
        self.runtime = self._made(MemoryStore())  # last: without a token it raises
        _log.info(
            "this replica stands by for an account", extra={"fields": {"account": self._account.name, "why": why}}
        )

    def _made(
        self,
        store: MemoryStore | RunLedger,
        image: Image | None = None,
        before: AccountRuntime | None = None,
    ) -> AccountRuntime:
        place = self._place
        return AccountRuntime(
            self._account,
            self._settings,
            place.environ,
            place.clock,
            store,
            place.workers,
            before=before,
            sharing=Sharing(
                self._shared, place.link.now() if image is not None else 0, image, isinstance(store, MemoryStore)
            ),
            gate=place.gate,
        )

    def _go_on(self, before: Self, ledger: RunLedger | None) -> None:
        self.count = before.count
        if ledger is not None and before.term is not None:
            self.term = before.term
            if self.term.halted:
                self.runtime.stop()
