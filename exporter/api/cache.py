"""Listings kept for a while: one request for any number of concurrent callers, older rows when a new answer fails."""

import logging
import operator
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Timeout
from exporter.api.listing import Listing
from exporter.api.models import Row
from exporter.api.refresh import Refresh
from exporter.api.telemetry import Telemetry
from exporter.clock import Clock

R = TypeVar("R", bound=Row)

_log = logging.getLogger(__name__)

LIFETIMES: Mapping[Endpoint, float] = {
    Endpoint.INTEGRATIONS: 240.0,
    Endpoint.FLOWS: 240.0,
    Endpoint.EXPORTS: 1800.0,
    Endpoint.IMPORTS: 1800.0,
}
"""Seconds during which a listing is not asked for again; 0 for the others, whose callers only share a flight."""

STALE_SECONDS = 3600.0
"""How old a listing may be that is handed out because a new answer failed."""

MAX_ENTRIES = 256
_POLL_SECONDS = 0.05

Key = tuple[Endpoint, tuple[str, ...], tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Flight:
    """One request under way and, once `landed`, what it brought."""

    landed: threading.Event = field(default_factory=threading.Event)
    listing: Listing[Any] | None = None
    error: BaseException | None = None


class ListingCache:
    """Cache of one account. Thread-safe; nothing is called while the lock is held. It begins with what `before` has."""

    def __init__(self, clock: Clock, telemetry: Telemetry, before: "ListingCache | None" = None) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._lock = threading.Lock()  # guards _entries and _flights
        self._entries: OrderedDict[Key, Listing[Any]] = OrderedDict()
        if before is not None:
            with before._lock:
                self._entries.update(before._entries)
        self._flights: dict[Key, _Flight] = {}

    def get(self, key: Key, refresh: Refresh, load: Callable[[], Listing[R]]) -> Listing[R]:
        """The listing of `key`: kept, shared with a caller in flight, or loaded.

        Raises what `load` raises, unless older rows can stand in; then those, with `stale` set.
        """
        endpoint = key[0]
        with self._lock:
            kept = self._entries.get(key)
            lifetime = min(LIFETIMES.get(endpoint, 0.0), refresh.kept_seconds)
            if kept is not None and self._clock.monotonic() - kept.fetched_at < lifetime:
                flight, mine = None, False
            else:
                flight, mine = self._flights.get(key), key not in self._flights
                if flight is None:
                    flight = self._flights[key] = _Flight()
        if flight is None:
            self._count(endpoint, "hit")
            return cast("Listing[R]", kept)
        self._count(endpoint, "miss" if mine else "shared")
        if mine:
            self._fly(key, flight, load)
        else:
            self._join(flight, endpoint, refresh)
        return self._landed(key, flight)

    def _count(self, endpoint: Endpoint, result: str) -> None:
        self._telemetry.cache(endpoint, result)
        _log.debug("a listing was looked up", extra={"fields": {"endpoint": endpoint.value, "cached": result}})

    def _fly(self, key: Key, flight: _Flight, load: Callable[[], Listing[R]]) -> None:
        try:
            flight.listing = load()
        except BaseException as error:
            flight.error = error
            if not isinstance(error, ApiError):
                raise
        finally:
            with self._lock:
                del self._flights[key]
                if flight.listing is not None:
                    flight.listing = self._keep(key, flight.listing)
            flight.landed.set()

    def _keep(self, key: Key, listing: Listing[Any]) -> Listing[Any]:
        # One of which no row could be read is no answer to keep.
        if key[0] not in LIFETIMES or listing.illegible:
            return listing
        if (before := self._entries.get(key)) is not None:
            listing = replace(listing, rows=reused(listing.rows, before.rows))
        self._entries[key] = listing
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return listing

    def _join(self, flight: _Flight, endpoint: Endpoint, refresh: Refresh) -> None:
        """Wait for another caller's request, no longer than the own deadline."""
        while not flight.landed.is_set():
            if refresh.remaining <= 0 or refresh.stop.is_set():
                detail = "the deadline came before another caller's answer"
                raise Timeout(endpoint.value, method=endpoint.method, detail=detail)
            refresh.wait(flight.landed, min(refresh.remaining, _POLL_SECONDS))

    def _landed(self, key: Key, flight: _Flight) -> Listing[Any]:
        if flight.error is None and flight.listing is not None:
            return flight.listing
        with self._lock:
            kept = self._entries.get(key)
        lasts = kept is not None and self._clock.monotonic() - kept.fetched_at <= STALE_SECONDS
        if kept is not None and lasts and isinstance(flight.error, ApiError):
            self._count(key[0], "stale")
            return replace(kept, stale=True, failure=flight.error.detached())
        if isinstance(flight.error, ApiError):
            raise flight.error.detached()  # each caller its own: threads would write into one traceback
        assert flight.error is not None  # noqa: S101 - a flight lands with one of the two
        raise flight.error


def reused(rows: tuple[Any, ...], before: tuple[Any, ...]) -> tuple[Any, ...]:
    """`rows`, with the objects of `before` in the place of equal ones; `before` itself when it is the same throughout.

    So what changed is told by identity alone, and what did not is in memory once.
    """
    if _same(rows, before):  # a page whose body was that of before was not decoded again
        return before
    olds: Sequence[Any] = before
    pairs = zip(rows, before, strict=False)
    if len(rows) != len(before) or any(row is not old and row.id != old.id for row, old in pairs):
        held = {row.id: row for row in before}  # rows that came or went moved others
        olds = [held.get(row.id) for row in rows]
    same = tuple([old if old is row or old == row else row for row, old in zip(rows, olds, strict=True)])
    return before if _same(same, before) else same


def _same(rows: tuple[Any, ...], before: tuple[Any, ...]) -> bool:
    return len(rows) == len(before) and all(map(operator.is_, rows, before))
