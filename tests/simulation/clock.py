"""Three kinds of time that move only when told.

The true time is the world's, and drives the simulator. The exporter's machine has a wall clock that may be wrong, and a
monotonic clock that stands still while the machine sleeps. For one thread: nothing here is locked, and a wait ends at
once with time moved on.
"""

import math
import threading

from tests.clocks import EPOCH

_MONOTONIC_START = 5000.0


class VirtualClock:
    """The `Clock` of an exporter's machine, and the true time beside it; all in seconds.

    `true` fits `SimulatorOptions.base_clock`, which must never go back: no step of the wall clock touches it.
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._true = start
        self._offset = 0.0
        self._monotonic = _MONOTONIC_START

    def true(self) -> float:
        """The real world's Unix seconds."""
        return self._true

    def time(self) -> float:
        """Unix seconds by the machine's wall clock."""
        return self._true + self._offset

    def monotonic(self) -> float:
        """Seconds by the machine's monotonic clock."""
        return self._monotonic

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let `seconds` pass at once, none when `event` is set or they are negative; whether `event` is set."""
        if not event.is_set():
            self.advance(max(0.0, seconds))
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks; raises ValueError when negative or not finite."""
        self.suspend(seconds)
        self._monotonic += seconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock ahead, or back when negative, as NTP or an administrator does."""
        self._offset += seconds

    def suspend(self, seconds: float) -> None:
        """Let time pass while the machine sleeps: its monotonic clock stands still. Raises ValueError as `advance`."""
        if not 0 <= seconds < math.inf:
            raise ValueError("time passes by a finite number of seconds that is not negative")
        self._true += seconds
