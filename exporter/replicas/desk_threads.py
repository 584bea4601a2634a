"""The threads of a desk: one keeps the leases, the other one does what may take long."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from exporter.bugs import bug_fields
from exporter.replicas.desk import Desk
from exporter.replicas.seat import Seat

WOKEN_SECONDS = 0.2
"""How soon after a tick the next one may come."""

_log = logging.getLogger(__name__)


class DeskThreads:
    """Ticks from the beginning of its `with` to the end.

    What is published may be large and Redis slow; a lease that waits for it is lost.
    """

    def __init__(self, desk: Desk, seats: Callable[[], Sequence[Seat]]) -> None:
        self._desk = desk
        self._seats = seats
        self._stop = threading.Event()
        self._attended = threading.Event()
        self._threads = [
            threading.Thread(target=self._attend, name="replicas", daemon=True),
            threading.Thread(target=self._exchange, name="replicas-exchange", daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._desk.woken.set()
        self._attended.set()
        for thread in self._threads:
            thread.join()

    def _attend(self) -> None:
        desk = self._desk
        while not self._stop.is_set():
            with _going_on():
                desk.attend(self._seats())
            self._attended.set()
            desk.place.clock.wait(self._stop, min(WOKEN_SECONDS, desk.place.tick))
            desk.place.clock.wait(desk.woken, max(0.0, desk.place.tick - WOKEN_SECONDS))
            desk.woken.clear()

    def _exchange(self) -> None:
        while not self._stop.is_set():
            self._attended.wait()
            self._attended.clear()
            with _going_on():
                self._desk.exchange()


@contextmanager
def _going_on() -> Iterator[None]:
    """A thread that ended would leave all accounts to nobody, or publish nothing any more, without a word."""
    try:
        yield
    except Exception as error:
        _log.error("looking after the accounts has a bug", extra={"fields": {**bug_fields(error)}})
