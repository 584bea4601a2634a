"""A clock for tests over real sockets: real time goes on, waits are cut short, and time can be moved on at will."""

import threading
import time

_LONGEST_REAL_WAIT = 0.005


class SkippingClock:
    """The machine's clock plus an offset; a wait takes milliseconds and moves the offset by the rest of it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()  # guards _offset

    def time(self) -> float:
        """Unix seconds."""
        return time.time() + self._offset

    def monotonic(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() + self._offset

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait a few milliseconds and let the rest of `seconds` have passed; true when `event` was set."""
        end = self.monotonic() + max(0.0, seconds)
        if event.wait(min(max(0.0, seconds), _LONGEST_REAL_WAIT)):
            return True
        with self._lock:
            # Waits of several threads overlap: time moves to the end of the longest, not by their sum.
            self._offset += max(0.0, end - self.monotonic())
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move time on."""
        with self._lock:
            self._offset += seconds
