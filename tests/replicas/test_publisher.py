"""What a replica serves: what it published in a term, else what others did, and nothing that no longer holds."""

from collections.abc import Sequence
from typing import Any

import pytest

from exporter.expose.blocks import OWN_COLLECTOR
from exporter.replicas.link import Call
from exporter.replicas.scripts import PUBLISH
from tests.clocks import ManualClock
from tests.replicas.publishing import Replica, watched
from tests.replicas.redis_server import RedisServer


def test_nothing_is_served_before_anything_was_published(leader: Replica, other: Replica) -> None:
    leader.runtime.show("health", 1)
    assert leader.told() == {}
    other.publisher.inherit()
    assert other.told() == {}


def test_what_was_published_is_served_by_all(leader: Replica, other: Replica) -> None:
    leader.runtime.show("health", 1)
    leader.runtime.show("checks", 2)
    assert leader.publish()
    other.publisher.inherit()
    assert leader.told() == other.told() == {"health": 1, "checks": 2}


def test_what_is_not_published_yet_is_not_served_by_the_one_that_knows_it(leader: Replica) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    leader.runtime.show("health", 2)
    assert leader.told() == {"health": 1}


def test_nothing_new_costs_no_command(leader: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    sent = watched(leader.link, monkeypatch)
    assert leader.publish()
    assert sent == []


def test_only_what_changed_is_sent(leader: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    leader.runtime.show("health", 1)
    leader.runtime.show("checks", 2)
    leader.publish()
    unchanged = leader.publisher.served.blocks[0]
    leader.runtime.show("checks", 3)
    sent = watched(leader.link, monkeypatch)
    leader.publish()
    assert leader.publisher.served.blocks[0] is unchanged
    assert [call.args[4] for (call,) in sent] == [1], "blocks that were set"


def test_without_the_lease_it_is_told_so_and_serves_what_it_did(
    leader: Replica, other: Replica, clock: ManualClock
) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    clock.advance(16)
    other.lead()
    leader.runtime.show("health", 2)
    assert not leader.publish()
    assert leader.told() == {"health": 1}


def test_a_version_is_known_while_it_is_on_its_way_and_as_long_as_it_is_served(
    leader: Replica, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader.runtime.show("health", 1)
    leader.publish()
    older, on_their_way, run_all = leader.publisher.served.version, dict[str, bool](), leader.link.run_all

    def watched(calls: Sequence[Call]) -> list[Any]:
        answers = run_all(calls)
        if calls:
            version = server.client.hget(leader.keys.served, "version")
            assert isinstance(version, bytes)
            on_their_way[version.decode()] = leader.publisher.told(version.decode())
        return answers

    monkeypatch.setattr(leader.link, "run_all", watched)
    leader.runtime.show("health", 2)
    leader.publish()
    newer = leader.publisher.served.version
    assert on_their_way == {newer: True}
    assert [leader.publisher.told(each) for each in (newer, older, "somebody:1", "")] == [True, False, False, False]


class TestTakeOver:
    def test_blocks_of_the_replica_before_are_served_until_there_are_own_ones(
        self, leader: Replica, other: Replica, clock: ManualClock
    ) -> None:
        leader.runtime.show("health", 1)
        leader.runtime.show("runs", 2)
        leader.publish()
        clock.advance(16)
        other.lead()
        other.runtime.show("health", 5)
        other.publish()
        leader.publisher.inherit()
        assert leader.told() == other.told() == {"health": 5, "runs": 2}

    def test_an_own_block_that_went_does_not_come_back_from_before(
        self, leader: Replica, other: Replica, clock: ManualClock
    ) -> None:
        leader.runtime.show("runs", 2)
        leader.publish()
        clock.advance(16)
        other.lead()
        other.runtime.show("health", 1)
        other.runtime.show("runs", 3)
        other.publish()
        del other.runtime.blocks["runs"]
        other.publish()
        assert other.told() == {"health": 1}

    def test_before_anything_ran_the_own_block_is_that_of_the_replica_before(
        self, leader: Replica, other: Replica, clock: ManualClock
    ) -> None:
        leader.runtime.show("runs", 2)
        leader.runtime.show(OWN_COLLECTOR, 3)
        leader.publish()
        clock.advance(16)
        other.lead()
        other.runtime.show(OWN_COLLECTOR, 4)  # it cannot tell how old the runs are
        other.publish()
        assert other.told() == {"runs": 2, OWN_COLLECTOR: 3}

    @pytest.mark.parametrize("what", ["a run failed", "a block was built"])
    def test_it_is_the_own_one_as_soon_as(self, leader: Replica, other: Replica, clock: ManualClock, what: str) -> None:
        leader.runtime.show("runs", 2)
        leader.runtime.show(OWN_COLLECTOR, 3)
        leader.publish()
        clock.advance(16)
        other.lead()
        other.runtime.show(OWN_COLLECTOR, 4)
        if what == "a run failed":
            other.runtime.errors_version += 1
        else:
            other.runtime.show("health", 1)
        other.publish()
        assert other.told()[OWN_COLLECTOR] == 4

    def test_the_first_replica_of_all_tells_of_itself_at_once_and_of_every_change(self, leader: Replica) -> None:
        for value in (4, 5):
            leader.runtime.show(OWN_COLLECTOR, value)
            leader.publish()
            assert leader.told() == {OWN_COLLECTOR: value}

    def test_a_block_from_before_goes_when_it_no_longer_holds(
        self, leader: Replica, other: Replica, clock: ManualClock
    ) -> None:
        leader.runtime.show("runs", 2, until=clock.monotonic() + 60)
        leader.publish()
        clock.advance(30)
        other.lead()
        other.runtime.show("health", 1)
        other.publish()
        assert other.told() == {"runs": 2, "health": 1}
        clock.advance(31)
        assert other.told() == {"health": 1}
        other.runtime.show("health", 2)
        other.publish()
        assert [each.slot for each in other.publisher.served.blocks] == ["health"]


class TestExpiry:
    def test_what_holds_no_longer_is_not_served_by_anyone(
        self, leader: Replica, other: Replica, clock: ManualClock
    ) -> None:
        leader.runtime.show("health", 1, until=clock.monotonic() + 300)
        leader.runtime.show("exporter", 2)
        leader.publish()
        other.publisher.inherit()
        clock.advance(299)
        assert leader.told() == other.told() == {"health": 1, "exporter": 2}
        clock.advance(2)
        assert leader.told() == other.told() == {"exporter": 2}

    def test_the_same_block_may_hold_longer(self, leader: Replica, other: Replica, clock: ManualClock) -> None:
        leader.runtime.show("health", 1, until=clock.monotonic() + 300)
        leader.publish()
        block, _ = leader.runtime.blocks["health"]
        leader.runtime.blocks["health"] = (block, clock.monotonic() + 900)
        leader.publish()
        other.publisher.inherit()
        clock.advance(600)
        assert other.told() == {"health": 1}


class TestImage:
    def test_what_is_known_of_errors_is_told_again_only_after_a_run(self, leader: Replica) -> None:
        for value in range(3):
            leader.runtime.show("health", value)
            leader.publish()
        assert leader.runtime.made.count("errors") == 1
        leader.runtime.errors_version += 1
        leader.runtime.show("health", 9)
        leader.publish()
        assert leader.runtime.made.count("errors") == 2

    def test_what_could_not_be_sent_of_it_is_sent_with_the_next(
        self, leader: Replica, one_server: RedisServer, server: RedisServer
    ) -> None:
        leader.runtime.show("health", 1)
        one_server.client.config_set("maxmemory", "1")
        try:
            leader.publish()
        finally:
            one_server.client.config_set("maxmemory", "0")
        leader.publish()
        assert leader.runtime.made.count("errors") == 2
        assert set(server.client.hkeys(leader.keys.image)) == {b"live", b"positions"}

    def test_it_is_written_in_the_same_step_as_the_snapshot(
        self, leader: Replica, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = watched(leader.link, monkeypatch)
        leader.runtime.show("health", 1)
        leader.publish()
        assert [[call.script for call in calls] for calls in sent] == [[PUBLISH]]
