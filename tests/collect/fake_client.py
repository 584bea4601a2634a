"""An account held in memory behind the client's typed methods, with failures on demand.

It follows the contract, not the exporter: windows by creation, newest first, pages, jobs in progress, roll-ups, steps
and records. Every call is noted, so that tests can say what was asked and how often.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, BadRequest, NotFound
from exporter.api.listing import Listing, Page
from exporter.api.models import (
    ErrorRecord,
    Flow,
    FlowErrorCount,
    Instant,
    Integration,
    Job,
    RunStats,
    Step,
    StepErrorCount,
    StepJob,
)
from exporter.api.refresh import Refresh
from exporter.ledger.tally import FINISHED
from tests.clocks import ManualClock

Fault = Callable[..., ApiError | None]


@dataclass(slots=True)
class Published:
    """What a collector published, newest by part."""

    views: dict[str, Any] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)
    history: list[Any] = field(default_factory=list)

    def __call__(self, part: str, view: object, at: float) -> None:
        self.views[part] = view
        self.at[part] = at
        self.count[part] += 1
        self.history.append(view)


@dataclass(slots=True)
class FakeClient:
    """The account. `faults` maps a method's name to a function of its arguments that may return an error to raise."""

    clock: ManualClock
    server_ahead: float = 0.0
    page_size: int = 1000
    page_bound: int = 1000
    jobs: dict[str, Job] = field(default_factory=dict)
    always_listed: list[Job] = field(default_factory=list)
    unlisted: set[str] = field(default_factory=set)
    not_current: set[str] = field(default_factory=set)
    flow_homes: dict[str, str | None] = field(default_factory=dict)
    listed_homes: dict[str, str | None] | None = None
    cached_since: float | None = None
    integration_ids: list[str] = field(default_factory=list)
    open_errors: dict[tuple[str, str], list[ErrorRecord]] = field(default_factory=dict)
    last_errors: bool = True
    record_page_size: int = 100
    resolutions: list[tuple[float, str, str]] = field(default_factory=list)
    ran: dict[str, float] = field(default_factory=dict)
    stats_rows: list[RunStats] | None = None
    export_rows: list[Step] = field(default_factory=list)
    import_rows: list[Step] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)
    unread: dict[str, set[str]] = field(default_factory=dict)
    families: dict[str, list[StepJob]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    shown_in_progress: set[str] = field(default_factory=set)
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def calls_of(self, name: str) -> list[tuple[Any, ...]]:
        """Arguments of the calls of one method so far."""
        return [call[1:] for call in self.calls if call[0] == name]

    def always(self, name: str, error: ApiError) -> None:
        """Let each call of a method fail."""
        self.faults[name] = lambda *_: error

    def server_now(self) -> float:
        return self.clock.time() + self.server_ahead

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        self._call(refresh, "flows")
        homes = self.flow_homes if self.listed_homes is None else self.listed_homes
        rows = [Flow(id=flow_id, integration_id=home) for flow_id, home in homes.items()]
        listing = self._listing("flows", rows)
        return listing if self.cached_since is None else replace(listing, fetched_at=self.cached_since)

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        self._call(refresh, "integrations")
        return self._listing("integrations", [Integration(id=name) for name in self.integration_ids])

    def exports(self, refresh: Refresh) -> Listing[Step]:
        self._call(refresh, "exports")
        return self._listing("exports", self.export_rows)

    def imports(self, refresh: Refresh) -> Listing[Step]:
        self._call(refresh, "imports")
        return self._listing("imports", self.import_rows)

    def current_jobs(self, refresh: Refresh) -> Listing[Job]:
        self._call(refresh, "current_jobs")
        rows = [row for row in self.jobs.values() if row.status not in FINISHED and row.id not in self.not_current]
        self._note(rows)
        return self._listing("current_jobs", rows)

    def job(self, refresh: Refresh, job_id: str) -> Job:
        self._call(refresh, "job", job_id)
        if job_id not in self.jobs:
            raise NotFound(Endpoint.JOB.value, status=404)
        return self.jobs[job_id]

    def job_pages(
        self,
        refresh: Refresh,
        *,
        kind: Literal["flow", "retry"],
        created_gte: float,
        created_lte: float | None = None,
        integration_id: str | None = None,
    ) -> Iterator[Page[Job]]:
        rows = self._window(kind, created_gte, created_lte, integration_id)
        starts = range(0, max(1, len(rows)), self.page_size)
        for number, start in enumerate(starts):
            self._call(refresh, "job_pages", kind, integration_id, number, created_gte, created_lte)
            cut = number + 1 == self.page_bound and number + 1 < len(starts)
            page = rows[start : start + self.page_size]
            self._note(page)
            yield Page(tuple(page), cut)
            if cut:
                refresh.truncated += 1
                return

    def job_family(self, refresh: Refresh, job_id: str) -> Listing[StepJob]:
        self._call(refresh, "job_family", job_id)
        if job_id not in self.families:
            raise NotFound(Endpoint.JOB_FAMILY.value, status=404)
        return Listing(tuple(self.families[job_id]), True, self.clock.monotonic())

    def integration_errors(self, refresh: Refresh, integration_id: str) -> Listing[FlowErrorCount]:
        self._call(refresh, "integration_errors", integration_id)
        rows = []
        for flow_id in dict.fromkeys(flow_id for flow_id, _ in self.open_errors):
            if flow_id in self.flow_homes and (self.flow_homes[flow_id] or "none") == integration_id:
                records = [row for (owner, _), held in self.open_errors.items() if owner == flow_id for row in held]
                if records:
                    rows.append(
                        FlowErrorCount(flow_id=flow_id, open_errors=len(records), last_error_at=self._last(records))
                    )
        return self._listing("integration_errors", rows)

    def flow_errors(self, refresh: Refresh, flow_id: str) -> Listing[StepErrorCount]:
        self._call(refresh, "flow_errors", flow_id)
        rows = [
            StepErrorCount(step_id=step_id, open_errors=len(held), last_error_at=self._last(held))
            for (owner, step_id), held in self.open_errors.items()
            if owner == flow_id and held
        ]
        return self._listing("flow_errors", rows)

    def step_errors(self, refresh: Refresh, flow_id: str, step_id: str, *, max_pages: int) -> Listing[ErrorRecord]:
        self._call(refresh, "step_errors", flow_id, step_id, max_pages)
        held = self.open_errors.get((flow_id, step_id), [])
        bound = max_pages * self.record_page_size
        return Listing(tuple(held[:bound]), len(held) <= bound, self.clock.monotonic())

    def run_stats(self, refresh: Refresh, *, since: float, until: float) -> Listing[RunStats]:
        """Resolutions are instant, flow, and `user` or `auto`; `ran` is when each flow ran last."""
        self._call(refresh, "run_stats", since, until)
        if until > self.server_now():
            raise BadRequest(Endpoint.RUN_STATS.value, method="POST", status=400)
        if self.stats_rows is not None:
            return self._listing("run_stats", self.stats_rows)
        rows = []
        for flow_id in sorted(name for name, at in self.ran.items() if since < at <= until):
            by = Counter(kind for at, owner, kind in self.resolutions if owner == flow_id and since < at <= until)
            home = self.flow_homes.get(flow_id)
            rows.append(
                RunStats(flow_id=flow_id, integration_id=home, resolved_by_user=by["user"], resolved_by_auto=by["auto"])
            )
        return self._listing("run_stats", rows)

    def _last(self, records: Sequence[ErrorRecord]) -> Instant | None:
        instants = [row.occurred_at for row in records if row.occurred_at is not None]
        return max(instants) if instants and self.last_errors else None

    def _window(self, kind: str, gte: float, lte: float | None, integration_id: str | None) -> list[Job]:
        rows = [
            row
            for row in self.jobs.values()
            if (row.type or "flow") == kind
            and row.id not in self.unlisted
            and row.created_at is not None
            and row.created_at >= gte
            and (lte is None or row.created_at <= lte)
            and (integration_id is None or (row.integration_id or "none") == integration_id)
        ]
        rows.sort(key=lambda row: (-(row.created_at or 0.0), row.id))
        return [*self.always_listed, *rows]

    def _note(self, rows: Sequence[Job]) -> None:
        self.shown_in_progress.update(row.id for row in rows if row.status not in FINISHED)

    def _call(self, refresh: Refresh, name: str, *arguments: Any) -> None:
        refresh.requests += 1
        self.calls.append((name, *arguments))
        fault = self.faults.get(name)
        error = fault(*arguments) if fault is not None else None
        if error is not None:
            raise error

    def _listing(self, name: str, rows: Sequence[Any]) -> Listing[Any]:
        unread = frozenset(self.unread.get(name, ()))
        kept = tuple(row for row in rows if _identity(row) not in unread)
        return Listing(kept, name not in self.incomplete, self.clock.monotonic(), unread=unread)


def _identity(row: Any) -> str:
    return str(getattr(row, row.__struct_fields__[0]))
