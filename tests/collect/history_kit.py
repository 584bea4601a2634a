"""A history collector and a jobs collector on one ledger, and an account that ran for days before the first sight."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from exporter.api.errors import ApiError
from exporter.api.models import Job
from exporter.api.refresh import Refresh
from exporter.collect.history import HistoryCollector
from exporter.config.settings import HistorySettings
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import FINISHED, FinishedRun, finished_run
from tests.clocks import EPOCH
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import job

HOUR = 3600.0
DAY = 24 * HOUR
FLOWS = {"f1": "int-a", "f2": "int-b", "f3": None}
RECORDS = ((0, 0, 0), (0, 0, 0), (0, 0, 0), (4, 0, 0), (3, 1, 0), (0, 0, 2))


@dataclass(slots=True)
class HistoryKit(JobsKit):
    """Both collectors and everything around them."""

    history_settings: HistorySettings = field(default_factory=lambda: HistorySettings(depth=5 * DAY))
    history: HistoryCollector = field(init=False)

    def __post_init__(self) -> None:
        JobsKit.__post_init__(self)
        self.client.flow_homes = dict(FLOWS)
        self.client.integration_ids = ["int-a", "int-b"]

    def restart(self) -> None:
        """Start both anew on what the store holds."""
        JobsKit.restart(self)
        self.history = HistoryCollector(self.client, self.history_settings, self.ledger, self.settings)

    def read_on(self, seconds: float = 300.0) -> ApiError | None:
        """One run of the history collector; the error it was reported with."""
        self.refresh = Refresh(self.clock, self.clock.monotonic() + seconds)
        try:
            self.history.collect(self.refresh, self.published)
        except ApiError as error:
            return error
        return None

    def read_all(self, runs: int = 400) -> None:
        """Run the history collector until there is nothing left to read."""
        for _ in range(runs):
            if self.history.ratio == 1.0:
                return
            self.clock.advance(1)
            assert self.read_on() is None
        raise AssertionError("the history does not come to an end")

    def live(self, days: float = 6.0, seed: int = 3, every: float = HOUR) -> None:
        """Fill the account with runs of the past; the same seed gives the same runs. None is in progress."""
        random = Random(seed)
        for flow, home in FLOWS.items():
            at = self.now - days * DAY
            while (at := at + random.uniform(0.4, 1.6) * every) < self.now - 400:
                self.put(flow, round(at), random.choice(FINISHED + ("completed",) * 4), random.choice(RECORDS), home)

    def put(self, flow: str, at: float, status: str, records: tuple[int, int, int], home: str | None) -> None:
        """A run of `flow` created at `at` seconds that took between 20 seconds and 5 minutes."""
        name, took = f"{flow}-{len(self.client.jobs):05}", 20 + (len(self.client.jobs) * 37) % 280
        row = job(name, status, at, at + 3, at + took, flow_id=flow, integration_id=home, records=records)
        self.client.jobs[name] = row

    @property
    def until(self) -> float:
        """Where the first window began, which is where history does."""
        held = self.ledger.memory.backfill
        assert held is not None
        return held.until

    def past(self) -> list[Job]:
        """The runs that are to be read back."""
        depth = self.history_settings.depth
        return [row for row in self.client.jobs.values() if self.until - depth <= (row.created_at or 0) < self.until]

    def windows(self) -> list[tuple[float, float]]:
        """Which windows the history collector asked for so far, with their bounds."""
        calls = self.client.calls_of("job_pages")
        return list(dict.fromkeys((gte, lte) for kind, _, _, gte, lte in calls if kind == "flow" and lte is not None))


def expected(rows: Iterable[Job]) -> dict[str, FlowHistory]:
    """What the rows say of each flow, all of them taken together."""
    flows: defaultdict[str, list[FinishedRun]] = defaultdict(list)
    for row in rows:
        assert row.flow_id is not None
        flows[row.flow_id].append(finished_run(row, row.created_at or EPOCH))
    return {flow: FlowHistory().preceded(runs) for flow, runs in flows.items()}


def told(histories: dict[str, FlowHistory]) -> dict[str, tuple[object, ...]]:
    """What histories say, whichever side of the first sight it comes from."""
    return {
        flow: (row.durations, row.before.then(row.since.whole), row.hours, row.success, row.starts)
        for flow, row in histories.items()
    }
