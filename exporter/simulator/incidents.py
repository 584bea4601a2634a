"""The incident desk: starts, lists and lifts what goes wrong."""

import itertools
import threading
from collections.abc import Mapping
from typing import get_args

import msgspec

from exporter.simulator.access import TokenGate
from exporter.simulator.clock import SimClock
from exporter.simulator.engine import Engine
from exporter.simulator.faults import FAULT_KINDS, FaultSet, FaultSpec
from exporter.simulator.incident_kinds import AccountIncident
from exporter.simulator.mischief import Mischief
from exporter.simulator.resources import JsonObject

_ACCOUNT_KINDS = {member.__struct_config__.tag for member in get_args(AccountIncident)}
KNOWN_KINDS = tuple(sorted(FAULT_KINDS | _ACCOUNT_KINDS))


class BadIncident(ValueError):
    """An incident that makes no sense; the text is one clear line for people."""


class IncidentDesk:
    """All incidents of one simulator. Thread-safe."""

    def __init__(self, engine: Engine, clock: SimClock, faults: FaultSet, gate: TokenGate) -> None:
        self._engine = engine
        self._clock = clock
        self._faults = faults
        self._mischief = Mischief(engine, gate)
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._active: dict[int, JsonObject] = {}

    def inject(self, options: Mapping[str, object]) -> int:
        """Start the incident `options["kind"]`; returns its id. Raises BadIncident."""
        spec = _read(options)
        with self._lock:
            incident_id = next(self._ids)
            if isinstance(spec, FaultSpec):
                self._faults.add(incident_id, spec)
            else:
                self._begin(incident_id, spec)
            self._active[incident_id] = dict(options)
            return incident_id

    def lift(self, incident_id: int) -> None:
        """End an incident; raises KeyError when there is none of that id."""
        with self._lock:
            del self._active[incident_id]
            self._faults.remove(incident_id)
            with self._engine.lock:
                self._engine.advance(self._clock.now_ms())
                self._mischief.end(incident_id)

    def lift_all(self) -> None:
        """End every incident, the newest first."""
        for incident_id in sorted(self._active, reverse=True):
            try:
                self.lift(incident_id)
            except KeyError:
                continue

    def active(self) -> list[JsonObject]:
        """Return the incidents still in force; a fault with a count is gone when used up."""
        with self._lock:
            lasting = self._faults.lasting()
            return [
                {"id": incident_id, **options}
                for incident_id, options in self._active.items()
                if options["kind"] in _ACCOUNT_KINDS or incident_id in lasting
            ]

    def _begin(self, incident_id: int, spec: AccountIncident) -> None:
        with self._engine.lock:
            self._engine.advance(self._clock.now_ms())
            try:
                self._mischief.begin(incident_id, spec)
            except LookupError as error:
                raise BadIncident(str(error.args[0])) from None


def _read(options: Mapping[str, object]) -> FaultSpec | AccountIncident:
    kind = options.get("kind")
    if not isinstance(kind, str) or kind not in KNOWN_KINDS:
        raise BadIncident(f"kind must be one of {', '.join(KNOWN_KINDS)}")
    try:
        if kind in FAULT_KINDS:
            return msgspec.convert(dict(options), FaultSpec)
        incident: AccountIncident = msgspec.convert(dict(options), AccountIncident)
    except msgspec.ValidationError as error:
        raise BadIncident(" ".join(str(error).split())) from None
    return incident
