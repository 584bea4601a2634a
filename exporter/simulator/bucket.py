"""The account's rate limit: a leaky bucket (contract 1.4)."""

import math
import threading
from collections.abc import Callable


class Bucket:
    """`size` tokens that come back at `rate` a second of real time. Thread-safe."""

    def __init__(self, size: int, rate: float, monotonic: Callable[[], float]) -> None:
        self._size = size
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens = float(size)
        self._at = monotonic()

    def take(self) -> int:
        """Take one token; return 0, or the whole seconds to wait when there is none."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._size, self._tokens + max(0.0, now - self._at) * self._rate)
            self._at = now
            if self._tokens >= 1.0:
                self._tokens -= 1.0
                return 0
            return max(1, math.ceil((1.0 - self._tokens) / self._rate))
