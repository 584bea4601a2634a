"""Which on-premise agents exist and which are alive, by whichever sign of life the API serves."""

from typing import Any

import pytest

from exporter.api.errors import Forbidden, ServerError, UnexpectedShape
from exporter.api.models import Instant
from exporter.api.models_governance import Agent
from exporter.collect.agents import AGENTS_BLOCK, HEARTBEAT_SECONDS, AgentFacts, AgentsCollector, AgentsView, is_online
from exporter.collect.connections import ConnectionFacts, ConnectionsView
from exporter.collect.optional import Availability
from exporter.config.settings import CollectorSettings
from tests.clocks import EPOCH
from tests.collect.exposition import lines
from tests.collect.listing_client import ListingClient

REFUSED = Forbidden("/v1/agents", status=403)


def beating(name: str, age: float = 0.0) -> Agent:
    """An agent whose last heartbeat was `age` seconds before the clock's first instant."""
    return Agent(id=name, last_heartbeat_at=Instant(EPOCH - age))


def account(*rows: Agent) -> tuple[ListingClient, AgentsCollector]:
    client = ListingClient(rows={"agents": rows})
    return client, AgentsCollector(client, CollectorSettings(), Availability("acme", client.clock))


def online(client: ListingClient) -> dict[str, bool | None]:
    view = client.published.views["agents"]
    assert isinstance(view, AgentsView)
    return {row.id: row.online for row in view.agents.values()}


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({}, None),
        ({"online": True}, True),
        ({"online": False}, False),
        ({"offline": False}, True),
        ({"offline": True}, False),
        ({"beat": 0}, True),
        ({"beat": HEARTBEAT_SECONDS}, True),
        ({"beat": HEARTBEAT_SECONDS + 0.001}, False),
        ({"beat": -30}, True),
        ({"online": True, "beat": 9000}, True),
        ({"online": False, "beat": 0}, False),
        ({"online": True, "offline": True}, True),
        ({"beat": 9000, "offline": False}, False),
        ({"beat": 0, "offline": True}, True),
    ],
    ids=str,
)
def test_online_comes_first_then_the_heartbeat_then_offline(signs: dict[str, Any], expected: bool | None) -> None:
    beat = signs.pop("beat", None)
    row = Agent(id="a", last_heartbeat_at=None if beat is None else Instant(EPOCH - beat), **signs)
    assert is_online(row, EPOCH) is expected


def test_a_row_becomes_facts() -> None:
    client, collector = account(Agent(id="a", name="dc1", last_heartbeat_at=Instant(EPOCH - 9)), Agent(id="b", name=""))
    assert client.collect(collector) is None
    assert client.published.views["agents"] == AgentsView(
        {"a": AgentFacts("a", "dc1", True, EPOCH - 9), "b": AgentFacts("b", "b")}
    )


def test_an_agent_whose_heartbeat_grows_old_is_offline_by_the_servers_clock() -> None:
    client, collector = account(beating("a"))
    client.collect(collector)
    client.clock.advance(HEARTBEAT_SECONDS + 1)
    client.collect(collector)
    assert online(client) == {"a": False}


def test_a_heartbeat_grows_old_also_while_the_listing_fails_and_the_view_keeps_its_age() -> None:
    client, collector = account(beating("a", 500), Agent(id="b", online=True))
    client.collect(collector)
    read_at = client.clock.monotonic()
    client.failing["agents"] = ServerError("/v1/agents", status=500)
    client.clock.advance(101)
    assert isinstance(client.collect(collector), ServerError)
    assert online(client) == {"a": False, "b": True}
    assert client.published.at["agents"] == read_at


def test_it_is_true_as_of_when_the_listing_was_asked_for() -> None:
    client, collector = account(Agent(id="a"))
    client.fetched_at["agents"] = 4321.0
    client.collect(collector)
    assert client.published.at["agents"] == 4321.0


def test_a_failure_before_the_first_success_publishes_nothing() -> None:
    client, collector = account(Agent(id="a"))
    client.failing["agents"] = ServerError("/v1/agents", status=500)
    assert isinstance(client.collect(collector), ServerError)
    assert client.published.views == {}


def test_an_account_that_may_not_see_agents_has_none_and_no_failure() -> None:
    client, collector = account(Agent(id="a"))
    client.failing["agents"] = REFUSED
    for _ in range(10):
        assert client.collect(collector) is None
        client.clock.advance(29)
    assert client.calls["agents"] == 1
    assert client.published.views == {}


def test_agents_that_are_refused_later_are_not_read_anew() -> None:
    client, collector = account(Agent(id="a", online=True))
    client.collect(collector)
    read_at = client.clock.monotonic()
    client.failing["agents"] = REFUSED
    client.clock.advance(60)
    assert client.collect(collector) is None
    assert client.published.at["agents"] == read_at


def test_an_account_without_agents_is_known_to_have_none() -> None:
    client, collector = account()
    assert client.collect(collector) is None
    assert online(client) == {}


def test_a_deleted_agent_disappears() -> None:
    client, collector = account(Agent(id="a"), Agent(id="b"))
    client.collect(collector)
    client.rows["agents"] = (Agent(id="b"),)
    client.collect(collector)
    assert set(online(client)) == {"b"}


def test_what_an_incomplete_listing_leaves_out_is_kept() -> None:
    client, collector = account(Agent(id="a", online=True), Agent(id="b", online=True))
    client.collect(collector)
    client.rows["agents"] = (Agent(id="b", online=False),)
    client.incomplete.add("agents")
    client.collect(collector)
    assert online(client) == {"a": True, "b": False}


def test_an_agent_that_cannot_be_read_is_kept_until_stale_and_its_heartbeat_grows_old_meanwhile() -> None:
    client, collector = account(beating("a", 500), Agent(id="b"))
    client.collect(collector)
    client.unread["agents"] = {"a"}
    client.clock.advance(101)
    client.collect(collector)
    assert online(client) == {"a": False, "b": None}
    client.clock.advance(CollectorSettings().lasting_seconds)
    client.collect(collector)
    assert online(client) == {"b": None}


def test_a_listing_of_which_no_row_could_be_read_is_a_failure() -> None:
    client, collector = account()
    client.incomplete.add("agents")
    assert isinstance(client.collect(collector), UnexpectedShape)
    assert client.published.views == {}


VIEW = AgentsView(
    {"a": AgentFacts("a", "dc1", True, 1.5e9), "b": AgentFacts("b", "lab"), "c": AgentFacts("c", "x", False)}
)
CONNECTIONS = ConnectionsView(
    {
        name: ConnectionFacts(name, name, "rdbms", online=True, agent_id=agent)
        for name, agent in (("k", "a"), ("l", "a"), ("m", ""), ("n", "gone"))
    }
)


def test_sample_lines() -> None:
    assert lines(AGENTS_BLOCK.build({"agents": VIEW, "connections": CONNECTIONS})) == [
        'agent_info{agent_id="a",agent_name="dc1"} 1',
        'agent_info{agent_id="b",agent_name="lab"} 1',
        'agent_info{agent_id="c",agent_name="x"} 1',
        'agent_online{agent_id="a"} 1',
        'agent_online{agent_id="c"} 0',
        'agent_last_heartbeat_timestamp_seconds{agent_id="a"} 1500000000',
        'agent_connections{agent_id="a"} 2',
        'agent_connections{agent_id="b"} 0',
        'agent_connections{agent_id="c"} 0',
    ]


def test_connections_are_not_counted_while_they_are_unknown() -> None:
    families = AGENTS_BLOCK.build({"agents": VIEW, "connections": None})
    assert lines(families, "agent_connections") == []
