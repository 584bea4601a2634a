"""Incidents of licences and of what they entitle to."""

from exporter.simulator import governance_kinds as kinds
from exporter.simulator.engine import Engine
from exporter.simulator.licenses import License
from exporter.simulator.options import DAY_MS
from exporter.simulator.overlays import Overlays


class GovernanceIncidents:
    """Begins them; lifting the overlays ends them."""

    def __init__(self, engine: Engine, overlays: Overlays) -> None:
        self._engine = engine
        self._overlays = overlays

    def begin(self, incident_id: int, spec: kinds.GovernanceKind) -> None:
        """Let an incident take effect now."""
        match spec:
            case kinds.LicenseExpires():
                ends_ms = self._engine.now_ms + round(spec.days * DAY_MS)
                for row in self._licenses(spec.license):
                    self._overlays.put(incident_id, row, "ends_ms", ends_ms)
            case kinds.EntitlementUsed():
                entitlement = self._engine.account.entitlements[spec.entitlement]
                self._overlays.put(incident_id, entitlement, "used_share", spec.share)

    def _licenses(self, wanted: str | None) -> list[License]:
        found = [row for row in self._engine.account.licenses if wanted in (None, row.id)]
        if not found:
            raise LookupError("there is no license of this id")
        return found
