"""Redis is back with data that another replica left long ago: the one that leads now knows better, and goes on."""

from collections.abc import Callable

import pytest

from exporter.replicas.lease import LOST, TICKS
from exporter.replicas.scripts import ACQUIRE, COMMIT
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.replicas.desks import LEASE, NAMES, Replica, before, ticks
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


def go_back(server: RedisServer, replica: Replica, *, term: int = 1) -> None:
    """To what Redis had in the term before, when a lease of it has run out meanwhile."""
    server.client.flushall()
    for seat in replica.seats:
        server.client.hset(seat.keys.lease, mapping={"owner": "b", "until": "1", "term": str(term)})
        server.client.hset(seat.keys.ledger, mapping={"newest": OLDER, "layout": "1"})


def newest(server: RedisServer, replica: Replica) -> set[str]:
    """Whose changes are the newest ones."""
    names = [server.client.hget(seat.keys.ledger, "newest") or b"" for seat in replica.seats]
    return {name.decode().partition(":")[0] for name in names}


@pytest.mark.parametrize("term", [0, 1])
def test_leases_may_be_looked_after_many_times_before_everything_is_saved(
    one: Replica, server: RedisServer, clock: ManualClock, term: int
) -> None:
    go_back(server, one, term=term)
    for _ in range(2 * TICKS):
        clock.advance(LEASE / TICKS)
        one.desk.attend(one.seats)
        assert one.led() == set(NAMES)
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


class TestMeanwhile:
    """Something happens between the look at a lease and its being taken again."""

    @pytest.fixture
    def works(self, one: Replica, server: RedisServer) -> list[Callable[[], None]]:
        held: list[Callable[[], None]] = []
        go_back(server, one)
        object.__setattr__(one.desk.place, "aside", held.append)
        one.desk.attend(one.seats)
        object.__setattr__(one.desk.place, "aside", lambda work: work())
        assert len(held) == len(NAMES)
        return held

    def test_what_another_replica_counted_is_not_overwritten(
        self, one: Replica, server: RedisServer, clock: ManualClock, works: list[Callable[[], None]]
    ) -> None:
        seat = one.seats[0]
        server.client.hset(seat.keys.lease, mapping={"owner": "", "until": "0", "term": "2"})
        server.client.hset(seat.keys.ledger, "newest", "b:8")
        for work in works:
            work()
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


class TestStandingBy:
    @pytest.fixture
    def two(self, one: Replica, server: RedisServer, clock: ManualClock) -> Replica:
        """It saw the other one lead, to whom it leaves everything."""
        held = Replica(server.url, clock, "c")
        held.tick()
        return held

    def test_an_account_is_left_to_the_one_that_led_until_two_leases_have_passed(
        self, one: Replica, two: Replica, server: RedisServer, clock: ManualClock
    ) -> None:
        go_back(server, one)
        ticks(clock, LOST - 1, two)
        assert two.led() == set()
        ticks(clock, 3, two)
        assert two.led() == set(NAMES)

    def test_one_that_leads_has_it_back_before(
        self, one: Replica, two: Replica, server: RedisServer, clock: ManualClock
    ) -> None:
        go_back(server, one)
        ticks(clock, LOST - 2, two)
        ticks(clock, LOST, one, two)
        assert one.led() == set(NAMES)
