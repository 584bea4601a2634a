"""An account behind the client's listing calls, for collectors that read lists: rows, failures and cuts on demand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.api.errors import ApiError
from exporter.api.listing import Listing
from exporter.api.models import Connection, Flow, Integration, TokenInfo
from exporter.api.refresh import Refresh
from exporter.collect.base import Collector
from tests.clocks import ManualClock
from tests.collect.fake_client import Published


@dataclass(slots=True)
class ListingClient:
    """The account. `incomplete`, `unread`, `failing`, `stale` and `fetched_at` are by the name of the call."""

    clock: ManualClock = field(default_factory=ManualClock)
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    unread: dict[str, set[str]] = field(default_factory=dict)
    failing: dict[str, ApiError] = field(default_factory=dict)
    stale: dict[str, ApiError] = field(default_factory=dict)
    fetched_at: dict[str, float] = field(default_factory=dict)
    published: Published = field(default_factory=Published)
    refresh: Refresh = field(init=False)

    def __post_init__(self) -> None:
        self.refresh = Refresh(self.clock, self.clock.monotonic() + 60)

    def token_info(self, refresh: Refresh) -> TokenInfo:
        self._asked(refresh, "token_info")
        return TokenInfo(user_id="5f1a2b3c4d5e6f7081920a01")

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        return self._listing(refresh, "integrations")

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        return self._listing(refresh, "flows")

    def connections(self, refresh: Refresh) -> Listing[Connection]:
        return self._listing(refresh, "connections")

    def collect(self, collector: Collector) -> ApiError | None:
        """One run; the error it ended with."""
        self.refresh = Refresh(self.clock, self.clock.monotonic() + 60, self.refresh.stop)
        try:
            collector.collect(self.refresh, self.published)
        except ApiError as error:
            return error
        return None

    def _asked(self, refresh: Refresh, name: str) -> None:
        refresh.requests += 1
        if name in self.failing:
            raise self.failing[name]

    def _listing(self, refresh: Refresh, name: str) -> Listing[Any]:
        self._asked(refresh, name)
        at = self.fetched_at.get(name, self.clock.monotonic())
        failure, unread = self.stale.get(name), frozenset(self.unread.get(name, ()))
        rows = tuple(row for row in self.rows.get(name, ()) if row.id not in unread)
        return Listing(rows, name not in self.incomplete, at, failure is not None, failure, unread)
