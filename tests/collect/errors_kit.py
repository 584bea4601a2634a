"""An errors collector on an account in memory, with a clock that only the test moves."""

from dataclasses import dataclass, field

import msgspec

from exporter.api.errors import ApiError
from exporter.api.models import Assigned, ErrorRecord, Step
from exporter.api.refresh import Refresh
from exporter.collect.errors import ErrorsCollector
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.resolved import ResolvedCounts, ResolvedView
from exporter.config.settings import ErrorsSettings, Filters
from tests.clocks import EPOCH, ManualClock
from tests.collect.fake_client import FakeClient, Published
from tests.ledger.rows import at

INTERVAL = 300.0


def record(
    error_id: str,
    occurred: float | None = 0.0,
    *,
    classification: str | None = "value",
    source: str | None = "application",
    code: str | int | None = "INVALID_KEY",
    purge: float | None = None,
    assigned: bool | None = None,
) -> ErrorRecord:
    """One open error (contract 3.6); instants are seconds since EPOCH, `assigned` None: the field is not served."""
    return ErrorRecord(
        id=error_id,
        occurred_at=None if occurred is None else at(occurred),
        source=source,
        code=code,
        classification=classification,
        purge_at=None if purge is None else at(purge),
        assigned=msgspec.UNSET if assigned is None else Assigned(assigned),
    )


@dataclass(slots=True)
class ErrorsKit:
    """The collector and everything around it. `flow-a` and `flow-b` live in `int-1`, `flow-c` in `int-2`."""

    settings: ErrorsSettings = field(default_factory=ErrorsSettings)
    filters: Filters = field(default_factory=Filters)
    resolved: bool = False
    saved: list[ResolvedCounts] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)
    client: FakeClient = field(init=False)
    collector: ErrorsCollector = field(init=False)
    published: Published = field(default_factory=Published)
    refresh: Refresh = field(init=False)

    def __post_init__(self) -> None:
        self.client = FakeClient(self.clock)
        self.client.flow_homes = {"flow-a": "int-1", "flow-b": "int-1", "flow-c": "int-2"}
        self.client.integration_ids = ["int-1", "int-2"]
        self.client.export_rows = [Step(id="exp-1", name="Orders", adaptor_type="HTTPExport", connection_id="con-1")]
        self.client.import_rows = [Step(id="imp-1", name="ERP", adaptor_type="NetSuiteImport", connection_id="con-2")]
        self.restart()
        self.refresh = Refresh(self.clock, self.clock.monotonic())

    def restart(self) -> None:
        """A new collector, with what the one before saved."""
        self.collector = ErrorsCollector(
            self.client,
            self.settings,
            self.filters,
            resolved=self.resolved,
            load=lambda: self.saved[-1] if self.saved else None,
            save=self.saved.append,
        )

    def collect(self) -> ApiError | None:
        """One run of the collector; the error it was reported with."""
        self.client.calls.clear()
        self.refresh = Refresh(self.clock, self.clock.monotonic() + self.settings.deadline_seconds)
        try:
            self.collector.collect(self.refresh, self.published)
        except ApiError as error:
            return error
        return None

    def next(self, seconds: float = INTERVAL) -> ApiError | None:
        """Let time pass, then collect."""
        self.clock.advance(seconds)
        return self.collect()

    def raise_errors(self, flow_id: str, step_id: str, count: int, **more: object) -> None:
        """Open `count` more errors now."""
        held = self.client.open_errors.setdefault((flow_id, step_id), [])
        now = self.clock.time() - EPOCH
        number = len(held)
        held.extend(record(f"{flow_id}-{step_id}-{number + n}-{now}", now, **more) for n in range(count))  # type: ignore[arg-type]  # passed through

    def resolve(self, flow_id: str, step_id: str) -> None:
        """Resolve all errors of a step."""
        self.client.open_errors.pop((flow_id, step_id), None)

    @property
    def view(self) -> OpenErrorsView:
        """The newest view."""
        view = self.published.views["open_errors"]
        assert isinstance(view, OpenErrorsView)
        return view

    @property
    def resolved_view(self) -> ResolvedView:
        """The newest view of resolved errors."""
        view = self.published.views["resolved_errors"]
        assert isinstance(view, ResolvedView)
        return view

    @property
    def counted(self) -> dict[str, tuple[int, int]]:
        """Errors resolved by users and automatically, by integration; those without any left out."""
        return {name: (row.user, row.auto) for name, row in self.resolved_view.integrations.items() if row != (0, 0)}

    @property
    def flows(self) -> dict[str, int]:
        """Open errors by flow."""
        return {flow_id: row.open_errors for flow_id, row in self.view.flows.items()}

    @property
    def steps(self) -> dict[tuple[str, str], int]:
        """Open errors by step."""
        return dict(self.view.steps)
