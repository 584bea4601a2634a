"""Incidents of single runs: one that is stuck, one that vanishes, one that starts now."""

from dataclasses import replace

from exporter.simulator import run_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Flow
from exporter.simulator.runs import Run
from exporter.simulator.targets import named, step_id

_STUCK_SHARE = 0.3
_STUCK_SECONDS = 60


class RunIncidents:
    """Begins and ends them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stuck: dict[int, Run] = {}

    def begin(self, incident_id: int, spec: kinds.RunKind) -> None:
        """Let an incident take effect now."""
        flow = named(self._engine.account.flows, spec.flow, "flow")
        match spec:
            case kinds.RunStuck():
                self._stuck[incident_id] = self._stick(incident_id, flow, spec.status)
            case kinds.RunVanished():
                self._vanish(incident_id, flow)
            case kinds.FlowRunNow():
                self._run_now(incident_id, flow, spec)

    def end(self, incident_id: int) -> None:
        """Let go a run that is stuck by no other incident."""
        run = self._stuck.pop(incident_id, None)
        if run is not None and run not in self._stuck.values():
            self._engine.unstick(run)

    def _stick(self, incident_id: int, flow: Flow, status: str) -> Run:
        run = self._to_stick(flow, status)
        if run is None:
            plan = RunPlan(0, _STUCK_SECONDS * 1000, "completed", 200, 0, ())
            now_ms = self._engine.now_ms
            run = self._engine.begin(flow, flow.generators[0], f"stuck|{incident_id}", now_ms, plan)
            if status != "queued":
                self._engine.start(run, now_ms)
            run.stuck_share = _STUCK_SHARE
        elif run.stuck_share is None:
            run.stuck_share = run.progress(self._engine.now_ms)
        self._turn(run, status)
        return run

    def _to_stick(self, flow: Flow, status: str) -> Run | None:
        mine = [r for r in self._engine.runs.active.values() if r.flow is flow and r.kind == "flow"]
        found = next((run for run in mine if run.status == status), None)
        if found is None and status in ("retrying", "canceling"):
            # One that another incident holds keeps the status which that one gave it.
            found = next((run for run in mine if run.status == "running" and run.stuck_share is None), None)
        return found

    def _turn(self, run: Run, status: str) -> None:
        run.status = status
        if status == "canceling":
            user_id = self._engine.account.user_id
            # Nothing may bend its end any more.
            run.plan, run.drawn = replace(run.plan, status="canceled", errors=(), canceled_by=user_id), None

    def _vanish(self, incident_id: int, flow: Flow) -> None:
        active = [r for r in self._engine.runs.active.values() if r.flow is flow and r.kind == "flow"]
        run = min(active, key=lambda r: (r.created_ms, r.id), default=None)
        if run is None:
            plan = RunPlan(0, 0, "completed", 0, 0, ())
            key = f"vanished|{incident_id}"
            run = self._engine.begin(flow, flow.generators[0], key, self._engine.now_ms, plan)
        self._engine.vanish(run)

    def _run_now(self, incident_id: int, flow: Flow, spec: kinds.FlowRunNow) -> None:
        errors = spec.errors if spec.errors is not None else int(spec.status == "failed")
        generator = flow.generators[0].step.id
        where = generator if spec.status == "failed" else step_id(flow, None)
        plan = RunPlan(
            queue_ms=0,
            duration_ms=round(spec.seconds * 1000),
            status=spec.status,
            records=max(spec.records, errors + spec.ignored),
            ignored=spec.ignored,
            errors=((where, errors),) if errors else (),
            canceled_by=self._engine.account.user_id if spec.status == "canceled" else None,
        )
        self._engine.run_now(flow, f"now|{incident_id}", plan)
