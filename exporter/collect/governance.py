"""The governance collector: who changed what, what nobody is told about, what is paid for and used.

    celigo_audit_events_total{event="update",resource_type="flow",source="ui"} 12
    celigo_integration_flows_without_notifications{integration_id="63a1"} 2
    celigo_license_expiry_timestamp_seconds{license_id="60c0",type="platform"} 1801353600
    celigo_entitlement_limit{entitlement="flows"} 1000
    celigo_entitlement_used{entitlement="flows"} 412

Each of the four sources may be closed to the account; each is published on its own, with an age of its own. The audit
log is read in every run, the lists once in `lists_interval` (contract 3.15 to 3.17).
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.listing import Listing
from exporter.api.models_governance import EntitlementUsage, License, Notification
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.audit import AuditClient, AuditCounts, AuditReader
from exporter.collect.base import Publish
from exporter.collect.kept import Kept
from exporter.collect.licenses import licenses_view, usage_view
from exporter.collect.notifications import notifications_view
from exporter.collect.optional import Availability, OptionalCalls, TokenClient
from exporter.config.settings import GovernanceSettings
from exporter.ledger.notes import Note

LISTS = ("licenses", "entitlement_usage", "notifications")
"""Parts of the model that are read once in `lists_interval`."""


class GovernanceClient(TokenClient, AuditClient, Protocol):
    """The calls of the client that the governance collector makes."""

    def licenses(self, refresh: Refresh) -> Listing[License]:
        """Contract 3.15."""
        ...

    def entitlement_usage(self, refresh: Refresh) -> EntitlementUsage | None:
        """Contract 3.15."""
        ...

    def notifications(self, refresh: Refresh) -> Listing[Notification]:
        """Contract 3.16."""
        ...


Read = Callable[[Refresh, Publish], float]
"""Reads one list and publishes its part; returns the monotonic instant it is true at. Raises ApiError."""


class GovernanceCollector:
    """Reads the four sources; used by one thread at a time. `sandbox` picks the part of the licences that counts."""

    name = "governance"

    def __init__(
        self,
        client: GovernanceClient,
        settings: GovernanceSettings,
        availability: Availability,
        note: Note[AuditCounts],
        *,
        sandbox: bool,
    ) -> None:
        self.settings = settings
        self._client = client
        self._availability = availability
        self._sandbox = sandbox
        self._note = note
        self._audit = AuditReader(client, note.load())
        self._licenses: Kept[License] = Kept(settings.lists_lasting_seconds)
        self._notifications: Kept[Notification] = Kept(settings.lists_lasting_seconds)
        self._lists: Mapping[str, tuple[Endpoint, Read]] = {
            "licenses": (Endpoint.LICENSES, self._read_licenses),
            "entitlement_usage": (Endpoint.ENTITLEMENT_USAGE, self._read_usage),
            "notifications": (Endpoint.NOTIFICATIONS, self._read_notifications),
        }
        self._read_at: dict[str, float] = {}

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read what is due and publish `audit`, `licenses`, `entitlement_usage` and `notifications`; raises ApiError.

        A source that is refused publishes nothing and is no failure; one that fails leaves the others alone.
        """
        attempts = Attempts(refresh)
        calls = OptionalCalls(self._availability, self._client, refresh)
        with attempts.step():
            calls.ask(Endpoint.AUDIT, lambda: self._read_audit(refresh, publish))
        for part in self._due(refresh.clock.monotonic()):
            if not attempts.over:
                with attempts.step():
                    self._read_list(part, calls, refresh, publish)
        attempts.finish()

    def _due(self, now: float) -> list[str]:
        """Lists that were never read, or so long ago that the next run would come too late."""
        youngest = now - self.settings.lists_interval + self.settings.interval / 2
        return [part for part in self._lists if self._read_at.get(part, -inf) <= youngest]

    def _read_list(self, part: str, calls: OptionalCalls, refresh: Refresh, publish: Publish) -> None:
        endpoint, read = self._lists[part]
        read_at = calls.ask(endpoint, lambda: read(refresh, publish))
        if read_at is not None:
            self._read_at[part] = read_at

    def _read_audit(self, refresh: Refresh, publish: Publish) -> None:
        """Publish the counts, also when only a part of what is new could be read."""
        started, before = refresh.clock.monotonic(), self._audit.counts
        try:
            self._audit.read(refresh)
        finally:
            counts = self._audit.counts
            if counts is not None and counts is not before:
                self._note.save(counts)
                publish("audit", counts, started)

    def _read_licenses(self, refresh: Refresh, publish: Publish) -> float:
        listing = self._client.licenses(refresh).required(Endpoint.LICENSES)
        rows = self._licenses.merge(listing, {row.id: row for row in listing.rows}).values()
        view = licenses_view(rows, sandbox=self._sandbox, now=self._client.server_now())
        publish("licenses", view, listing.fetched_at)
        return listing.fetched_at

    def _read_usage(self, refresh: Refresh, publish: Publish) -> float:
        started = refresh.clock.monotonic()
        usage = self._client.entitlement_usage(refresh)
        if usage is not None:
            publish("entitlement_usage", usage_view(usage, sandbox=self._sandbox), started)
        return started

    def _read_notifications(self, refresh: Refresh, publish: Publish) -> float:
        listing = self._client.notifications(refresh).required(Endpoint.NOTIFICATIONS)
        view = notifications_view(listing, self._notifications)
        if view is not None:
            publish("notifications", view, listing.fetched_at)
        return listing.fetched_at
