"""What is published when it cannot be saved, when Redis takes nothing, and when it forgot what it had."""

from tests.replicas.publishing import Replica
from tests.replicas.redis_server import RedisServer


def test_nothing_is_published_before_what_was_counted_is_saved(leader: Replica, other: Replica) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    leader.runtime.show("health", 2)
    leader.saved = False
    assert leader.publish()
    other.publisher.inherit()
    assert leader.told() == other.told() == {"health": 1}
    leader.saved = True
    leader.publish()
    other.publisher.inherit()
    assert leader.told() == other.told() == {"health": 2}


def test_alone_it_is_served_unsaved_but_not_published(leader: Replica, other: Replica) -> None:
    leader.runtime.show("health", 1)
    leader.saved = False
    leader.publish(alone=True)
    other.publisher.inherit()
    assert (leader.told(), other.told()) == ({"health": 1}, {})


def test_what_cannot_be_published_is_not_served(leader: Replica, other: Replica, one_server: RedisServer) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    leader.runtime.show("health", 2)
    one_server.client.config_set("maxmemory", "1")
    try:
        leader.publish()
    finally:
        one_server.client.config_set("maxmemory", "0")
    assert leader.link.trouble == "full"
    assert leader.told() == {"health": 1}
    leader.publish()
    other.publisher.inherit()
    assert leader.told() == other.told() == {"health": 2}


def test_a_redis_that_forgot_gets_all_of_it(leader: Replica, other: Replica, server: RedisServer) -> None:
    leader.runtime.show("health", 1)
    leader.runtime.show("checks", 2)
    leader.publish()
    server.client.delete(leader.keys.served, leader.keys.image)
    leader.publisher.republish()
    leader.publish()
    other.publisher.inherit()
    assert other.told() == {"health": 1, "checks": 2}
    assert set(server.client.hkeys(leader.keys.image)) == {b"live", b"positions"}


def test_that_it_forgot_is_noticed_with_the_next_change(leader: Replica, other: Replica, server: RedisServer) -> None:
    leader.runtime.show("health", 1)
    leader.runtime.show("checks", 2)
    leader.publish()
    server.client.delete(leader.keys.served)
    leader.runtime.show("checks", 3)
    leader.publish()
    other.publisher.inherit()
    assert other.told() == {"health": 1, "checks": 3}


def test_what_somebody_else_wrote_there_is_not_served(leader: Replica, other: Replica, server: RedisServer) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    other.publisher.inherit()
    server.client.hset(leader.keys.served, mapping={"version": "x", "blocks": "nonsense"})
    other.publisher.inherit()
    assert other.told() == {"health": 1}
