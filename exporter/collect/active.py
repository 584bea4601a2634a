"""Runs in progress, and when each of them last moved (contract 3.8).

The API does not tell when a run last moved. It is seen from its counters: whenever one of them differs from the
reading before, the run has moved just now.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.api.models import Job
from exporter.ledger.state import Progress

ACTIVE = ("queued", "running", "retrying", "canceling")
"""Statuses of a run in progress (contract 2)."""


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """One run in progress. Instants are Unix seconds.

    `since` is its start, or its creation while it is queued. `moved_at` is the last time a counter was seen to move;
    None while it is queued. `created_at` is when it was created, as far as the API tells.
    """

    id: str
    flow_id: str | None
    status: str
    since: float | None
    counters: tuple[int, ...]
    moved_at: float | None
    created_at: float | None = None
    export_id: str | None = None

    @property
    def progress(self) -> Progress | None:
        """What is to be remembered of it; None while it is queued."""
        return None if self.moved_at is None else Progress(self.counters, self.moved_at)


@dataclass(frozen=True, slots=True)
class ActiveRunsView:
    """All runs in progress of the account; `pending` is how many jobs the ledger follows to their end."""

    runs: tuple[ActiveRun, ...]
    pending: int = 0

    def by_status(self) -> Mapping[str, int]:
        """How many there are of each status; no entry means none."""
        return Counter(run.status for run in self.runs)


def active_runs(rows: Iterable[Job], before: Mapping[str, Progress], now: float) -> tuple[ActiveRun, ...]:
    """The flow runs among `rows`, compared with how they were `before`, at server time `now`.

    Retries are no runs, and a status outside the contract has no place in the numbers; both are left out.
    """
    wanted = {row.id: row for row in rows if row.type in (None, "flow") and row.status in ACTIVE}
    return tuple(_active_run(row, before.get(row.id), now) for row in wanted.values())


def carried_over(
    listed: tuple[ActiveRun, ...], before: Mapping[str, ActiveRun], is_pending: Callable[[str], bool]
) -> tuple[ActiveRun, ...]:
    """The runs of an incomplete listing, with those of the reading before that are not known to have ended."""
    ids = {run.id for run in listed}
    return (*listed, *(run for run in before.values() if run.id not in ids and is_pending(run.id)))


def _active_run(row: Job, before: Progress | None, now: float) -> ActiveRun:
    queued = row.status == "queued"
    since = row.created_at if queued or row.started_at is None else row.started_at
    counters = (
        row.num_success,
        row.num_error,
        row.num_ignore,
        row.num_export,
        row.num_pages_generated,
        row.num_pages_processed,
    )
    moved_at = None if queued else _moved_at(counters, since, before, now)
    return ActiveRun(
        id=row.id,
        flow_id=row.flow_id,
        status=row.status or "",
        since=None if since is None else float(since),
        counters=counters,
        moved_at=moved_at,
        created_at=None if row.created_at is None else float(row.created_at),
        export_id=row.export_id,
    )


def _moved_at(counters: tuple[int, ...], since: float | None, before: Progress | None, now: float) -> float:
    """The newest instant at which the run is known to have moved.

    A run whose counters are all 0 has not moved since its start. One that is seen for the first time in the middle
    may have moved until just now.
    """
    if before is not None:
        return before.moved_at if counters == before.counters else now
    return now if since is None or any(counters) else float(since)


def active_flows(runs: Iterable[ActiveRun]) -> Mapping[str, tuple[ActiveRun, ...]]:
    """The runs in progress by flow; runs that name no flow are left out."""
    flows: dict[str, list[ActiveRun]] = {}
    for run in runs:
        if run.flow_id is not None:
            flows.setdefault(run.flow_id, []).append(run)
    return {flow_id: tuple(held) for flow_id, held in flows.items()}
