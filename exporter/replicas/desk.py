"""The desk of a replica: it looks after all leases, many at a time, and knows which other replicas there are."""

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import NamedTuple, Self

from exporter.bugs import bug_fields
from exporter.clock import Clock
from exporter.collect.gate import Gate
from exporter.collect.workers import Executor, Workers
from exporter.config.settings import RedisSettings
from exporter.ledger.store import StateStatus
from exporter.replicas.keys import replicas
from exporter.replicas.lease import Lease, home
from exporter.replicas.link import Link
from exporter.replicas.place import Aside, Place, in_thread
from exporter.replicas.scripts import ATTEND, FETCH, MEET, WANT
from exporter.replicas.seat import Seat
from exporter.replicas.trouble import Away

GONE_TICKS = 3
"""A replica that has not been there for so many ticks is taken for gone."""

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
    """Thread-safe; `tick` is called by one thread at a time.

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
        self._seats: Sequence[Seat] = ()

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

    def tick(self, seats: Sequence[Seat]) -> None:
        """Look after all leases once; raises nothing."""
        self._seats = seats
        sent_at = self._clock.monotonic()
        try:
            self._meet(sent_at)
            self._want(seats)
            served = {seat: seat.publisher.served.version for seat in seats}
            leases = self._leases(seats)
        except Away:
            for seat in seats:
                seat.unreachable(self._clock.monotonic())
            return
        known = self._known()
        for seat, lease in leases.items():
            mine = home(seat.account.name, known) == self.place.owner
            with _told_of(seat):
                seat.attend(lease, sent_at, served[seat], mine=mine)
        self._share_out(seats)
        self._fetch(leases)

    def freshen(self, seats: Collection[Seat]) -> None:
        """Publish what is new here and fetch what is new elsewhere, before it is served. Raises nothing."""
        standing_by = [seat for seat in seats if not seat.publish()]
        with suppress(Away):
            self._fetched(standing_by)

    def close(self) -> None:
        """Leave the others alone; the seats are closed before."""
        with suppress(Away):
            self.place.link.asked(lambda client: client.zrem(replicas(self._prefix), self.place.owner))
        self.place.link.close()

    @property
    def _prefix(self) -> str:
        return self.place.link.settings.key_prefix

    def _meet(self, now: float) -> None:
        """Tell of this replica and learn of the others."""
        link, key = self.place.link, replicas(self._prefix)
        silent = int(GONE_TICKS * self.place.tick * 1000)
        at, *names = link.run(MEET, [key], [self.place.owner, link.stamp(), silent])
        link.set_clock(int(at))
        present = {name.decode() for name in names}
        self._replicas = {name: self._replicas.get(name, now) for name in present}

    def _known(self, since: float | None = None) -> list[str]:
        """The replicas that are there, or those that have been for a while; always this one."""
        there = {name for name, at in self._replicas.items() if since is None or at <= since}
        return sorted(there | {self.place.owner})

    def _want(self, seats: Iterable[Seat]) -> None:
        asked = [seat for seat in seats if seat.asked]
        lasting = int(2 * self.place.lease * 1000)
        self.place.link.run_all(WANT, [((seat.keys.wanted,), [lasting]) for seat in asked])
        for seat in asked:
            seat.asked = False

    def _leases(self, seats: Sequence[Seat]) -> dict[Seat, Lease]:
        """What Redis says of each account; what cannot be read of one costs no other its lease."""
        link, place = self.place.link, self.place
        args = [place.owner, link.stamp(), int(place.lease * 1000)]
        calls = [((seat.keys.lease, seat.keys.ledger, seat.keys.served, seat.keys.wanted), args) for seat in seats]
        found: dict[Seat, Lease] = {}
        for seat, answer in zip(seats, link.run_all(ATTEND, calls), strict=True):
            with _told_of(seat):
                found[seat] = Lease.of(answer)
        return found

    def _share_out(self, seats: Iterable[Seat]) -> None:
        """Leave one account a tick to the replica that it belongs to, once that has been there for a while."""
        settled = self._known(self._clock.monotonic() - SETTLED_LEASES * self.place.lease)
        for seat in seats:
            if seat.leading and home(seat.account.name, settled) != self.place.owner and seat.give_up():
                return

    def _fetch(self, leases: Mapping[Seat, Lease]) -> None:
        stale = [
            seat for seat, lease in leases.items() if not seat.leading and seat.publisher.served.version != lease.served
        ]
        with suppress(Away):
            self._fetched(stale)

    def _fetched(self, seats: Sequence[Seat]) -> None:
        known = [seat.publisher.known() for seat in seats]
        calls = [((seat.keys.served,), args) for seat, args in zip(seats, known, strict=True)]
        for seat, args, answer in zip(seats, known, self.place.link.run_all(FETCH, calls), strict=True):
            with _told_of(seat):
                seat.publisher.fetched(args, answer)


@contextmanager
def _told_of(seat: Seat) -> Iterator[None]:
    """What goes wrong with one account must not cost the leases of the others."""
    try:
        yield
    except Away as failure:
        _log.warning(
            "Redis has something of an account that cannot be used",
            extra={"fields": {"account": seat.account.name, "problem": str(failure)}},
        )
    except Exception as error:
        _log.error(
            "attending to an account has a bug",
            extra={"fields": {"account": seat.account.name, **bug_fields(error)}},
        )


class DeskThread:
    """Ticks from the beginning of its `with` to the end."""

    def __init__(self, desk: Desk, seats: Callable[[], Sequence[Seat]]) -> None:
        self._desk = desk
        self._seats = seats
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replicas", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._desk.woken.set()
        self._thread.join()

    def _run(self) -> None:
        desk = self._desk
        while not self._stop.is_set():
            desk.tick(self._seats())
            desk.place.clock.wait(self._stop, min(WOKEN_SECONDS, desk.place.tick))
            desk.place.clock.wait(desk.woken, max(0.0, desk.place.tick - WOKEN_SECONDS))
            desk.woken.clear()


WOKEN_SECONDS = 0.2
"""How soon after a tick the next one may come."""
