"""What the history of a flow is like: how long its runs take, how long they stay empty, when they start.

All values are immutable and every addition is a pure function. It is fed by every finished run that is read, counted or
not, and backwards in time by the reading of history (`exporter.collect.history`).
"""

import math
from array import array
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from exporter.ledger.tally import NEVER, FinishedRun

HOUR = 3600.0
BASELINE_RUNS = 50
"""How many of a flow's newest ended runs its baseline is made of."""

BASELINE_LEAST = 5
"""Fewer runs than this tell nothing."""

HOURS_KEPT = 5 * 7 * 24
_GENERATORS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Durations:
    """Ends and durations in seconds of the newest `BASELINE_RUNS` runs, packed: 10,000 flows have half a million."""

    packed: bytes = b""

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> "Durations":
        """The newest of some (end, duration) pairs, in any order."""
        newest = sorted(pairs)[-BASELINE_RUNS:]
        return cls(array("d", [number for pair in newest for number in pair]).tobytes())

    def pairs(self) -> list[tuple[float, float]]:
        """(End, duration) pairs, oldest first."""
        numbers = array("d", self.packed)
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def plus(self, ended_at: float, duration: float) -> "Durations":
        """With one more run; a run older than all that are kept changes nothing once there are enough."""
        pairs = self.pairs()
        insort(pairs, (ended_at, duration))
        return Durations.of(pairs)

    @property
    def p95(self) -> float | None:
        """The 95th percentile by nearest rank; None below `BASELINE_LEAST` runs."""
        durations = sorted(array("d", self.packed)[1::2])
        if len(durations) < BASELINE_LEAST:
            return None
        return durations[math.ceil(0.95 * len(durations)) - 1]


@dataclass(frozen=True, slots=True)
class Emptiness:
    """Streaks of completed runs without a record in a stretch of time.

    `longest` is the longest that a run with records ended: the streak that still goes on is what it is compared with.
    `first` and `last` are the streaks at its two ends, so that two stretches that follow each other make one. A stretch
    of nothing but empty runs is `unbroken`.
    """

    longest: int = 0
    first: int = 0
    last: int = 0
    unbroken: bool = True

    def then(self, later: "Emptiness") -> "Emptiness":
        """One stretch of it and the one after it."""
        return Emptiness(
            longest=max(self.longest, later.longest, 0 if later.unbroken else self.last + later.first),
            first=self.first + later.first if self.unbroken else self.first,
            last=self.last + later.last if later.unbroken else later.last,
            unbroken=self.unbroken and later.unbroken,
        )


EMPTY_RUN = Emptiness(0, 1, 1)
FULL_RUN = Emptiness(unbroken=False)


@dataclass(frozen=True, slots=True)
class Streaks:
    """The streaks of runs that are read window by window, each newer than the one before, its newest runs first.

    `recent` is the newest window as far as it was read, with runs that ended from `oldest` to `newest`; `settled` is
    everything before it, up to `settled_at`. A run that comes out of this order is put at the end.
    """

    settled: Emptiness = Emptiness()
    settled_at: float = NEVER
    recent: Emptiness = Emptiness()
    oldest: float = NEVER
    newest: float = NEVER

    @property
    def whole(self) -> Emptiness:
        """All of it as one stretch."""
        return self.settled.then(self.recent)

    def plus(self, run: FinishedRun) -> "Streaks":
        """With one more run."""
        stretch, at = _stretch([run]), run.ended_at
        if stretch == Emptiness():
            return self
        if at > self.newest:
            return Streaks(self.whole, self.newest, stretch, at, at)
        if self.settled_at <= at <= self.oldest:
            return replace(self, recent=stretch.then(self.recent), oldest=at)
        return replace(self, recent=self.recent.then(stretch))


@dataclass(frozen=True, slots=True)
class Hours:
    """In which hours runs started: bit n of `bits` stands for the hour n before `newest` (hours since the epoch)."""

    newest: int = 0
    bits: int = 0

    def plus(self, at: float) -> "Hours":
        """With a run that started at Unix instant `at`; one before the hours that are kept changes nothing."""
        hour = int(at // HOUR)
        newest = max(self.newest, hour)
        bits = (self.bits << (newest - self.newest)) | (1 << (newest - hour)) if self.bits else 1 << (newest - hour)
        return Hours(newest, bits & ((1 << HOURS_KEPT) - 1))

    def started(self, hour: int) -> bool:
        """Whether a run started in that hour since the epoch."""
        return self.newest - HOURS_KEPT < hour <= self.newest and bool(self.bits >> (self.newest - hour) & 1)

    def before(self, hour: int) -> int:
        """Bit n is whether a run started in the n-th hour before `hour`, counted from 0."""
        later = self.newest - hour + 1
        return self.bits >> later if later >= 0 else self.bits << -later


@dataclass(frozen=True, slots=True)
class FlowHistory:
    """What the runs of one flow were like. Instants are Unix seconds.

    `before` are the streaks before the first sight, `since` those after it. `success` is the end of the newest
    completed run without an error, `delivery` that of the newest one of whose records at most half failed. `starts`
    holds the newest creation of a run by the export that generated it.
    """

    durations: Durations = Durations()
    before: Emptiness = Emptiness()
    since: Streaks = Streaks()
    hours: Hours = Hours()
    success: float = NEVER
    delivery: float = NEVER
    starts: tuple[tuple[str, float], ...] = ()

    def ran(self, run: FinishedRun) -> "FlowHistory":
        """With a run that was read by its end."""
        return replace(self._with(run), since=self.since.plus(run))

    def preceded(self, runs: Iterable[FinishedRun]) -> "FlowHistory":
        """With all runs of a stretch of time that lies right before everything known so far."""
        ordered = sorted(runs, key=lambda run: run.newness)
        held = self
        for run in ordered:
            held = held._with(run)
        return replace(held, before=_stretch(ordered).then(self.before))

    @property
    def longest_empty(self) -> int:
        """The longest streak of completed runs without a record, but for the one that still goes on."""
        return self.before.then(self.since.whole).longest

    def last_start(self, export_id: str | None = None) -> float | None:
        """Creation of the newest run, or of the newest that this export generated or whose export is not told."""
        told = (at for name, at in self.starts if export_id is None or name in ("", export_id))
        return max(told, default=None)

    def _with(self, run: FinishedRun) -> "FlowHistory":
        completed, (success, error, ignored) = run.status == "completed", run.records
        return replace(
            self,
            durations=self.durations if run.duration is None else self.durations.plus(run.ended_at, run.duration),
            hours=self.hours.plus(run.created_at),
            success=max(self.success, run.ended_at) if completed and error == 0 else self.success,
            delivery=max(self.delivery, run.ended_at) if completed and error <= success + ignored else self.delivery,
            starts=_newest_starts(dict(self.starts), run),
        )


def _stretch(runs: Iterable[FinishedRun]) -> Emptiness:
    """The streaks of runs in their order; a failed or canceled run says nothing about emptiness."""
    held = Emptiness()
    for run in runs:
        if run.status == "completed":
            held = held.then(FULL_RUN if any(run.records) else EMPTY_RUN)
    return held


def _newest_starts(starts: dict[str, float], run: FinishedRun) -> tuple[tuple[str, float], ...]:
    name = run.export_id or ""
    starts[name] = max(starts.get(name, NEVER), run.created_at)
    kept: Mapping[str, float] = dict(sorted(starts.items(), key=lambda start: (-start[1], start[0]))[:_GENERATORS_KEPT])
    return tuple(sorted(kept.items()))
