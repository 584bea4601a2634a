"""The exporter's own request budget against one account: a token bucket, and the pauses that the API asks for.

The bucket is pyrate-limiter's. The promise is towards the server: in any window of `t` seconds it sees at most
`burst + rate * t` requests. Requests are sent under the bucket but arrive a little later, unevenly (the first ones open
connections), so one token of the burst is held back: at the default rate that covers 200 ms of difference. A burst of
1 has none to hold back; there the server may see two requests closer together by that difference.
"""

import math
import threading
from collections.abc import Callable
from typing import Protocol

from pyrate_limiter import Rate, RateItem
from pyrate_limiter.abstracts.algorithm import TokenBucket
from pyrate_limiter.buckets.state_bucket import StateBucket
from pyrate_limiter.clocks import AbstractClock

from exporter.api.errors import Timeout
from exporter.api.refresh import Refresh
from exporter.clock import Clock
from exporter.config.settings import RateLimit

_UNITS = 1000
"""The rate is expressed as so many requests in a longer interval, so that fractions survive whole milliseconds."""


class Shared(Protocol):
    """A budget that several exporters share; `exporter.replicas.budget.SharedTokens` is one. Raises nothing."""

    def take(self, rate: Rate) -> float:
        """Take a token; 0, or the seconds until there is one."""
        ...

    def pause(self, seconds: float) -> None:
        """Tell the others of a pause."""
        ...


class _Milliseconds(AbstractClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> int:
        """Monotonic milliseconds."""
        return int(self._clock.monotonic() * 1000)


class Budget:
    """Budget of one account, shared by all its workers. Thread-safe.

    `waited` is told every wait: the reason (`budget` or `retry_after`) and the seconds. With `before`, the budget that
    held until now, there are no more tokens than were left there, and a pause goes on: a changed rate is no new burst.
    """

    def __init__(
        self,
        rate: RateLimit,
        clock: Clock,
        waited: Callable[[str, float], None] = lambda *_: None,
        before: "Budget | None" = None,
        shared: Shared | None = None,
    ) -> None:
        self.rate = rate
        self.shared = shared
        self._clock = clock
        self._waited = waited
        self._milliseconds = _Milliseconds(clock)
        self.capacity = max(1, rate.burst - 1)
        self._per_second = rate.requests_per_second
        interval = math.ceil(_UNITS * 1000 / rate.requests_per_second)
        self._rate = Rate(_UNITS, interval, burst=self.capacity)
        self._bucket = StateBucket([self._rate], TokenBucket(), clock=self._milliseconds)
        self._lock = threading.Lock()  # guards _bucket and _paused_until
        self._paused_until = -math.inf
        if before is not None:
            self._go_on(before)

    @property
    def untouched(self) -> bool:
        """Whether all tokens are there and nothing pauses, as at the very beginning."""
        return self.tokens() >= self.capacity

    def acquire(self, refresh: Refresh, endpoint: str = "-") -> float:
        """Wait for a token; the seconds waited.

        Raises Timeout at once, taking no token, when the refresh's deadline would pass first, and when the refresh is
        stopped.
        """
        total = 0.0
        while True:
            if refresh.remaining <= 0 or refresh.stop.is_set():
                raise Timeout(endpoint, detail="the deadline came before the request")
            reason, seconds = self._try_both(min(refresh.kept_share * self.capacity, self.capacity - 1))
            if reason is None:
                return total
            if seconds > refresh.remaining:
                raise Timeout(endpoint, detail=f"the deadline comes before the request budget ({reason})")
            started = self._clock.monotonic()
            refresh.wait(refresh.stop, seconds)
            passed = self._clock.monotonic() - started
            total += passed
            self._waited(reason, passed)

    def pause(self, seconds: float) -> None:
        """Let no request of the account start for `seconds`; a longer pause that is under way stays."""
        self.pause_here(seconds)
        if self.shared is not None:
            self.shared.pause(seconds)

    def pause_here(self, seconds: float) -> None:
        """Keep to a pause that others know of."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def tokens(self) -> float:
        """Tokens left: requests that could start at once. 0 during a pause."""
        with self._lock:
            if self._paused_until > self._clock.monotonic():
                return 0.0
            return self._left()

    def _go_on(self, before: "Budget") -> None:
        with before._lock:
            left, self._paused_until = before._left(), before._paused_until
        used = self.capacity - math.floor(min(left, self.capacity))
        if used:
            self._bucket.put(RateItem("request", self._milliseconds.now(), weight=used))

    def _left(self) -> float:
        owed = self._bucket.count()
        return max(0.0, self.capacity - float(owed)) if isinstance(owed, int) else 0.0

    def _try_both(self, kept: float) -> tuple[str | None, float]:
        """The own bucket first. A token that the shared one then refuses is lost: it is asked for again, later."""
        reason, seconds = self._try(kept)
        if reason is not None or self.shared is None:
            return reason, seconds
        wait = self.shared.take(self._rate)
        return (None, 0.0) if wait <= 0 else ("budget", wait)

    def _try(self, kept: float) -> tuple[str | None, float]:
        with self._lock:
            pause = self._paused_until - self._clock.monotonic()
            if pause > 0:
                return "retry_after", pause
            lacking = kept + 1 - self._left()
            if kept and lacking > 0:
                return "budget", max(0.001, lacking / self._per_second)
            item = RateItem("request", self._milliseconds.now())
            if self._bucket.put(item):
                return None, 0.0
            wait = self._bucket.waiting(item)
            return "budget", max(1, wait if isinstance(wait, int) else 1) / 1000
