"""One account in one replica: refreshed here during a term, served here always.

A term begins with the lease of the account and ends with it. In a term the runtime reads the account, keeps the ledger
in Redis and publishes what it renders; what is served, here as elsewhere, is what was published. So every replica
serves the same numbers, and none that a kill could take back.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from exporter.account import CLOSE_SECONDS, AccountRuntime
from exporter.api.budget import Budget
from exporter.config.settings import Account, Settings
from exporter.expose.blocks import RenderedBlock
from exporter.ledger.runs import RunLedger
from exporter.replicas.keys import Keys
from exporter.replicas.lease import Lease
from exporter.replicas.offers import Offer, publish
from exporter.replicas.place import Place
from exporter.replicas.publisher import Publisher
from exporter.replicas.terms import Terms

WATCHED_TICKS = 2
"""For how many ticks after a scrape what becomes due is begun."""


class Told(NamedTuple):
    """The version of the snapshot, and the newest change of the ledger."""

    served: str
    newest: str


class Seat:
    """Thread-safe. What waits for Redis is done by the desk's threads, or by those that render documents."""

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
        self.asked = False
        self._place = place
        self._watched_until = float("-inf")
        held = None if before is None else before._terms
        self._terms: Terms = Terms(account, settings, place, self.keys, self.publisher, held, ledger)
        if before is not None:
            self.publisher.go_on(before.publisher)

    @property
    def runtime(self) -> AccountRuntime:
        """The account at run time; one that reads nothing while another replica does."""
        return self._terms.runtime

    @property
    def terms(self) -> int:
        """How often this replica began to refresh the account."""
        return self._terms.count

    @property
    def leading(self) -> bool:
        """Whether this replica refreshes the account now."""
        return self._terms.leading

    @property
    def standing_by(self) -> bool:
        """Whether it has no term, so that what is new comes from another replica."""
        return self._terms.term is None

    @property
    def unsaved(self) -> bool:
        """Whether something was counted here that Redis does not have."""
        term = self._terms.term
        return term is not None and term.store.unsaved

    @property
    def ready(self) -> bool:
        """Whether there is something to serve."""
        return bool(self.publisher.served.blocks)

    @property
    def budget(self) -> Budget:
        """What it may ask."""
        return self.runtime.budget

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due here, or let the replica that refreshes the account be asked to. Waits for nobody."""
        if self.leading:
            self._watch()
            return self.runtime.trigger(names)
        self.asked = True
        self._place.wake()
        return []

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """What was published last and still holds; see `exporter.replicas.desk.Desk.freshen`."""
        del now
        return self.publisher.current()

    def offer(self) -> Offer | None:
        """What it may have to publish; None when that is not for this replica to do."""
        with self._terms.lock:
            term, runtime = self._terms.term, self.runtime
        if term is None or not self.leading or self._terms.ended:
            return None
        alone = self._place.link.settings.alone
        return Offer(self.account.name, self.publisher, runtime, lambda: not term.store.unsaved, alone)

    def publish(self) -> None:
        """Publish what is new, when it is for this replica to do. Raises nothing."""
        if (offer := self.offer()) is not None and publish(self._place.link, [offer]):
            self._place.wake()

    def save(self) -> None:
        """Save again what was counted and could not be saved."""
        if self.leading and self.unsaved:
            self.runtime.ledger.save()

    @property
    def told(self) -> Told:
        """What Redis is known to have of it now."""
        return Told(self.publisher.served.version, self._terms.newest)

    def attend(self, lease: Lease, sent_at: float, told: Told, *, mine: bool) -> None:
        """Act on what Redis told since monotonic instant `sent_at`, when it was known to have what was `told` then.

        `mine`: the account belongs to this replica. Waits for nothing.
        """
        if lease.wanted:
            self._watch()
        if not self._terms.attend(lease, sent_at, told.newest, mine=mine):
            return
        if self.leading and self._place.clock.monotonic() < self._watched_until:
            self.runtime.trigger()
        if not self.standing_by and lease.served != told.served and not self.publisher.told(lease.served):
            self.publisher.republish()

    def unreachable(self, now: float) -> None:
        """Redis could not be asked. Once another replica may have the lease, nothing is asked here any more."""
        self._terms.unreachable(now)

    def give_up(self) -> bool:
        """Leave the account to another replica, unless something is being read; whether it was left."""
        with self._terms.lock:
            if not self.leading or self.runtime.busy:
                return False
            self.runtime.stop()
            self.publish()
            self._terms.leave()
        return True

    @contextmanager
    def handing_over(self) -> Iterator[RunLedger | None]:
        """The ledger of a term, for the next seat of the account; None without a term.

        This seat stands still in the body and ends with it; when the body raises, it goes on.
        """
        with self._terms.lock, ExitStack() as stack:
            ledger = None
            if not self.standing_by:
                ledger = stack.enter_context(self.runtime.ledger.handing_over())
            yield ledger
            self._terms.end()

    def stop(self) -> None:
        """Let no new request start. Returns at once."""
        self.runtime.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, publish what was read, and let another replica have the account at once."""
        self.runtime.close(seconds)
        with self._terms.lock:
            self.publish()
            self._terms.end(release=True)

    def reread_token(self) -> None:
        """Look for the token again."""
        self.runtime.reread_token()

    def _watch(self) -> None:
        """Somebody was scraped. What becomes due within moments is meant, too: wishes come a little late."""
        self._watched_until = self._place.clock.monotonic() + WATCHED_TICKS * self._place.tick
