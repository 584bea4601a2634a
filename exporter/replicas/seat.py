"""One account in one replica: refreshed here during a term, served here always.

A term begins with the lease of the account and ends with it. In a term the runtime reads the account, keeps the ledger
in Redis and publishes what it renders; what is served, here as elsewhere, is what was published. So every replica
serves the same numbers, and none that a kill could take back.
"""

import logging
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress

from exporter.account import CLOSE_SECONDS, AccountRuntime, Sharing
from exporter.api.budget import Budget
from exporter.api.token import TokenUnreadable
from exporter.bugs import bug_fields
from exporter.config.settings import Account, Settings
from exporter.expose.blocks import RenderedBlock
from exporter.image import Image
from exporter.ledger.runs import RunLedger
from exporter.ledger.store import MemoryStore
from exporter.replicas.apart import told_of
from exporter.replicas.budget import SharedTokens
from exporter.replicas.claim import Claim, Term
from exporter.replicas.keys import Keys
from exporter.replicas.lease import Lease, Patience
from exporter.replicas.ledger import RedisLedger
from exporter.replicas.offers import Offer, publish
from exporter.replicas.place import Place
from exporter.replicas.publisher import Publisher
from exporter.replicas.trouble import Away

WATCHED_TICKS = 2
"""For how many ticks after a scrape what becomes due is begun."""

RETRY_SECONDS = 30.0
"""How soon an account is tried again that could not be taken over."""

_PASSING = {"unreachable", "refused", "read_only"}
"""Troubles of Redis itself, after which an account is tried again at once."""

_log = logging.getLogger(__name__)


class Seat:
    """Thread-safe. What waits for Redis is done by the desk's thread, or by those that render documents."""

    def __init__(
        self,
        account: Account,
        settings: Settings,
        place: Place,
        before: "Seat | None" = None,
        ledger: RunLedger | None = None,
    ) -> None:
        """With `before`, the seat of the same account, a term goes on with the `ledger` that it hands over."""
        self.account = account
        self.settings = settings
        self.keys = Keys(place.link.settings.key_prefix, account.name)
        self.publisher = Publisher(place.link, self.keys, place.owner, place.clock)
        self.terms = 0
        self.asked = False
        self._place = place
        self._claim = Claim(place, self.keys)
        self._patience = Patience(place.clock, place.tick)
        self._shared = SharedTokens(place.link, self.keys)
        self._lock = threading.RLock()  # guards _term, _runtime, _taking and _ended; held while a term begins or ends
        self._term: Term | None = None
        self._taking = False
        self._ended = False
        self._watched_until = self._retry_at = float("-inf")
        self._runtime: AccountRuntime = self._made(
            ledger or MemoryStore(), before=None if before is None else before._runtime
        )
        if before is not None:
            self._go_on(before, ledger)

    @property
    def runtime(self) -> AccountRuntime:
        """The account at run time; one that reads nothing while another replica does."""
        return self._runtime

    @property
    def leading(self) -> bool:
        """Whether this replica refreshes the account now."""
        term = self._term
        return term is not None and not term.halted and (self._alone or self._place.clock.monotonic() < term.sure_until)

    @property
    def unsaved(self) -> bool:
        """Whether something was counted here that Redis does not have."""
        term = self._term
        return term is not None and term.store.unsaved

    @property
    def ready(self) -> bool:
        """Whether there is something to serve."""
        return bool(self.publisher.served.blocks)

    @property
    def budget(self) -> Budget:
        """What it may ask."""
        return self._runtime.budget

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due here, or let the replica that refreshes the account be asked to. Waits for nobody."""
        if self.leading:
            self._watch()
            return self._runtime.trigger(names)
        self.asked = True
        self._place.wake()
        return []

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """What was published last and still holds; see `exporter.replicas.desk.Desk.freshen`."""
        del now
        return self.publisher.current()

    @property
    def standing_by(self) -> bool:
        """Whether it has no term, so that what is new comes from another replica."""
        return self._term is None

    def offer(self) -> Offer | None:
        """What it may have to publish; None when that is not for this replica to do."""
        with self._lock:
            term, runtime = self._term, self._runtime
        if term is None or not self.leading or self._ended:
            return None
        return Offer(self.account.name, self.publisher, runtime, lambda: not term.store.unsaved, self._alone)

    def publish(self) -> None:
        """Publish what is new, when it is for this replica to do. Raises nothing."""
        if (offer := self.offer()) is not None and publish(self._place.link, [offer]):
            self._place.wake()

    def save(self) -> None:
        """Save again what was counted and could not be saved."""
        if self.leading and self.unsaved:
            self._runtime.ledger.save()

    def attend(self, lease: Lease, sent_at: float, served: str, *, mine: bool) -> None:
        """Act on what Redis told since monotonic instant `sent_at`, when `served` was the version of what is served.

        `mine`: the account belongs to this replica. Waits for nothing: while a term begins or ends, which may wait for
        Redis, what was told is let go, and the next time is soon.
        """
        if lease.wanted:
            self._watch()
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._attend(lease, sent_at, mine=mine)
        finally:
            self._lock.release()
        if self.leading and self._place.clock.monotonic() < self._watched_until:
            self._runtime.trigger()
        if self._term is not None and lease.served != served and not self.publisher.told(lease.served):
            self.publisher.republish()

    def unreachable(self, now: float) -> None:
        """Redis could not be asked. Once another replica may have the lease, nothing is asked here any more."""
        with self._lock:
            term = self._term
            if term is None or term.halted or now < term.sure_until or self._alone:
                return
            term.halted = True
            self._runtime.stop()
        _log.warning(
            "an account is not refreshed until Redis is back", extra={"fields": {"account": self.account.name}}
        )

    def give_up(self) -> bool:
        """Leave the account to another replica, unless something is being read; whether it was left."""
        with self._lock:
            if not self.leading or self._runtime.busy:
                return False
            self._runtime.stop()
            self.publish()
            self._claim.leave()
            self._step_down("the account is left to the replica that it belongs to")
        return True

    @contextmanager
    def handing_over(self) -> Iterator[RunLedger | None]:
        """The ledger of a term, for the next seat of the account; None without a term.

        This seat stands still in the body and ends with it; when the body raises, it goes on.
        """
        with self._lock, ExitStack() as stack:
            ledger = None
            if self._term is not None:
                ledger = stack.enter_context(self._runtime.ledger.handing_over())
            yield ledger
            self._ended = True

    def stop(self) -> None:
        """Let no new request start. Returns at once."""
        self._runtime.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, publish what was read, and let another replica have the account at once."""
        self._runtime.close(seconds)
        with self._lock:
            if not self._ended and self.leading:
                self.publish()
                self._claim.leave()
            self._ended = True

    def reread_token(self) -> None:
        """Look for the token again."""
        self._runtime.reread_token()

    def _watch(self) -> None:
        """Somebody was scraped. What becomes due within moments is meant, too: wishes come a little late."""
        self._watched_until = self._place.clock.monotonic() + WATCHED_TICKS * self._place.tick

    @property
    def _alone(self) -> bool:
        return self._place.link.settings.alone

    def _attend(self, lease: Lease, sent_at: float, *, mine: bool) -> None:
        if self._ended or self._taking:
            return
        if self._term is not None:
            self._attend_term(self._term, lease, sent_at)
        elif self._place.clock.monotonic() >= self._retry_at and self._may_take(lease, mine=mine):
            self._taking = True
            self._place.aside(lambda: self._take(sent_at))

    def _may_take(self, lease: Lease, *, mine: bool) -> bool:
        # Either the newest snapshot is not fetched yet, or Redis forgot it, or is back with an older one.
        lost = self.publisher.served.version not in ("", lease.served)
        left_over = lease.owner == self._place.owner  # taken for a seat that is no more
        return left_over or self._patience.may_take(lease, mine=mine, lost=lost)

    def _take(self, sent_at: float) -> None:
        """Begin a term, if the lease can be had."""
        begun = self._begun(sent_at)
        with self._lock:
            self._taking = False
            if begun is None:
                return
            term, runtime = begun
            if self._ended:
                runtime.close(0.0)
                return
            idle, self._runtime, self._term = self._runtime, runtime, term
            self.terms += 1
        idle.close(0.0)
        _log.info(
            "this replica refreshes an account",
            extra={"fields": {"account": self.account.name, "term": term.number}},
        )
        runtime.trigger()

    def _begun(self, sent_at: float) -> tuple[Term, AccountRuntime] | None:
        try:
            number = self._claim.take()
            return self._prepared(number, sent_at) if number else None
        except (Away, TokenUnreadable) as failure:
            _log.warning(
                "an account cannot be taken over",
                extra={"fields": {"account": self.account.name, "problem": str(failure)}},
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
        store = RedisLedger(place.link, self.keys, place.owner, place.clock, place.wake)
        ledger = RunLedger(store)
        image = self._claim.image()
        pause = self._shared.paused()
        self.publisher.inherit()
        runtime = self._made(ledger, image)
        self.publisher.begin(runtime)
        runtime.budget.pause_here(pause)
        return Term(number, store, sent_at + place.lease), runtime

    def _attend_term(self, term: Term, lease: Lease, sent_at: float) -> None:
        mine = lease.owner == self._place.owner
        # Terms only grow: a Redis that tells of a lower one went back to an older state, whosever that is.
        counted = lease.term >= term.number and not term.store.knows(lease.newest)
        if counted or not (mine or lease.free):
            self._step_down("another replica refreshes the account")
        elif mine and lease.term == term.number:
            term.sure_until = sent_at + self._place.lease
            term.store.retry()
            self._resume(term)
        else:
            # Until everything is saved, which may take long, Redis goes on telling of that change.
            term.store.overrule(lease.newest)
            self._taking = True
            self._place.aside(lambda: self._take_again(term, lease.newest, sent_at))

    def _take_again(self, term: Term, newest: str, sent_at: float) -> None:
        """The lease ran out, or Redis forgot it, and nobody has counted anything meanwhile: go on, and save it all."""
        number = None
        with told_of(self.account.name), suppress(Away):
            number = self._claim.take_again(newest)
        with self._lock:
            self._taking = False
            if number is not None and not self._ended and self._term is term:
                self._taken_again(term, number, sent_at)

    def _taken_again(self, term: Term, number: int, sent_at: float) -> None:
        if not number:
            self._step_down("another replica refreshes the account")
            return
        term.number, term.sure_until = number, sent_at + self._place.lease
        term.store.save_all()
        self.publisher.republish()
        _log.info(
            "a lease that ran out or was forgotten is taken again",
            extra={"fields": {"account": self.account.name, "term": number}},
        )
        self._resume(term)
        self._place.wake()

    def _resume(self, term: Term) -> None:
        if term.halted:
            with self._runtime.ledger.handing_over() as ledger:
                before, self._runtime = self._runtime, self._made(ledger, before=self._runtime)
            before.close(0.0)
            term.halted = False
            _log.info("an account is refreshed here again", extra={"fields": {"account": self.account.name}})

    def _step_down(self, why: str) -> None:
        if self._term is not None:
            self._term.store.end()
        self._runtime.ledger.end()
        before, self._term = self._runtime, None
        before.stop()
        self._place.aside(lambda: before.close())
        self._runtime = self._made(MemoryStore())  # last: without a token it raises
        _log.info("this replica stands by for an account", extra={"fields": {"account": self.account.name, "why": why}})

    def _made(
        self,
        store: MemoryStore | RunLedger,
        image: Image | None = None,
        before: AccountRuntime | None = None,
    ) -> AccountRuntime:
        place = self._place
        return AccountRuntime(
            self.account,
            self.settings,
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

    def _go_on(self, before: "Seat", ledger: RunLedger | None) -> None:
        self.terms = before.terms
        self.publisher.go_on(before.publisher)
        if ledger is not None and before._term is not None:
            self._term = before._term
            if self._term.halted:
                self._runtime.stop()
