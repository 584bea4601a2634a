"""The schedules collector: what should have happened by now.

    celigo_flow_next_expected_run_timestamp_seconds{flow_id="64b2"} 1788081300
    celigo_flow_schedule_interval_seconds{flow_id="64b2"} 900
    celigo_flow_consecutive_missed_runs{flow_id="64b2"} 0
    celigo_flow_schedule_unreadable{flow_id="64b9"} 1
    celigo_flow_expected_max_silence_seconds{flow_id="64c1"} 10800
    celigo_flow_dst_skip_timestamp_seconds{flow_id="64c4"} 1806195600

It reads the flows' settings (contract 3.4), which the client keeps for the inventory anyway. What became of them it
takes from the runs that the jobs collector read, as of the instant of that reading: a run that could not be known by
then is not missed. Whenever jobs were read, it tells anew.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models import Flow
from exporter.api.refresh import Refresh
from exporter.changes import changed_keys
from exporter.collect.active import ActiveRunsView
from exporter.collect.base import Block, Each, Facts, Publish, no_families
from exporter.collect.derived import Derived
from exporter.collect.expectations import Expected, begun
from exporter.collect.inventory import InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.kept import Kept
from exporter.collect.model import AccountModel
from exporter.collect.outlook import Outlook, Situation
from exporter.collect.plans import Plan, plan_of
from exporter.collect.quiet import SilenceOf
from exporter.config.settings import CollectorSettings
from exporter.expose import catalogue
from exporter.expose.families import Family, Series, known_series
from exporter.ledger.memory import Memory
from exporter.ledger.state import Expectation


class SchedulesClient(Protocol):
    """The calls of the client that the schedules collector makes."""

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        """Contract 3.4."""
        ...

    def server_now(self) -> float:
        """Unix seconds by the server's clock."""
        ...


@dataclass(frozen=True, slots=True)
class SchedulesView:
    """What is expected by flow id. Instants are Unix seconds, lengths of time seconds."""

    expected: Mapping[str, Expected] = field(default_factory=dict)
    intervals: Mapping[str, float] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    silences: Mapping[str, float] = field(default_factory=dict)
    skips: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the runs of all flows were as of an instant, Unix seconds; `at` is the same by the monotonic clock."""

    finished: FinishedRunsView
    active: ActiveRunsView
    at: float
    now: float


class SchedulesCollector:
    """Reads the flows' schedules. `collect` and `tell` may be called by different threads."""

    name = "schedules"

    def __init__(
        self,
        client: SchedulesClient,
        settings: CollectorSettings,
        model: AccountModel,
        memory: Memory,
        overlap: float,
        silence_of: SilenceOf = lambda *_: None,
    ) -> None:
        self.settings = settings
        self._client = client
        self._model = model
        self._memory = memory
        self._overlap = overlap
        self._silence_of = silence_of
        self._plan_of: Derived[Flow, Plan] = Derived(plan_of)
        self._kept: Kept[Plan] = Kept(settings.lasting_seconds)
        self._lock = threading.Lock()  # guards everything below
        self._plans: Mapping[str, Plan] | None = None
        self._read_at = 0.0
        self._outlook = Outlook(silence_of)
        self._begun: tuple[Mapping[str, Plan], Mapping[str, Expectation]] = ({}, {})

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read the schedules and publish `schedules`; raises ApiError."""
        listing = self._client.flows(refresh).required(Endpoint.FLOWS)
        plans = self._kept.merge(listing, self._plan_of.of(listing.rows))
        now = self._client.server_now()
        with self._lock:
            self._plans, self._read_at = plans, listing.fetched_at
            self._begin(plans, now, complete=listing.complete)
        self.tell(publish, refresh.clock.monotonic())
        if listing.failure is not None:
            raise listing.failure

    def _begin(self, plans: Mapping[str, Plan], now: float, *, complete: bool) -> None:
        """Remember since when each flow is to run as it is scheduled now.

        A flow whose plan and expectation are those of the last time needs nothing.
        """
        since = self._memory.expectations()
        changed = changed_keys(self._begun[0], plans) | changed_keys(self._begun[1], since)
        begin = begun((plans[flow_id] for flow_id in sorted(changed & plans.keys())), since, now)
        gone = since.keys() - plans.keys() if complete else frozenset[str]()
        self._memory.expect(begin, gone)
        if begin or gone:
            since = self._memory.expectations()
        self._begun = (plans, since)

    def tell(self, publish: Publish, now: float) -> None:
        """Publish what is expected as of the newest reading of jobs, if the schedules and the jobs are known.

        `now` is monotonic seconds.
        """
        known = self._known(now)
        with self._lock:
            if known is not None and self._plans is not None:
                view = self._view(self._plans, known, self._model.view("inventory", InventoryView, now))
                publish("schedules", view, min(self._read_at, known.at))

    def _known(self, now: float) -> _Known | None:
        finished, active = self._model.reading("finished_runs", now), self._model.reading("active_runs", now)
        if finished is None or active is None:
            return None
        at = min(finished.at, active.at)
        return _Known(finished.view, active.view, at, self._client.server_now() - (now - at))

    def _view(self, plans: Mapping[str, Plan], known: _Known, inventory: InventoryView | None) -> SchedulesView:
        # What fails half way may have missed a change: the next outlook begins with nothing.
        outlook, self._outlook = self._outlook, Outlook(self._silence_of)
        outlook.update(self._situation(plans, known, inventory or InventoryView()))
        self._outlook = outlook
        return SchedulesView(
            expected=outlook.expected,
            intervals=outlook.intervals,
            unreadable=outlook.unreadable,
            silences=outlook.silences,
            skips=outlook.skips,
        )

    def _situation(self, plans: Mapping[str, Plan], known: _Known, inventory: InventoryView) -> Situation:
        return Situation(
            plans=plans,
            tallies=known.finished.flows,
            histories=known.finished.histories,
            active=known.active.runs,
            since=self._memory.expectations(),
            flows=inventory.flows,
            names=inventory.integrations,
            known_since=self._known_since(known.now),
            now=known.now,
        )

    def _known_since(self, now: float) -> float:
        """From when on every run is known."""
        backfill, first_sight = self._memory.backfill, self._memory.first_sight
        if backfill is not None:
            return backfill.reached
        return now if first_sight is None else first_sight - self._overlap


class ScheduleRow(NamedTuple):
    """What `SchedulesView` holds of one flow."""

    expected: Expected | None
    interval: float | None
    unreadable: bool
    silence: float | None
    skip: float | None


def _facts(views: Mapping[str, Any]) -> Facts:
    view: SchedulesView = views["schedules"]
    unreadable = dict.fromkeys(sorted(view.unreadable), True)
    return Facts((view.expected, view.intervals, unreadable, view.silences, view.skips))


def _row(known: tuple[Expected | None, float | None, bool | None, float | None, float | None], _: None) -> ScheduleRow:
    expected, interval, unreadable, silence, skip = known
    return ScheduleRow(expected, interval, unreadable is not None, silence, skip)


def schedules_families(rows: Mapping[str, ScheduleRow]) -> Iterator[Family]:
    """Families of the `schedules` view (metric catalogue, section 3)."""
    expected = {flow_id: row.expected for flow_id, row in rows.items() if row.expected is not None}
    next_runs = {flow_id: row.next_run for flow_id, row in expected.items()}
    yield Family(catalogue.FLOW_NEXT_EXPECTED_RUN_TIMESTAMP_SECONDS, known_series(next_runs))
    intervals = {flow_id: row.interval for flow_id, row in rows.items()}
    yield Family(catalogue.FLOW_SCHEDULE_INTERVAL_SECONDS, known_series(intervals))
    missed = {flow_id: float(row.missed) for flow_id, row in expected.items()}
    yield Family(catalogue.FLOW_CONSECUTIVE_MISSED_RUNS, known_series(missed))
    unreadable: Series = {(flow_id,): 1.0 for flow_id, row in rows.items() if row.unreadable}
    yield Family(catalogue.FLOW_SCHEDULE_UNREADABLE, unreadable)
    silences = {flow_id: row.silence for flow_id, row in rows.items()}
    yield Family(catalogue.FLOW_EXPECTED_MAX_SILENCE_SECONDS, known_series(silences))
    yield Family(catalogue.FLOW_DST_SKIP_TIMESTAMP_SECONDS, known_series({key: row.skip for key, row in rows.items()}))


SCHEDULES_BLOCK = Block(
    "schedules", "schedules", ("schedules",), no_families, each=(Each("flow_id", _facts, _row, schedules_families),)
)
