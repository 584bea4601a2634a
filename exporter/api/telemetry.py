"""What the client counts about itself: requests, durations, failures, retries, cache, waiting, clock skew.

The numbers are prometheus_client's, outside any registry; the self metrics read them as series keyed by label values.
"""

import threading
from collections.abc import Mapping
from types import MappingProxyType

from prometheus_client import Counter, Histogram

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ERROR_TYPES, ApiError
from exporter.clock import Clock
from exporter.expose.families import Distribution, Series, Value

DURATIONS = "celigo_api_request_duration_seconds"
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
    "celigo_api_rate_limit_wait_seconds_total": ("reason",),
}


class _Counts:
    """What only ever grows. One client after the other counts here, and an old one that still hangs does, too."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # guards all but the metric objects, which guard themselves
        self.version = 0
        self.known: set[Endpoint] = set()
        self.cached: set[Endpoint] = set()
        self.counters = {
            name: Counter(name, "-", labels, registry=None)
            for name, labels in _LABELS.items()
            if name.endswith("_total")
        }
        name = DURATIONS
        self.carried: Mapping[str, Series] = {}
        self.durations = Histogram(name, "-", _LABELS[name], buckets=DURATION_BUCKETS, registry=None)
        for reason in WAIT_REASONS:
            self.counters["celigo_api_rate_limit_wait_seconds_total"].labels(reason)


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
        self._counts.counters["celigo_api_requests_total"].labels(endpoint.value, method, code).inc()
        self._counts.durations.labels(endpoint.value, method).observe(seconds)
        self._counts.counters["celigo_api_response_bytes_total"].labels(endpoint.value).inc(body_bytes)
        self._moved()

    def error(self, endpoint: Endpoint, type: str) -> None:  # noqa: A002 - the label's name
        """One attempt failed."""
        self._introduce(endpoint)
        self._counts.counters["celigo_api_errors_total"].labels(endpoint.value, type).inc()
        self._moved()

    def retry(self, endpoint: Endpoint, reason: str) -> None:
        """An attempt is repeated because of `reason`, an error type."""
        self._introduce(endpoint)
        self._counts.counters["celigo_api_retries_total"].labels(endpoint.value, reason).inc()
        self._moved()

    def cache(self, endpoint: Endpoint, result: str) -> None:
        """One look-up in the cache ended in `result`."""
        with self._counts.lock:
            new = endpoint not in self._counts.cached
            self._counts.cached.add(endpoint)
        counter = self._counts.counters["celigo_api_cache_requests_total"]
        if new:
            for each in CACHE_RESULTS:
                counter.labels(endpoint.value, each)
        counter.labels(endpoint.value, result).inc()
        self._moved()

    def waited(self, reason: str, seconds: float) -> None:
        """A worker waited for the budget or because a 429 asked for it."""
        self._counts.counters["celigo_api_rate_limit_wait_seconds_total"].labels(reason).inc(max(0.0, seconds))
        self._moved()

    def skew(self, seconds: float | None) -> None:
        """Local clock minus the server's, or None when it is within what a `Date` header can tell."""
        with self._lock:
            self._skew = seconds
        self._moved()

    def outcome(self, endpoint: Endpoint, failure: ApiError | None) -> None:
        """A call ended, all its retries included."""
        with self._lock:
            self._outcomes[endpoint] = (failure is None, self._clock.monotonic())
            if failure is None:
                self._failures.pop(endpoint, None)
            else:
                self._failures[endpoint] = failure.detached()
        self._moved()

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

    def carry_on(self, carried: Mapping[str, Series]) -> None:
        """Count on from the series by metric that another replica had counted."""
        self._counts.carried = carried
        self._moved()

    def counted(self) -> Mapping[str, Series]:
        """All series by metric."""
        return {name: self.series(name) for name in _LABELS}

    def series(self, name: str) -> Series:
        """Series of one of the client's metrics by label values in catalogue order. Raises KeyError for others."""
        return summed(self._counts.carried.get(name, {}), self._own_series(name))

    def _own_series(self, name: str) -> Series:
        labels = _LABELS[name]
        if name == DURATIONS:
            return self._distributions(labels)
        series: dict[tuple[str, ...], Value] = {}
        for family in self._counts.counters[name].collect():
            for sample in family.samples:
                if sample.name == name:
                    series[tuple(sample.labels[label] for label in labels)] = sample.value
        return series

    def _distributions(self, labels: tuple[str, ...]) -> Series:
        parts: dict[tuple[str, ...], tuple[list[int], list[float], list[int]]] = {}
        for family in self._counts.durations.collect():
            for sample in family.samples:
                key = tuple(sample.labels[label] for label in labels)
                cumulative, total, count = parts.setdefault(key, ([], [], []))
                if sample.name.endswith("_bucket") and sample.labels["le"] != "+Inf":
                    cumulative.append(int(sample.value))
                elif sample.name.endswith("_sum"):
                    total.append(sample.value)
                elif sample.name.endswith("_count"):
                    count.append(int(sample.value))
        return {key: Distribution(tuple(row[0]), row[1][0], row[2][0]) for key, row in parts.items()}

    def _introduce(self, endpoint: Endpoint) -> None:
        """Start the closed enumerations of a new endpoint at 0, so that `increase` sees the first event."""
        with self._counts.lock:
            if endpoint in self._counts.known:
                return
            self._counts.known.add(endpoint)
        for kind in ERROR_TYPES:
            self._counts.counters["celigo_api_errors_total"].labels(endpoint.value, kind)
        for reason in RETRY_REASONS:
            self._counts.counters["celigo_api_retries_total"].labels(endpoint.value, reason)

    def _moved(self) -> None:
        with self._counts.lock:
            self._counts.version += 1


def summed(one: Series, other: Series) -> Series:
    """Both together, number by number."""
    if not one:
        return other
    total = dict(one)
    for key, value in other.items():
        held = total.get(key)
        total[key] = value if held is None else _sum(held, value)
    return total


def _sum(one: Value, other: Value) -> Value:
    if not isinstance(one, Distribution) or not isinstance(other, Distribution):
        return float(one) + float(other)  # type: ignore[arg-type]  # a metric has one kind of value
    cumulative = tuple(a + b for a, b in zip(one.cumulative, other.cumulative, strict=True))
    return Distribution(cumulative, one.sum + other.sum, one.count + other.count)
