"""One clock for everything, so that days can be simulated in seconds.

No other module reads the time or sleeps. Wall time (`time`) stamps facts and is compared with the API's instants;
monotonic time (`monotonic`) measures durations and deadlines. The two are never mixed.
"""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and waiting, in seconds."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary instant; never goes back."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed; true when it was set."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an arbitrary instant; never goes back."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed; true when it was set."""
        return event.wait(max(0.0, seconds))
