"""Open errors by step, and what their records are like, read only where something changed (contract 3.5, 3.6, 6).

A flow is asked for its steps when its count or last error differs from when it was asked before, a step for its records
likewise. Both are capped per run, the longest waiting first; a flow with many changed steps takes its turn with one of
them after the other, so that it holds up no other flow.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from exporter.api.endpoints import is_id
from exporter.api.errors import NotFound
from exporter.api.listing import Listing
from exporter.api.models import ErrorRecord, StepErrorCount
from exporter.api.refresh import Refresh
from exporter.changes import altered, changed_keys, kept
from exporter.collect.attempts import Attempts
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import Sample, sample_of
from exporter.collect.turns import Turns
from exporter.config.settings import ErrorsSettings

_log = logging.getLogger(__name__)

StepKey = tuple[str, str]
"""Flow id and step id: one step may be used by several flows (contract 3.4)."""

Signature = tuple[int, float | None]
"""Open errors and last error: when neither changed, nothing is asked again."""


class DrillDownClient(Protocol):
    """The per-flow and per-step calls of the client."""

    def flow_errors(self, refresh: Refresh, flow_id: str) -> Listing[StepErrorCount]:
        """Contract 3.5."""
        ...

    def step_errors(self, refresh: Refresh, flow_id: str, step_id: str, *, max_pages: int) -> Listing[ErrorRecord]:
        """Contract 3.6."""
        ...


@dataclass(frozen=True, slots=True)
class StepReading:
    """Open errors of a step as told last, and the sample of its records with the signature it was read at."""

    signature: Signature
    sample: Sample | None = None
    sampled_at: Signature | None = None

    @property
    def open_errors(self) -> int:
        """Open errors of the step."""
        return self.signature[0]


class DrillDown:
    """What is known below the roll-ups; used by one thread."""

    def __init__(self, client: DrillDownClient, settings: ErrorsSettings) -> None:
        self._client = client
        self._settings = settings
        self._served: dict[str, Signature] = {}
        self._steps: dict[StepKey, StepReading] = {}
        self._step_ids: dict[str, tuple[str, ...]] = {}
        self._unsampled: set[StepKey] = set()
        self._told: Mapping[StepKey, StepReading] = {}
        self._told_of: Mapping[str, OpenCount] | None = None
        self._touched: dict[StepKey, None] | None = None
        self._followed: Mapping[str, OpenCount] | None = None
        self._cleared: dict[StepKey, float] = {}
        self._flow_turns: Turns[str] = Turns()
        self._step_turns: Turns[StepKey] = Turns(_flow_of)

    def go_on(self, before: Self) -> None:
        """Know what another one knows, which may be reading right now: each copy is made in one step."""
        self.restore(*before.known())
        self._cleared = dict(before._cleared)

    def known(self) -> tuple[Mapping[str, Signature], Mapping[StepKey, StepReading]]:
        """At which signature each flow was asked last, and its steps with open errors."""
        return dict(self._served), dict(self._steps)

    def restore(self, served: Mapping[str, Signature], steps: Mapping[StepKey, StepReading]) -> None:
        """Begin with what `known` told."""
        self._served, self._steps = dict(served), {}
        self._step_ids, self._unsampled, self._told_of, self._followed = {}, set(), None, None
        self._touched = None
        for key, row in steps.items():
            self._put(key, row)

    def read(self, refresh: Refresh, counts: Mapping[str, OpenCount], attempts: Attempts) -> None:
        """Take over the roll-ups' `counts`, then ask for what changed, within the caps."""
        if counts is not self._followed:
            self._follow_counts(counts, refresh.clock.monotonic())
        attempts.patient()
        for flow_id in self._flow_turns.first(self._settings.flows_per_run):
            if attempts.hopeless:
                break
            self._flow_turns.to_the_end(flow_id)
            with attempts.step():
                self._read_flow(refresh, flow_id, _signature(counts[flow_id]))
        self._step_turns.want(self._unsampled, refresh.clock.monotonic())
        attempts.patient()
        for key in self._step_turns.first_of_each(self._settings.steps_per_run):
            if attempts.hopeless:
                break
            self._step_turns.to_the_end(key)
            with attempts.step():
                self._read_step(refresh, key)

    def steps(self, counts: Mapping[str, OpenCount]) -> Mapping[StepKey, StepReading]:
        """Steps with open errors of the flows in `counts`.

        The same mapping again while it holds the same; it is not changed afterwards.
        """
        if counts is not self._told_of:
            if not self._step_ids.keys() <= counts.keys():
                self._told = kept(self._told, {key: row for key, row in self._steps.items() if key[0] in counts})
                self._touched = None  # what was left out may have to come back
            elif self._touched is None:
                self._told, self._touched = kept(self._told, dict(self._steps)), {}
            else:
                self._told = altered(self._told, {key: self._steps.get(key) for key in self._touched})
                self._touched.clear()
            self._told_of = counts
        return self._told

    def cleared(self, now: float) -> frozenset[StepKey]:
        """Steps whose errors were all gone within the last interval."""
        lasting = 0.95 * self._settings.interval
        self._cleared = {key: at for key, at in self._cleared.items() if now - at < lasting and key not in self._steps}
        return frozenset(self._cleared)

    def outdated_flows(self, before: float) -> frozenset[str]:
        """Flows that changed before that monotonic instant and could not be asked since: their steps are unknown."""
        return self._flow_turns.waiting_since_before(before)

    def outdated_steps(self, before: float) -> frozenset[StepKey]:
        """Steps that changed before that monotonic instant and whose records could not be read since."""
        return self._step_turns.waiting_since_before(before)

    def _follow_counts(self, counts: Mapping[str, OpenCount], now: float) -> None:
        """Clear steps of flows without open errors, forget flows that are gone, queue those that changed."""
        if self._followed is None:
            changed = counts.keys() | self._served.keys() | self._step_ids.keys()
        else:
            changed = changed_keys(self._followed, counts)
        self._cleared = {key: at for key, at in self._cleared.items() if key[0] in counts}
        # A flow that waits and did not change goes on waiting; whoever waits was not served what it is at.
        wanted = {flow_id for flow_id in self._flow_turns.first() if flow_id in counts and flow_id not in changed}
        for flow_id in changed:
            if (count := counts.get(flow_id)) is None:
                self._forget(flow_id)
            elif count.open_errors == 0:
                for step_id in self._step_ids.get(flow_id, ()):
                    self._clear((flow_id, step_id), now)
                self._served[flow_id] = _signature(count)
            elif self._served.get(flow_id) != _signature(count) and is_id(flow_id):
                wanted.add(flow_id)
        self._flow_turns.want(wanted, now)
        self._followed = counts

    def _forget(self, flow_id: str) -> None:
        self._served.pop(flow_id, None)
        for step_id in self._step_ids.get(flow_id, ()):
            self._drop((flow_id, step_id))

    def _clear(self, key: StepKey, now: float) -> None:
        self._drop(key)
        self._cleared[key] = now

    def _put(self, key: StepKey, row: StepReading) -> None:
        flow_id, step_id = key
        if key not in self._steps:
            self._step_ids[flow_id] = (*self._step_ids.get(flow_id, ()), step_id)
        self._steps[key] = row
        self._touch(key)
        if row.signature != row.sampled_at and is_id(step_id):
            self._unsampled.add(key)
        else:
            self._unsampled.discard(key)

    def _drop(self, key: StepKey) -> None:
        flow_id, step_id = key
        del self._steps[key]
        self._touch(key)
        self._unsampled.discard(key)
        left = tuple([other for other in self._step_ids[flow_id] if other != step_id])
        if left:
            self._step_ids[flow_id] = left
        else:
            del self._step_ids[flow_id]

    def _touch(self, key: StepKey) -> None:
        self._told_of = None
        if self._touched is not None:
            self._touched[key] = None

    def _read_flow(self, refresh: Refresh, flow_id: str, signature: Signature) -> None:
        listing = self._client.flow_errors(refresh, flow_id)
        now = refresh.clock.monotonic()
        open_steps = {row.step_id: row for row in listing.rows if row.open_errors > 0}
        told = {row.step_id for row in listing.rows}
        for step_id in self._step_ids.get(flow_id, ()):
            if step_id not in open_steps and (step_id in told or not listing.may_hold(step_id)):
                self._clear((flow_id, step_id), now)
        for step_id, row in open_steps.items():
            self._follow_step((flow_id, step_id), row)
        self._served[flow_id] = signature
        self._flow_turns.serve(flow_id)

    def _follow_step(self, key: StepKey, row: StepErrorCount) -> None:
        held = self._steps.get(key)
        signature = (row.open_errors, None if row.last_error_at is None else float(row.last_error_at))
        if held is None:
            self._put(key, StepReading(signature))
        elif held.signature != signature:
            self._put(key, StepReading(signature, held.sample, held.sampled_at))

    def _read_step(self, refresh: Refresh, key: StepKey) -> None:
        flow_id, step_id = key
        signature, sample = self._steps[key].signature, None
        try:
            listing = self._client.step_errors(refresh, flow_id, step_id, max_pages=self._settings.pages_per_step)
            sample = sample_of(listing.rows, complete=listing.whole)
        except NotFound:
            _log.debug("a step has open errors by its flow, but no list of them", extra={"fields": {"flow": flow_id}})
        self._put(key, StepReading(signature, sample, signature))
        self._step_turns.serve(key)


def _flow_of(key: StepKey) -> str:
    return key[0]


def _signature(count: OpenCount) -> Signature:
    return (count.open_errors, count.last_error_at)
