"""The simulator's own time.

The account lives in simulated time, which can stand still, jump ahead or run
faster than the clock it is driven by. Nothing else in the simulator reads the
real time, except rate limiting and delays, which are about real seconds.
"""

import threading
import time
from collections.abc import Callable


class ManualTime:
    """A base clock that moves only when told; for tests and virtual-time harnesses."""

    def __init__(self, start: float = 1_788_000_000.0) -> None:
        self._value = start
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the current value in seconds."""
        with self._lock:
            return self._value

    def advance(self, seconds: float) -> None:
        """Move ahead by `seconds`; raises ValueError when negative."""
        if seconds < 0:
            raise ValueError("time cannot go back")
        with self._lock:
            self._value += seconds


class SimClock:
    """Simulated unix time: start + (base - base at start) * speed.

    `base` gives seconds and never goes back; `start` is the unix time at which the
    simulation begins. Without both, the clock follows the machine's clock.
    """

    def __init__(self, base: Callable[[], float] | None = None, start: float | None = None, speed: float = 1.0) -> None:
        self._base = base or time.monotonic
        if start is None:
            start = base() if base else time.time()
        self._lock = threading.Lock()
        self._anchor_base = self._base()
        self._anchor_now = start
        self._speed = _checked_speed(speed)
        self._frozen = False

    def now(self) -> float:
        """Return the simulated unix time in seconds."""
        with self._lock:
            return self._read()

    def now_ms(self) -> int:
        """Return the simulated unix time in whole milliseconds."""
        return int(self.now() * 1000)

    @property
    def speed(self) -> float:
        """Simulated seconds per base second while not frozen."""
        return self._speed

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen

    def freeze(self) -> None:
        """Stop time; `advance` still moves it."""
        with self._lock:
            self._reanchor()
            self._frozen = True

    def resume(self) -> None:
        """Let time run on from where it was stopped."""
        with self._lock:
            self._reanchor()
            self._frozen = False

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; raises ValueError when not positive."""
        with self._lock:
            self._reanchor()
            self._speed = _checked_speed(speed)

    def advance(self, seconds: float) -> None:
        """Jump ahead by simulated `seconds`; raises ValueError when negative."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("advance must not be negative or infinite")
        with self._lock:
            self._reanchor()
            self._anchor_now += seconds

    def _read(self) -> float:
        if self._frozen:
            return self._anchor_now
        return self._anchor_now + max(0.0, self._base() - self._anchor_base) * self._speed

    def _reanchor(self) -> None:
        self._anchor_now = self._read()
        self._anchor_base = self._base()


def _checked_speed(speed: float) -> float:
    if not 0 < speed <= 1_000_000:
        raise ValueError("speed must be more than 0 and at most 1000000")
    return speed
