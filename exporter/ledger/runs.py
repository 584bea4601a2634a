"""The ledger of finished runs: what makes the counters true.

Promises: each finished job is counted once, however often, late or in whatever order its row is read; what ended before
the first sight is history and not counted; a job seen in progress is remembered until its end is known, or is given up
and counted as unknown; a counter never goes down; every step is one `LedgerChange`, which the store has before anyone
can see its numbers.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

from exporter.api.models import Job
from exporter.ledger.draft import Draft, placed_at
from exporter.ledger.history import FlowHistory
from exporter.ledger.keeper import Keeper
from exporter.ledger.memory import Memory
from exporter.ledger.state import Backfill, Counted, Kind, LedgerChange, LedgerState, Pending, Track
from exporter.ledger.store import Store
from exporter.ledger.tally import FINISHED, NEVER, FinishedRun, FlowTally, IntegrationTally

KINDS: Mapping[str, Kind] = {"flow": "flow", "retry": "retry"}
"""Job types that are counted. `bulk_retry` belongs to legacy error management; steps of runs are no runs."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """What has been counted so far, by flow and by integration. Not to be changed."""

    flows: Mapping[str, FlowTally]
    integrations: Mapping[str, IntegrationTally]
    unknown: Mapping[Kind, int]
    histories: Mapping[str, FlowHistory]


class RunLedger:
    """The ledger of one account. `now` is always the server's time in Unix seconds.

    Thread-safe, but for what it hands out as a view of the living ledger: that belongs to the thread that reads jobs.
    `memory` is what is remembered beside the counters. `also` is told the flow runs that come into the counters, and
    answers with notes that are kept by the same change.

    Every change raises LedgerGone once the ledger was handed over or ended.
    """

    def __init__(self, store: Store | Keeper) -> None:
        self.also: Callable[[Sequence[FinishedRun]], Mapping[str, str]] | None = None
        self._keeper = store if isinstance(store, Keeper) else Keeper(store)
        self.memory = Memory(self._keeper)

    @contextmanager
    def handing_over(self) -> Iterator[Self]:
        """The next ledger of the account, with all its counts; this one stands still in the body, and ends with it.

        When the body raises, this one goes on.
        """
        with self._keeper.handing_over() as keeper:
            yield type(self)(keeper)

    def save(self) -> None:
        """Let the store save what it could not, without waiting for the next change."""
        self._keeper.save()

    def end(self) -> None:
        """Count nothing any more."""
        self._keeper.end()

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
        with self._keeper.lock:
            held = self._state
            unknown = {kind: held.unknown.get(kind, 0) for kind in KINDS.values()}
            told = self._keeper.told
            return Tallies(told.flows.now(), told.integrations.now(), unknown, told.histories.now())

    def observe(self, rows: Iterable[Job], kind: Kind, now: float, lower: float | None = None) -> int:
        """Fold one page of a job listing of `kind` (contract 3.7); rows of another type are passed over.

        The first page ever is the first sight; `lower` is then where its window began, and what lies before is history.
        Returns how many rows had no instant at all and were left out.
        """
        wanted = [row for row in rows if row.type in (None, kind)]
        # A listing has the newest first, page after page; streaks of empty runs are put together in that order. A run
        # whose row is there twice was seen in progress if either says so.
        newest_first = sorted(wanted, key=lambda row: row.ended_at or placed_at(row) or now, reverse=True)
        ordered = sorted(newest_first, key=lambda row: row.status in FINISHED)

        def fold(state: LedgerState) -> LedgerChange:
            first_sight = kind not in state.tracks
            draft = Draft(state, now)
            for row in ordered:
                draft.fold(row, kind, first_sight=first_sight)
            if not first_sight:
                return self._noted(draft)
            history = {} if lower is None else {kind: Backfill(lower, lower)}
            return draft.change({kind: Track(since=now)}, history)

        self._keeper.commit(fold)
        return sum(placed_at(row) is None for row in wanted)

    def precede(self, rows: Iterable[Job], kind: Kind, reached: float, until: float) -> None:
        """Fold the jobs of a stretch of history, created from `reached` up to where the reading of history was.

        `until` is where history begins, in case nobody noted it. Nothing of it is counted, and rows from elsewhere are
        passed over.
        """

        def fold(state: LedgerState) -> LedgerChange:
            held = state.backfills.get(kind, Backfill(until, until))
            draft = Draft(state, until)
            wanted = [row for row in rows if row.type in (None, kind)]
            of_stretch = [row for row in wanted if reached <= (placed_at(row) or NEVER) < held.reached]
            draft.preceded(of_stretch, state.tracks[kind].since)
            return draft.change(backfills={kind: replace(held, reached=reached)})

        self._keeper.commit(fold)

    def settle(self, job: Job, now: float) -> None:
        """Take over what one call told of a pending job: its end, or that it still runs."""

        def fold(state: LedgerState) -> LedgerChange:
            draft = Draft(state, now)
            if (pending := state.pending.get(job.id)) is not None:
                draft.fold(job, pending.kind)
            return self._noted(draft)

        self._keeper.commit(fold)

    def notice(self, rows: Iterable[Job], now: float) -> None:
        """Remember the jobs in progress (contract 3.8). A finished row is left to the listing."""

        def fold(state: LedgerState) -> LedgerChange:
            draft = Draft(state, now)
            for row in rows:
                kind = KINDS.get(row.type or "flow")
                if kind is not None and row.status not in FINISHED:
                    draft.unfinished(row, kind)
            return draft.change()

        self._keeper.commit(fold)

    def close(self, job_ids: Iterable[str], now: float) -> None:
        """Give up pending jobs whose end will never be known, because the API has them no longer.

        Each is counted as unknown, once and for good: should it show up after all, it is not counted again.
        """

        def give_up(state: LedgerState) -> LedgerChange:
            given_up = {job_id: row for job_id in job_ids if (row := state.pending.get(job_id)) is not None}
            unknown = Counter(row.kind for row in given_up.values())
            return LedgerChange(
                counted={job_id: Counted(row.kind, row.created_at, now) for job_id, row in given_up.items()},
                closed_ids=frozenset(given_up),
                still_ids=frozenset(given_up),
                unknown={kind: state.unknown.get(kind, 0) + count for kind, count in unknown.items()},
            )

        self._keeper.commit(give_up)

    def advance(self, kind: Kind, watermark: float, overlap: float, now: float) -> None:
        """Move the watermark after a complete window, never back, and drop ids that no later window can show.

        Windows start `overlap` seconds before the watermark. An id also stays for `overlap` seconds after it was
        counted, against answers that lag, and as long as the reading of history may still come by.
        """

        def move(state: LedgerState) -> LedgerChange:
            held = state.tracks.get(kind, Track(since=watermark))
            reached = watermark if held.watermark is None else max(held.watermark, watermark)
            floor, settled = min(reached, now) - overlap, now - overlap
            history = state.backfills[kind].reached if kind in state.backfills else NEVER
            gone = {
                job_id: row.created_at
                for job_id, row in state.counted.items()
                if row.kind == kind and history <= row.created_at < floor and row.at < settled
            }
            forgotten = max(held.forgotten, max(gone.values(), default=NEVER))
            track = replace(held, watermark=reached, forgotten=forgotten)
            return LedgerChange(tracks={kind: track}, dropped_ids=frozenset(gone))

        self._keeper.commit(move)

    def missing(
        self, flows: Collection[str], integrations: Collection[str], as_of: float
    ) -> tuple[frozenset[str], frozenset[str]]:
        """What has counters but is not in complete listings read at `as_of`: flows and integrations.

        Something that is not listed but has a job created after `as_of` is new, not deleted.
        """
        with self._keeper.lock:
            return _missing(self._state.flows, flows, as_of), _missing(self._state.integrations, integrations, as_of)

    def retire(self, flows: frozenset[str], integrations: frozenset[str]) -> None:
        """Drop the counters of flows and integrations that are gone for good."""
        self._keeper.commit(lambda _: LedgerChange(retired_flows=flows, retired_integrations=integrations))

    def _noted(self, draft: Draft) -> LedgerChange:
        """The change of a draft, with the notes about the runs that it counts."""
        notes = self.also(draft.counted_runs) if self.also is not None and draft.counted_runs else {}
        return replace(draft.change(), notes=notes) if notes else draft.change()

    @property
    def _state(self) -> LedgerState:
        return self._keeper.state


def _missing(
    held: Mapping[str, FlowTally] | Mapping[str, IntegrationTally], listed: Collection[str], as_of: float
) -> frozenset[str]:
    return frozenset(name for name in held.keys() - listed if held[name].newest_created < as_of)
