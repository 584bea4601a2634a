"""The ledger of finished runs: what makes the counters true.

Promises: each finished job is counted once, however often, late or in whatever order its row is read; what ended before
the first sight is history and not counted; a job seen in progress is remembered until its end is known, or is given up
and counted as unknown; a counter never goes down; every step is one `LedgerChange`, which the store has before anyone
can see its numbers.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from exporter.api.models import Job
from exporter.ledger.draft import Draft, placed_at
from exporter.ledger.state import Counted, Kind, LedgerChange, LedgerState, Pending, Track
from exporter.ledger.store import Store
from exporter.ledger.tally import FINISHED, NEVER, FlowTally, IntegrationTally

KINDS: Mapping[str, Kind] = {"flow": "flow", "retry": "retry"}
"""Job types that are counted. `bulk_retry` belongs to legacy error management; steps of runs are no runs."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """What has been counted so far, by flow and by integration."""

    flows: Mapping[str, FlowTally]
    integrations: Mapping[str, IntegrationTally]
    unknown: Mapping[Kind, int]


class RunLedger:
    """The ledger of one account, used by one thread at a time. `now` is always the server's time in Unix seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state: LedgerState = store.load()

    def watermark(self, kind: Kind) -> float | None:
        """Every job of `kind` created before has been read; None before the first complete window."""
        track = self._state.tracks.get(kind)
        return track.watermark if track is not None else None

    def read_until(self, kind: Kind) -> float | None:
        """Where reading goes on: the watermark, or the first sight while no window was complete; None before that."""
        track = self._state.tracks.get(kind)
        if track is None:
            return None
        return track.since if track.watermark is None else track.watermark

    def pending(self) -> Mapping[str, Pending]:
        """Jobs seen in progress whose end is not known yet, by id; a view of the living ledger."""
        return MappingProxyType(self._state.pending)

    def is_counted(self, job_id: str) -> bool:
        """Whether the end of the job is known here."""
        return job_id in self._state.counted

    def tallies(self) -> Tallies:
        """The counters as they are now; later changes do not reach the returned value."""
        held = self._state
        unknown = {kind: held.unknown.get(kind, 0) for kind in KINDS.values()}
        return Tallies(*(MappingProxyType(each) for each in (dict(held.flows), dict(held.integrations), unknown)))

    def observe(self, rows: Iterable[Job], kind: Kind, now: float) -> int:
        """Fold one page of a job listing of `kind` (contract 3.7); rows of another type are passed over.

        The first page ever is the first sight. Returns how many rows had no instant at all and were left out.
        """
        first_sight = kind not in self._state.tracks
        draft = Draft(self._state, now)
        unplaced = 0
        for row in rows:
            if row.type in (None, kind):
                unplaced += placed_at(row) is None
                draft.fold(row, kind, first_sight=first_sight)
        self._commit(draft.change({kind: Track(since=now)} if first_sight else {}))
        return unplaced

    def settle(self, job: Job, now: float) -> None:
        """Take over what one call told of a pending job: its end, or that it still runs."""
        pending = self._state.pending.get(job.id)
        if pending is not None:
            draft = Draft(self._state, now)
            draft.fold(job, pending.kind)
            self._commit(draft.change({}))

    def notice(self, rows: Iterable[Job], now: float) -> None:
        """Remember the jobs in progress (contract 3.8). A finished row is left to the listing."""
        draft = Draft(self._state, now)
        for row in rows:
            kind = KINDS.get(row.type or "flow")
            if kind is not None and row.status not in FINISHED:
                draft.unfinished(row, kind)
        self._commit(draft.change({}))

    def close(self, job_ids: Iterable[str], now: float) -> None:
        """Give up pending jobs whose end will never be known, because the API has them no longer.

        Each is counted as unknown, once and for good: should it show up after all, it is not counted again.
        """
        given_up = {job_id: row for job_id in job_ids if (row := self._state.pending.get(job_id)) is not None}
        unknown = Counter(row.kind for row in given_up.values())
        change = LedgerChange(
            counted={job_id: Counted(row.kind, row.created_at, now) for job_id, row in given_up.items()},
            closed_ids=frozenset(given_up),
            unknown={kind: self._state.unknown.get(kind, 0) + count for kind, count in unknown.items()},
        )
        self._commit(change)

    def advance(self, kind: Kind, watermark: float, overlap: float, now: float) -> None:
        """Move the watermark after a complete window, never back, and drop ids that no later window can show.

        Windows start `overlap` seconds before the watermark. An id also stays for `overlap` seconds after it was
        counted, against answers that lag.
        """
        held = self._state.tracks.get(kind, Track(since=watermark))
        reached = watermark if held.watermark is None else max(held.watermark, watermark)
        floor, settled = min(reached, now) - overlap, now - overlap
        gone = {
            job_id: row.created_at
            for job_id, row in self._state.counted.items()
            if row.kind == kind and row.created_at < floor and row.at < settled
        }
        forgotten = max(held.forgotten, max(gone.values(), default=NEVER))
        track = replace(held, watermark=reached, forgotten=forgotten)
        self._commit(LedgerChange(tracks={kind: track}, dropped_ids=frozenset(gone)))

    def missing(
        self, flows: Collection[str], integrations: Collection[str], as_of: float
    ) -> tuple[frozenset[str], frozenset[str]]:
        """What has counters but is not in complete listings read at `as_of`: flows and integrations.

        Something that is not listed but has a job created after `as_of` is new, not deleted.
        """
        return _missing(self._state.flows, flows, as_of), _missing(self._state.integrations, integrations, as_of)

    def retire(self, flows: frozenset[str], integrations: frozenset[str]) -> None:
        """Drop the counters of flows and integrations that are gone for good."""
        self._commit(LedgerChange(retired_flows=flows, retired_integrations=integrations))

    def _commit(self, change: LedgerChange) -> None:
        if change:
            self._state.apply(change)
            self._store.commit(change, self._state)


def _missing(
    held: Mapping[str, FlowTally] | Mapping[str, IntegrationTally], listed: Collection[str], as_of: float
) -> frozenset[str]:
    return frozenset(name for name, tally in held.items() if name not in listed and tally.newest_created < as_of)
