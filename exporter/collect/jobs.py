"""The jobs collector: runs in progress, finished runs and retries.

Each run of it asks for the jobs in progress, reads the windows of finished runs and, less often, of retries, and asks
one by one for jobs that were in progress and are in neither any more. Each of the four fails without the others.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, Self, TypeVar

from exporter.api.endpoints import Endpoint, is_id
from exporter.api.errors import ApiError, NotFound, PayloadError
from exporter.api.listing import Listing
from exporter.api.models import Job
from exporter.api.refresh import Refresh
from exporter.changes import kept
from exporter.collect.active import ActiveRun, ActiveRunsView, active_runs, carried_over
from exporter.collect.all_tallies import AllTallies
from exporter.collect.attempts import Attempts
from exporter.collect.base import Publish
from exporter.collect.departed import Departed
from exporter.collect.kept_notes import step_records_note
from exporter.collect.known import InventoryClient, Known, KnownObjects
from exporter.collect.passes import JobPagesClient
from exporter.collect.step_records import StepRecords, StepRecordsClient, StepRecordsState
from exporter.collect.turns import Turns
from exporter.collect.windows import JobWindows
from exporter.config.settings import JobsSettings
from exporter.ledger.history import FlowHistory
from exporter.ledger.notes import Note
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind
from exporter.ledger.tally import STANDALONE, FinishedRun, FlowTally, IntegrationTally

GIVE_UP_SECONDS = 600.0
"""How long the API has to answer that it does not have a job in progress until its end is given up."""

_log = logging.getLogger(__name__)

V = TypeVar("V")


class JobsClient(InventoryClient, JobPagesClient, StepRecordsClient, Protocol):
    """The calls of the client that the jobs collector makes."""

    def current_jobs(self, refresh: Refresh) -> Listing[Job]:
        """Contract 3.8."""
        ...

    def job(self, refresh: Refresh, job_id: str) -> Job:
        """Contract 3.7; NotFound when purged."""
        ...


@dataclass(frozen=True, slots=True)
class FinishedRunsView:
    """What the finished runs add up to, for everything that exists as far as known.

    A flow or integration without any finished run has an empty tally. `retries_known` is false until the retries were
    read, and again when they could not be read for long.
    """

    flows: Mapping[str, FlowTally]
    integrations: Mapping[str, IntegrationTally]
    retries_known: bool
    unknown: Mapping[Kind, int]
    histories: Mapping[str, FlowHistory] = field(default_factory=dict)


_NO_RUNS, _NO_INTEGRATION_RUNS = FlowTally(), IntegrationTally()
"""Always the same objects, as everything is of which nothing changed."""


class JobsCollector:
    """Reads the jobs of one account into its ledger; used by one thread at a time."""

    name = "jobs"

    def __init__(
        self, client: JobsClient, settings: JobsSettings, ledger: RunLedger, *, step_records: bool = False
    ) -> None:
        self.settings = settings
        self._client = client
        self._ledger = ledger
        self._known = KnownObjects(client)
        self._runs = JobWindows(client, ledger, self._known, "flow", settings)
        self._retries = JobWindows(client, ledger, self._known, "retry", settings)
        self._retries_asked_at = float("-inf")
        self._active: Mapping[str, ActiveRun] = {}
        self._turns: Turns[str] = Turns()
        self._not_found: dict[str, float] = {}
        self._departed = (Departed(), Departed())
        self._hidden: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
        self._flows = AllTallies(_NO_RUNS)
        self._integrations = AllTallies(_NO_INTEGRATION_RUNS)
        self._histories: Mapping[str, FlowHistory] = {}
        self._step_records: StepRecords | None = None
        if step_records and settings.step_flows:
            note = step_records_note(ledger.memory)
            self._step_records = StepRecords(
                client, settings.step_flows, lambda: note.load() or StepRecordsState(), note.save
            )
            ledger.also = partial(self._queue_steps, self._step_records, note)

    def go_on(self, before: Self) -> None:
        """Tell of the reading what another collector of the same account told last."""
        self._runs.caught_up = before._runs.caught_up

    @property
    def catch_up(self) -> float | None:
        """The share (0 to 1) of the runs since the last reading that has been read; None before the first reading."""
        return self._runs.caught_up

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read what is due, publish `active_runs` and `finished_runs`; raises the first ApiError that matters."""
        attempts = Attempts(refresh)
        if self._step_records is not None:
            with suppress(ApiError):  # the names of flows are the inventory collector's to report
                self._known.read(refresh)
        listed: frozenset[str] | None = None
        with attempts.step():
            listed = self._read_active(refresh, publish)
        retries_due = self._retries_due(refresh)
        if not attempts.over:
            with attempts.step():
                self._runs.read(refresh, listed)
        if retries_due and not attempts.over:
            self._retries_asked_at = refresh.clock.monotonic()
            with attempts.step():
                self._retries.read(refresh, listed)
        if not attempts.over:
            with attempts.step(proof=False):
                self._follow(refresh, listed or frozenset(), retries_too=retries_due)
        if not attempts.over:
            self._drop_deleted(refresh)
        self._publish_finished(refresh, publish)
        if self._step_records is not None:
            self._step_records.read(refresh, attempts)
            publish("step_records", self._step_records.view(self._names()), refresh.clock.monotonic())
        attempts.finish()

    def _queue_steps(
        self, step_records: StepRecords, note: Note[StepRecordsState], runs: Sequence[FinishedRun]
    ) -> Mapping[str, str]:
        """What is to be kept, by the change that counts `runs`, so that the steps of each are asked for once."""
        taken = step_records.take(((run.id, run.flow_id) for run in runs), self._names())
        return {note.name: note.text(step_records.state)} if taken else {}

    def _names(self) -> Mapping[str, str]:
        known = self._known.latest
        return known.names if known is not None else {}

    def _retries_due(self, refresh: Refresh) -> bool:
        early = min(1.0, 0.05 * self.settings.retries_interval)
        return refresh.clock.monotonic() - self._retries_asked_at >= self.settings.retries_interval - early

    def _read_active(self, refresh: Refresh, publish: Publish) -> frozenset[str]:
        listing = self._client.current_jobs(refresh).required(Endpoint.JOBS_CURRENT)
        now = self._client.server_now()
        self._ledger.notice(listing.rows, now)
        rows = [row for row in listing.rows if not self._ledger.is_counted(row.id)]
        memory = self._ledger.memory
        # A run without any instant is not followed, and its progress in no ledger.
        before = {run.id: progress for run in self._active.values() if (progress := run.progress) is not None}
        runs = active_runs(rows, {**before, **memory.progress()}, now)
        if not listing.whole:
            runs = carried_over(runs, self._active, self._ledger.pending().__contains__)
        self._active = {run.id: run for run in runs}
        memory.moved({run.id: progress for run in runs if (progress := run.progress) is not None})
        publish("active_runs", ActiveRunsView(runs, len(self._ledger.pending())), listing.fetched_at)
        return frozenset(row.id for row in listing.rows)

    def _follow(self, refresh: Refresh, listed: frozenset[str], *, retries_too: bool) -> None:
        """Ask for pending jobs that nothing showed, the longest unasked first, at most `follow_per_run` of them.

        Retries wait for their listing, which is read less often, and keep their turn and what is known of them.
        """
        shown = self._runs.shown | self._retries.shown | listed
        lost = {job_id: row.kind for job_id, row in self._ledger.pending().items() if job_id not in shown}
        due = {job_id for job_id, kind in lost.items() if kind == "flow" or retries_too}
        self._give_up(job_id for job_id in due if not is_id(job_id))
        self._turns.want(filter(is_id, lost), refresh.clock.monotonic())
        self._not_found = {job_id: since for job_id, since in self._not_found.items() if job_id in lost}
        failure: ApiError | None = None
        asked = [job_id for job_id in self._turns.first() if job_id in due]
        for job_id in asked[: self.settings.follow_per_run]:
            if refresh.stop.is_set():
                break
            self._turns.to_the_end(job_id)
            try:
                self._ask(refresh, job_id)
            except PayloadError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _ask(self, refresh: Refresh, job_id: str) -> None:
        try:
            job = self._client.job(refresh, job_id)
        except NotFound:
            now = refresh.clock.monotonic()
            # One 404 may be a slip of the API; a job that was given up is never counted again.
            if now - self._not_found.setdefault(job_id, now) >= GIVE_UP_SECONDS:
                self._give_up([job_id])
            return
        self._not_found.pop(job_id, None)
        if job.id == job_id:
            self._ledger.settle(job, self._client.server_now())

    def _give_up(self, job_ids: Iterable[str]) -> None:
        pending = self._ledger.pending()
        given_up = {job_id: pending[job_id].flow_id or "" for job_id in job_ids if job_id in pending}
        self._ledger.close(given_up, self._client.server_now())
        if given_up:
            flows = ", ".join(sorted({flow_id for flow_id in given_up.values() if is_id(flow_id)}))
            _log.warning(
                "jobs are gone without an end and count as unknown",
                extra={"fields": {"jobs_count": len(given_up), "flows": flows}},
            )

    def _publish_finished(self, refresh: Refresh, publish: Publish) -> None:
        at = self._runs.coverage.newest
        if at is not None:
            publish("finished_runs", self._view(refresh), at)

    def _view(self, refresh: Refresh) -> FinishedRunsView:
        tallies, known = self._ledger.tallies(), self._known.latest
        flows, integrations = tallies.flows, tallies.integrations
        if known is not None:
            self._hide(known, refresh)
            stale = self._stale_integrations(known, refresh)
            gone = {name for name, home in known.flows.items() if home in stale} if stale else set()
            flows = self._flows.of(known.flows, flows, self._hidden[0] | gone)
            integrations = self._integrations.of(sorted(known.integrations), integrations, self._hidden[1] | stale)
        gone_histories = tallies.histories.keys() - flows.keys()
        if gone_histories:  # else it is the mapping of before, or one that knows what changed
            self._histories = kept(self._histories, _without(tallies.histories, gone_histories))
        retried_at = self._retries.coverage.newest
        retries_last = max(3 * self.settings.retries_interval, self.settings.staleness_seconds)
        return FinishedRunsView(
            flows=flows,
            integrations=integrations,
            retries_known=retried_at is not None and refresh.clock.monotonic() - retried_at <= retries_last,
            unknown=tallies.unknown,
            histories=self._histories if gone_histories else tallies.histories,
        )

    def _stale_integrations(self, known: Known, refresh: Refresh) -> frozenset[str]:
        """Integrations whose own window could not be read for so long that their numbers are no longer true."""
        oldest = refresh.clock.monotonic() - self.settings.lasting_seconds
        newest = self._runs.coverage.newest
        readings = {name: self._runs.coverage.of(name) for name in known.integrations}
        return frozenset(
            name
            for name, covered in readings.items()
            if covered is None or (covered.at < oldest and covered.at != newest)
        )

    def _drop_deleted(self, refresh: Refresh) -> None:
        """Let go of what was deleted upstream, and learn of new flows and integrations.

        A failure here is the inventory collector's to report: nothing of the jobs is lost by it.
        """
        try:
            known = self._known.read(refresh)
        except ApiError:
            return
        if known.complete:
            self._hide(known, refresh)
            now = refresh.clock.monotonic()
            flows, integrations = self._hidden
            departed_flows, departed_integrations = self._departed
            gone = flows - departed_flows.note(flows, now)
            self._ledger.retire(gone, integrations - departed_integrations.note(integrations, now))
            if self._step_records is not None:
                self._step_records.retire(gone)

    def _hide(self, known: Known, refresh: Refresh) -> None:
        if known.complete:
            # A flow of which nothing but the id can be read may be the one that stands alone.
            homes = known.integrations | ({STANDALONE} if known.homeless else set())
            flows = known.flows.keys() | known.homeless if known.homeless else known.flows
            self._hidden = self._ledger.missing(flows, homes, self._as_of(known, refresh))

    def _as_of(self, known: Known, refresh: Refresh) -> float:
        return self._client.server_now() - (refresh.clock.monotonic() - known.at)


def _without(rows: Mapping[str, V], names: AbstractSet[str]) -> Mapping[str, V]:
    return {name: row for name, row in rows.items() if name not in names} if names else rows
