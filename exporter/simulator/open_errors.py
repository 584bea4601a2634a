"""Open and resolved error records, per flow and step.

Counts are never kept apart from the records: what a roll-up reports is the number
of records a reader can list. A cap per step bounds the memory.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.simulator.failures import ErrorKind, render_assignee, render_message, render_trace_key
from exporter.simulator.resources import JsonObject
from exporter.simulator.runs import Run
from exporter.simulator.timestamps import iso

_RESOLVED_KEPT = 500
_RESOLUTIONS_KEPT = 5000


@dataclass(slots=True, eq=False)
class ErrorRecord:
    """One error of one step.

    `run` is None for errors older than the known runs, `assigned` for those of which nobody said whether they are.
    """

    id: str
    occurred_ms: int
    kind: ErrorKind
    number: int
    run: Run | None
    retry_ms: int | None = None
    resolved_ms: int | None = None
    resolved_by: str | None = None
    assigned: bool | None = None

    @property
    def assignee(self) -> str | dict[str, str] | None:
        """Who it is assigned to, as the API tells it; nobody when empty."""
        return render_assignee(self.number, self.assigned)

    def row(self, retention_ms: int) -> JsonObject:
        """Return the record as the API lists it (contract 3.6); some keys are missing at times."""
        row: JsonObject = {
            "errorId": self.id,
            "occurredAt": iso(self.occurred_ms),
            "source": self.kind.source,
            "code": self.kind.code,
            "message": render_message(self.kind, self.number),
            "traceKey": render_trace_key(self.number),
            "oIndex": self.number % 50,
            "retriable": self.number % 7 != 0,
            "purgeAt": iso(self.occurred_ms + retention_ms),
            "tags": [],
            "assignedTo": self.assignee,
        }
        if self.kind.classification is not None:
            row["classification"] = self.kind.classification
            row["classifiedBy"] = "autopilot"
        if self.run is not None:
            row["_flowJobId"] = self.run.id
        if self.number % 7:
            row["retryDataKey"] = f"rk-{self.id}"
            row["reqAndResKey"] = f"rr-{self.id}"
        if self.retry_ms is not None:
            row["retryAt"] = iso(self.retry_ms)
        if self.resolved_ms is not None:
            row["resolvedAt"] = iso(self.resolved_ms)
            row["resolvedBy"] = self.resolved_by
        return row


class StepErrors:
    """The records of one step of one flow."""

    __slots__ = ("_bounds", "open", "resolved")

    def __init__(self) -> None:
        self.open: dict[str, ErrorRecord] = {}
        self.resolved: deque[ErrorRecord] = deque(maxlen=_RESOLVED_KEPT)
        self._bounds: tuple[int, int] | None = None

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Instants (ms) of the oldest and the newest open error; None without any."""
        if self._bounds is None and self.open:
            times = [record.occurred_ms for record in self.open.values()]
            self._bounds = (min(times), max(times))
        return self._bounds

    def add(self, records: Iterable[ErrorRecord]) -> None:
        """Store open records."""
        self.open.update((record.id, record) for record in records)
        self._bounds = None

    def remove(self, ids: Iterable[str]) -> list[ErrorRecord]:
        """Take out those of `ids` that are still open, and return them."""
        gone = [record for record_id in ids if (record := self.open.pop(record_id, None)) is not None]
        self._bounds = None
        return gone


@dataclass(frozen=True, slots=True)
class Resolution:
    """How many errors of a flow were resolved at an instant, and by what (`auto`, `user`)."""

    at_ms: int
    count: int
    by: str


class ErrorBook:
    """All error records. Not thread-safe: the engine's lock guards it."""

    def __init__(self, cap_per_step: int) -> None:
        self._cap = cap_per_step
        self._flows: dict[str, dict[str, StepErrors]] = {}
        self._resolutions: dict[str, deque[Resolution]] = {}

    def room(self, flow_id: str, step_id: str) -> int:
        """Return how many more records the step may hold."""
        step = self._flows.get(flow_id, {}).get(step_id)
        return self._cap - len(step.open) if step else self._cap

    def add(self, flow_id: str, step_id: str, records: list[ErrorRecord]) -> None:
        """Store open records of a step; the caller asked for `room` before."""
        self._flows.setdefault(flow_id, {}).setdefault(step_id, StepErrors()).add(records)

    def steps(self, flow_id: str) -> dict[str, StepErrors]:
        """Return the records of a flow by step id; steps that never erred are missing."""
        return self._flows.get(flow_id, {})

    def open_count(self, flow_id: str) -> int:
        """Return how many errors of the flow are open."""
        return sum(len(step.open) for step in self.steps(flow_id).values())

    def last_ms(self, flow_id: str) -> int | None:
        """Return when the newest open error of the flow occurred."""
        return max((step.bounds[1] for step in self.steps(flow_id).values() if step.bounds), default=None)

    def resolve(self, flow_id: str, step_id: str, ids: Iterable[str], now_ms: int, by: str, user: str) -> int:
        """Resolve those of `ids` that are open; `by` is `auto` or `user`. Returns how many."""
        step = self.steps(flow_id).get(step_id)
        gone = step.remove(ids) if step else []
        for record in gone:
            record.resolved_ms = now_ms
            record.resolved_by = "autopilot" if by == "auto" else user
            if record.run is not None:
                record.run.num_resolved += 1
                record.run.modified_ms = max(record.run.modified_ms, now_ms)
        if step and gone:
            step.resolved.extend(gone)
            history = self._resolutions.setdefault(flow_id, deque(maxlen=_RESOLUTIONS_KEPT))
            history.append(Resolution(now_ms, len(gone), by))
        return len(gone)

    def expire(self, flow_id: str, step_id: str, ids: Iterable[str], until_ms: int) -> int:
        """Forget records whose retention is over, resolved or not: those that occurred until `until_ms`.

        `ids` are the open ones among them; returns how many were still open.
        """
        step = self.steps(flow_id).get(step_id)
        if step is None:
            return 0
        while step.resolved and step.resolved[0].occurred_ms <= until_ms:
            step.resolved.popleft()
        history = self._resolutions.get(flow_id)
        while history and history[0].at_ms <= until_ms:
            history.popleft()
        return len(step.remove(ids))

    def resolutions(self, flow_id: str, gt_ms: int, lte_ms: int) -> Iterator[Resolution]:
        """Yield what was resolved in a window (contract 3.9)."""
        for resolution in self._resolutions.get(flow_id, ()):
            if gt_ms < resolution.at_ms <= lte_ms:
                yield resolution
