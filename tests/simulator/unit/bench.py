"""An engine with a desk, and flows of one trigger to strike."""

from typing import Any

from exporter.simulator.access import TokenGate
from exporter.simulator.clock import ManualTime, SimClock
from exporter.simulator.faults import FaultSet
from exporter.simulator.incidents import IncidentDesk
from exporter.simulator.resources import Flow
from exporter.simulator.runs import Run
from tests.simulator.unit.build import START, engine


class Life:
    """An account that lives by itself from START on; a test moves its clock."""

    def __init__(self, **options: Any) -> None:
        quiet = {"failure_rate": 0.0, "error_rate": 0.0, "backlog": False, "history_seconds": 0.0}
        self.engine = engine(**{**quiet, **options})
        self.base = ManualTime(START / 1000)
        self.desk = IncidentDesk(self.engine, SimClock(self.base), FaultSet(seed=1), TokenGate("t"))

    def inject(self, kind: str, flow: Flow | None = None, **options: Any) -> int:
        """Start an incident, of a flow if one is given."""
        target = {} if flow is None else {"flow": flow.id}
        return self.desk.inject({"kind": kind, **target, **options})

    def pass_seconds(self, seconds: float) -> None:
        """Let the account's time pass."""
        self.base.advance(seconds)
        self.engine.advance(round(self.base() * 1000))

    def flow(self, trigger: str = "scheduled", *, every_minute: bool = True) -> Flow:
        """A flow with one generator and no branches; a scheduled one runs every minute from now on if told."""
        flow = next(
            row
            for row in self.engine.account.flows
            if row.trigger == trigger and row.enabled and len(row.generators) == 1 and not row.branches
        )
        if trigger == "scheduled" and every_minute:
            flow.schedule, flow.timezone = "? * * ? * *", None
            self.engine.replant(flow)
        return flow

    def ended(self, flow: Flow, since_ms: int = 0) -> list[Run]:
        """The flow's runs that have ended since, oldest first."""
        runs = self.engine.runs.of_flow(flow.id)
        return [run for run in runs if run.kind == "flow" and run.ended_ms is not None and run.ended_ms > since_ms]
