"""The audit log: who changed what (contract 3.17)."""

from dataclasses import dataclass
from random import Random

from exporter.simulator.account import Account
from exporter.simulator.agenda import Agenda
from exporter.simulator.identity import object_id, stream
from exporter.simulator.options import DAY_MS
from exporter.simulator.resources import JsonObject
from exporter.simulator.timestamps import iso

_PAST_ENTRIES = 120
_MEAN_GAP_SECONDS = 900.0
_KEPT = 20_000
_SOURCES = ("ui", "ui", "ui", "api", "system", "connector", "script", "stack", "sso")
_EVENTS = ("update", "update", "update", "create", "delete")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `field` is the path that changed, None for create and delete."""

    id: str
    at_ms: int
    resource_type: str
    resource_id: str
    event: str
    source: str
    user_id: str | None
    field: str | None

    def row(self) -> JsonObject:
        """Return the entry as the API lists it; the person in it is invented."""
        by: JsonObject | None = None
        if self.user_id:
            by = {"_id": self.user_id, "name": "A. Admin", "email": "admin@customer.example"}
        change: JsonObject | None = None
        if self.field:
            change = {"fieldPath": self.field, "oldValue": "secret-old", "newValue": "secret-new"}
        return {
            "_id": self.id,
            "resourceType": self.resource_type,
            "_resourceId": self.resource_id,
            "event": self.event,
            "source": self.source,
            "time": iso(self.at_ms),
            "byUser": by,
            "fieldChange": change,
        }


class AuditTrail:
    """Entries in order of time: some from before, then one now and again."""

    def __init__(self, seed: int, account: Account, agenda: Agenda, begin_ms: int) -> None:
        self._seed = seed
        self._account = account
        self._agenda = agenda
        self._count = 0
        self.entries: list[AuditEntry] = []
        if account.flows:
            for number in range(_PAST_ENTRIES):
                self._draw(begin_ms - DAY_MS * 29 + number * (DAY_MS * 29 // _PAST_ENTRIES))
            self._await(begin_ms)

    def record(self, at_ms: int, resource_type: str, resource_id: str, event: str, field: str | None = None) -> None:
        """Note a change made by the account's owner in the web app."""
        self._add(at_ms, resource_type, resource_id, event, "ui", field)

    def _await(self, after_ms: int) -> None:
        draws = stream(self._seed, "audit-gap", self._count)
        gap_ms = 1000 + round(1000 * draws.expovariate(1 / _MEAN_GAP_SECONDS))
        self._agenda.at(after_ms + gap_ms, "audit", self._happen)

    def _happen(self, now_ms: int) -> None:
        self._draw(now_ms)
        self._await(now_ms)

    def _draw(self, at_ms: int) -> None:
        draws = stream(self._seed, "audit-entry", self._count, at_ms)
        kind, resource_id = self._pick(draws)
        event = draws.choice(_EVENTS)
        field = draws.choice(("name", "disabled", "schedule", "mapping")) if event == "update" else None
        self._add(at_ms, kind, resource_id, event, draws.choice(_SOURCES), field)

    def _pick(self, draws: Random) -> tuple[str, str]:
        account = self._account
        kind = draws.choice(("flow", "flow", "export", "import", "connection", "integration"))
        if kind == "flow":
            return kind, draws.choice(account.flows).id
        if kind == "connection":
            return kind, draws.choice(account.connections).id
        if kind == "integration":
            return kind, draws.choice(account.integrations).id
        return kind, draws.choice(account.steps).id

    def _add(self, at_ms: int, kind: str, resource_id: str, event: str, source: str, field: str | None) -> None:
        self._count += 1
        user = None if source == "system" else self._account.user_id
        entry_id = object_id(self._seed, "audit", self._count)
        self.entries.append(AuditEntry(entry_id, at_ms, kind, resource_id, event, source, user, field))
        if len(self.entries) > _KEPT:
            del self.entries[: _KEPT // 10]
