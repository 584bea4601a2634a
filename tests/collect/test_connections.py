"""Which connections exist, which are down, and what waits for them."""

from typing import Any

import pytest

from exporter.api.errors import Forbidden, UnexpectedShape
from exporter.api.models import Connection, ConnectionBlock, Instant, Queue
from exporter.collect.connections import CONNECTIONS_BLOCK, ConnectionFacts, ConnectionsCollector, ConnectionsView
from exporter.config.settings import CollectorSettings
from tests.api.kit import kit
from tests.collect.exposition import lines
from tests.collect.listing_client import ListingClient
from tests.collect.simulated import simulated


def connected(*rows: Connection) -> ListingClient:
    return ListingClient(rows={"connections": rows})


def collector(client: ListingClient) -> ConnectionsCollector:
    return ConnectionsCollector(client, CollectorSettings())


def view_of(client: ListingClient) -> ConnectionsView:
    view = client.published.views["connections"]
    assert isinstance(view, ConnectionsView)
    return view


def facts(**row: Any) -> ConnectionFacts:
    """What becomes of one row."""
    client = connected(Connection(id="62f0", **row))
    assert client.collect(collector(client)) is None
    return view_of(client).connections["62f0"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, {"name": "62f0", "type": "", "online": True, "agent_id": "", "queued": None, "debug_until": None}),
        ({"name": "ERP", "type": "netsuite"}, {"name": "ERP", "type": "netsuite"}),
        ({"offline": True}, {"online": False}),
        ({"offline": False}, {"online": True}),
        ({"agent_id": "61e0"}, {"agent_id": "61e0"}),
        ({"queue_size": 7}, {"queued": 7}),
        ({"queue_size": 0}, {"queued": 0}),
        ({"queues": (Queue(size=3), Queue(size=4))}, {"queued": 7}),
        ({"queues": ()}, {"queued": 0}),
        ({"queues": (Queue(size=3),), "queue_size": 9}, {"queued": 3}),
        ({"debug_until": Instant(1_788_000_000)}, {"debug_until": 1_788_000_000.0}),
        ({"name": ""}, {"name": "62f0"}),
        ({"type": "http", "http": ConnectionBlock({"concurrencyLevel": 5})}, {"concurrency": 5}),
        ({"type": "http", "ftp": ConnectionBlock({"concurrencyLevel": 5})}, {"concurrency": None}),
    ],
    ids=lambda value: ",".join(value) or "bare",
)
def test_a_row_becomes_facts(row: dict[str, Any], expected: dict[str, Any]) -> None:
    found = facts(**row)
    assert {name: getattr(found, name) for name in expected} == expected


def test_it_is_true_as_of_when_the_listing_was_asked_for() -> None:
    client = connected(Connection(id="a"))
    client.fetched_at["connections"] = 4321.0
    client.collect(collector(client))
    assert client.published.at["connections"] == 4321.0


def test_an_account_without_connections_is_known_to_have_none() -> None:
    client = connected()
    assert client.collect(collector(client)) is None
    assert view_of(client).connections == {}


def test_a_deleted_connection_disappears() -> None:
    client = connected(Connection(id="a"), Connection(id="b"))
    under_test = collector(client)
    client.collect(under_test)
    client.rows["connections"] = (Connection(id="b"),)
    client.collect(under_test)
    assert set(view_of(client).connections) == {"b"}


def test_what_an_incomplete_listing_leaves_out_is_kept_and_what_it_holds_is_new() -> None:
    client = connected(Connection(id="a"), Connection(id="b"))
    under_test = collector(client)
    client.collect(under_test)
    client.rows["connections"] = (Connection(id="b", offline=True), Connection(id="c"))
    client.incomplete.add("connections")
    client.collect(under_test)
    assert {row.id: row.online for row in view_of(client).connections.values()} == {"a": True, "b": False, "c": True}
    client.incomplete.clear()
    client.collect(under_test)
    assert set(view_of(client).connections) == {"b", "c"}


def test_a_connection_that_cannot_be_read_is_kept_until_its_state_is_stale_and_keeps_no_deleted_one() -> None:
    client = connected(Connection(id="a"), Connection(id="b"), Connection(id="c"))
    under_test = collector(client)
    client.collect(under_test)
    client.rows["connections"] = (Connection(id="a"), Connection(id="b", offline=True))
    client.unread["connections"] = {"a"}
    lasting = under_test.settings.lasting_seconds
    assert lasting > 0
    client.clock.advance(lasting)
    client.collect(under_test)
    assert {row.id: row.online for row in view_of(client).connections.values()} == {"a": True, "b": False}
    client.clock.advance(1)
    client.collect(under_test)
    assert set(view_of(client).connections) == {"b"}


@pytest.mark.parametrize("cut", [False, True])
def test_it_says_whether_there_may_be_more(cut: bool) -> None:
    client = connected(Connection(id="a"))
    client.incomplete |= {"connections"} if cut else set()
    client.collect(collector(client))
    assert view_of(client).complete is not cut


def test_a_failure_publishes_nothing() -> None:
    client = connected(Connection(id="a"))
    under_test = collector(client)
    client.collect(under_test)
    client.failing["connections"] = Forbidden("/v1/connections", status=403)
    assert isinstance(client.collect(under_test), Forbidden)
    assert client.published.count["connections"] == 1


def test_a_listing_of_which_no_row_could_be_read_is_a_failure() -> None:
    client = connected()
    client.incomplete.add("connections")
    assert isinstance(client.collect(collector(client)), UnexpectedShape)
    assert client.published.views == {}


def test_sample_lines() -> None:
    view = ConnectionsView(
        {
            "a": ConnectionFacts(
                "a", "ERP", "netsuite", online=False, agent_id="g", queued=214, debug_until=1.5e9, concurrency=5
            ),
            "b": ConnectionFacts("b", "Shop", "http", online=True),
        }
    )
    assert lines(CONNECTIONS_BLOCK.build({"connections": view})) == [
        'connection_info{connection_id="a",connection_name="ERP",type="netsuite",agent_id="g"} 1',
        'connection_info{connection_id="b",connection_name="Shop",type="http",agent_id=""} 1',
        'connection_online{connection_id="a"} 0',
        'connection_online{connection_id="b"} 1',
        'connection_concurrency{connection_id="a"} 5',
        'connection_queue_messages{connection_id="a"} 214',
        'connection_debug_until_timestamp_seconds{connection_id="a"} 1500000000',
    ]


def test_the_simulated_account_agrees() -> None:
    with simulated() as world, kit(world.clock, base_url=world.simulator.url) as api:
        client = ListingClient(clock=world.clock)
        under_test = ConnectionsCollector(api.client, CollectorSettings())
        assert client.collect(under_test) is None
        before = view_of(client).connections
        assert len(before) > 1
        assert all(row.queued is not None for row in before.values())
        # The simulator's databases do not tell theirs.
        assert {row.concurrency for row in before.values() if row.type != "rdbms"} == {5}
        assert {row.concurrency for row in before.values() if row.type == "rdbms"} == {None}
        downed = next(row for row in before.values() if row.online)
        world.simulator.inject("connection_offline", connection=downed.id)
        assert client.collect(under_test) is None
        after = view_of(client).connections
        assert not after[downed.id].online
        assert {key: row.online for key, row in after.items() if key != downed.id} == {
            key: row.online for key, row in before.items() if key != downed.id
        }
