"""Incidents of errors: storms, and users who resolve."""

from dataclasses import dataclass

from exporter.simulator import run_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.failures import ErrorKind
from exporter.simulator.identity import object_id
from exporter.simulator.open_errors import ErrorRecord
from exporter.simulator.outcome_incidents import MESSAGE
from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Flow
from exporter.simulator.targets import named, step_id


@dataclass(frozen=True, slots=True)
class _Storm:
    flow: Flow
    step_id: str
    records: list[ErrorRecord]


class ErrorIncidents:
    """Begins and ends them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._storms: dict[int, _Storm] = {}

    def begin(self, incident_id: int, spec: kinds.ErrorsKind) -> None:
        """Let an incident take effect now."""
        flow = named(self._engine.account.flows, spec.flow, "flow")
        if isinstance(spec, kinds.ResolveErrors):
            self._resolve(flow, spec)
        else:
            self._storms[incident_id] = self._storm(incident_id, flow, spec)

    def end(self, incident_id: int) -> None:
        """Resolve what is left of a storm."""
        storm = self._storms.pop(incident_id, None)
        if storm is not None:
            ids = [record.id for record in storm.records]
            self._engine.repair.resolve(storm.flow, storm.step_id, ids, "user", self._engine.now_ms)

    def _storm(self, incident_id: int, flow: Flow, spec: kinds.ErrorStorm) -> _Storm:
        where, age_ms = step_id(flow, spec.step), round(spec.age_seconds * 1000)
        if age_ms >= self._engine.options.retention_ms:
            raise LookupError("errors of this age are purged already")
        kind = ErrorKind(spec.source, spec.code, spec.classification, MESSAGE)
        key = f"storm|{incident_id}"
        if age_ms:
            records = self._old_records(flow, where, key, spec.count, self._engine.now_ms - age_ms, kind)
        else:
            records = self._fresh_records(flow, where, key, spec.count, kind)
        for record in records:
            record.assigned = spec.assigned
        return _Storm(flow, where, records)

    def _fresh_records(self, flow: Flow, where: str, key: str, count: int, kind: ErrorKind) -> list[ErrorRecord]:
        run = self._engine.run_now(flow, key, RunPlan(0, 0, "completed", count, 0, ((where, count),)), kind)
        step = self._engine.errors.steps(flow.id).get(where)
        return [record for record in step.open.values() if record.run is run] if step else []

    def _old_records(
        self, flow: Flow, where: str, key: str, count: int, at_ms: int, kind: ErrorKind
    ) -> list[ErrorRecord]:
        base = int(object_id(self._engine.options.seed, "old-errors", flow.id, key)[4:16], 16)
        fitting = range(1, 1 + min(count, self._engine.errors.room(flow.id, where)))
        records = [ErrorRecord(f"{base % 10**12:012d}{n:04d}", at_ms, kind, base + n, None) for n in fitting]
        self._engine.repair.store(flow, where, records)
        return records

    def _resolve(self, flow: Flow, spec: kinds.ResolveErrors) -> None:
        left = spec.count
        wanted = None if spec.step is None else step_id(flow, spec.step)
        for where, step in self._engine.errors.steps(flow.id).items():
            if wanted in (None, where):
                ids = [r.id for r in sorted(step.open.values(), key=lambda r: (r.occurred_ms, r.id))][:left]
                done = self._engine.repair.resolve(flow, where, ids, "user", self._engine.now_ms)
                left = None if left is None else left - done
