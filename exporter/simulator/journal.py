"""The request log: what reached the API, without anything secret."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from exporter.simulator.messages import Request
from exporter.simulator.resources import JsonObject

_KEPT = 200_000


@dataclass(slots=True)
class Entry:
    """One request as it arrived, and how it was answered.

    `at` is monotonic seconds at arrival; `status` is None until answered and 0 when
    the connection was cut without an answer. `query` holds names, never values.
    """

    seq: int
    at: float
    method: str
    path: str
    query: tuple[str, ...]
    template: str
    authorized: bool
    status: int | None = None

    def row(self) -> JsonObject:
        """Return the entry as the control API shows it."""
        return {
            "seq": self.seq,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": list(self.query),
            "template": self.template,
            "status": self.status,
            "authorized": self.authorized,
        }


class Journal:
    """The newest 200,000 requests and a count of all. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._total = 0
        self._seq = 0

    def arrived(self, request: Request, template: str, *, authorized: bool) -> Entry:
        """Note a request at its arrival."""
        names = tuple(dict.fromkeys(name for name, _ in request.query))
        with self._lock:
            self._seq += 1
            self._total += 1
            at = self._monotonic()
            entry = Entry(self._seq, at, request.method, request.path, names, template, authorized)
            self._entries.append(entry)
            return entry

    def rows(self, since: int = 0) -> list[JsonObject]:
        """Return the entries with a sequence number above `since`, oldest first."""
        with self._lock:
            return [entry.row() for entry in self._entries if entry.seq > since]

    @property
    def total(self) -> int:
        """Requests since the start or the last `clear`, those no longer kept included."""
        with self._lock:
            return self._total

    def clear(self) -> None:
        """Forget all entries; sequence numbers go on."""
        with self._lock:
            self._entries.clear()
            self._total = 0
