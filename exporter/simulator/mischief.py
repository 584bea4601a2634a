"""Carries out account incidents on the engine's state."""

from collections.abc import Sequence
from typing import TypeVar

from exporter.simulator import incident_kinds as kinds
from exporter.simulator.access import TokenGate
from exporter.simulator.engine import Engine
from exporter.simulator.failures import ErrorKind
from exporter.simulator.messages import bare
from exporter.simulator.overlays import Overlays
from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Agent, Connection, Flow, Integration, Step
from exporter.simulator.runs import Run
from exporter.simulator.schedule import is_schedule

Target = TypeVar("Target", Flow, Integration, Connection, Agent, Step)

_STUCK_SHARE = 0.3
_STUCK_SECONDS = 60


class Mischief:
    """Begins and ends account incidents. The caller holds the engine's lock and has advanced it.

    `begin` raises LookupError with one clear line when a target does not exist.
    """

    def __init__(self, engine: Engine, gate: TokenGate) -> None:
        self._engine = engine
        self._gate = gate
        self._overlays = Overlays()
        self._stuck: dict[int, Run] = {}
        self._storms: dict[int, Run] = {}
        self._rescheduled: dict[int, Flow] = {}

    def begin(self, incident_id: int, spec: kinds.AccountIncident) -> None:
        """Let an incident take effect now."""
        match spec:
            case kinds.TokenRevoked() | kinds.TokenExpired():
                self._gate.deny(incident_id, bare(401, "Unauthorized"))
            case kinds.ConnectionOffline() | kinds.ConnectionOnline() | kinds.ConnectionDeleted():
                self._change_connection(incident_id, spec)
            case kinds.AgentOffline() | kinds.AgentOnline():
                self._change_agent(incident_id, spec)
            case kinds.IntegrationDeleted() | kinds.IntegrationRenamed():
                self._change_integration(incident_id, spec)
            case kinds.RunStuck():
                self._stuck[incident_id] = self._stick(incident_id, spec)
            case kinds.RunVanished():
                self._vanish(incident_id, spec)
            case kinds.ErrorStorm():
                self._storms[incident_id] = self._storm(incident_id, spec)
            case kinds.ResolveErrors():
                self._resolve(spec)
            case kinds.FlowRescheduled():
                self._rescheduled[incident_id] = self._reschedule(incident_id, spec)
            case kinds.FlowRunNow():
                self._run_now(incident_id, spec)
            case _:
                self._change_flow(incident_id, spec)
        self._engine.refresh_down()

    def end(self, incident_id: int) -> None:
        """Take back what can be taken back; an unknown id is no mistake."""
        self._gate.allow(incident_id)
        self._overlays.lift(incident_id)
        rescheduled = self._rescheduled.pop(incident_id, None)
        if rescheduled is not None:
            self._engine.replant(rescheduled)
        run = self._stuck.pop(incident_id, None)
        if run is not None and run not in self._stuck.values():
            self._engine.unstick(run)
        storm = self._storms.pop(incident_id, None)
        if storm is not None:
            self._end_storm(storm)
        self._engine.refresh_down()

    def _change_connection(
        self, incident_id: int, spec: kinds.ConnectionOffline | kinds.ConnectionOnline | kinds.ConnectionDeleted
    ) -> None:
        row = _named(self._engine.account.connections, spec.connection, "connection")
        if isinstance(spec, kinds.ConnectionDeleted):
            self._overlays.put(incident_id, row, "deleted", value=True)
            self._engine.audit.record(self._engine.now_ms, "connection", row.id, "delete")
        else:
            self._set_online(incident_id, row, online=isinstance(spec, kinds.ConnectionOnline))

    def _change_agent(self, incident_id: int, spec: kinds.AgentOffline | kinds.AgentOnline) -> None:
        agent = _named(self._engine.account.agents, spec.agent, "agent")
        online = isinstance(spec, kinds.AgentOnline)
        self._set_online(incident_id, agent, online=online)
        for connection in self._engine.account.connections:
            if connection.agent_id == agent.id:
                self._set_online(incident_id, connection, online=online)

    def _set_online(self, incident_id: int, target: Connection | Agent, *, online: bool) -> None:
        self._overlays.put(incident_id, target, "offline_since_ms", None if online else self._engine.now_ms)

    def _change_integration(self, incident_id: int, spec: kinds.IntegrationDeleted | kinds.IntegrationRenamed) -> None:
        row = _named(self._engine.account.integrations, spec.integration, "integration")
        now_ms = self._engine.now_ms
        if isinstance(spec, kinds.IntegrationRenamed):
            self._overlays.put(incident_id, row, "name", spec.name)
            self._overlays.put(incident_id, row, "modified_ms", now_ms)
            self._engine.audit.record(now_ms, "integration", row.id, "update", "name")
            return
        self._overlays.put(incident_id, row, "deleted", value=True)
        self._engine.audit.record(now_ms, "integration", row.id, "delete")
        for flow in self._engine.account.flows:
            if flow.integration_id == row.id:
                self._overlays.put(incident_id, flow, "deleted", value=True)

    def _change_flow(self, incident_id: int, spec: kinds.AccountIncident) -> None:
        put, flow = self._overlays.put, self._flow(getattr(spec, "flow", ""))
        match spec:
            case kinds.ScheduleStopped():
                put(incident_id, flow, "schedule_stopped", value=True)
                return
            case kinds.ScheduleLate():
                put(incident_id, flow, "late_ms", spec.seconds * 1000)
                return
            case kinds.FlowDeleted():
                put(incident_id, flow, "deleted", value=True)
                self._engine.audit.record(self._engine.now_ms, "flow", flow.id, "delete")
                return
            case kinds.FlowDisabled() | kinds.FlowEnabled():
                put(incident_id, flow, "enabled", isinstance(spec, kinds.FlowEnabled))
                field = "disabled"
            case kinds.FlowRenamed():
                put(incident_id, flow, "name", spec.name)
                field = "name"
            case kinds.FlowMoved():
                put(incident_id, flow, "integration_id", self._home(spec.integration))
                field = "_integrationId"
            case _:
                raise LookupError("this incident has no effect")
        put(incident_id, flow, "modified_ms", self._engine.now_ms)
        self._engine.audit.record(self._engine.now_ms, "flow", flow.id, "update", field)

    def _reschedule(self, incident_id: int, spec: kinds.FlowRescheduled) -> Flow:
        flow, now_ms = self._flow(spec.flow), self._engine.now_ms
        zone = spec.timezone or flow.timezone
        if flow.trigger != "scheduled" or not is_schedule(spec.schedule, zone):
            raise LookupError("the flow has no schedule of its own, or the new one cannot be read")
        for attribute, value in (("schedule", spec.schedule), ("timezone", zone), ("modified_ms", now_ms)):
            self._overlays.put(incident_id, flow, attribute, value)
        self._engine.replant(flow)
        self._engine.audit.record(now_ms, "flow", flow.id, "update", "schedule")
        return flow

    def _home(self, wanted: str) -> str | None:
        if wanted == "none":
            return None
        return _named(self._engine.account.integrations, wanted, "integration").id

    def _stick(self, incident_id: int, spec: kinds.RunStuck) -> Run:
        flow, now_ms = self._flow(spec.flow), self._engine.now_ms
        active = self._engine.runs.active.values()
        run = next((r for r in active if r.flow is flow and r.kind == "flow" and r.status == spec.status), None)
        if run is None:
            plan = RunPlan(0, _STUCK_SECONDS * 1000, "completed", 200, 0, ())
            run = self._engine.begin(flow, flow.generators[0], f"stuck|{incident_id}", now_ms, plan)
            if spec.status == "running":
                self._engine.start(run, now_ms)
            run.stuck_share = _STUCK_SHARE
        elif run.stuck_share is None:
            run.stuck_share = run.progress(now_ms)
        return run

    def _vanish(self, incident_id: int, spec: kinds.RunVanished) -> None:
        flow, now_ms = self._flow(spec.flow), self._engine.now_ms
        active = [r for r in self._engine.runs.active.values() if r.flow is flow and r.kind == "flow"]
        run = min(active, key=lambda r: (r.created_ms, r.id), default=None)
        if run is None:
            plan = RunPlan(0, 0, "completed", 0, 0, ())
            run = self._engine.begin(flow, flow.generators[0], f"vanished|{incident_id}", now_ms, plan)
        self._engine.vanish(run)

    def _storm(self, incident_id: int, spec: kinds.ErrorStorm) -> Run:
        flow = self._flow(spec.flow)
        step_id = self._step_id(flow, spec.step)
        plan = RunPlan(0, 0, "completed", spec.count, 0, ((step_id, spec.count),))
        kind = ErrorKind(spec.source, spec.code, spec.classification, "Storm: {person}, {mail}.")
        return self._engine.run_now(flow, f"storm|{incident_id}", plan, kind)

    def _end_storm(self, storm: Run) -> None:
        for step_id, step in self._engine.errors.steps(storm.flow.id).items():
            ids = [record.id for record in step.open.values() if record.run is storm]
            self._engine.repair.resolve(storm.flow, step_id, ids, "user", self._engine.now_ms)

    def _resolve(self, spec: kinds.ResolveErrors) -> None:
        flow, left = self._flow(spec.flow), spec.count
        wanted = None if spec.step is None else self._step_id(flow, spec.step)
        for step_id, step in self._engine.errors.steps(flow.id).items():
            if wanted in (None, step_id):
                ids = [r.id for r in sorted(step.open.values(), key=lambda r: (r.occurred_ms, r.id))][:left]
                done = self._engine.repair.resolve(flow, step_id, ids, "user", self._engine.now_ms)
                left = None if left is None else left - done

    def _run_now(self, incident_id: int, spec: kinds.FlowRunNow) -> None:
        flow = self._flow(spec.flow)
        errors = spec.errors if spec.errors is not None else int(spec.status == "failed")
        generator = flow.generators[0].step.id
        where = generator if spec.status == "failed" else self._step_id(flow, None)
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

    def _flow(self, wanted: str) -> Flow:
        return _named(self._engine.account.flows, wanted, "flow")

    def _step_id(self, flow: Flow, wanted: str | None) -> str:
        if wanted is None:
            return (flow.processing_steps or flow.steps)[0].id
        return _named(flow.steps, wanted, "step").id


def _named(rows: Sequence[Target], wanted: str, word: str) -> Target:
    found = next((row for row in rows if row.id == wanted), None) or next((r for r in rows if r.name == wanted), None)
    if found is None or not wanted:
        raise LookupError(f"there is no {word} of this id or name")
    return found
