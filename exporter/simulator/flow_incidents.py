"""Incidents of flows, of their schedules and of integrations."""

from dataclasses import replace

from exporter.simulator import flow_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.overlays import Overlays
from exporter.simulator.resources import Flow
from exporter.simulator.schedule import is_schedule
from exporter.simulator.targets import named


class FlowIncidents:
    """Begins and ends them."""

    def __init__(self, engine: Engine, overlays: Overlays) -> None:
        self._engine = engine
        self._overlays = overlays
        self._rescheduled: dict[int, Flow] = {}

    def begin(self, incident_id: int, spec: kinds.FlowKind | kinds.IntegrationKind) -> None:
        """Let an incident take effect now."""
        if isinstance(spec, kinds.IntegrationKind):
            self._change_integration(incident_id, spec)
            return
        flow = named(self._engine.account.flows, spec.flow, "flow")
        match spec:
            case kinds.ScheduleStopped():
                self._overlays.put(incident_id, flow, "schedule_stopped", value=True)
            case kinds.ScheduleLate():
                self._overlays.put(incident_id, flow, "late_ms", spec.seconds * 1000)
            case kinds.FlowDeleted():
                self._overlays.put(incident_id, flow, "deleted", value=True)
                self._engine.audit.record(self._engine.now_ms, "flow", flow.id, "delete")
            case kinds.FlowRescheduled():
                self._reschedule(incident_id, flow, spec)
            case kinds.FlowUnscheduled():
                self._unschedule(incident_id, flow)
            case _:
                self._update(incident_id, flow, self._edit(incident_id, flow, spec))

    def end(self, incident_id: int) -> None:
        """Lay out the ticks of the schedule that came back when the overlays were lifted."""
        rescheduled = self._rescheduled.pop(incident_id, None)
        if rescheduled is not None:
            self._engine.replant(rescheduled)

    def _edit(
        self,
        incident_id: int,
        flow: Flow,
        spec: kinds.FlowDisabled | kinds.FlowEnabled | kinds.FlowRenamed | kinds.FlowMoved | kinds.FlowEdited,
    ) -> str:
        """Change what the incident is about; returns the path of the field that changed."""
        put = self._overlays.put
        match spec:
            case kinds.FlowRenamed():
                put(incident_id, flow, "name", spec.name)
                return "name"
            case kinds.FlowMoved():
                put(incident_id, flow, "integration_id", self._home(spec.integration))
                return "_integrationId"
            case kinds.FlowEdited():
                return "mapping"
            case _:
                put(incident_id, flow, "enabled", isinstance(spec, kinds.FlowEnabled))
                return "disabled"

    def _update(self, incident_id: int, flow: Flow, field: str) -> None:
        self._overlays.put(incident_id, flow, "modified_ms", self._engine.now_ms)
        self._engine.audit.record(self._engine.now_ms, "flow", flow.id, "update", field)

    def _reschedule(self, incident_id: int, flow: Flow, spec: kinds.FlowRescheduled) -> None:
        zone = spec.timezone or flow.timezone
        if flow.trigger != "scheduled" or not is_schedule(spec.schedule, zone):
            raise LookupError("the flow has no schedule of its own, or the new one cannot be read")
        self._overlays.put(incident_id, flow, "schedule", spec.schedule)
        self._overlays.put(incident_id, flow, "timezone", zone)
        self._replant(incident_id, flow)

    def _unschedule(self, incident_id: int, flow: Flow) -> None:
        if not flow.scheduled:
            raise LookupError("the flow has no schedule")
        self._overlays.put(incident_id, flow, "schedule", None)
        generators = tuple(replace(generator, schedule=None) for generator in flow.generators)
        self._overlays.put(incident_id, flow, "generators", generators)
        self._replant(incident_id, flow)

    def _replant(self, incident_id: int, flow: Flow) -> None:
        self._engine.replant(flow)
        self._update(incident_id, flow, "schedule")
        self._rescheduled[incident_id] = flow

    def _home(self, wanted: str) -> str | None:
        if wanted == "none":
            return None
        return named(self._engine.account.integrations, wanted, "integration").id

    def _change_integration(self, incident_id: int, spec: kinds.IntegrationKind) -> None:
        row = named(self._engine.account.integrations, spec.integration, "integration")
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
