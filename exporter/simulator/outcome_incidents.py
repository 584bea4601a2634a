"""Incidents that change how the runs of a flow turn out; the engine bends each run by them when its turn comes."""

from exporter.simulator import run_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.failures import ErrorKind
from exporter.simulator.overlays import Overlays
from exporter.simulator.targets import named

MESSAGE = "Storm: {person}, {mail}."
SOURCE, CODE = "application", "FIELD_VALIDATION_ERROR"


class OutcomeIncidents:
    """Begins them; lifting the overlays ends them. What has happened by then stays."""

    def __init__(self, engine: Engine, overlays: Overlays) -> None:
        self._engine = engine
        self._overlays = overlays

    def begin(self, incident_id: int, spec: kinds.OutcomeKind) -> None:
        """Let an incident take effect now."""
        quirks = named(self._engine.account.flows, spec.flow, "flow").quirks
        for attribute, value in _changes(spec).items():
            self._overlays.put(incident_id, quirks, attribute, value)


def _changes(spec: kinds.OutcomeKind) -> dict[str, object]:
    match spec:
        case kinds.FlowFailing():
            return {"failing": True}
        case kinds.FlowErroring():
            return {"error_share": spec.share, "error_kind": _error_kind(spec)}
        case kinds.FlowEmpty():
            return {"records": 0}
        case kinds.FlowRecords():
            return {"records": spec.records}
        case kinds.FlowSlow():
            return {"duration_ms": round(spec.seconds * 1000)}
        case kinds.FlowWaiting():
            return {"queue_ms": round(spec.seconds * 1000)}


def _error_kind(spec: kinds.FlowErroring) -> ErrorKind | None:
    if spec.classification is spec.source is spec.code is None:
        return None
    source = SOURCE if spec.source is None else spec.source
    return ErrorKind(source, CODE if spec.code is None else spec.code, spec.classification, MESSAGE)
