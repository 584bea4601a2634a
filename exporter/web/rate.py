"""`rate_limit`: a token bucket for all requests together."""

from exporter.clock import Clock
from exporter.web.settings import RequestRate


class RequestBucket:
    """Lets `burst` requests in at once, and one more each `interval` seconds. Belongs to one thread."""

    def __init__(self, rate: RequestRate, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.monotonic()

    def admit(self) -> bool:
        """Take a token if there is one."""
        now = self._clock.monotonic()
        self._tokens = min(float(self.rate.burst), self._tokens + (now - self._at) / self.rate.interval)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
