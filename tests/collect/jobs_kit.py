"""A jobs collector on an account in memory, with a clock that only the test moves."""

from dataclasses import dataclass, field

from exporter.api.errors import ApiError
from exporter.api.refresh import Refresh
from exporter.collect.active import ActiveRunsView
from exporter.collect.jobs import FinishedRunsView, JobsCollector
from exporter.config.settings import JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.tally import FlowTally, IntegrationTally
from tests.clocks import EPOCH, ManualClock
from tests.collect.fake_client import FakeClient, Published
from tests.ledger.kept import KeptStore
from tests.ledger.rows import FLOW, INTEGRATION, finished, job

MINUTE = 60.0


@dataclass(slots=True)
class JobsKit:
    """The collector and everything around it. Seconds count from the clock's start."""

    settings: JobsSettings = field(default_factory=JobsSettings)
    clock: ManualClock = field(default_factory=ManualClock)
    step_records: bool = False
    store: KeptStore = field(default_factory=KeptStore)
    client: FakeClient = field(init=False)
    ledger: RunLedger = field(init=False)
    collector: JobsCollector = field(init=False)
    published: Published = field(default_factory=Published)
    refresh: Refresh = field(init=False)

    def __post_init__(self) -> None:
        self.client = FakeClient(self.clock)
        self.client.flow_homes = {FLOW: INTEGRATION}
        self.client.integration_ids = [INTEGRATION]
        self.restart()
        self.refresh = Refresh(self.clock, self.clock.monotonic() + 60)

    @property
    def now(self) -> float:
        """Seconds since the clock's start."""
        return self.clock.time() - EPOCH

    def restart(self) -> None:
        """Start the collector anew on what the store holds."""
        self.ledger = RunLedger(self.store)
        self.collector = JobsCollector(self.client, self.settings, self.ledger, step_records=self.step_records)

    def collect(self) -> ApiError | None:
        """One run of the collector; the error it was reported with."""
        self.refresh = Refresh(self.clock, self.clock.monotonic() + self.settings.deadline_seconds)
        try:
            self.collector.collect(self.refresh, self.published)
        except ApiError as error:
            return error
        return None

    def next(self, seconds: float = MINUTE) -> ApiError | None:
        """Let time pass, then collect."""
        self.clock.advance(seconds)
        return self.collect()

    def finish(self, job_id: str, status: str = "completed", **more: object) -> None:
        """A run that ended just now."""
        self.client.jobs[job_id] = finished(job_id, self.now, status, **more)

    def begin(self, job_id: str, status: str = "running", **more: object) -> None:
        """A run that was created just now and is in progress."""
        started = None if status == "queued" else self.now
        self.client.jobs[job_id] = job(job_id, status, self.now, started, **more)  # type: ignore[arg-type]  # passed through

    @property
    def runs(self) -> FinishedRunsView:
        """The newest view of finished runs."""
        view = self.published.views["finished_runs"]
        assert isinstance(view, FinishedRunsView)
        return view

    @property
    def watermark(self) -> float | None:
        """How far the runs were read, by what the store has."""
        track = self.store.state.tracks.get("flow")
        return track.watermark if track is not None else None

    @property
    def active(self) -> ActiveRunsView:
        """The newest view of runs in progress."""
        view = self.published.views["active_runs"]
        assert isinstance(view, ActiveRunsView)
        return view

    def flow(self, flow_id: str = FLOW) -> FlowTally:
        """What the newest view says of a flow."""
        return self.runs.flows[flow_id]

    def integration(self, integration_id: str = INTEGRATION) -> IntegrationTally:
        """What the newest view says of an integration."""
        return self.runs.integrations[integration_id]
