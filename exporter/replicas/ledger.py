"""The ledger of one account in Redis, as the replica that has the lease keeps it.

Every change is one script, which does nothing unless the lease is still this replica's and Redis has the change before.
What could not be saved is saved as a whole as soon as that is possible: while the lease is held, nobody else can have
changed anything.
"""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import redis

from exporter.clock import Clock
from exporter.ledger.schema import VERSION
from exporter.ledger.sqlite_rows import TABLES, Table
from exporter.ledger.state import LedgerChange, LedgerState
from exporter.replicas.keys import Keys
from exporter.replicas.link import Link
from exporter.replicas.scripts import COMMIT
from exporter.replicas.trouble import Away

RETRY_SECONDS = 5.0
"""How soon saving everything is tried again after it failed."""

_OF_ALL = {"unreachable", "read_only"}
"""Troubles with which no lease is kept either, so that they are over when one is."""

_log = logging.getLogger(__name__)


class RedisLedger:
    """A store (see `exporter.ledger.store.Store`) for the terms of one replica, used by one thread at a time.

    `owner` is whose lease it needs. `lost` is called when it turns out not to be in Redis: it is another's, or Redis
    forgot it; the seat finds out which.
    """

    def __init__(self, link: Link, keys: Keys, owner: str, clock: Clock, lost: Callable[[], None]) -> None:
        self._link = link
        self._keys = keys
        self._owner = owner
        self._clock = clock
        self._lost = lost
        self._names = itertools.count(1)
        self._newest = ""
        self._sending: str | None = None
        self._older = {""}
        self._retry_at = float("-inf")
        self._of_all = False
        self._ended = False
        self.unsaved = False

    def load(self) -> LedgerState:
        """What Redis holds; to be called once, with the lease. Raises Away."""
        names = [self._keys.table(table.name) for table in TABLES]
        head, *tables = self._link.asked(lambda client: _read(client, self._keys.ledger, names))
        state = LedgerState()
        try:
            if int(head.get(b"layout", 0)) > VERSION:
                raise Away("newer")
            for table, rows in zip(TABLES, tables, strict=True):
                table.held(state).update(_unpacked(table, rows))
        except (ValueError, msgspec.MsgspecError):
            raise Away("corrupt") from None
        self._newest = head.get(b"newest", b"").decode()
        self._older.add(self._newest)
        return state

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """See `Store.commit`."""
        if self._ended or (self.unsaved and self._clock.monotonic() < self._retry_at):
            return
        name = self._sending = f"{self._owner}:{next(self._names)}"
        try:
            answer = b"behind" if self.unsaved else self._write(self._newest, name, _changes(change))
            if answer == b"behind":
                answer = self._write("*", name, _everything(state))
        except Away as failure:
            self._failed(failure)
            return
        if answer == b"lost":
            self.unsaved, self._retry_at = True, self._clock.monotonic() + RETRY_SECONDS
            self._lost()
            return
        if self.unsaved:
            _log.info("all counts are in Redis again", extra={"fields": {"account": self._keys.account}})
        self._newest, self.unsaved, self._of_all = name, False, False

    @property
    def newest(self) -> str:
        """The name of the newest change that Redis is known to have."""
        return self._newest

    def told(self, name: str) -> bool:
        """Whether Redis has all that it should when its newest change is called `name`; that one may be on its way."""
        return name in (self._newest, self._sending)

    def knows(self, name: str) -> bool:
        """Whether a Redis whose newest change is called `name` has nothing that was not counted here, too."""
        return name in self._older or name.startswith(f"{self._owner}:")

    def overrule(self, name: str) -> None:
        """The change called `name` is older than what is here, which is to be saved as a whole."""
        self._older.add(name)
        self.save_all()

    def save_all(self) -> None:
        """Let everything be saved, with the next change or at the next `Keeper.save`."""
        self.unsaved, self._retry_at = True, float("-inf")

    def retry(self) -> None:
        """The lease was kept: what a trouble of everything kept from being saved is saved next time."""
        if self._of_all:
            self.save_all()

    def end(self) -> None:
        """Save nothing any more."""
        self._ended = True

    def _write(self, before: str, name: str, rows: Iterator[bytes | str | int]) -> bytes:
        keys = [self._keys.lease, self._keys.ledger, *(self._keys.table(table.name) for table in TABLES)]
        answer: bytes = self._link.run(COMMIT, keys, [self._owner, before, name, VERSION, *rows])
        return answer

    def _failed(self, failure: Away) -> None:
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        self._of_all = failure.trouble in _OF_ALL
        if not self.unsaved:
            _log.error(
                "counts cannot be saved in Redis and are in memory for now",
                extra={"fields": {"account": self._keys.account, "trouble": str(failure)}},
            )
        self.unsaved = True


def _read(client: redis.Redis, head: str, tables: list[str]) -> list[dict[bytes, bytes]]:
    pipeline = client.pipeline(transaction=True)
    for key in (head, *tables):
        pipeline.hgetall(key)
    answers: list[dict[bytes, bytes]] = pipeline.execute()
    return answers


def _changes(change: LedgerChange) -> Iterator[bytes | str | int]:
    for table in TABLES:
        yield from _rows(table, table.changed(change))
        gone = list(table.gone(change))
        yield len(gone)
        yield from gone


def _everything(state: LedgerState) -> Iterator[bytes | str | int]:
    for table in TABLES:
        yield from _rows(table, table.held(state))
        yield 0


def _rows(table: Table, values: Mapping[Any, Any]) -> Iterator[bytes | str | int]:
    yield len(values)
    for key, value in values.items():
        yield key
        yield msgspec.json.encode(table.pack(value))


def _unpacked(table: Table, rows: Mapping[bytes, bytes]) -> Iterator[tuple[str, Any]]:
    for key, row in rows.items():
        values = msgspec.convert((key.decode(), *msgspec.json.decode(row)), table.kinds)
        yield values[0], table.unpack(values[1:])
