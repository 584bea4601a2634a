"""The simulated account with the collectors on it through the real client, in one virtual time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from exporter.api.client import CeligoClient
from exporter.api.errors import ApiError
from exporter.api.refresh import Refresh
from exporter.collect.active import ActiveRunsView
from exporter.collect.base import Collector
from exporter.collect.errors import ErrorsCollector
from exporter.collect.history import HistoryCollector
from exporter.collect.jobs import FinishedRunsView, JobsCollector
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.resolved import ResolvedView
from exporter.config.settings import ErrorsSettings, HistorySettings, JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.tally import FINISHED
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.api.kit import TOKEN, kit
from tests.clocks import ManualClock
from tests.collect.fake_client import Published
from tests.ledger.kept import KeptStore

JOBS = JobsSettings()
HISTORY = HistorySettings(pages_per_run=8)
ERRORS = ErrorsSettings(flows_per_run=500, steps_per_run=500, pages_per_step=100)


@dataclass(slots=True)
class World:
    """A simulated account and the collectors on it. `store` keeps the ledger."""

    simulator: Simulator
    clock: ManualClock
    client: CeligoClient
    error_settings: ErrorsSettings = ERRORS
    resolved_too: bool = False
    store: KeptStore = field(default_factory=KeptStore)
    jobs: JobsCollector = field(init=False)
    errors: ErrorsCollector = field(init=False)
    history: HistoryCollector = field(init=False)
    published: Published = field(default_factory=Published)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Start the collectors anew on what the store holds."""
        ledger = RunLedger(self.store)
        self.jobs = JobsCollector(self.client, JOBS, ledger)
        self.errors = ErrorsCollector(self.client, self.error_settings, resolved=self.resolved_too)
        self.history = HistoryCollector(self.client, HISTORY, ledger, JOBS)

    def collect(self, collector: Collector) -> ApiError | None:
        """One run; the error it was reported with."""
        refresh = Refresh(self.clock, self.clock.monotonic() + 600)
        try:
            collector.collect(refresh, self.published)
        except ApiError as error:
            return error
        return None

    def minutes(self, count: int) -> None:
        """Let `count` minutes pass: jobs every minute, errors every five."""
        for _ in range(count):
            self.clock.advance(60)
            self.collect(self.jobs)
            if round(self.clock.time() / 60) % 5 == 0:
                self.collect(self.errors)

    @property
    def runs(self) -> FinishedRunsView:
        """The newest view of finished runs."""
        view = self.published.views["finished_runs"]
        assert isinstance(view, FinishedRunsView)
        return view

    @property
    def active(self) -> ActiveRunsView:
        """The newest view of runs in progress."""
        view = self.published.views["active_runs"]
        assert isinstance(view, ActiveRunsView)
        return view

    @property
    def open_errors(self) -> OpenErrorsView:
        """The newest view of open errors."""
        view = self.published.views["open_errors"]
        assert isinstance(view, OpenErrorsView)
        return view

    @property
    def resolved(self) -> ResolvedView:
        """The newest view of resolved errors."""
        view = self.published.views["resolved_errors"]
        assert isinstance(view, ResolvedView)
        return view

    def truth(self) -> Any:
        """What the account knows of itself."""
        return self.simulator.truth()

    def finished_since(self, since: float, kind: str = "flow") -> Counter[tuple[str, str]]:
        """Ended jobs by flow and status, by the account itself."""
        rows = [row for row in self.simulator.runs() if row["type"] == kind and row["finishedAt"] is not None]
        return Counter((str(row["_flowId"]), str(row["status"])) for row in rows if _number(row["finishedAt"]) > since)

    def counted(self, kind: str = "flow") -> Counter[tuple[str, str]]:
        """Ended jobs by flow and status, by the collector."""
        return +Counter(
            {
                (flow_id, status): number
                for flow_id, tally in self.runs.flows.items()
                for status, number in zip(FINISHED, tally.runs if kind == "flow" else tally.retries, strict=True)
            }
        )


@contextmanager
def simulated(errors: ErrorsSettings = ERRORS, *, resolved: bool = False, **changes: Any) -> Iterator[World]:
    """A small account whose time only the test moves; `changes` go to the simulator's options."""
    clock = ManualClock()
    values: dict[str, Any] = {
        "flows": 12, "seed": 5, "history_seconds": 14_400, "token": TOKEN, "base_clock": clock.time,
        "bucket_size": 1_000_000, "bucket_rate": 100_000.0, "job_page_size": 200, "page_size": 20,
    }  # fmt: skip
    with Simulator(SimulatorOptions(**{**values, **changes})) as simulator, kit(clock, base_url=simulator.url) as held:
        yield World(simulator, clock, held.client, errors, resolved)


def _number(value: Any) -> float:
    return float(value)
