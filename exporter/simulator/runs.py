"""Runs (jobs) and how they look to the API at a given moment."""

from dataclasses import dataclass

from exporter.simulator.failures import ErrorKind
from exporter.simulator.plan import PAGE_RECORDS, RunPlan, step_outcomes
from exporter.simulator.resources import Flow, JsonObject
from exporter.simulator.timestamps import iso

IN_PROGRESS = frozenset({"queued", "running", "retrying", "canceling"})
FINISHED = frozenset({"completed", "failed", "canceled"})
# A run reads ahead of what it has processed.
_EXPORT_LEAD = 1.3


@dataclass(slots=True, eq=False)
class Run:
    """One parent job, of kind `flow` or `retry` (contract 3.7).

    `step_id` is the generator of a flow run, or the step whose errors a retry
    processes. Counters are those of the finished run; `row` derives the moving
    ones of a run in progress from the time. `error_kind`, when given, is the kind of
    every error the run raises. `stuck_share` is the progress (0..1) at which a stuck run
    stays until it is let go. A run that has `vanished` neither starts nor ends any more,
    whatever was planned for it. `drawn` is the plan as it was drawn, from which incidents
    bend `plan`; a run that an incident made has none and ends as told.
    """

    id: str
    kind: str
    flow: Flow
    integration_id: str | None
    step_id: str
    step_kind: str
    created_ms: int
    plan: RunPlan
    group: str | None = None
    status: str = "queued"
    started_ms: int | None = None
    ended_ms: int | None = None
    modified_ms: int = 0
    num_success: int = 0
    num_error: int = 0
    num_ignore: int = 0
    num_resolved: int = 0
    triggered_by: str | None = None
    stuck_share: float | None = None
    error_kind: ErrorKind | None = None
    vanished: bool = False
    drawn: RunPlan | None = None

    @property
    def in_progress(self) -> bool:
        """Whether the run has not ended yet."""
        return self.ended_ms is None

    def settle(self, plan: RunPlan, now_ms: int) -> None:
        """End the run at `now_ms` with the numbers of `plan`."""
        self.plan = plan
        outcomes = step_outcomes(self.flow, self.step_id, plan)
        self.status = plan.status
        self.ended_ms = now_ms
        self.modified_ms = now_ms + 71
        self.num_success = sum(row.success for row in outcomes)
        self.num_error = sum(row.error for row in outcomes)
        self.num_ignore = sum(row.ignored for row in outcomes)

    def end_retry(self, resolved: int, failed: int, now_ms: int) -> None:
        """End a retry job that resolved some errors and failed on others again."""
        self.status = self.plan.status
        self.ended_ms = now_ms
        self.modified_ms = now_ms + 71
        self.num_success = resolved
        self.num_error = failed
        self.num_resolved = resolved

    def row(self, now_ms: int, retention_ms: int) -> JsonObject:
        """Return the job row as of `now_ms`."""
        row: JsonObject = {"_id": self.id, "type": self.kind, "status": self.status, "_flowId": self.flow.id}
        if self.integration_id is not None:
            row["_integrationId"] = self.integration_id
        row["_exportId" if self.step_kind == "export" else "_importId"] = self.step_id
        row["createdAt"] = iso(self.created_ms)
        if self.started_ms is not None:
            row["startedAt"] = iso(self.started_ms)
        if self.ended_ms is not None:
            row["endedAt"] = iso(self.ended_ms)
            row["lastExecutedAt"] = iso(self._last_executed_ms(self.ended_ms))
        row["lastModified"] = iso(self.modified_ms if self.ended_ms else max(self.created_ms, self._moved_ms(now_ms)))
        row["purgeAt"] = iso(self.created_ms + retention_ms)
        self._count(row, now_ms)
        self._explain(row)
        return row

    def children(self, now_ms: int, retention_ms: int) -> list[JsonObject]:
        """Return the rows of the steps: no flow, no integration, own counts (contract 3.7)."""
        if self.started_ms is None or self.kind == "retry":
            return []
        share = 1.0 if self.ended_ms is not None else self.progress(now_ms)
        rows: list[JsonObject] = []
        for number, outcome in enumerate(step_outcomes(self.flow, self.step_id, self.plan), start=1):
            child: JsonObject = {
                "_id": f"{self.id[:22]}{number:02x}",
                "type": outcome.kind,
                "status": self.status,
                "_exportId" if outcome.kind == "export" else "_importId": outcome.step_id,
                "_flowJobId": self.id,
                "_parentJobId": self.id,
                "createdAt": iso(self.created_ms),
                "startedAt": iso(self.started_ms),
                "purgeAt": iso(self.created_ms + retention_ms),
                "numSuccess": int(outcome.success * share),
                "numError": outcome.error if self.ended_ms is not None else 0,
                "numIgnore": int(outcome.ignored * share),
            }
            if self.ended_ms is not None:
                child["endedAt"] = iso(self.ended_ms)
            rows.append(child)
        return rows

    def _count(self, row: JsonObject, now_ms: int) -> None:
        if self.ended_ms is not None:
            row["numExport"] = self.plan.records if self.kind == "flow" else 0
            row["numSuccess"], row["numError"], row["numIgnore"] = self.num_success, self.num_error, self.num_ignore
            row["numResolved"] = self.num_resolved
            # Old rows lack it, and it is not always the difference (contract 3.7).
            if self.kind == "flow" and int(self.id[:2], 16) >= 8:
                row["numOpenError"] = max(0, self.num_error - self.num_resolved)
            row["numPagesGenerated"] = self.plan.pages
            row["numPagesProcessed"] = 0
            row["doneExporting"] = True
            return
        share = self.progress(now_ms)
        read = min(self.plan.records, int(self.plan.records * share * _EXPORT_LEAD))
        row["numExport"] = read
        row["numSuccess"] = int(self._expected_success() * share)
        row["numError"], row["numIgnore"], row["numResolved"] = 0, 0, 0
        row["numPagesGenerated"] = read // PAGE_RECORDS
        row["numPagesProcessed"] = int(self.plan.pages * share)
        row["doneExporting"] = share > 0 and read == self.plan.records

    def _explain(self, row: JsonObject) -> None:
        row["retriable"] = False
        if self.status == "canceled" and self.plan.canceled_by:
            row["canceledBy"] = self.plan.canceled_by
        if self.triggered_by:
            row["triggeredBy"] = self.triggered_by
        if self.group:
            row["flowExecutionGroupId"] = self.group

    def _expected_success(self) -> int:
        if self.kind == "retry":
            return self.num_success
        return sum(outcome.success for outcome in step_outcomes(self.flow, self.step_id, self.plan))

    def progress(self, now_ms: int) -> float:
        """Return the share of its work (0..1) that a run in progress has done."""
        if self.started_ms is None:
            return 0.0
        if self.stuck_share is not None:
            return self.stuck_share
        return min(1.0, max(0.0, (now_ms - self.started_ms) / max(1, self.plan.duration_ms)))

    def _moved_ms(self, now_ms: int) -> int:
        if self.started_ms is None:
            return self.created_ms
        return now_ms if self.stuck_share is None else self.started_ms

    def _last_executed_ms(self, ended_ms: int) -> int:
        # Mostly a little later than the end; a system cancel may come after it (contract 3.7).
        if self.plan.canceled_by == "system":
            return ended_ms - 1000
        return ended_ms + int(self.id[2:5], 16) * (3 if self.id[5] in "01234567" else 0)
