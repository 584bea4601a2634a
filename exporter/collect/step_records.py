"""Records of each step in the finished runs of chosen flows, one call for each run (contract 3.7).

    celigo_step_records_total{flow_id="64b2",outcome="success",step_id="64c3"} 4180

A run is asked for once it was counted, in its turn and until there is an answer; its records are added by the same
change that takes it out of the queue, so that no failure counts it twice.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from exporter.api.endpoints import is_id
from exporter.api.errors import ApiError, NotFound, PayloadError
from exporter.api.listing import Listing
from exporter.api.models import StepJob
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.base import Block
from exporter.collect.inventory import InventoryView
from exporter.expose import catalogue
from exporter.expose.families import Family, Series
from exporter.ledger.tally import OUTCOMES, ZERO, Triple, plus

PER_RUN = 20
"""Runs asked for in one run of the collector."""

QUEUE = 10_000
"""Runs that wait at most; of more the oldest are given up."""

TRIES = 3
"""Unusable answers after which a run is given up."""

StepKey = tuple[str, str]
"""Flow id and step id."""

_log = logging.getLogger(__name__)


class StepRecordsClient(Protocol):
    """The call of the client that tells the steps of a run."""

    def job_family(self, refresh: Refresh, job_id: str) -> Listing[StepJob]:
        """Contract 3.7; NotFound when purged."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A counted run whose steps are still to be asked for. `unusable` answers came so far."""

    job_id: str
    flow_id: str
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class StepRecordsState:
    """Everything to be kept: records by flow and step in the order of `OUTCOMES`, and the queue, longest wait first."""

    sums: Mapping[StepKey, Triple] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()

    def with_runs(self, runs: Iterable[Waiting]) -> "StepRecordsState":
        """With `runs` at the end of the queue; one that waits already keeps its place."""
        held = {row.job_id for row in self.waiting}
        new = {row.job_id: row for row in runs if row.job_id not in held}
        return replace(self, waiting=(*self.waiting, *new.values())[-QUEUE:])

    def counted(self, run: Waiting, steps: Iterable[StepJob]) -> "StepRecordsState":
        """With the records of the run's `steps`, and the run out of the queue."""
        sums = dict(self.sums)
        for step in steps:
            if step.step_id is not None:
                key = (run.flow_id, step.step_id)
                sums[key] = plus(sums.get(key, ZERO), (step.num_success, step.num_error, step.num_ignore))
        return replace(self.dropped(run), sums=sums)

    def dropped(self, run: Waiting) -> "StepRecordsState":
        """Without the run in the queue."""
        return replace(self, waiting=tuple(row for row in self.waiting if row.job_id != run.job_id))

    def put_back(self, run: Waiting) -> "StepRecordsState":
        """With the run at the end of the queue."""
        return replace(self, waiting=(*self.dropped(run).waiting, run))

    def retired(self, flow_ids: Collection[str]) -> "StepRecordsState":
        """Without anything of flows that are gone for good."""
        return StepRecordsState(
            {key: records for key, records in self.sums.items() if key[0] not in flow_ids},
            tuple(row for row in self.waiting if row.flow_id not in flow_ids),
        )


@dataclass(frozen=True, slots=True)
class StepRecordsView:
    """Records by flow and step, and the flows that were chosen."""

    sums: Mapping[StepKey, Triple] = field(default_factory=dict)
    flows: frozenset[str] = frozenset()


class StepRecords:
    """The records of the flows that `chosen` names by id or exact name; used by one thread.

    `load` gives the state to begin with, `save` has every later one before anybody sees it.
    """

    def __init__(
        self,
        client: StepRecordsClient,
        chosen: Collection[str],
        load: Callable[[], StepRecordsState],
        save: Callable[[StepRecordsState], None],
    ) -> None:
        self._client = client
        self._chosen = frozenset(chosen)
        self._save = save
        self._state = load()

    @property
    def state(self) -> StepRecordsState:
        """What is to be kept."""
        return self._state

    def view(self, names: Mapping[str, str]) -> StepRecordsView:
        """What is known now, of the chosen among the flows whose `names` are given by id."""
        flows = frozenset(flow_id for flow_id in names if self._is_chosen(flow_id, names))
        sums = {key: records for key, records in self._state.sums.items() if key[0] in flows}
        return StepRecordsView(sums, flows)

    def note(self, runs: Iterable[tuple[str, str | None]], names: Mapping[str, str]) -> None:
        """Take up newly counted runs, each its job id and flow id; those of other flows are passed over."""
        if self.take(runs, names):
            self._save(self._state)

    def take(self, runs: Iterable[tuple[str, str | None]], names: Mapping[str, str]) -> bool:
        """The same, but it is up to the caller to save the `state`, if it is another one now, which is returned."""
        wanted = [
            Waiting(job_id, flow_id)
            for job_id, flow_id in runs
            if flow_id is not None and is_id(job_id) and self._is_chosen(flow_id, names)
        ]
        if wanted:
            lost = len(self._state.waiting) + len(wanted) - QUEUE
            if lost > 0:
                _log.warning(
                    "runs wait too long for the records of their steps and are given up",
                    extra={"fields": {"runs_count": lost}},
                )
            self._state = self._state.with_runs(wanted)
        return bool(wanted)

    def read(self, refresh: Refresh, attempts: Attempts) -> None:
        """Ask for the runs whose turn it is, at most `PER_RUN`, each as a step of `attempts`."""
        attempts.patient()
        for run in self._state.waiting[:PER_RUN]:
            if attempts.hopeless:
                break
            with attempts.step(proof=False):
                self._change(self._asked(refresh, run))

    def retire(self, flow_ids: Collection[str]) -> None:
        """Let go of flows that were deleted."""
        if flow_ids:
            self._change(self._state.retired(flow_ids))

    def _asked(self, refresh: Refresh, run: Waiting) -> StepRecordsState:
        try:
            family = self._client.job_family(refresh, run.job_id)
        except NotFound:
            return self._state.dropped(run)
        except ApiError as error:
            tried = replace(run, unusable=run.unusable + isinstance(error, PayloadError))
            self._change(self._state.put_back(tried) if tried.unusable < TRIES else self._state.dropped(run))
            raise
        return self._state.counted(run, family.rows)

    def _is_chosen(self, flow_id: str, names: Mapping[str, str]) -> bool:
        return flow_id in self._chosen or names.get(flow_id) in self._chosen

    def _change(self, state: StepRecordsState) -> None:
        self._save(state)
        self._state = state


def step_records_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """The family of the `step_records` view (metric catalogue, section 4); a step without a run yet is at 0."""
    view: StepRecordsView = views["step_records"]
    inventory: InventoryView | None = views["inventory"]
    flows = inventory.flows if inventory is not None else {}
    steps = {(flow_id, step_id) for flow_id in view.flows & flows.keys() for step_id in flows[flow_id].step_ids}
    yield Family(catalogue.STEP_RECORDS_TOTAL, _series({**dict.fromkeys(sorted(steps), ZERO), **view.sums}))


def _series(sums: Mapping[StepKey, Triple]) -> Series:
    return {
        (*key, outcome): float(number)
        for key, records in sums.items()
        for outcome, number in zip(OUTCOMES, records, strict=True)
    }


STEP_RECORDS_BLOCK = Block("step_records", "jobs", ("step_records", "inventory"), step_records_families, "full")
