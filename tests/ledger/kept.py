"""A store that outlives its ledger, so that tests can start another one on what the first had committed."""

from dataclasses import replace

from exporter.ledger.state import LedgerChange, LedgerState


def copied(state: LedgerState) -> LedgerState:
    """An independent state with the same values."""
    return replace(
        state,
        tracks=dict(state.tracks),
        counted=dict(state.counted),
        pending=dict(state.pending),
        unknown=dict(state.unknown),
        flows=dict(state.flows),
        integrations=dict(state.integrations),
        histories=dict(state.histories),
        progress=dict(state.progress),
        backfills=dict(state.backfills),
        expectations=dict(state.expectations),
        notes=dict(state.notes),
    )


class KeptStore:
    """Applies every change to a state of its own, as a store on a disk does."""

    def __init__(self) -> None:
        self.state = LedgerState()

    def load(self) -> LedgerState:
        """A copy of what was committed."""
        return copied(self.state)

    def commit(self, change: LedgerChange, state: LedgerState) -> None:
        """Apply `change` alone: `state` is there for stores that missed a change."""
        del state
        self.state.apply(change)
