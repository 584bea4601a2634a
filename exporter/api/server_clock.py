"""The server's time, told by the `Date` of its answers and carried on by the monotonic clock.

Every instant of a job is the server's, so what is compared with one has to be, too. The wall clock of this machine may
be wrong, and may be set at any moment; the monotonic one never is. Stopped while a machine sleeps, it makes this clock
late until the next answer, which is the harmless direction: what was read already is read again.
"""

import threading

from exporter.clock import Clock


class ServerClock:
    """Never ahead of the server but for what its own clocks disagree; late by the seconds of a `Date` at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset: float | None = None
        self._lock = threading.Lock()  # guards _offset

    def heard(self, date: float, sent_at: float) -> None:
        """An answer to a request of monotonic instant `sent_at` carried `date` (Unix seconds, cut to whole ones)."""
        least, most = date - self._clock.monotonic(), date + 1.0 - sent_at
        with self._lock:
            set_back = self._offset is not None and self._offset > most
            self._offset = least if self._offset is None or set_back else max(self._offset, least)

    def now(self) -> float:
        """Unix seconds by the server; by this machine as long as no answer told any."""
        offset = self._offset
        return self._clock.time() if offset is None else self._clock.monotonic() + offset
