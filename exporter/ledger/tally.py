"""What the runs of a flow or an integration add up to.

All values are immutable and every addition is a pure function. Additions commute: rows may come in any order, late or
newest first, and the sums, the newest run and the streaks are the same.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace

from exporter.api.models import Job
from exporter.expose.families import Distribution

FINISHED = ("completed", "failed", "canceled")
"""Statuses that a run keeps for good; the order of every tuple of counts by status."""

OUTCOMES = ("success", "error", "ignored")
"""The order of every tuple of record counts (numSuccess, numError, numIgnore)."""

STANDALONE = "none"
"""Integration id of runs and flows outside any integration (contract 1.3)."""

DURATION_BUCKETS = (1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0)
QUEUE_WAIT_BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)

NO_DURATIONS = Distribution((0,) * len(DURATION_BUCKETS), 0.0, 0)
NO_QUEUE_WAITS = Distribution((0,) * len(QUEUE_WAIT_BUCKETS), 0.0, 0)

Triple = tuple[int, int, int]
ZERO: Triple = (0, 0, 0)
NEVER = float("-inf")

_STREAK_ENDS = 16


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One finished job row, reduced to what is counted. Instants are Unix seconds.

    `ended_at` falls back to the start or the creation when the row has no end. `duration` (endedAt - startedAt) and
    `queue_wait` (startedAt - createdAt) are None when an instant is missing or the difference is negative.
    `export_id` is the generator that the run began with, where the row tells it.
    """

    id: str
    flow_id: str | None
    integration_id: str
    status: str
    created_at: float
    ended_at: float
    duration: float | None
    queue_wait: float | None
    records: Triple
    export_id: str | None = None

    @property
    def newness(self) -> tuple[float, float, str]:
        """Orders runs by their end; ties are settled by creation and id, so that any order of rows agrees."""
        return (self.ended_at, self.created_at, self.id)


def finished_run(job: Job, created_at: float) -> FinishedRun:
    """Reduce a row whose status is one of `FINISHED`; `created_at` is where it lies in time (contract 3.7)."""
    started_at = job.started_at
    ended_at = next((at for at in (job.ended_at, started_at) if at is not None), created_at)
    return FinishedRun(
        id=job.id,
        flow_id=job.flow_id,
        integration_id=job.integration_id or STANDALONE,
        status=job.status or "",
        created_at=created_at,
        ended_at=float(ended_at),
        duration=_difference(started_at, job.ended_at),
        queue_wait=_difference(job.created_at, started_at),
        records=(job.num_success, job.num_error, job.num_ignore),
        export_id=job.export_id,
    )


def _difference(earlier: float | None, later: float | None) -> float | None:
    if earlier is None or later is None or later < earlier:
        return None
    return round(later - earlier, 3)


@dataclass(frozen=True, slots=True)
class Streak:
    """How many runs of one kind ended after the newest run that broke the streak.

    `ends` keeps the ends of the newest members, at most 16, and `oldest` that of the oldest one (NEVER: not known), so
    that a breaker which shows up late still lands in the right place: history is read backwards. A breaker in the
    middle of a streak, behind more members than that, leaves those 16: a lower bound.
    """

    count: int = 0
    broken_at: float = NEVER
    ends: tuple[float, ...] = ()
    oldest: float = NEVER

    def extended(self, at: float) -> "Streak":
        """With one more member that ended at `at`; one that ended before the breaker changes nothing."""
        if at <= self.broken_at:
            return self
        ends = tuple(sorted((*self.ends, at), reverse=True)[:_STREAK_ENDS])
        return Streak(self.count + 1, self.broken_at, ends, min(self.oldest, at) if self.count else at)

    def broken(self, at: float) -> "Streak":
        """With a run that ended at `at` and breaks the streak."""
        if at <= self.broken_at:
            return self
        if self.count and at < self.oldest:
            return replace(self, broken_at=at)
        later = tuple(end for end in self.ends if end > at)
        return Streak(len(later), at, later, min(later, default=NEVER))


@dataclass(frozen=True, slots=True)
class FlowTally:
    """What is known from the jobs of one flow. `newest_created` is the creation of its newest finished job."""

    runs: Triple = ZERO
    records: Triple = ZERO
    retries: Triple = ZERO
    last: FinishedRun | None = None
    failed: Streak = Streak()
    empty: Streak = Streak()
    newest_created: float = NEVER

    def counted(self, run: FinishedRun) -> "FlowTally":
        """With the run in the counters."""
        return replace(self, runs=plus_status(self.runs, run.status), records=plus(self.records, run.records))

    def retried(self, run: FinishedRun) -> "FlowTally":
        """With a finished retry job in its counter; its records are never added to those of runs (contract 3.7)."""
        newest = max(self.newest_created, run.created_at)
        return replace(self, retries=plus_status(self.retries, run.status), newest_created=newest)

    def seen(self, run: FinishedRun) -> "FlowTally":
        """With the run in what is told of the newest runs, whether or not it is counted.

        A completed run ends a streak of failed ones; a failed or canceled run says nothing about emptiness; a canceled
        run neither failed nor succeeded.
        """
        newer = self.last is None or run.newness > self.last.newness
        return replace(
            self,
            last=run if newer else self.last,
            failed=_failed(self.failed, run),
            empty=_empty(self.empty, run),
            newest_created=max(self.newest_created, run.created_at),
        )


def _failed(streak: Streak, run: FinishedRun) -> Streak:
    if run.status == "failed":
        return streak.extended(run.ended_at)
    return streak.broken(run.ended_at) if run.status == "completed" else streak


def _empty(streak: Streak, run: FinishedRun) -> Streak:
    if run.status != "completed":
        return streak
    return streak.broken(run.ended_at) if any(run.records) else streak.extended(run.ended_at)


@dataclass(frozen=True, slots=True)
class IntegrationTally:
    """What the finished runs of one integration add up to."""

    runs: Triple = ZERO
    records: Triple = ZERO
    durations: Distribution = NO_DURATIONS
    queue_waits: Distribution = NO_QUEUE_WAITS
    newest_created: float = NEVER

    def counted(self, run: FinishedRun) -> "IntegrationTally":
        """With the run in the counters and histograms."""
        return IntegrationTally(
            runs=plus_status(self.runs, run.status),
            records=plus(self.records, run.records),
            durations=observed(self.durations, DURATION_BUCKETS, run.duration),
            queue_waits=observed(self.queue_waits, QUEUE_WAIT_BUCKETS, run.queue_wait),
            newest_created=max(self.newest_created, run.created_at),
        )


def observed(distribution: Distribution, buckets: tuple[float, ...], value: float | None) -> Distribution:
    """The histogram state with one more observation; an unknown value (None) changes nothing."""
    if value is None:
        return distribution
    first = bisect_left(buckets, value)
    cumulative = tuple(n + (place >= first) for place, n in enumerate(distribution.cumulative))
    return Distribution(cumulative, distribution.sum + value, distribution.count + 1)


LARGEST = 2**62
"""Where a sum stays; no account gets there, but a row may claim anything, and a state file holds 64 bits."""


def plus(counts: Triple, more: Triple) -> Triple:
    """The sums, place by place, at most `LARGEST`."""
    return (
        min(LARGEST, counts[0] + more[0]),
        min(LARGEST, counts[1] + more[1]),
        min(LARGEST, counts[2] + more[2]),
    )


def plus_status(counts: Triple, status: str) -> Triple:
    """One more of `status`, one of `FINISHED`."""
    place = FINISHED.index(status)
    return plus(counts, (int(place == 0), int(place == 1), int(place == 2)))
