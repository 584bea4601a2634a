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
        self._served, self._steps = dict(served), dict(steps)

    def read(self, refresh: Refresh, counts: Mapping[str, OpenCount], attempts: Attempts) -> None:
        """Take over the roll-ups' `counts`, then ask for what changed, within the caps."""
        self._follow_counts(counts, refresh.clock.monotonic())
        attempts.patient()
        for flow_id in self._flow_turns.first(self._settings.flows_per_run):
            if attempts.hopeless:
                break
            self._flow_turns.to_the_end(flow_id)
            with attempts.step():
                self._read_flow(refresh, flow_id, _signature(counts[flow_id]))
        changed = [key for key, row in self._steps.items() if row.signature != row.sampled_at and is_id(key[1])]
        self._step_turns.want(changed, refresh.clock.monotonic())
        attempts.patient()
        for key in self._step_turns.first_of_each(self._settings.steps_per_run):
            if attempts.hopeless:
                break
            self._step_turns.to_the_end(key)
            with attempts.step():
                self._read_step(refresh, key)

    def steps(self) -> Mapping[StepKey, StepReading]:
        """Steps with open errors."""
        return dict(self._steps)

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
        for key in list(self._steps):
            count = counts.get(key[0])
            if count is None:
                del self._steps[key]
            elif count.open_errors == 0:
                self._clear(key, now)
        self._cleared = {key: at for key, at in self._cleared.items() if key[0] in counts}
        self._served = {flow_id: row for flow_id, row in self._served.items() if flow_id in counts}
        changed = (
            flow_id
            for flow_id, row in counts.items()
            if row.open_errors > 0 and self._served.get(flow_id) != _signature(row) and is_id(flow_id)
        )
        self._flow_turns.want(changed, now)
        self._served |= {flow_id: _signature(row) for flow_id, row in counts.items() if row.open_errors == 0}

    def _clear(self, key: StepKey, now: float) -> None:
        del self._steps[key]
        self._cleared[key] = now

    def _read_flow(self, refresh: Refresh, flow_id: str, signature: Signature) -> None:
        listing = self._client.flow_errors(refresh, flow_id)
        now = refresh.clock.monotonic()
        open_steps = {(flow_id, row.step_id): row for row in listing.rows if row.open_errors > 0}
        told = {(flow_id, row.step_id) for row in listing.rows}
        for key in [key for key in self._steps if key[0] == flow_id and key not in open_steps]:
            if key in told or not listing.may_hold(key[1]):
                self._clear(key, now)
        for key, row in open_steps.items():
            held = self._steps.get(key)
            last = None if row.last_error_at is None else float(row.last_error_at)
            self._steps[key] = StepReading(
                (row.open_errors, last), held.sample if held else None, held.sampled_at if held else None
            )
        self._served[flow_id] = signature
        self._flow_turns.serve(flow_id)

    def _read_step(self, refresh: Refresh, key: StepKey) -> None:
        flow_id, step_id = key
        signature, sample = self._steps[key].signature, None
        try:
            listing = self._client.step_errors(refresh, flow_id, step_id, max_pages=self._settings.pages_per_step)
            sample = sample_of(listing.rows, complete=listing.whole)
        except NotFound:
            _log.debug("a step has open errors by its flow, but no list of them", extra={"fields": {"flow": flow_id}})
        self._steps[key] = StepReading(signature, sample, signature)
        self._step_turns.serve(key)


def _flow_of(key: StepKey) -> str:
    return key[0]


def _signature(count: OpenCount) -> Signature:
    return (count.open_errors, count.last_error_at)
