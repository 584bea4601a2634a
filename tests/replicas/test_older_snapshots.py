"""Redis is back with a snapshot that is older than what is served: nothing that was told falls while somebody knows."""

import pytest

from exporter.config.settings import RedisSettings
from exporter.replicas.keys import Keys
from exporter.replicas.lease import LOST_LEASES
from exporter.replicas.link import Link
from exporter.replicas.scripts import FETCH
from tests.clocks import ManualClock
from tests.replicas.publishing import Replica
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("gone_back")

PATIENCE = LOST_LEASES * RedisSettings("").lease


def fetch(replica: Replica) -> int:
    """As a desk does while it stands by; how much Redis answered."""
    known = replica.publisher.known()
    answer = replica.link.run(FETCH, [replica.keys.served], known)
    replica.publisher.fetched(known, answer)
    return len(answer)


@pytest.fixture
def gone_back(leader: Replica, other: Replica, server: RedisServer, keys: Keys, clock: ManualClock) -> str:
    """The version that Redis is back with, a second older than what both serve."""
    leader.runtime.show("health", 1.0)
    leader.publish()
    older, version = server.client.dump(keys.served) or b"", leader.publisher.served.version
    clock.advance(1.0)
    leader.runtime.show("health", 2.0)
    leader.publish()
    fetch(other)
    server.client.restore(keys.served, 0, older, replace=True)
    return version


def test_it_is_not_served(other: Replica, clock: ManualClock) -> None:
    fetch(other)
    assert other.told() == {"health": 2.0}
    clock.advance(PATIENCE - 0.1)
    fetch(other)
    assert other.told() == {"health": 2.0}


def test_it_is_fetched_once(other: Replica, gone_back: str, clock: ManualClock) -> None:
    assert not other.publisher.told(gone_back)
    assert fetch(other) > 0
    assert other.publisher.told(gone_back)
    clock.advance(PATIENCE - 0.1)
    assert fetch(other) == 0
    assert other.publisher.told(gone_back)


def test_what_the_leading_one_replaces_it_with_is_served(leader: Replica, other: Replica) -> None:
    fetch(other)
    leader.runtime.show("health", 3.0)
    leader.publish()
    fetch(other)
    assert other.told() == leader.told() == {"health": 3.0}


def test_the_same_again_is_served_too(leader: Replica, other: Replica) -> None:
    fetch(other)
    leader.publisher.republish()
    leader.publish()
    fetch(other)
    assert other.told() == {"health": 2.0}
    assert other.publisher.told(leader.publisher.served.version)


def test_when_nobody_replaces_it_for_two_leases_it_is_what_there_is(
    other: Replica, gone_back: str, clock: ManualClock
) -> None:
    fetch(other)
    clock.advance(PATIENCE)
    assert not other.publisher.told(gone_back)
    fetch(other)
    assert other.told() == {"health": 1.0}
    assert other.publisher.told(gone_back)


def test_older_ones_that_go_on_are_believed_in_the_end(
    other: Replica, server: RedisServer, keys: Keys, clock: ManualClock
) -> None:
    """The clock of Redis was set back."""
    leader = Replica(
        Link(RedisSettings(server.url), {}, clock, lambda: int(clock.time() * 1000) - 3_600_000), keys, clock, "a"
    )
    leader.lead()
    for value in (1.1, 1.2, 1.3, 1.4):
        leader.runtime.show("health", value)
        leader.publish()
        fetch(other)
        assert other.told() == {"health": 2.0}
        clock.advance(PATIENCE / 4)
    for value in (1.5, 1.6):
        leader.runtime.show("health", value)
        leader.publish()
        fetch(other)
        assert other.told() == {"health": value}


def test_patience_begins_anew_with_each_loss(
    leader: Replica, other: Replica, server: RedisServer, keys: Keys, clock: ManualClock
) -> None:
    older = server.client.dump(keys.served) or b""
    fetch(other)
    leader.runtime.show("health", 3.0)
    leader.publish()
    fetch(other)
    clock.advance(2 * PATIENCE)
    server.client.restore(keys.served, 0, older, replace=True)
    fetch(other)
    assert other.told() == {"health": 3.0}


def test_an_answer_that_comes_after_a_newer_one_is_let_go(
    leader: Replica, other: Replica, link: Link, keys: Keys, clock: ManualClock
) -> None:
    known = other.publisher.known()
    late = link.run(FETCH, [keys.served], known)
    clock.advance(2.0)
    leader.runtime.show("health", 3.0)
    leader.publish()
    fetch(other)
    other.publisher.fetched(known, late)
    assert other.told() == {"health": 3.0}
    assert fetch(other) == 0


def test_who_begins_a_term_serves_what_there_is(other: Replica) -> None:
    """The counts that it goes on with are as old."""
    fetch(other)
    other.publisher.inherit()
    assert other.told() == {"health": 1.0}


def test_who_serves_nothing_yet_serves_what_there_is(link: Link, keys: Keys, clock: ManualClock) -> None:
    new = Replica(link, keys, clock, "c")
    fetch(new)
    assert new.told() == {"health": 1.0}


def test_clocks_of_replicas_tell_nothing_of_what_is_older(leader: Replica, other: Replica, clock: ManualClock) -> None:
    fetch(other)
    clock.advance(1.0)
    leader.runtime.show("health", 0.5)  # built by a clock that is behind
    leader.publish()
    fetch(other)
    assert other.told() == {"health": 0.5}
