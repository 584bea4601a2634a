"""Which enabled flows nobody is told about, as long as every subscription is known."""

import pytest

from exporter.api.listing import Listing
from exporter.api.models_governance import Notification
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.kept import Kept
from exporter.collect.notifications import NotificationsView, notifications_block, notifications_view
from tests.collect.exposition import lines

ROWS = (
    Notification(id="n1", type="flow", flow_id="f1"),
    Notification(id="n2", type="integration", integration_id="none"),
    Notification(id="n3", type="connection", connection_id="f9"),
    Notification(id="n4", type="flow"),
)


def flow(name: str, home: str, *, enabled: bool = True) -> FlowFacts:
    return FlowFacts(name, name, home, enabled, False, "on_demand")


def inventory(*flows: FlowFacts, names: tuple[str, ...] = ("i1", "i2")) -> InventoryView:
    return InventoryView({name: name for name in names}, {each.id: each for each in flows})


def told(view: NotificationsView, known: InventoryView | None) -> list[str]:
    return lines(notifications_block().build({"notifications": view, "inventory": known}))


def listed(
    *rows: Notification,
    kept: Kept[Notification] | None = None,
    complete: bool = True,
    unread: tuple[str, ...] = (),
    at: float = 0.0,
) -> NotificationsView | None:
    listing = Listing(rows, complete, at, unread=frozenset(unread))
    return notifications_view(listing, kept or Kept(7200.0))


def test_subscriptions_of_flows_and_integrations_count_and_those_of_connections_do_not() -> None:
    assert listed(*ROWS) == NotificationsView(frozenset({"f1"}), frozenset({"none"}))


def test_an_account_without_subscriptions_is_known_to_have_none() -> None:
    assert listed() == NotificationsView()


@pytest.mark.parametrize(
    ("unread", "complete"), [((), False), (("n9",), True)], ids=["cut or without an id", "never read"]
)
def test_with_a_subscription_that_is_not_known_nothing_can_be_said(unread: tuple[str, ...], complete: bool) -> None:
    assert listed(*ROWS, unread=unread, complete=complete) is None


def test_a_subscription_that_cannot_be_read_is_taken_for_what_it_was_until_that_is_stale() -> None:
    kept: Kept[Notification] = Kept(7200.0)
    before = listed(*ROWS, kept=kept)
    assert listed(*ROWS[1:], kept=kept, unread=("n1",), at=7200.0) == before
    assert listed(*ROWS[1:], kept=kept, unread=("n1",), at=7201.0) is None


def test_enabled_flows_without_a_subscription_of_their_own_or_of_their_integration_are_counted() -> None:
    view = NotificationsView(frozenset({"f1"}), frozenset({"i2"}))
    flows = (
        flow("f1", "i1"),
        flow("f2", "i1"),
        flow("f3", "i1", enabled=False),
        flow("f4", "i2"),
        flow("f5", "none"),
        flow("f6", "i1"),
    )
    assert told(view, inventory(*flows, names=("i1", "i2", "none"))) == [
        'integration_flows_without_notifications{integration_id="i1"} 2',
        'integration_flows_without_notifications{integration_id="i2"} 0',
        'integration_flows_without_notifications{integration_id="none"} 1',
    ]


def test_standalone_flows_are_covered_by_a_subscription_of_none() -> None:
    view = NotificationsView(integrations=frozenset({"none"}))
    assert told(view, inventory(flow("f1", "none"), names=("none",))) == [
        'integration_flows_without_notifications{integration_id="none"} 0'
    ]


def test_an_integration_that_only_its_flows_tell_of_is_counted_too() -> None:
    assert told(NotificationsView(), inventory(flow("f1", "i9"), names=())) == [
        'integration_flows_without_notifications{integration_id="i9"} 1'
    ]


def test_nothing_is_said_while_the_flows_are_unknown() -> None:
    assert told(NotificationsView(), None) == []
