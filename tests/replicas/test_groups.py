"""Replicas with other accounts on the same Redis, such as shards: none waits for another, or leaves anything to it."""

import pytest

from exporter.replicas.desk import GONE_TICKS
from exporter.replicas.lease import TICKS
from tests.clocks import ManualClock
from tests.replicas.desks import NAMES, Replica, read, ticks
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


def terms(*replicas: Replica) -> list[int]:
    """How often each account was begun with."""
    return [seat.terms for replica in replicas for seat in replica.seats]


class TestShards:
    @pytest.fixture
    def shards(self, server: RedisServer, clock: ManualClock) -> list[Replica]:
        """Two of them, of two replicas each."""
        halves = [NAMES[:6], NAMES[6:], NAMES[:6], NAMES[6:]]
        held = [Replica(server.url, clock, owner, half) for owner, half in zip("abcd", halves, strict=True)]
        ticks(clock, 20 * TICKS, *held)
        return held

    def test_all_accounts_are_led_and_shared_out_in_each(self, shards: list[Replica]) -> None:
        assert shards[0].led() | shards[2].led() == set(NAMES[:6])
        assert shards[1].led() | shards[3].led() == set(NAMES[6:])
        assert all(shard.led() for shard in shards)

    def test_nothing_moves(self, shards: list[Replica], clock: ManualClock) -> None:
        before = terms(*shards)
        ticks(clock, 20 * TICKS, *shards)
        assert terms(*shards) == before

    def test_an_account_of_one_that_is_gone_goes_to_the_other_of_its_shard(
        self, shards: list[Replica], clock: ManualClock
    ) -> None:
        ticks(clock, 3 * TICKS, *shards[:3])
        assert shards[1].led() == set(NAMES[6:])

    def test_each_knows_its_own_replicas(self, shards: list[Replica]) -> None:
        assert [shard.desk.replicas for shard in shards] == [2, 2, 2, 2]


class TestOtherAccounts:
    """Two replicas of which one has an account more, as while new settings reach one after the other."""

    def test_all_are_led_and_nothing_moves(self, server: RedisServer, clock: ManualClock) -> None:
        fewer, more = Replica(server.url, clock, "a", NAMES[:6]), Replica(server.url, clock, "b", NAMES[:7])
        ticks(clock, 5 * TICKS, fewer, more)
        assert fewer.led() | more.led() == set(NAMES[:7])
        before = terms(fewer, more)
        ticks(clock, 10 * TICKS, fewer, more)
        assert terms(fewer, more) == before

    def test_with_the_same_accounts_again_they_share_them(self, server: RedisServer, clock: ManualClock) -> None:
        one, two = Replica(server.url, clock, "a", NAMES[:7]), Replica(server.url, clock, "b", NAMES[:7])
        seventh = one.seats.pop()
        ticks(clock, 5 * TICKS, one, two)
        assert (one.desk.replicas, two.desk.replicas) == (1, 1)
        one.seats.append(seventh)
        ticks(clock, 10 * TICKS, one, two)
        assert (one.desk.replicas, two.desk.replicas) == (2, 2)
        assert one.led() | two.led() == set(NAMES[:7])
        assert one.led()
        assert two.led()

    def test_those_of_the_group_before_are_not_waited_for(self, server: RedisServer, clock: ManualClock) -> None:
        one, two = Replica(server.url, clock, "a", NAMES[:6]), Replica(server.url, clock, "b", NAMES[:6])
        ticks(clock, 10 * TICKS, one, two)
        one.seats.pop()
        ticks(clock, 1, one, two)
        assert one.desk.replicas == 1
        ticks(clock, GONE_TICKS + 1, one, two)
        assert two.desk.replicas == 1

    def test_the_order_of_accounts_in_a_file_does_not_matter(self, server: RedisServer, clock: ManualClock) -> None:
        one, two = Replica(server.url, clock, "a", NAMES[:3]), Replica(server.url, clock, "b", NAMES[2::-1])
        ticks(clock, 3, one, two)
        assert (one.desk.replicas, two.desk.replicas) == (2, 2)


def test_an_account_that_moves_to_another_shard_keeps_its_counts(server: RedisServer, clock: ManualClock) -> None:
    """They are in Redis by its name, whoever leads it."""
    before = Replica(server.url, clock, "a", NAMES[:2])
    ticks(clock, 3, before)
    key = before.seats[0].keys.ledger
    read(before.seats[0], clock)
    ticks(clock, 1, before)
    before.close()
    served, counted = before.seats[0].publisher.served, server.client.hgetall(key)
    after = Replica(server.url, clock, "b", NAMES[:1])
    ticks(clock, 3, after)
    assert after.led() == set(NAMES[:1])
    assert after.seats[0].publisher.served.version == served.version
    assert server.client.hgetall(key) == counted
