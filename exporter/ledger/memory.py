"""What the exporter remembers of an account beside the counters, and finds again after a restart.

Every value that is handed out is a copy, or not to be changed.
"""

from collections.abc import Collection, Mapping

from exporter.ledger.keeper import Keeper
from exporter.ledger.state import Backfill, Expectation, LedgerChange, Progress


class Memory:
    """Progress of runs, expectations of flows, and the notes of collectors; thread-safe."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def first_sight(self) -> float | None:
        """Unix instant of the first answer ever; what ended before is history. None before it."""
        track = self._keeper.state.tracks.get("flow")
        return track.since if track is not None else None

    @property
    def backfill(self) -> Backfill | None:
        """How far the history was read; None before the first sight, and where nobody noted it."""
        return self._keeper.state.backfills.get("flow")

    def progress(self) -> Mapping[str, Progress]:
        """When each run in progress was last seen to move, by job id."""
        with self._keeper.lock:
            return dict(self._keeper.state.progress)

    def moved(self, progress: Mapping[str, Progress]) -> None:
        """Remember what has changed among the runs in progress; runs that are not followed any more are forgotten."""
        self._keeper.commit(
            lambda state: LedgerChange(
                progress={
                    job_id: row
                    for job_id, row in progress.items()
                    if job_id in state.pending and state.progress.get(job_id) != row
                },
                still_ids=frozenset(state.progress.keys() - state.pending.keys()),
            )
        )

    def expectations(self) -> Mapping[str, Expectation]:
        """Since when each flow is to run as it is scheduled now, by flow id."""
        with self._keeper.lock:
            return self._keeper.told.expectations.now()

    def expect(self, expectations: Mapping[str, Expectation], gone: Collection[str]) -> None:
        """Remember what is expected from now on; of flows that are `gone` nothing."""
        self._keeper.commit(
            lambda state: LedgerChange(
                expectations={
                    flow_id: row for flow_id, row in expectations.items() if state.expectations.get(flow_id) != row
                },
                unexpected_flows=frozenset(state.expectations.keys() & set(gone)),
            )
        )

    def note(self, name: str) -> str | None:
        """The text that was kept under `name`; None when there is none."""
        return self._keeper.state.notes.get(name)

    def keep_note(self, name: str, text: str) -> None:
        """Keep `text` under `name`."""
        self._keeper.commit(
            lambda state: LedgerChange() if state.notes.get(name) == text else LedgerChange(notes={name: text})
        )
