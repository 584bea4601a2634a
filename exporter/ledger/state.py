"""What the ledger remembers, and one change of it.

A `LedgerChange` carries new values for the keys it touches, never differences: applying it twice is applying it once.
Ids, watermark and counters of one step travel in one change, so a store that applies it in one transaction cannot
count a run twice or lose one, whenever it is interrupted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import NEVER, FlowTally, IntegrationTally

Kind = Literal["flow", "retry"]
"""The two kinds of parent jobs that are counted (contract 2)."""


@dataclass(frozen=True, slots=True)
class Track:
    """How far the jobs of one kind were read. Instants are Unix seconds of the server's clock.

    `since`: the first sight; what ended before is history and is not counted. `watermark`: every job created before
    has been read. `forgotten`: jobs created up to here, unless pending, were dealt with and their ids dropped.
    """

    since: float
    watermark: float | None = None
    forgotten: float = NEVER


@dataclass(frozen=True, slots=True)
class Counted:
    """A job that was dealt with at `at`, counted or found to be history."""

    kind: Kind
    created_at: float
    at: float


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that was seen before its end; it is followed to its end and counted then, however old it is."""

    kind: Kind
    created_at: float
    flow_id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The counters of a run in progress as read last, and the Unix instant at which one of them was seen to move."""

    counters: tuple[int, ...]
    moved_at: float


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far the history was read: all jobs created from `reached` to `until` (Unix seconds), backwards from there."""

    until: float
    reached: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """Since when (Unix seconds) a flow is to run by the schedules that `fingerprint` stands for."""

    fingerprint: str
    since: float


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """New values by key, and keys that go. Everything in it is applied, or nothing.

    `unknown` is how many jobs of each kind were given up so far, because the API has them no longer. `notes` are texts
    that collectors keep, by name.
    """

    tracks: Mapping[Kind, Track] = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=dict)
    dropped_ids: frozenset[str] = frozenset()
    pending: Mapping[str, Pending] = field(default_factory=dict)
    closed_ids: frozenset[str] = frozenset()
    unknown: Mapping[Kind, int] = field(default_factory=dict)
    flows: Mapping[str, FlowTally] = field(default_factory=dict)
    integrations: Mapping[str, IntegrationTally] = field(default_factory=dict)
    retired_flows: frozenset[str] = frozenset()
    retired_integrations: frozenset[str] = frozenset()
    histories: Mapping[str, FlowHistory] = field(default_factory=dict)
    progress: Mapping[str, Progress] = field(default_factory=dict)
    still_ids: frozenset[str] = frozenset()
    backfills: Mapping[Kind, Backfill] = field(default_factory=dict)
    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    unexpected_flows: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self != LedgerChange()


@dataclass(slots=True)
class LedgerState:
    """Everything the ledger remembers of one account. One owner changes it, through `apply` alone."""

    tracks: dict[Kind, Track] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    unknown: dict[Kind, int] = field(default_factory=dict)
    flows: dict[str, FlowTally] = field(default_factory=dict)
    integrations: dict[str, IntegrationTally] = field(default_factory=dict)
    histories: dict[str, FlowHistory] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    backfills: dict[Kind, Backfill] = field(default_factory=dict)
    expectations: dict[str, Expectation] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def apply(self, change: LedgerChange) -> None:
        """Take over the values of `change`; cannot fail half way."""
        self.tracks.update(change.tracks)
        self.unknown.update(change.unknown)
        _update(self.counted, change.counted, change.dropped_ids)
        _update(self.pending, change.pending, change.closed_ids)
        _update(self.flows, change.flows, change.retired_flows)
        _update(self.integrations, change.integrations, change.retired_integrations)
        _update(self.histories, change.histories, change.retired_flows)
        _update(self.progress, change.progress, change.still_ids)
        _update(self.expectations, change.expectations, change.unexpected_flows)
        self.backfills.update(change.backfills)
        self.notes.update(change.notes)


def _update(held: dict[str, Any], values: Mapping[str, Any], gone: frozenset[str]) -> None:
    held.update(values)
    for key in gone:
        held.pop(key, None)
