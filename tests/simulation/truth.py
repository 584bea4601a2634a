"""What the account itself knows of its runs, to compare the counters with."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from exporter.simulator.server import Simulator
from tests.simulation.series import Scraped, labels_of

Counts = Mapping[tuple[str, str, str], int]
"""Numbers by metric, flow and label value."""

RUNS = "celigo_flow_runs_total"
RECORDS = "celigo_flow_records_total"
RETRIES = "celigo_flow_retries_total"
RETRIES_LAG = 360.0
"""Retries are listed every five minutes only: a counter of them may be as old as this."""

STATUSES = ("completed", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be: it changed while it was read, or rows of it may still come late."""

    least: int
    most: int


class Truth:
    """The account's sums since the first mark, which is the exporter's first sight.

    `mark` before and after each collection: what ended in between may or may not have been read.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._first: Counts | None = None
        self._marks: tuple[Counts, Counts] = ({}, {})
        self._older: deque[tuple[float, Counts]] = deque()
        self._living: frozenset[str] = frozenset()
        self._of: tuple[float, int] | None = None
        self._pair: tuple[Counts, Counts] = ({}, {})

    def mark(self, *, same: bool = False) -> None:
        """Read the sums now; `same` says that nothing can have happened since the last time."""
        now = self._simulator.clock.now()
        counts = self._marks[1] if same else self._counts()
        self._first = counts if self._first is None else self._first
        self._marks = (self._marks[1], counts)
        self._older.append((now, counts))
        while len(self._older) > 1 and self._older[1][0] <= now - RETRIES_LAG:
            self._older.popleft()

    def begin(self) -> None:
        """Forget what was: the next mark is the first sight."""
        self._first = None

    @property
    def living(self) -> frozenset[str]:
        """Flows that exist as of the newest mark."""
        return self._living

    def total(self, metric: str) -> int:
        """What the account's living flows did since the first mark."""
        return sum(self._since(self._marks[1], key) for key in self._marks[1] if key[0] == metric)

    def range(self, metric: str, flow_id: str, member: str) -> Range:
        """What a counter of a flow may be as of the newest scrape."""
        key = (metric, flow_id, member)
        before = self._older[0][1] if metric == RETRIES else self._marks[0]
        return Range(self._since(before, key), self._since(self._marks[1], key))

    def differences(self, scraped: Scraped) -> list[str]:
        """Every counter that is not what it may be, as lines; flows of the account without a series count as 0."""
        found, expected = self._compared(scraped)
        lines = []
        for metric, flow_id, member in dict(expected.items() - found.items()):
            may = self.range(metric, flow_id, member)
            value = found.get((metric, flow_id, member), 0)
            if not may.least <= value <= may.most:
                lines.append(f"{metric} {flow_id} {member}: {value}, truth {may.least} to {may.most}")
        return lines

    def overcounted(self, scraped: Scraped) -> list[str]:
        """Every counter that is above the truth: what can never be, whatever fails."""
        found, expected = self._compared(scraped)
        return [
            f"{' '.join(key)}: {value} of {expected.get(key, 0)}"
            for key, value in dict(found.items() - expected.items()).items()
            if value > expected.get(key, 0) and key[1] in self._living
        ]

    def _compared(self, scraped: Scraped) -> tuple[Counts, Counts]:
        """The newest counters, and what they are when everything was read; worked out once a scrape."""
        of = (scraped.at[-1] if scraped.at else 0.0, id(self._marks[1]))
        if self._of != of:
            after, first = self._marks[1], self._first or {}
            self._of, self._pair = of, (counters(scraped), {key: after[key] - first.get(key, 0) for key in after})
        return self._pair

    def _since(self, counts: Counts, key: tuple[str, str, str]) -> int:
        return counts.get(key, 0) - (self._first or {}).get(key, 0)

    def _counts(self) -> Counts:
        engine, counts = self._simulator.engine, {}
        with engine.lock:
            engine.advance(self._simulator.clock.now_ms())
            self._living = frozenset(flow.id for flow in engine.account.live_flows())
            for flow_id, tally in engine.runs.tallies.items():
                if flow_id not in self._living:
                    continue
                for status in STATUSES:
                    counts[RUNS, flow_id, status] = tally.runs[status]
                    counts[RETRIES, flow_id, status] = tally.retries[status]
                counts[RECORDS, flow_id, "success"] = tally.success
                counts[RECORDS, flow_id, "error"] = tally.error
                counts[RECORDS, flow_id, "ignored"] = tally.ignored
        return counts


def counters(scraped: Scraped) -> Counts:
    """The newest values of the flows' counters."""
    return {
        (metric, *_key(series)): int(value)
        for metric in (RUNS, RECORDS, RETRIES)
        for series, value in scraped.newest.get(metric, {}).items()
    }


@lru_cache(maxsize=100_000)
def _key(series: bytes) -> tuple[str, str]:
    labels = labels_of(series)
    return labels["flow_id"], labels.get("status") or labels["outcome"]
