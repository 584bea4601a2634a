"""The desk of a replica: it looks after all leases, many at a time, and knows which other replicas there are."""

import logging
import math
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from exporter.clock import Clock
from exporter.collect.gate import Gate
from exporter.collect.workers import Executor, Workers
from exporter.config.settings import RedisSettings
from exporter.ledger.store import StateStatus
from exporter.replicas.apart import told_of
from exporter.replicas.keys import replicas
from exporter.replicas.lease import Lease, home
from exporter.replicas.link import Call, Link
from exporter.replicas.offers import TOGETHER, publish
from exporter.replicas.place import Aside, Place, in_thread
from exporter.replicas.scripts import ATTEND, FETCH, MEET, WANT
from exporter.replicas.seat import Seat
from exporter.replicas.trouble import Away

GONE_TICKS = 3
"""A replica that has not been there for so many ticks is taken for gone."""

BACK_TICKS = 2
"""How long all are taken for there that were before Redis was away or lost its list: by then each has been there again.
It is noticed by the own name, which is not in the list or older than this."""

PACKING_SECONDS = 0.25
"""How long `freshen` may take besides: to begin, and to pack what is new of many accounts."""

SETTLED_LEASES = 2
"""For how many leases a replica has to be there before accounts are left to it."""

_log = logging.getLogger(__name__)


class Standing(NamedTuple):
    """Whether this replica refreshes an account, and how often it began to."""

    account: str
    environment: str
    leading: bool
    terms: int


class Desk:
    """Thread-safe; `attend` is called by one thread at a time, and so is `exchange`.

    `now` and `aside` are for tests; see `Link` and `Place`.
    """

    def __init__(
        self,
        settings: RedisSettings,
        environ: Mapping[str, str],
        clock: Clock,
        workers: Callable[[str, int], Executor] = Workers,
        *,
        now: Callable[[], int] | None = None,
        aside: Aside = in_thread,
        owner: str | None = None,
    ) -> None:
        self._clock = clock
        self.woken = threading.Event()
        name = owner or f"{socket.gethostname()}-{secrets.token_hex(4)}"
        link = Link(settings, environ, clock, now)
        self.place = Place(link, name, clock, environ, workers, aside, self.woken.set, Gate(clock))
        self._replicas: dict[str, float] = {}
        self._back_until = float("-inf")
        self._group = ""
        self._seats: Sequence[Seat] = ()
        self._leases: Mapping[Seat, Lease] = {}

    @property
    def replicas(self) -> int:
        """How many replicas there are, this one among them, as far as it is known."""
        return max(1, len(self._replicas))

    @property
    def status(self) -> StateStatus:
        """How the ledgers are kept now."""
        link, unsaved = self.place.link, any(seat.unsaved for seat in self._seats)
        return StateStatus("redis", link.trouble is None and not unsaved, link.trouble, link.failures)

    @property
    def standing(self) -> tuple[Standing, ...]:
        """How this replica stands to each account."""
        return tuple(
            Standing(seat.account.name, seat.account.environment, seat.leading, seat.terms) for seat in self._seats
        )

    def freshening_seconds(self, accounts: int) -> float:
        """How long `freshen` of so many may take, going by the slowest recent answer of Redis.

        It waits for one answer to each lot that is published, one to fetch, and seldom one more.
        """
        answers = math.ceil(accounts / TOGETHER) + 2
        return PACKING_SECONDS + answers * self.place.link.answer_seconds

    def tick(self, seats: Sequence[Seat]) -> None:
        """Look after all leases once, and exchange what is new. Raises nothing."""
        self.attend(seats)
        self.exchange()

    def attend(self, seats: Sequence[Seat]) -> None:
        """Look after all leases once, which costs one answer of Redis. Raises nothing."""
        self._seats = seats
        self._join(replicas(self._prefix, [seat.account.name for seat in seats]))
        told = {seat: seat.told for seat in seats}
        sent_at = self._clock.monotonic()
        try:
            leases = self._attended(seats, sent_at)
        except Away:
            self._leases = {}
            for seat in seats:
                seat.unreachable(self._clock.monotonic())
            return
        known = self._known()
        for seat, lease in leases.items():
            mine = home(seat.account.name, known) == self.place.owner
            with told_of(seat.account.name):
                seat.attend(lease, sent_at, told[seat], mine=mine)
        self._leases = leases

    def exchange(self) -> None:
        """Save and publish what is new here, fetch what is new elsewhere, and leave what is another's. Raises nothing.

        Does nothing while Redis cannot be asked.
        """
        leases = self._leases
        for seat in leases:
            with told_of(seat.account.name):
                seat.save()
        self._publish(leases)
        self._share_out(leases)
        stale = [seat for seat, lease in leases.items() if seat.standing_by and not seat.publisher.told(lease.served)]
        with suppress(Away):
            self._fetch(stale)
            if any(leases[seat].free for seat in stale):
                self.place.wake()  # now it may be taken

    def freshen(self, seats: Collection[Seat]) -> None:
        """Publish what is new here and fetch what is new elsewhere, before it is served. Raises nothing."""
        standing_by = [seat for seat in seats if seat.standing_by]
        self._publish(seats)
        with suppress(Away):
            self._fetch(standing_by)

    def close(self) -> None:
        """Leave the others alone; the seats are closed before."""
        if self._group:
            with suppress(Away):
                self.place.link.asked(lambda client: client.zrem(self._group, self.place.owner))
        self.place.link.close()

    @property
    def _prefix(self) -> str:
        return self.place.link.settings.key_prefix

    def _attended(self, seats: Sequence[Seat], sent_at: float) -> dict[Seat, Lease]:
        """Tell of this replica, of what it was scraped for, and that it keeps its leases; learn of all others.

        Raises Away. What cannot be read of one account costs no other its lease.
        """
        asked = [seat for seat in seats if seat.asked]
        calls = [self._meeting(), *(self._wish(seat) for seat in asked), *(self._lease(seat) for seat in seats)]
        met, *answers = self.place.link.run_all(calls, apart=True)
        self._meet(met, sent_at)
        for seat in asked:
            seat.asked = False
        found: dict[Seat, Lease] = {}
        for seat, answer in zip(seats, answers[len(asked) :], strict=True):
            with told_of(seat.account.name):
                found[seat] = Lease.of(answer)
        return found

    def _join(self, group: str) -> None:
        """Belong to the replicas whose list is `group`, and know none of another one."""
        if group != self._group:
            self._group, self._replicas, self._back_until = group, {}, float("-inf")

    def _meeting(self) -> Call:
        silent = int(GONE_TICKS * self.place.tick * 1000)
        return Call(MEET, [self._group], [self.place.owner, self.place.link.stamp(), silent])

    def _wish(self, seat: Seat) -> Call:
        return Call(WANT, [seat.keys.wanted], [int(2 * self.place.lease * 1000)])

    def _lease(self, seat: Seat) -> Call:
        keys = [seat.keys.lease, seat.keys.ledger, seat.keys.served, seat.keys.wanted]
        return Call(ATTEND, keys, [self.place.owner, self.place.link.stamp(), int(self.place.lease * 1000)])

    def _meet(self, answer: Sequence[bytes] | Away, now: float) -> None:
        if isinstance(answer, Away):  # the leases do not need it; accounts stay where they are
            _log.warning(
                "the list of replicas in Redis cannot be used",
                extra={"fields": {"key": self._group, "problem": str(answer)}},
            )
            return
        at, before, *names = answer
        self.place.link.set_clock(int(at))
        present = {name.decode() for name in names}
        back = BACK_TICKS * self.place.tick
        if int(at) - float(before or 0) > back * 1000:
            self._back_until = now + back
        if now < self._back_until:
            present |= self._replicas.keys()
        self._replicas = {name: self._replicas.get(name, now) for name in present}

    def _known(self, since: float | None = None) -> list[str]:
        """The replicas that are there, or those that have been for a while; always this one."""
        there = {name for name, at in self._replicas.items() if since is None or at <= since}
        return sorted(there | {self.place.owner})

    def _publish(self, seats: Iterable[Seat]) -> None:
        offers = [offer for seat in seats if (offer := seat.offer()) is not None]
        if publish(self.place.link, offers):
            self.place.wake()

    def _share_out(self, seats: Iterable[Seat]) -> None:
        """Leave one account a tick to the replica that it belongs to, once that has been there for a while."""
        settled = self._known(self._clock.monotonic() - SETTLED_LEASES * self.place.lease)
        for seat in seats:
            if seat.leading and home(seat.account.name, settled) != self.place.owner:
                left = True  # also when it could only be left half
                with told_of(seat.account.name):
                    left = seat.give_up()
                if left:
                    return

    def _fetch(self, seats: Sequence[Seat]) -> None:
        known = [seat.publisher.known() for seat in seats]
        calls = [Call(FETCH, [seat.keys.served], args) for seat, args in zip(seats, known, strict=True)]
        for seat, args, answer in zip(seats, known, self.place.link.run_all(calls), strict=True):
            with told_of(seat.account.name):
                seat.publisher.fetched(args, answer)
