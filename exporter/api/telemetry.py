"""What the client counts about itself: requests, durations, failures, retries, cache, waiting, clock skew.

The self metrics read the numbers as series keyed by label values, with every scrape.
"""

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ERROR_TYPES, ApiError
from exporter.clock import Clock
from exporter.expose.families import Distribution, Series

DURATIONS = "celigo_api_request_duration_seconds"
WAITS = "celigo_api_rate_limit_wait_seconds_total"
DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RETRY_REASONS = tuple(kind for kind in ERROR_TYPES if kind in {
    "rate_limited", "server_error", "bad_gateway", "unavailable", "timeout", "dns", "connect", "truncated",
    "unauthorized",
})  # fmt: skip
CACHE_RESULTS = ("hit", "miss", "stale", "shared")
WAIT_REASONS = ("budget", "retry_after")
SURE_SKEW_SECONDS = 1.0
"""A `Date` header has whole seconds, so smaller differences mean nothing."""

_LABELS: Mapping[str, tuple[str, ...]] = {
    "celigo_api_requests_total": ("endpoint", "method", "code"),
    DURATIONS: ("endpoint", "method"),
    "celigo_api_errors_total": ("endpoint", "type"),
    "celigo_api_retries_total": ("endpoint", "reason"),
    "celigo_api_response_bytes_total": ("endpoint",),
    "celigo_api_cache_requests_total": ("endpoint", "result"),
    WAITS: ("reason",),
}


_NO_DURATIONS = Distribution((0,) * len(DURATION_BUCKETS), 0.0, 0)

Key = tuple[str, ...]


class _Counts:
    """What only ever grows. One client after the other counts here, and an old one that still hangs does, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards everything
        self.version = 0
        self._known: set[tuple[str, Endpoint]] = set()
        self._numbers: dict[str, dict[Key, float]] = {name: {} for name in _LABELS if name != DURATIONS}
        self._durations: dict[Key, Distribution] = {}
        self._numbers[WAITS] = dict.fromkeys(((reason,) for reason in WAIT_REASONS), 0.0)

    def introduce(self, kind: str, endpoint: Endpoint, members: Mapping[str, Sequence[str]]) -> None:
        """Start closed enumerations of an endpoint at 0, when it is new, so that `increase` sees the first event."""
        with self._lock:
            if (kind, endpoint) not in self._known:
                self._known.add((kind, endpoint))
                for name, values in members.items():
                    for value in values:
                        self._numbers[name].setdefault((endpoint.value, value), 0.0)

    def add(self, name: str, key: Key, amount: float = 1.0) -> None:
        """Count."""
        with self._lock:
            self._numbers[name][key] = self._numbers[name].get(key, 0.0) + amount
            self.version += 1

    def observe(self, key: Key, seconds: float) -> None:
        """Count a duration."""
        with self._lock:
            held = self._durations.get(key, _NO_DURATIONS)
            first = bisect_left(DURATION_BUCKETS, seconds)
            cumulative = tuple(count + (place >= first) for place, count in enumerate(held.cumulative))
            self._durations[key] = Distribution(cumulative, held.sum + seconds, held.count + 1)
            self.version += 1

    def series(self, name: str) -> Series:
        """What was counted so far."""
        with self._lock:
            return dict(self._durations if name == DURATIONS else self._numbers[name])

    def carry_on(self, counted: Mapping[str, Series]) -> None:
        """Count on from what another one had counted. What has other buckets begins anew."""
        with self._lock:
            for name, held in self._numbers.items():
                for key, value in counted.get(name, {}).items():
                    if not isinstance(value, Distribution):
                        held[key] = held.get(key, 0.0) + float(value)
            for key, value in counted.get(DURATIONS, {}).items():
                if isinstance(value, Distribution) and len(value.cumulative) == len(DURATION_BUCKETS):
                    self._durations[key] = _sum(self._durations.get(key, _NO_DURATIONS), value)
            self.version += 1

    def moved(self) -> None:
        """Something else is to be told anew."""
        with self._lock:
            self.version += 1


class Telemetry:
    """Counts of one account, and how its newest calls ended. Thread-safe.

    With `before` the counters go on; with `same_api` what is known of the newest calls stays, too.
    """

    def __init__(self, clock: Clock, before: "Telemetry | None" = None, *, same_api: bool = True) -> None:
        self._clock = clock
        self._counts: _Counts = _Counts() if before is None else before._counts
        self._lock = threading.Lock()  # guards everything below
        self._outcomes: dict[Endpoint, tuple[bool, float]] = {}
        self._failures: dict[Endpoint, ApiError] = {}
        self._skew: float | None = None
        if before is not None and same_api:
            with before._lock:
                self._outcomes.update(before._outcomes)
                self._failures.update(before._failures)
                self._skew = before._skew

    @property
    def version(self) -> int:
        """Grows with every event."""
        return self._counts.version

    def exchange(
        self, endpoint: Endpoint, code: str, seconds: float, body_bytes: int, *, method: str | None = None
    ) -> None:
        """One attempt was sent: its status (`none` without a response), its duration, the decompressed body's size."""
        self._introduce(endpoint)
        method = method or endpoint.method
        self._counts.add("celigo_api_requests_total", (endpoint.value, method, code))
        self._counts.observe((endpoint.value, method), seconds)
        self._counts.add("celigo_api_response_bytes_total", (endpoint.value,), body_bytes)

    def error(self, endpoint: Endpoint, type: str) -> None:  # noqa: A002 - the label's name
        """One attempt failed."""
        self._introduce(endpoint)
        self._counts.add("celigo_api_errors_total", (endpoint.value, type))

    def retry(self, endpoint: Endpoint, reason: str) -> None:
        """An attempt is repeated because of `reason`, an error type."""
        self._introduce(endpoint)
        self._counts.add("celigo_api_retries_total", (endpoint.value, reason))

    def cache(self, endpoint: Endpoint, result: str) -> None:
        """One look-up in the cache ended in `result`."""
        self._counts.introduce("cached", endpoint, {"celigo_api_cache_requests_total": CACHE_RESULTS})
        self._counts.add("celigo_api_cache_requests_total", (endpoint.value, result))

    def waited(self, reason: str, seconds: float) -> None:
        """A worker waited for the budget or because a 429 asked for it."""
        self._counts.add(WAITS, (reason,), max(0.0, seconds))

    def skew(self, seconds: float | None) -> None:
        """Local clock minus the server's, or None when it is within what a `Date` header can tell."""
        with self._lock:
            self._skew = seconds
        self._counts.moved()

    def outcome(self, endpoint: Endpoint, failure: ApiError | None) -> None:
        """A call ended, all its retries included."""
        with self._lock:
            self._outcomes[endpoint] = (failure is None, self._clock.monotonic())
            if failure is None:
                self._failures.pop(endpoint, None)
            else:
                self._failures[endpoint] = failure.detached()
        self._counts.moved()

    def clock_skew(self) -> float | None:
        """Local clock minus the server's in seconds; None when unknown or too small to be sure of."""
        return self._skew if self._skew is not None and abs(self._skew) > SURE_SKEW_SECONDS else None

    def outcomes(self) -> Mapping[Endpoint, tuple[bool, float]]:
        """Whether the newest call of each endpoint succeeded, and its monotonic instant."""
        with self._lock:
            return MappingProxyType(dict(self._outcomes))

    def last_error(self, endpoint: Endpoint) -> ApiError | None:
        """Why the newest call of `endpoint` failed; None when it succeeded or there was none."""
        with self._lock:
            return self._failures.get(endpoint)

    def carry_on(self, counted: Mapping[str, Series]) -> None:
        """Count on from the series by metric that another replica had counted."""
        self._counts.carry_on(counted)

    def counted(self) -> Mapping[str, Series]:
        """All series by metric."""
        return {name: self.series(name) for name in _LABELS}

    def series(self, name: str) -> Series:
        """Series of one of the client's metrics by label values in catalogue order. Raises KeyError for others."""
        return self._counts.series(name)

    def _introduce(self, endpoint: Endpoint) -> None:
        enumerations = {"celigo_api_errors_total": ERROR_TYPES, "celigo_api_retries_total": RETRY_REASONS}
        self._counts.introduce("asked", endpoint, enumerations)


def _sum(one: Distribution, other: Distribution) -> Distribution:
    cumulative = tuple(a + b for a, b in zip(one.cumulative, other.cumulative, strict=True))
    return Distribution(cumulative, one.sum + other.sum, one.count + other.count)
