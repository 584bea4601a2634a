"""An account behind the client's listing calls, for collectors that read lists: rows, failures and cuts on demand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.api.errors import ApiError
from exporter.api.listing import Listing
from exporter.api.models import Connection, Flow, Instant, Integration, Step, TokenInfo
from exporter.api.models_governance import Agent
from exporter.api.refresh import Refresh
from exporter.collect.base import Collector
from tests.clocks import ManualClock
from tests.collect.fake_client import Published


@dataclass(slots=True)
class ListingClient:
    """The account. `incomplete`, `unread`, `failing`, `stale` and `fetched_at` are by the name of the call.

    `positions` are the delta positions of flows; asking for one of `failing_flows` fails.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    unread: dict[str, set[str]] = field(default_factory=dict)
    failing: dict[str, ApiError] = field(default_factory=dict)
    stale: dict[str, ApiError] = field(default_factory=dict)
    fetched_at: dict[str, float] = field(default_factory=dict)
    positions: dict[str, float] = field(default_factory=dict)
    failing_flows: dict[str, ApiError] = field(default_factory=dict)
    asked_flows: list[str] = field(default_factory=list)
    published: Published = field(default_factory=Published)
    calls: Counter[str] = field(default_factory=Counter)
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

    def agents(self, refresh: Refresh) -> Listing[Agent]:
        return self._listing(refresh, "agents")

    def server_now(self) -> float:
        return self.clock.time()

    def exports(self, refresh: Refresh) -> Listing[Step]:
        return self._listing(refresh, "exports")

    def imports(self, refresh: Refresh) -> Listing[Step]:
        return self._listing(refresh, "imports")

    def last_export(self, refresh: Refresh, flow_id: str) -> Instant | None:
        self._asked(refresh, "last_export")
        self.asked_flows.append(flow_id)
        if flow_id in self.failing_flows:
            raise self.failing_flows[flow_id]
        return Instant(self.positions[flow_id]) if flow_id in self.positions else None

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
        self.calls[name] += 1
        if name in self.failing:
            raise self.failing[name]

    def _listing(self, refresh: Refresh, name: str) -> Listing[Any]:
        self._asked(refresh, name)
        at = self.fetched_at.get(name, self.clock.monotonic())
        failure, unread = self.stale.get(name), frozenset(self.unread.get(name, ()))
        rows = tuple(row for row in self.rows.get(name, ()) if row.id not in unread)
        return Listing(rows, name not in self.incomplete, at, failure is not None, failure, unread)
