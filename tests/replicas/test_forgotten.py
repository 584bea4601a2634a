"""Keys in Redis that somebody lost or broke: what does not need them goes on, and nobody waits for them."""

from collections.abc import Callable

import pytest

from exporter.replicas.keys import replicas
from exporter.replicas.lease import TICKS
from tests.clocks import ManualClock
from tests.replicas.desks import LEASE, NAMES, Replica, asked, cut_off, ticks
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


class TestBroken:
    def test_a_list_of_replicas_that_cannot_be_used_costs_no_lease(
        self, server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = Replica(server.url, clock, "a")
        ticks(clock, 4, one)
        server.client.set(replicas("celigo-exporter", NAMES), "secret of somebody")
        ticks(clock, 3 * TICKS, one)
        assert one.led() == set(NAMES)
        assert "the list of replicas in Redis cannot be used" in caplog.text
        assert "secret of somebody" not in caplog.text
        assert one.desk.status.failures == {"io": 3 * TICKS}
        server.client.delete(replicas("celigo-exporter", NAMES))
        ticks(clock, 1, one)
        assert one.desk.replicas == 1


class TestForgotten:
    """Redis forgot all leases, as after a flush."""

    @pytest.fixture
    def aside(self, server: RedisServer, clock: ManualClock) -> tuple[Replica, list[Callable[[], None]]]:
        """A replica that led all, and what it leaves to other threads since."""
        one, works = Replica(server.url, clock, "a"), list[Callable[[], None]]()
        ticks(clock, 4, one)
        object.__setattr__(one.desk.place, "aside", works.append)
        server.client.flushall()
        return one, works

    def test_taking_them_again_keeps_no_thread_waiting_that_keeps_leases(
        self, aside: tuple[Replica, list[Callable[[], None]]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, works = aside
        waited = asked(one, monkeypatch)
        one.desk.attend(one.seats)
        assert len(waited) == 1
        assert len(works) == len(NAMES)
        one.desk.attend(one.seats)
        assert len(works) == len(NAMES), "once is enough"

    def test_then_all_are_led_as_before_and_nobody_else_was(
        self, aside: tuple[Replica, list[Callable[[], None]]], server: RedisServer, clock: ManualClock
    ) -> None:
        one, works = aside
        terms = [seat.terms for seat in one.seats]
        one.desk.attend(one.seats)
        for work in works:
            work()
        ticks(clock, TICKS, one)
        assert one.led() == set(NAMES)
        assert [seat.terms for seat in one.seats] == terms
        assert all(server.client.hget(seat.keys.lease, "owner") == b"a" for seat in one.seats)

    def test_one_that_another_replica_took_meanwhile_is_left_to_it(
        self, aside: tuple[Replica, list[Callable[[], None]]], server: RedisServer, clock: ManualClock
    ) -> None:
        one, works = aside
        one.desk.attend(one.seats)
        later = int((clock.time() + LEASE) * 1000)
        server.client.hset(one.seats[0].keys.lease, mapping={"owner": "b", "until": str(later), "term": "1"})
        for work in list(works):
            work()
        assert one.led() == set(NAMES[1:])
        assert one.seats[0].standing_by

    def test_what_cannot_be_taken_for_now_is_tried_again(
        self, aside: tuple[Replica, list[Callable[[], None]]], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, works = aside
        one.desk.attend(one.seats)
        with monkeypatch.context() as patched:
            cut_off(one, patched)
            for work in list(works):
                work()
        clock.advance(2.0)
        works.clear()
        one.desk.attend(one.seats)
        assert len(works) == len(NAMES)
