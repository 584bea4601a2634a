"""An account behind the calls of the governance collector, with an audit log that filters and pages as the API does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.api.errors import ApiError, ServerError
from exporter.api.listing import Listing, Page
from exporter.api.models import Instant
from exporter.api.models_governance import AuditEntry, EntitlementUsage, License, Notification
from exporter.api.refresh import Refresh
from tests.collect.listing_client import ListingClient

Arrange = Callable[[list[AuditEntry]], list[AuditEntry]]


def newest_first(rows: list[AuditEntry]) -> list[AuditEntry]:
    return sorted(rows, key=lambda row: (-row.time, row.id))


@dataclass(slots=True)
class GovernanceClient(ListingClient):
    """The account. `arrange` is the order of the log; `pages_left` are answered until `failure` is raised.

    `skew` is how far the server's clock is taken to be ahead of the true one, before the first answer, or for good
    when `skew_lasts`.
    """

    usage: EntitlementUsage | None = field(default_factory=EntitlementUsage)
    log: list[AuditEntry] = field(default_factory=list)
    arrange: Arrange = newest_first
    page_size: int = 100
    unreadable: int = 0
    pages_left: int | None = None
    failure: ApiError = field(default_factory=lambda: ServerError("/v1/audit", status=500))
    windows: list[tuple[float, float | None]] = field(default_factory=list)
    skew: float = 0.0
    skew_lasts: bool = False

    def happen(self, name: str, *, at: float | None = None, **fields: Any) -> AuditEntry:
        """Add an entry, by default one of now."""
        time = Instant(self.clock.time() if at is None else at)
        values = {"resource_type": "flow", "event": "update", "source": "ui", **fields}
        entry = AuditEntry(id=name, time=time, **values)
        self.log.append(entry)
        return entry

    def server_now(self) -> float:
        told = self.calls and not self.skew_lasts
        return self.clock.time() + (0.0 if told else self.skew)

    def licenses(self, refresh: Refresh) -> Listing[License]:
        return self._listing(refresh, "licenses")

    def notifications(self, refresh: Refresh) -> Listing[Notification]:
        return self._listing(refresh, "notifications")

    def entitlement_usage(self, refresh: Refresh) -> EntitlementUsage | None:
        self._asked(refresh, "entitlement_usage")
        return self.usage

    def audit_pages(
        self, refresh: Refresh, *, since: float, until: float | None = None, max_pages: int
    ) -> Iterator[Page[AuditEntry]]:
        self.windows.append((since, until))
        rows = [row for row in self.log if row.time >= since and (until is None or row.time <= until)]
        yield from self._pages(refresh, self.arrange(rows), max_pages)

    def _pages(self, refresh: Refresh, rows: Sequence[AuditEntry], max_pages: int) -> Iterator[Page[AuditEntry]]:
        starts = range(0, max(1, len(rows)), self.page_size)
        for number, start in enumerate(starts):
            self._asked(refresh, "audit_pages")
            if self.pages_left is not None:
                if self.pages_left == 0:
                    raise self.failure
                self.pages_left -= 1
            cut = number + 1 == max_pages and number + 1 < len(starts)
            rejected = {"wrong_type": self.unreadable} if self.unreadable and number == 0 else {}
            yield Page(tuple(rows[start : start + self.page_size]), cut, rejected)
            if cut:
                return
