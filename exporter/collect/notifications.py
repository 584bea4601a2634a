"""Which flows somebody is told about: subscriptions of flows and integrations (contract 3.16).

celigo_integration_flows_without_notifications{integration_id="63a1"} 2
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.listing import Listing
from exporter.api.models_governance import Notification
from exporter.collect.base import Block
from exporter.collect.counted import Counted
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.kept import Kept
from exporter.expose import catalogue
from exporter.expose.families import Family, Series


@dataclass(frozen=True, slots=True)
class NotificationsView:
    """Flows and integrations, `none` perhaps among them, that somebody subscribed to."""

    flows: frozenset[str] = frozenset()
    integrations: frozenset[str] = frozenset()

    def covers(self, flow: FlowFacts) -> bool:
        """Whether somebody is told about the flow."""
        return flow.id in self.flows or flow.integration_id in self.integrations


def notifications_view(listing: Listing[Notification], kept: Kept[Notification]) -> NotificationsView | None:
    """What is subscribed to; None when a subscription may exist that is not known.

    Any flow may be the one that is covered by it, so that a flow could no longer be said to have none.
    """
    known = kept.merge(listing, {row.id: row for row in listing.rows})
    if not listing.complete or not listing.unread <= known.keys():
        return None
    rows = known.values()
    return NotificationsView(
        frozenset(row.flow_id for row in rows if row.flow_id),
        frozenset(row.integration_id for row in rows if row.integration_id),
    )


class _Uncovered:
    """Counts the flows that nobody is told about; used by one thread at a time. Flows that changed are counted anew."""

    def __init__(self) -> None:
        self._view = NotificationsView()
        self._counts: Counted[FlowFacts, tuple[str, bool]] = Counted()

    def families(self, views: Mapping[str, Any]) -> Iterator[Family]:
        """The family of the `notifications` view (metric catalogue, section 7), when the flows are known."""
        view: NotificationsView = views["notifications"]
        inventory: InventoryView | None = views["inventory"]
        if inventory is None:
            return
        if view != self._view:
            self._view, self._counts = view, Counted()
        counts = self._counts.of(
            inventory.flows, lambda flow: ((flow.integration_id, flow.enabled and not view.covers(flow)),)
        )
        homes = dict.fromkeys((*inventory.integrations, *sorted(home for home, _ in counts)))
        series: Series = {(home,): float(counts[home, True]) for home in homes}
        yield Family(catalogue.INTEGRATION_FLOWS_WITHOUT_NOTIFICATIONS, series)


def notifications_block() -> Block:
    """A block of its own for each account: it remembers what it counted."""
    inputs = ("notifications", "inventory")
    return Block("notifications", "governance", inputs, _Uncovered().families, "standard")
