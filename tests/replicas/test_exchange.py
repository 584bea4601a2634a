"""What a desk asks Redis for: leases before all else, in one answer; the rest may take long, and costs no lease."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import pytest

from exporter.account import AccountRuntime
from exporter.replicas.desk import SETTLED_LEASES
from exporter.replicas.lease import TICKS
from exporter.replicas.link import Call
from exporter.replicas.scripts import ATTEND, PUBLISH
from exporter.replicas.seat import Seat
from tests.clocks import ManualClock
from tests.replicas.desks import NAMES, TICK, Replica, asked, cut_off, lasts, meanwhile, read, sure, ticks
from tests.replicas.line import Line
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


@pytest.fixture
def one(reads_nothing: None, server: RedisServer, clock: ManualClock) -> Replica:
    """A replica that leads all accounts."""
    del reads_nothing  # it has to be before this one
    made = Replica(server.url, clock, "a")
    ticks(clock, 3, made)
    assert made.led() == set(NAMES)
    return made


def published(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What is published by one exchange from now on."""
    found: list[Call] = []
    with monkeypatch.context() as patched:
        meanwhile(replica, PUBLISH, found.extend, patched)
        replica.desk.exchange()
    return [call for call in found if call.script == PUBLISH]


@contextmanager
def changing(seat: Seat) -> Iterator[None]:
    """Inside, another thread begins or ends a term, and waits for Redis."""
    begun, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with seat._terms.lock:
            begun.set()
            ended.wait(120)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert begun.wait(60)
    try:
        yield
    finally:
        ended.set()
        thread.join(60)


class TestAttend:
    @pytest.mark.parametrize("count", [1, 60])
    def test_it_costs_one_answer_for_any_number_of_accounts_wishes_among_them(
        self, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        names = tuple(f"account-{number}" for number in range(count))
        leading, other = (Replica(server.url, clock, owner, names) for owner in "ab")
        ticks(clock, 2, leading, other)
        for seat in other.seats:
            seat.trigger()
        clock.advance(TICK)
        for replica in (other, leading):
            with monkeypatch.context() as patched:
                found = asked(replica, patched)
                replica.desk.attend(replica.seats)
            assert len(found) == 1
        assert not any(seat.asked for seat in other.seats)
        assert leading.led() == set(names)

    def test_it_is_one_on_the_wire_too(self, server: RedisServer, clock: ManualClock) -> None:
        with Line(server.port) as line:
            far = Replica(f"redis://127.0.0.1:{line.port}/0", clock, "a")
            ticks(clock, 2, far)
            for seat in far.seats:
                seat.asked = True
            before = line.answers
            far.desk.attend(far.seats)
            assert line.answers == before + 1
            assert not any(seat.asked for seat in far.seats)

    def test_a_term_that_begins_or_ends_costs_no_other_account_its_lease(
        self, one: Replica, clock: ManualClock, server: RedisServer
    ) -> None:
        busy, before = one.seats[3], [sure(seat) for seat in one.seats]
        clock.advance(TICK)
        with changing(busy):
            thread = threading.Thread(target=partial(one.desk.attend, one.seats), daemon=True)
            thread.start()
            thread.join(60)
            assert not thread.is_alive(), "it does not wait"
        later = [sure(seat) - was for seat, was in zip(one.seats, before, strict=True)]
        assert later == [0.0 if seat is busy else pytest.approx(TICK) for seat in one.seats]
        assert len({lasts(server, seat) for seat in one.seats}) == 1, "in Redis all of them go on"
        clock.advance(TICK)
        one.desk.attend(one.seats)
        assert len({sure(seat) for seat in one.seats}) == 1, "the next time it has what it did not get"
        assert one.led() == set(NAMES)


def test_wishes_that_could_not_be_sent_are_sent_when_redis_is_back(
    one: Replica, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Replica(server.url, clock, "b")
    ticks(clock, 1, one, other)
    for seat in other.seats[:2]:
        seat.trigger()
    with monkeypatch.context() as patched:
        cut_off(other, patched)
        ticks(clock, 2, other)
    assert [seat.asked for seat in other.seats[:3]] == [True, True, False]
    ticks(clock, 1, other)
    assert not any(seat.asked for seat in other.seats)
    assert [server.client.exists(seat.keys.wanted) for seat in other.seats[:3]] == [1, 1, 0]


@pytest.fixture
def newcomer(one: Replica, server: RedisServer, clock: ManualClock) -> Replica:
    """Another replica, which has been there for long enough to be left accounts, and was left none yet."""
    other = Replica(server.url, clock, "b")
    for _ in range(SETTLED_LEASES * TICKS + 3):
        clock.advance(TICK)
        for replica in (one, other):
            replica.desk.attend(replica.seats)
    assert one.led() == set(NAMES)
    return other


@pytest.mark.usefixtures("newcomer")
class TestLeaving:
    def test_after_redis_was_away_nothing_is_left_or_published_until_it_is_back(
        self, one: Replica, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for seat in one.seats:
            read(seat, clock)
        with monkeypatch.context() as patched:
            cut_off(one, patched)
            ticks(clock, 1, one)
        clock.advance(TICK)
        with monkeypatch.context() as patched:
            found = asked(one, patched)
            one.desk.exchange()
            assert (found, one.led()) == ([], set(NAMES))
        one.desk.attend(one.seats)
        assert len(published(one, monkeypatch)) == len(NAMES)
        assert len(one.led()) == len(NAMES) - 1, "one belongs to the other replica, and is left to it"

    def test_an_account_whose_token_is_gone_is_left_like_any_other(
        self, one: Replica, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[str] = []
        monkeypatch.setattr(AccountRuntime, "close", lambda runtime, *_: closed.append(runtime.account.name))
        monkeypatch.delitem(cast("dict[str, str]", one.desk.place.environ), "T")
        for left in (1, 2, 3):
            one.desk.exchange()
            assert len(one.led()) == len(NAMES) - left
            assert {*closed} == set(NAMES) - one.led()


class TestTold:
    """Redis tells of the snapshot that it has, which may be older than what is served when that is looked at."""

    def test_what_was_published_meanwhile_is_no_reason_to_publish_everything_again(
        self, one: Replica, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = [seat.publisher.served.version for seat in one.seats]
        for seat in one.seats:
            read(seat, clock)
        with monkeypatch.context() as patched:
            meanwhile(one, ATTEND, lambda _: one.desk.exchange(), patched)
            one.desk.attend(one.seats)
        after = [seat.publisher.served.version for seat in one.seats]
        assert all(new != old for new, old in zip(after, before, strict=True))
        assert published(one, monkeypatch) == []

    def test_nor_is_what_is_published_between_its_answer_and_the_look_at_it(
        self, one: Replica, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attended = one.seats[0].attend

        def late(*args: Any, **how: Any) -> None:
            one.desk.exchange()
            attended(*args, **how)

        for seat in one.seats:
            read(seat, clock)
        with monkeypatch.context() as patched:
            patched.setattr(one.seats[0], "attend", late)
            one.desk.attend(one.seats)
        assert published(one, monkeypatch) == []

    @pytest.mark.parametrize("version", ["a:1", "somebody:7", None])
    def test_anything_else_that_redis_has_is_replaced_as_a_whole(
        self,
        one: Replica,
        server: RedisServer,
        clock: ManualClock,
        monkeypatch: pytest.MonkeyPatch,
        version: str | None,
    ) -> None:
        seat = one.seats[5]
        served = seat.publisher.served
        if version is None:
            server.client.delete(seat.keys.served)
        else:
            server.client.hset(seat.keys.served, "version", version)
        clock.advance(TICK)
        one.desk.attend(one.seats)
        assert [(call.keys[0], call.args[2]) for call in published(one, monkeypatch)] == [(seat.keys.lease, "*")]
        assert server.client.hget(seat.keys.served, "version") == seat.publisher.served.version.encode()
        assert seat.publisher.served.blocks == served.blocks
        ticks(clock, 1, one)
        assert published(one, monkeypatch) == []


def test_after_a_take_over_it_is_told_how_old_the_numbers_are_although_nothing_was_read_yet(
    one: Replica, server: RedisServer, clock: ManualClock
) -> None:
    for seat in one.seats:
        read(seat, clock)
    ticks(clock, 1, one)
    other = Replica(server.url, clock, "b")
    ticks(clock, 3 * TICKS, other)
    assert other.led() == set(NAMES)
    for seat in other.seats:
        told = {name for block in seat.current(0.0) for name in block.lines}
        assert told >= {"celigo_up", "celigo_exporter_snapshot_timestamp_seconds"}
