"""Who may take a lease, and when."""

from collections import Counter
from dataclasses import replace

import pytest

from exporter.config.settings import RedisSettings
from exporter.replicas.keys import Keys
from exporter.replicas.lease import LOST, PATIENCE, TICKS, Lease, Patience, home
from exporter.replicas.link import Link
from exporter.replicas.scripts import ACQUIRE, ATTEND, RELEASE
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.replicas.redis_server import RedisServer

TICK = 2.5
HELD = Lease("other", 2000, 3, "other:7", "other:9", wanted=False, at=1000)
RUN_OUT = replace(HELD, until=1000)
RELEASED = replace(HELD, owner="", until=0)
EMPTY = Lease("", 0, 0, "", "", wanted=False, at=1000)


class TestReading:
    def test_an_answer_of_the_script(self) -> None:
        lease = Lease.of([b"me", b"17", b"3", b"me:1", b"me:2", 1, b"16"])
        assert lease == Lease("me", 17, 3, "me:1", "me:2", wanted=True, at=16)

    @pytest.mark.parametrize(
        "answer",
        [
            [b"me", b"soon", b"3", b"", b"", 0, b"16"],
            [b"me", b"17", b"", b"", b"", 0, b"16"],
            [b"\xff", b"17", b"3", b"", b"", 0, b"16"],
            [b"me"],
            [],
        ],
    )
    def test_what_nobody_wrote_is_told_and_no_bug(self, answer: list[bytes | int]) -> None:
        with pytest.raises(Away) as failure:
            Lease.of(answer)
        assert failure.value.trouble == "corrupt"

    def test_a_failure_of_this_call_alone_is_raised(self) -> None:
        with pytest.raises(Away) as failure:
            Lease.of(Away("io"))
        assert failure.value.trouble == "io"


class TestPatience:
    @pytest.fixture
    def patience(self, clock: ManualClock) -> Patience:
        return Patience(clock, TICK)

    def test_a_lease_of_another_is_never_taken(self, patience: Patience, clock: ManualClock) -> None:
        for _ in range(20):
            assert not patience.may_take(HELD, mine=True, lost=False)
            clock.advance(TICK)

    @pytest.mark.parametrize("lease", [RUN_OUT, RELEASED, EMPTY], ids=["run out", "released", "never had"])
    def test_the_one_that_it_belongs_to_takes_a_free_one_at_once(self, patience: Patience, lease: Lease) -> None:
        assert patience.may_take(lease, mine=True, lost=False)

    @pytest.mark.parametrize("lease", [RUN_OUT, RELEASED, EMPTY], ids=["run out", "released", "never had"])
    def test_others_leave_it_some_ticks(self, patience: Patience, clock: ManualClock, lease: Lease) -> None:
        for _ in range(PATIENCE):
            assert not patience.may_take(lease, mine=False, lost=False)
            clock.advance(TICK)
        assert patience.may_take(lease, mine=False, lost=False)

    @pytest.mark.parametrize(("mine", "ticks"), [(True, LOST), (False, LOST + PATIENCE)])
    def test_what_redis_forgot_is_left_to_the_one_that_knows_it_for_two_leases(
        self, patience: Patience, clock: ManualClock, mine: bool, ticks: int
    ) -> None:
        assert LOST == 2 * TICKS
        for _ in range(ticks):
            assert not patience.may_take(EMPTY, mine=mine, lost=True)
            clock.advance(TICK)
        assert patience.may_take(EMPTY, mine=mine, lost=True)

    def test_waiting_begins_anew_with_each_free_time(self, patience: Patience, clock: ManualClock) -> None:
        patience.may_take(RUN_OUT, mine=False, lost=False)
        clock.advance(PATIENCE * TICK)
        patience.may_take(HELD, mine=False, lost=False)
        assert not patience.may_take(RUN_OUT, mine=False, lost=False)


class TestHome:
    NAMES = tuple(f"account-{number}" for number in range(600))

    def test_accounts_are_shared_out_evenly(self) -> None:
        shares = Counter(home(name, ["a", "b", "c"]) for name in self.NAMES)
        assert all(150 < count < 250 for count in shares.values())

    def test_only_accounts_of_the_one_that_left_move(self) -> None:
        moved = [name for name in self.NAMES if home(name, ["a", "b", "c"]) != home(name, ["a", "b"])]
        assert moved == [name for name in self.NAMES if home(name, ["a", "b", "c"]) == "c"]

    def test_the_order_in_which_replicas_are_known_does_not_matter(self) -> None:
        assert all(home(name, ["a", "b", "c"]) == home(name, ["c", "a", "b"]) for name in self.NAMES)


class TestScripts:
    """Leases in a real Redis, by the clock of the test."""

    LEASE = 15_000

    def acquire(self, link: Link, keys: Keys, owner: str) -> int:
        return int(link.run(ACQUIRE, [keys.lease], [owner, link.stamp(), self.LEASE]))

    def attend(self, link: Link, keys: Keys, owner: str) -> Lease:
        told = [keys.lease, keys.ledger, keys.served, keys.wanted]
        return Lease.of(link.run(ATTEND, told, [owner, link.stamp(), self.LEASE]))

    def test_one_of_two_gets_it(self, link: Link, keys: Keys) -> None:
        assert (self.acquire(link, keys, "a"), self.acquire(link, keys, "b")) == (1, 0)

    def test_it_is_free_once_it_ran_out_and_terms_are_numbered(
        self, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        self.acquire(link, keys, "a")
        clock.advance(self.LEASE / 1000 - 0.01)
        assert not self.attend(link, keys, "b").free
        assert self.acquire(link, keys, "b") == 0
        clock.advance(0.02)
        assert self.attend(link, keys, "b").free
        assert self.acquire(link, keys, "b") == 2

    def test_attending_to_it_keeps_it(self, link: Link, keys: Keys, clock: ManualClock) -> None:
        self.acquire(link, keys, "a")
        for _ in range(5):
            clock.advance(self.LEASE / 1000 - 1)
            self.attend(link, keys, "a")
        assert self.acquire(link, keys, "b") == 0

    def test_attending_to_that_of_another_does_not(self, link: Link, keys: Keys, clock: ManualClock) -> None:
        self.acquire(link, keys, "a")
        clock.advance(self.LEASE / 1000 - 1)
        self.attend(link, keys, "b")
        clock.advance(2)
        assert self.acquire(link, keys, "b") == 2

    def test_a_released_one_is_free_at_once_and_terms_go_on(self, link: Link, keys: Keys) -> None:
        self.acquire(link, keys, "a")
        assert link.run(RELEASE, [keys.lease], ["b"]) == 0
        assert self.acquire(link, keys, "b") == 0
        assert link.run(RELEASE, [keys.lease], ["a"]) == 1
        assert self.acquire(link, keys, "b") == 2

    def test_a_wish_is_told_to_the_owner_once(self, link: Link, keys: Keys, server: RedisServer) -> None:
        self.acquire(link, keys, "a")
        server.client.set(keys.wanted, 1)
        assert not self.attend(link, keys, "b").wanted
        assert self.attend(link, keys, "a").wanted
        assert not self.attend(link, keys, "a").wanted

    def test_a_full_redis_lets_a_lease_be_kept(
        self, link: Link, keys: Keys, clock: ManualClock, server: RedisServer
    ) -> None:
        self.acquire(link, keys, "a")
        server.client.config_set("maxmemory", "1")
        try:
            clock.advance(self.LEASE / 1000 - 1)
            lease = self.attend(link, keys, "a")
        finally:
            server.client.config_set("maxmemory", "0")
        assert lease.until == lease.at + self.LEASE

    def test_without_a_clock_of_its_own_the_servers_counts(self, server: RedisServer, keys: Keys) -> None:
        link = Link(settings_of(server), {}, ManualClock())
        self.acquire(link, keys, "a")
        lease = self.attend(link, keys, "a")
        seconds, _ = server.client.time()
        assert abs(lease.at / 1000 - seconds) < 5
        assert abs(link.now() / 1000 - seconds) < 5


def settings_of(server: RedisServer) -> RedisSettings:
    return RedisSettings(server.url)
