"""A change in the making: rows are folded in one by one, over a state that stays as it is until the commit."""

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Mapping

from exporter.api.models import Job
from exporter.ledger.history import FlowHistory
from exporter.ledger.state import Backfill, Counted, Kind, LedgerChange, LedgerState, Pending, Track
from exporter.ledger.tally import FINISHED, FinishedRun, FlowTally, IntegrationTally, finished_run


def placed_at(job: Job) -> float | None:
    """Where a row lies in time: its creation, else the earliest instant it has; None when it has none."""
    for instant in (job.created_at, job.started_at, job.ended_at):
        if instant is not None:
            return float(instant)
    return None


class Draft:
    """Collects what the rows of one answer change. `now` is the server's time, in Unix seconds.

    `counted_runs` are the flow runs that come into the counters by it.
    """

    def __init__(self, state: LedgerState, now: float) -> None:
        self._tracks: Mapping[Kind, Track] = state.tracks
        self._backfills: Mapping[Kind, Backfill] = state.backfills
        self._now = now
        self._counted: dict[str, Counted] = {}
        self._pending: dict[str, Pending] = {}
        self._closed: set[str] = set()
        self._flows: dict[str, FlowTally] = {}
        self._integrations: dict[str, IntegrationTally] = {}
        self._histories: dict[str, FlowHistory] = {}
        self.counted_runs: list[FinishedRun] = []
        self._all_counted = ChainMap(self._counted, state.counted)
        self._all_pending = ChainMap(self._pending, state.pending)
        self._all_flows = ChainMap(self._flows, state.flows)
        self._all_integrations = ChainMap(self._integrations, state.integrations)
        self._all_histories = ChainMap(self._histories, state.histories)

    def unfinished(self, job: Job, kind: Kind) -> None:
        """Note a job in progress. One that was counted before is an answer that lags, and changes nothing."""
        created_at = placed_at(job)
        if created_at is None or job.id in self._all_counted or self._is_pending(job.id):
            return
        self._pending[job.id] = Pending(kind, created_at, job.flow_id)
        self._closed.discard(job.id)

    def finished(self, job: Job, kind: Kind, *, first_sight: bool) -> None:
        """Deal with a finished job, once.

        It is history, and not counted, when it is seen at `first_sight` or ended before it, unless it was seen in
        progress. History from before the first window is left to the reading of history.
        """
        created_at = placed_at(job)
        if created_at is None or job.id in self._all_counted:
            return
        was_pending = self._is_pending(job.id)
        track = self._tracks.get(kind)
        if not was_pending and track is not None and created_at <= track.forgotten:
            return
        run = finished_run(job, created_at)
        history = not was_pending and (first_sight or (track is not None and run.ended_at <= track.since))
        backfill = self._backfills.get(kind)
        if history and backfill is not None and created_at < backfill.until:
            return
        self._counted[job.id] = Counted(kind, created_at, self._now)
        if was_pending:
            self._pending.pop(job.id, None)
            self._closed.add(job.id)
        self._add_run(run, history=history) if kind == "flow" else self._add_retry(run, history=history)

    def fold(self, job: Job, kind: Kind, *, first_sight: bool = False) -> None:
        """Deal with a row of either sort."""
        if job.status in FINISHED:
            self.finished(job, kind, first_sight=first_sight)
        else:
            self.unfinished(job, kind)

    def preceded(self, jobs: Iterable[Job], before: float) -> None:
        """Deal with the finished runs of a stretch of history: nothing is counted, and nothing is kept of their ids.

        What ended after `before`, the first sight, and what was seen in progress, is dealt with by other readings. A
        row may come more than once.
        """
        runs: defaultdict[str, list[FinishedRun]] = defaultdict(list)
        for job in {job.id: job for job in jobs if job.status in FINISHED}.values():
            created_at = placed_at(job)
            if job.flow_id is not None and created_at is not None:
                run = finished_run(job, created_at)
                if run.ended_at <= before and job.id not in self._all_counted and not self._is_pending(job.id):
                    runs[job.flow_id].append(run)
        for flow_id, held in runs.items():
            self._histories[flow_id] = self._all_histories.get(flow_id, FlowHistory()).preceded(held)
            for run in held:
                self._flows[flow_id] = self._all_flows.get(flow_id, FlowTally()).seen(run)

    def change(
        self, tracks: Mapping[Kind, Track] | None = None, backfills: Mapping[Kind, Backfill] | None = None
    ) -> LedgerChange:
        """Everything that was folded in, together with `tracks` and `backfills`."""
        return LedgerChange(
            tracks=dict(tracks or {}),
            backfills=dict(backfills or {}),
            histories=self._histories,
            still_ids=frozenset(self._closed),
            counted=self._counted,
            pending=self._pending,
            closed_ids=frozenset(self._closed),
            flows=self._flows,
            integrations=self._integrations,
        )

    def _is_pending(self, job_id: str) -> bool:
        return job_id in self._all_pending and job_id not in self._closed

    def _add_run(self, run: FinishedRun, *, history: bool) -> None:
        if run.flow_id is not None:
            tally = self._all_flows.get(run.flow_id, FlowTally()).seen(run)
            self._flows[run.flow_id] = tally if history else tally.counted(run)
            self._histories[run.flow_id] = self._all_histories.get(run.flow_id, FlowHistory()).ran(run)
        if not history:
            self.counted_runs.append(run)
            held = self._all_integrations.get(run.integration_id, IntegrationTally())
            self._integrations[run.integration_id] = held.counted(run)

    def _add_retry(self, run: FinishedRun, *, history: bool) -> None:
        if run.flow_id is not None and not history:
            self._flows[run.flow_id] = self._all_flows.get(run.flow_id, FlowTally()).retried(run)
