"""What the exporter tells about itself and its calls, for each account (metric catalogue, section 1).

celigo_api_requests_total{code="200",endpoint="/v1/flows",method="GET"} 12
celigo_exporter_collector_success{collector="jobs"} 1
celigo_exporter_series{family="celigo_flow_enabled"} 10000
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.api.errors import ERROR_TYPES
from exporter.api.listing import REJECT_REASONS
from exporter.config.settings import Profile
from exporter.expose.blocks import RenderedBlock
from exporter.expose.catalogue import own
from exporter.expose.families import Family, Metric, Series, Value
from exporter.expose.selection import in_profile

FAILURE_REASONS = (*ERROR_TYPES, "internal", "render")
"""The closed enumeration of `celigo_exporter_collector_errors_total{reason}`; `internal` is a bug in a collector,
`render` one in making families of what it read."""

_COUNTED_BY_CLIENT = (
    own.API_REQUESTS_TOTAL,
    own.API_REQUEST_DURATION_SECONDS,
    own.API_ERRORS_TOTAL,
    own.API_RETRIES_TOTAL,
    own.API_RESPONSE_BYTES_TOTAL,
    own.API_CACHE_REQUESTS_TOTAL,
    own.API_RATE_LIMIT_WAIT_SECONDS_TOTAL,
)

SeriesDict = dict[tuple[str, ...], Value]


class Exchanges(Protocol):
    """What the client counts; `exporter.api.telemetry.Telemetry` is one."""

    @property
    def version(self) -> int:
        """Grows with everything that is counted."""
        ...

    def series(self, name: str) -> Series:
        """The series of a metric now."""
        ...

    def clock_skew(self) -> float | None:
        """Local clock minus the server's in seconds, None unless it is surely over one."""
        ...


class Status(Protocol):
    """How a collector is doing; `exporter.collect.runner.CollectorStatus` is one. None means before the first run."""

    @property
    def success(self) -> bool | None:
        """Whether the newest run succeeded."""
        ...

    @property
    def last_success(self) -> float | None:
        """Unix seconds when a run last succeeded."""
        ...

    @property
    def duration(self) -> float | None:
        """Seconds that the newest run took."""
        ...

    @property
    def requests(self) -> int | None:
        """Requests that the newest run sent."""
        ...

    @property
    def errors(self) -> Mapping[str, int]:
        """Failed runs so far by reason."""
        ...

    @property
    def truncated(self) -> int:
        """Cut listings so far."""
        ...

    @property
    def rejected(self) -> Mapping[str, int]:
        """Rows left out so far by reason."""
        ...

    @property
    def disabled(self) -> str | None:
        """Why it runs only seldom, None when it does not."""
        ...


def _nothing() -> Mapping[str, float]:
    return {}


def _unknown() -> float | None:
    return None


def _nothing_tried() -> Mapping[str, bool]:
    return {}


def _nothing_dropped() -> Mapping[tuple[str, str], int]:
    return {}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers about one account come from. Every callable is cheap, thread-safe and answers from memory.

    `intervals` (seconds) and `statuses` are by collector, `watermarks` (Unix seconds) too, `objects` by kind,
    `catch_up` is the share of a gap in the runs that has been read, `backfill` that of the history, None while unknown,
    `dropped` by family and reason, counted since the start. `tokens` is what is left of the budget. `available` tells
    of each optional endpoint that was tried whether it is answered. `region` None is a host of no region.
    """

    exchanges: Exchanges
    intervals: Mapping[str, float]
    statuses: Callable[[], Mapping[str, Status]]
    tokens: Callable[[], float]
    watermarks: Callable[[], Mapping[str, float]] = _nothing
    catch_up: Callable[[], float | None] = _unknown
    backfill: Callable[[], float | None] = _unknown
    objects: Callable[[], Mapping[str, float]] = _nothing
    dropped: Callable[[], Mapping[tuple[str, str], int]] = _nothing_dropped
    available: Callable[[], Mapping[str, bool]] = _nothing_tried
    token_expires: float | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class OwnState:
    """Everything the families are made of, read at one time. `blocks` is not compared: `versions` stands for it."""

    counted: int
    skew: float | None
    tokens: float
    statuses: Mapping[str, Status]
    watermarks: Mapping[str, float]
    catch_up: float | None
    backfill: float | None
    objects: Mapping[str, float]
    dropped: Mapping[tuple[str, str], int]
    available: Mapping[str, bool]
    failures: Mapping[str, int]
    versions: tuple[int, ...]
    blocks: Sequence[RenderedBlock] = field(compare=False)


class OwnMetrics:
    """The exporter's own families of one account; see `exporter.expose.snapshot.OwnFamilies`. Keeps nothing."""

    def __init__(self, sources: Sources, profile: Profile = "full") -> None:
        self._sources = sources
        self._profile = profile

    def state(
        self, blocks: Sequence[RenderedBlock], failures: Mapping[str, int], left_out: Mapping[str, int]
    ) -> OwnState:
        """Read everything. The budget counts in whole requests, so that a full one stays equal."""
        sources = self._sources
        capped = {(name, "series_cap"): count for name, count in left_out.items()}
        return OwnState(
            counted=sources.exchanges.version,
            skew=sources.exchanges.clock_skew(),
            tokens=float(max(0, math.floor(sources.tokens()))),
            statuses=dict(sources.statuses()),
            watermarks=dict(sources.watermarks()),
            catch_up=sources.catch_up(),
            backfill=sources.backfill(),
            objects=dict(sources.objects()),
            dropped={**sources.dropped(), **capped},
            available=dict(sources.available()),
            failures=dict(failures),
            versions=tuple(block.version for block in blocks),
            blocks=tuple(blocks),
        )

    def families(self, state: object) -> list[Family]:
        """The families of a state that `state` read."""
        if not isinstance(state, OwnState):
            raise TypeError(f"not a state of these families: {type(state).__name__}")
        sources = self._sources
        told = [
            *(Family(metric, sources.exchanges.series(metric.name)) for metric in _COUNTED_BY_CLIENT),
            Family(own.ACCOUNT_INFO, {(sources.region or "other",): 1.0}),
            *_budget(state, sources.token_expires),
            *collector_families(sources.intervals, state.statuses, state.failures),
            *_memory(state),
        ]
        held = [family for family in told if in_profile(family.metric.tier, self._profile)]
        series = series_family(state.blocks, held)
        return [*held, series] if in_profile(series.metric.tier, self._profile) else held


def _budget(state: OwnState, token_expires: float | None) -> Iterator[Family]:
    yield _single(own.API_RATE_LIMIT_TOKENS, state.tokens)
    yield _single(own.API_TOKEN_EXPIRY_TIMESTAMP_SECONDS, token_expires)
    yield _single(own.API_CLOCK_SKEW_SECONDS, state.skew)


def collector_families(
    intervals: Mapping[str, float], statuses: Mapping[str, Status], failures: Mapping[str, int]
) -> Iterator[Family]:
    """Families about each collector; `failures` are builds of its blocks that failed."""
    yield _by_name(own.EXPORTER_COLLECTOR_INTERVAL_SECONDS, intervals)
    yield _newest(own.EXPORTER_COLLECTOR_SUCCESS, statuses, lambda status: status.success)
    yield _newest(own.EXPORTER_COLLECTOR_LAST_SUCCESS_TIMESTAMP_SECONDS, statuses, lambda status: status.last_success)
    yield _newest(own.EXPORTER_COLLECTOR_DURATION_SECONDS, statuses, lambda status: status.duration)
    yield _newest(own.EXPORTER_COLLECTOR_REQUESTS, statuses, lambda status: status.requests)
    yield _newest(own.EXPORTER_TRUNCATED_LISTS_TOTAL, statuses, lambda status: status.truncated)
    errors = {name: {**status.errors, "render": failures.get(name, 0)} for name, status in statuses.items()}
    yield Family(own.EXPORTER_COLLECTOR_ERRORS_TOTAL, _filled(errors, FAILURE_REASONS))
    rejected = {name: status.rejected for name, status in statuses.items()}
    yield Family(own.EXPORTER_ROWS_REJECTED_TOTAL, _filled(rejected, REJECT_REASONS))
    disabled: SeriesDict = {(name, row.disabled): 1.0 for name, row in statuses.items() if row.disabled is not None}
    yield Family(own.EXPORTER_COLLECTOR_DISABLED, disabled)


def _memory(state: OwnState) -> Iterator[Family]:
    yield _by_name(own.EXPORTER_ENDPOINT_AVAILABLE, state.available)
    yield _by_name(own.EXPORTER_WATERMARK_TIMESTAMP_SECONDS, state.watermarks)
    yield _single(own.EXPORTER_CATCH_UP_RATIO, state.catch_up)
    yield _single(own.EXPORTER_BACKFILL_RATIO, state.backfill)
    yield _by_name(own.EXPORTER_OBJECTS, state.objects)
    yield Family(own.EXPORTER_SERIES_DROPPED_TOTAL, {key: float(count) for key, count in state.dropped.items()})
    built = max((block.built_at for block in state.blocks), default=None)
    yield _single(own.EXPORTER_SNAPSHOT_TIMESTAMP_SECONDS, built)


def series_family(blocks: Sequence[RenderedBlock], told: Sequence[Family]) -> Family:
    """How many series each family of the account has, this one included."""
    counts: dict[str, int] = {}
    for block in blocks:
        for name, count in block.series.items():
            counts[name] = counts.get(name, 0) + count
    for family in told:
        if family.series:
            counts[family.metric.name] = len(family.series) * _lines_each(family.metric)
    counts[own.EXPORTER_SERIES.name] = len(counts) + 1
    return _by_name(own.EXPORTER_SERIES, counts)


def _lines_each(metric: Metric) -> int:
    """Series that one key makes: a histogram has its buckets, +Inf, sum and count."""
    return len(metric.buckets) + 3 if metric.type == "histogram" else 1


def _single(metric: Metric, value: float | None) -> Family:
    return Family(metric, {} if value is None else {(): value})


def _by_name(metric: Metric, values: Mapping[str, float]) -> Family:
    return Family(metric, {(name,): float(value) for name, value in values.items()})


def _newest(metric: Metric, statuses: Mapping[str, Status], read: Callable[[Status], float | None]) -> Family:
    values = {name: read(status) for name, status in statuses.items()}
    return Family(metric, {(name,): float(value) for name, value in values.items() if value is not None})


def _filled(counts: Mapping[str, Mapping[str, int]], members: Sequence[str]) -> SeriesDict:
    """Every member of a closed enumeration, from 0 on; what is not in it is not lost."""
    return {
        (name, member): float(held.get(member, 0))
        for name, held in counts.items()
        for member in dict.fromkeys((*members, *held))
    }
