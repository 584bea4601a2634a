"""Redis is back with data that another replica left long ago: the one that leads now knows better, and goes on."""

from collections.abc import Callable

import pytest

from exporter.replicas.lease import LOST, TICKS
from exporter.replicas.scripts import ACQUIRE, COMMIT
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.replicas.desks import LEASE, NAMES, TICK, Replica, before, read, sure, term, ticks
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")

LAST, OLDER = "b:7", "b:5"
"""The last change of the replica that led before, and one that it made earlier."""


@pytest.fixture
def one(server: RedisServer, clock: ManualClock) -> Replica:
    """It took all accounts over in term 2."""
    held = Replica(server.url, clock, "a")
    for seat in held.seats:
        server.client.hset(seat.keys.lease, mapping={"owner": "", "until": "0", "term": "1"})
        server.client.hset(seat.keys.ledger, mapping={"newest": LAST, "layout": "1"})
    ticks(clock, 4, held)
    assert held.led() == set(NAMES)
    return held


def go_back(server: RedisServer, replica: Replica, *, older: int = 1) -> None:
    """To what Redis had in the term before, when a lease of it has run out meanwhile."""
    server.client.flushall()
    for seat in replica.seats:
        server.client.hset(seat.keys.lease, mapping={"owner": "b", "until": "1", "term": str(older)})
        server.client.hset(seat.keys.ledger, mapping={"newest": OLDER, "layout": "1"})


def newest(server: RedisServer, replica: Replica) -> set[str]:
    """Whose changes are the newest ones."""
    names = [server.client.hget(seat.keys.ledger, "newest") for seat in replica.seats]
    return {str(name, "ascii").partition(":")[0] for name in names if isinstance(name, bytes)}


@pytest.mark.parametrize("older", [0, 1])
def test_leases_may_be_looked_after_many_times_before_everything_is_saved(
    one: Replica, server: RedisServer, clock: ManualClock, older: int
) -> None:
    go_back(server, one, older=older)
    terms = set()
    for _ in range(2 * TICKS):
        clock.advance(LEASE / TICKS)
        one.desk.attend(one.seats)
        assert one.led() == set(NAMES)
        terms |= {server.client.hget(seat.keys.lease, "term") for seat in one.seats}
    assert terms == {b"%d" % (older + 1)}, "each is taken once"
    assert newest(server, one) == {"b"}
    one.desk.exchange()
    assert newest(server, one) == {"a"}
    assert one.desk.status.persistent


def test_everything_is_to_be_saved_at_once_and_not_a_tick_later(one: Replica, server: RedisServer) -> None:
    go_back(server, one)
    one.desk.woken.clear()
    one.desk.attend(one.seats)
    assert one.desk.woken.is_set()


def test_what_cannot_be_saved_for_long_is_kept_and_saved_then(
    one: Replica, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_back(server, one)

    def full() -> None:
        raise Away("full")

    with monkeypatch.context() as patched:
        before(one, COMMIT, full, patched)
        ticks(clock, 2 * TICKS, one)
        assert one.led() == set(NAMES)
        assert not one.desk.status.persistent
    ticks(clock, TICKS, one)
    assert one.led() == set(NAMES)
    assert newest(server, one) == {"a"}
    assert one.desk.status.persistent


@pytest.mark.parametrize("lease", [{}, {"term": "1"}], ids=["of this term", "of a term before"])
def test_data_of_its_own_that_is_older_is_replaced_at_once_and_nothing_is_published_before(
    one: Replica, server: RedisServer, clock: ManualClock, lease: dict[str, str]
) -> None:
    """A crash of Redis costs the last second of what it was told."""
    for seat in one.seats:
        read(seat, clock)
    ticks(clock, 1, one)
    for seat in one.seats:
        server.client.hset(seat.keys.ledger, "newest", "a:0")
        server.client.hset(seat.keys.served, "version", "a:0")
        if lease:
            server.client.hset(seat.keys.lease, mapping=lease)  # type: ignore[arg-type]
    one.desk.attend(one.seats)
    assert all(seat.unsaved for seat in one.seats)
    for seat in one.seats:
        seat.publish()
    assert {server.client.hget(seat.keys.served, "version") for seat in one.seats} == {b"a:0"}
    one.desk.exchange()
    assert b"a:0" not in {server.client.hget(seat.keys.ledger, "newest") for seat in one.seats}
    assert b"a:0" not in {server.client.hget(seat.keys.served, "version") for seat in one.seats}
    assert one.led() == set(NAMES)
    ticks(clock, 1, one)
    told = [int(server.client.hget(seat.keys.lease, "term") or 0) for seat in one.seats]
    assert [term(seat).number for seat in one.seats] == told, "or a later term of another one would not be noticed"


def test_a_ledger_that_is_gone_alone_is_written_again_at_once(
    one: Replica, server: RedisServer, clock: ManualClock
) -> None:
    for seat in one.seats:
        server.client.delete(seat.keys.ledger)
    ticks(clock, 1, one)
    assert one.led() == set(NAMES)
    assert newest(server, one) == {"a"}


def test_what_could_not_be_saved_while_redis_was_away_is_saved_with_the_first_lease_that_is_kept(
    one: Replica, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Away("unreachable")

    with monkeypatch.context() as patched:
        before(one, COMMIT, away, patched)
        for seat in one.seats:
            term(seat).store.save_all()
        ticks(clock, 1, one)
        assert all(seat.unsaved for seat in one.seats)
    ticks(clock, 1, one)
    assert not any(seat.unsaved for seat in one.seats)
    assert newest(server, one) == {"a"}


def test_who_serves_nothing_yet_takes_what_is_free_at_its_first_look(
    one: Replica, server: RedisServer, clock: ManualClock
) -> None:
    for seat in one.seats:
        read(seat, clock)
    ticks(clock, 1, one)
    one.close()
    new = Replica(server.url, clock, "c")
    new.desk.attend(new.seats)
    assert new.led() == set(NAMES)


class TestMeanwhile:
    """Something happens between the look at a lease and its being taken again."""

    @pytest.fixture
    def works(self, one: Replica, server: RedisServer, clock: ManualClock) -> list[Callable[[], None]]:
        held: list[Callable[[], None]] = []
        go_back(server, one)
        clock.advance(0.5)
        object.__setattr__(one.desk.place, "aside", held.append)
        one.desk.attend(one.seats)
        object.__setattr__(one.desk.place, "aside", lambda work: work())
        assert len(held) == len(NAMES)
        return held

    def test_what_another_replica_counted_is_not_overwritten(
        self, one: Replica, server: RedisServer, works: list[Callable[[], None]]
    ) -> None:
        seat = one.seats[0]
        server.client.hset(seat.keys.lease, mapping={"owner": "", "until": "0", "term": "2"})
        server.client.hset(seat.keys.ledger, "newest", "b:8")
        sure_until = sure(seat)
        for work in works:
            work()
        assert sure(seat) == sure_until
        assert server.client.hget(seat.keys.lease, "owner") == b""
        one.desk.attend(one.seats)
        assert seat.standing_by
        assert one.led() == set(NAMES[1:])

    def test_what_this_one_counted_is_no_reason_to_stand_by(
        self, one: Replica, server: RedisServer, clock: ManualClock, works: list[Callable[[], None]]
    ) -> None:
        server.client.hset(one.seats[0].keys.ledger, "newest", "a:99")
        for work in works:
            work()
        ticks(clock, 1, one)
        assert one.led() == set(NAMES)
        assert newest(server, one) == {"a"}

    def test_when_its_answer_is_lost_it_is_taken_once_more(
        self,
        one: Replica,
        server: RedisServer,
        clock: ManualClock,
        works: list[Callable[[], None]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run = one.desk.place.link.run

        def unheard(script: str, *args: object) -> object:
            answer = run(script, *args)  # type: ignore[arg-type]
            if script == ACQUIRE:
                raise Away("unreachable")
            return answer

        with monkeypatch.context() as patched:
            patched.setattr(one.desk.place.link, "run", unheard)
            for work in works:
                work()
        ticks(clock, TICKS, one)
        assert one.led() == set(NAMES)
        assert newest(server, one) == {"a"}


def test_what_was_tried_before_a_lost_lease_was_taken_again_is_tried_at_once_then(
    one: Replica, server: RedisServer, clock: ManualClock
) -> None:
    for seat in one.seats:
        server.client.delete(seat.keys.lease)
    works: list[Callable[[], None]] = []
    object.__setattr__(one.desk.place, "aside", works.append)
    one.tick()
    assert all(seat.unsaved for seat in one.seats)
    for work in works:
        work()
    ticks(clock, 1, one)
    assert not any(seat.unsaved for seat in one.seats)


class TestStandingBy:
    """Redis is back with what it had two ticks ago, when everybody's lease had run out and nobody was there lately."""

    @pytest.fixture
    def trio(self, server: RedisServer, clock: ManualClock) -> list[Replica]:
        """Each leads its own accounts, and serves all of them."""
        held = [Replica(server.url, clock, owner) for owner in "abc"]
        ticks(clock, 40, *held)
        assert all(each.led() for each in held)
        self.show(held, clock)
        return held

    def show(self, trio: list[Replica], clock: ManualClock, *, up: bool = True) -> None:
        """Let there be something new, which all serve then."""
        for replica in trio:
            for seat in replica.seats:
                if seat.leading:
                    read(seat, clock, up=up)
        ticks(clock, 2, *trio)

    def go_back(
        self, trio: list[Replica], server: RedisServer, clock: ManualClock, away: float, *, lost: bool = True
    ) -> None:
        held = {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}
        if lost:
            self.show(trio, clock, up=False)
        server.client.flushall()
        clock.advance(away)
        for key, value in held.items():
            server.client.restore(key, 0, value)

    @pytest.mark.parametrize("first", [0, 1, 2])
    @pytest.mark.parametrize("away", [0.0, TICK, LEASE, 100 * LEASE])
    @pytest.mark.parametrize("lost", [True, False], ids=["something lost", "nothing lost"])
    def test_all_accounts_go_on_where_they_were_whoever_looks_first(
        self, trio: list[Replica], server: RedisServer, clock: ManualClock, first: int, away: float, lost: bool
    ) -> None:
        led, terms = [each.led() for each in trio], [seat.terms for each in trio for seat in each.seats]
        self.go_back(trio, server, clock, away, lost=lost)
        ticks(clock, 2 * LOST, *trio[first:], *trio[:first])
        assert [each.led() for each in trio] == led
        assert [seat.terms for each in trio for seat in each.seats] == terms

    def test_nobody_serves_what_is_older(self, trio: list[Replica], server: RedisServer, clock: ManualClock) -> None:
        held = {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}
        self.show(trio, clock, up=False)
        served = [seat.publisher.served.at for seat in trio[1].seats]
        server.client.flushall()
        for key, value in held.items():
            server.client.restore(key, 0, value)
        for _ in range(LOST):
            ticks(clock, 1, trio[1])
            trio[1].desk.freshen(trio[1].seats)
            assert all(seat.publisher.served.at >= at for seat, at in zip(trio[1].seats, served, strict=True))

    def test_without_those_that_led_all_are_taken_two_leases_later(
        self, trio: list[Replica], server: RedisServer, clock: ManualClock
    ) -> None:
        led = trio[1].led()
        self.go_back(trio, server, clock, LEASE)
        ticks(clock, LOST, trio[1])
        assert trio[1].led() == led
        ticks(clock, 4, trio[1])
        assert trio[1].led() == set(NAMES)

    def test_what_is_not_fetched_yet_is_no_loss_and_taken_soon(self, trio: list[Replica], clock: ManualClock) -> None:
        self.show(trio, clock, up=False)
        for seat in trio[0].seats:
            if seat.leading:
                read(seat, clock)
        trio[0].desk.woken.clear()
        trio[0].close()
        ticks(clock, 1, trio[1], trio[2])
        assert trio[1].desk.woken.is_set()
        ticks(clock, 2, trio[1], trio[2])
        assert trio[1].led() | trio[2].led() == set(NAMES)
