"""How often what kind of change was made to an account: its audit log, each entry counted once (contract 3.17).

    celigo_audit_events_total{event="update",resource_type="flow",source="ui"} 12

Entries are listed from the watermark on. Behind it everything is settled: counted, or made before the first sight, and
such history is never counted. The watermark stays ten minutes behind the newest entry, so that what appears late is
still seen, and the ids of the entries after it are kept, so that nothing is counted twice.

An answer that the page bound cuts may lack any part, since nothing is relied on that the API does not promise about its
order. It is dropped, and the same stretch of time read in windows of half the length, which grow again when they fit.
What has been read whole is settled at once; the rest follows in the same run or in the next one.

Series: a change of the kinds people make most (`ZEROES`) has a 0 from the first sight on, so that `increase()` sees the
first one; any other combination of labels appears with its first entry, because there would be hundreds of zeros.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf, nextafter
from typing import Any, Protocol, Self

from exporter.api.endpoints import Endpoint
from exporter.api.errors import UnexpectedShape
from exporter.api.listing import Page
from exporter.api.models_governance import AuditEntry
from exporter.api.refresh import Refresh
from exporter.collect.base import Block
from exporter.expose import catalogue
from exporter.expose.families import Family

OTHER = "other"
RESOURCE_TYPES = (
    "flow", "export", "import", "connection", "integration", "agent", "script", "stack", "api", "accesstoken", "user",
    "template", "connector", "filedefinition", "notification", OTHER,
)  # fmt: skip
EVENTS = ("create", "update", "delete", OTHER)
SOURCES = ("ui", "api", "system", "connector", "script", "stack", "sso", OTHER)
"""The closed enumerations of the labels; the API promises none for the first two, so that the rest is `other`."""

Key = tuple[str, str, str]

ZEROES: tuple[Key, ...] = tuple(itertools.product(RESOURCE_TYPES[:7], EVENTS[:3], SOURCES[:2]))
"""Combinations of labels that have a series before their first entry."""

MAX_KEYS = 150
"""Combinations of labels that are counted apart; entries of any further one are counted as `other` throughout."""

OVERLAP = 600.0
"""How many seconds late an entry may appear and still be counted."""

MAX_SEEN = 50_000
"""Ids that are kept. When the overlap holds more, it is shortened."""

PAGES_PER_WINDOW = 20
WINDOWS_PER_RUN = 20
SMALLEST_WINDOW = 1.0
"""Seconds below which a window is not halved again; what does not fit even then is lost, and counted as truncated."""


class AuditClient(Protocol):
    """The calls of the client that reading the audit log makes."""

    def audit_pages(
        self, refresh: Refresh, *, since: float, until: float | None = None, max_pages: int
    ) -> Iterator[Page[AuditEntry]]:
        """Contract 3.17."""
        ...

    def server_now(self) -> float:
        """Unix seconds by the server's clock."""
        ...


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """Everything there is to keep about the audit log, and the view of it.

    `watermark` is the instant (Unix seconds) before which every entry is settled, `seen` the instants of the entries
    after it by id, `counts` entries since the first sight by resource type, event and source.
    """

    watermark: float
    seen: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[Key, int] = field(default_factory=dict)

    def with_entries(self, rows: Collection[AuditEntry], *, counting: bool = True) -> Self:
        """Note `rows`; those that are settled or known already change nothing, without `counting` none is counted."""
        new = {row.id: row for row in rows if row.time >= self.watermark and row.id not in self.seen}
        counts = dict(self.counts)
        for row in new.values() if counting else ():
            key = labels_of(row)
            if key not in counts and len(counts) >= MAX_KEYS:
                key = (OTHER, OTHER, OTHER)
            counts[key] = counts.get(key, 0) + 1
        return replace(self, seen={**self.seen, **{key: float(row.time) for key, row in new.items()}}, counts=counts)

    def settled(self, before: float) -> Self:
        """Move the watermark up to `before`, and further when more ids than `MAX_SEEN` would have to be kept."""
        watermark = max(self.watermark, before)
        newest = sorted((at for at in self.seen.values() if at >= watermark), reverse=True)
        if len(newest) > MAX_SEEN:
            watermark = nextafter(newest[MAX_SEEN], inf)
        return replace(self, watermark=watermark, seen={key: at for key, at in self.seen.items() if at >= watermark})


def labels_of(row: AuditEntry) -> Key:
    """Labels of an entry within their bounds."""
    given = (row.resource_type, RESOURCE_TYPES), (row.event, EVENTS), (row.source, SOURCES)
    kind, event, source = (_member(value, members) for value, members in given)
    return kind, event, source


def _member(value: str | None, members: Collection[str]) -> str:
    name = (value or "").lower()
    return name if name in members else OTHER


class AuditReader:
    """Keeps `counts` up to date; used by one thread. They are None before the first sight."""

    def __init__(self, client: AuditClient, counts: AuditCounts | None = None) -> None:
        self.counts = counts
        self._client = client
        self._width: float | None = None

    def read(self, refresh: Refresh) -> AuditCounts:
        """Read what is new; raises ApiError, after keeping what was read whole before."""
        if self.counts is None:
            self.counts = self._first_sight(refresh)
            return self.counts
        return self._windows(refresh, self.counts, self._client.server_now(), counting=True)

    def _first_sight(self, refresh: Refresh) -> AuditCounts:
        """Note the newest entries without counting them, so that those of the very moment are known as history."""
        began = self._client.server_now()
        sight = self._windows(refresh, AuditCounts(began - OVERLAP), began, counting=False)
        now = self._client.server_now()
        if now < began - OVERLAP:
            # The first answer told that this machine's clock is far ahead, so that nothing was looked at yet.
            began = now
            sight = self._windows(refresh, AuditCounts(began - OVERLAP), began, counting=False)
        return sight.settled(min(began, now))

    def _windows(self, refresh: Refresh, counts: AuditCounts, began: float, *, counting: bool) -> AuditCounts:
        position = counts.watermark
        for _ in range(WINDOWS_PER_RUN):
            until = self._until(position, began)
            rows, cut = self._entries(refresh, position, until)
            width = (began if until is None else until) - position
            if cut and width > SMALLEST_WINDOW:
                self._width = width / 2
                continue
            refresh.truncated += cut
            counts = counts.with_entries(rows, counting=counting)
            counts = counts.settled(_settled(counts, until, began))
            if counting:
                self.counts = counts
            if until is None:
                self._width = None
                break
            position, self._width = until, 2 * width
        return counts

    def _until(self, position: float, began: float) -> float | None:
        """Where the next window ends; None when it takes everything."""
        if self._width is None or position + self._width >= began:
            return None
        return position + self._width

    def _entries(self, refresh: Refresh, since: float, until: float | None) -> tuple[list[AuditEntry], bool]:
        """Entries of a window and whether it was cut; raises UnexpectedShape when not one of its rows is legible."""
        rows: list[AuditEntry] = []
        rejected, cut = 0, False
        for page in self._client.audit_pages(refresh, since=since, until=until, max_pages=PAGES_PER_WINDOW):
            rows.extend(page.rows)
            rejected += sum(page.rejected.values())
            cut = page.cut
        if rejected and not rows:
            raise UnexpectedShape(Endpoint.AUDIT.value, status=200, detail="no row could be read")
        return rows, cut


def _settled(counts: AuditCounts, until: float | None, began: float) -> float:
    """Up to when no entry can be missing any more, after a window that was read whole.

    `began` is the server instant at which the run began. At the open end the newest entry tells, which needs no clock.
    """
    if until is not None:
        return min(until, began - OVERLAP)
    return min(max(counts.seen.values(), default=counts.watermark), began) - OVERLAP


def audit_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """The family of the `audit` view (metric catalogue, section 7)."""
    view: AuditCounts = views["audit"]
    counts = {**dict.fromkeys(ZEROES, 0), **view.counts}
    yield Family(catalogue.AUDIT_EVENTS_TOTAL, {key: float(count) for key, count in counts.items()})


AUDIT_BLOCK = Block("audit", "governance", ("audit",), audit_families, "standard")
