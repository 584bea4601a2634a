"""Many accounts of several replicas: shared out, taken over, left, and none of them at the cost of another."""

from collections import Counter
from itertools import pairwise

import pytest

from exporter.replicas.desk import GONE_TICKS
from exporter.replicas.keys import Keys, replicas
from exporter.replicas.lease import TICKS
from exporter.replicas.metrics import ReplicaBlocks
from tests.clocks import ManualClock
from tests.replicas.desks import LEASE, NAMES, TICK, Replica, cut_off, ticks
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


@pytest.fixture
def pair(server: RedisServer, clock: ManualClock) -> tuple[Replica, Replica]:
    """Two replicas that have been there for a while."""
    one, other = Replica(server.url, clock, "a"), Replica(server.url, clock, "b")
    ticks(clock, 30, one, other)
    return one, other


class TestSharing:
    def test_every_account_is_refreshed_by_exactly_one(self, pair: tuple[Replica, Replica]) -> None:
        one, other = pair
        assert one.led() | other.led() == set(NAMES)
        assert not one.led() & other.led()

    def test_each_has_its_share(self, pair: tuple[Replica, Replica]) -> None:
        assert all(len(replica.led()) >= len(NAMES) // 4 for replica in pair)

    def test_the_first_one_takes_all_until_there_is_another(self, server: RedisServer, clock: ManualClock) -> None:
        one = Replica(server.url, clock, "a")
        ticks(clock, 2, one)
        assert one.led() == set(NAMES)
        other = Replica(server.url, clock, "b")
        ticks(clock, 3, one, other)
        assert one.led() == set(NAMES), "nothing is left to one that may be gone in a moment"
        ticks(clock, 60, one, other)
        assert len(other.led()) >= len(NAMES) // 4
        assert one.led() | other.led() == set(NAMES)

    def test_accounts_are_left_one_at_a_time(self, server: RedisServer, clock: ManualClock) -> None:
        one = Replica(server.url, clock, "a")
        ticks(clock, 2, one)
        other, counts = Replica(server.url, clock, "b"), []
        for _ in range(40):
            ticks(clock, 1, one, other)
            counts.append(len(one.led()))
        assert max(before - after for before, after in pairwise(counts)) == 1

    def test_when_nothing_changes_nothing_moves(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        before = [(replica.led(), [seat.terms for seat in replica.seats]) for replica in pair]
        ticks(clock, 60, *pair)
        assert [(replica.led(), [seat.terms for seat in replica.seats]) for replica in pair] == before

    def test_all_know_how_many_there_are(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        assert [replica.desk.replicas for replica in pair] == [2, 2]
        ticks(clock, 10, pair[0])
        assert pair[0].desk.replicas == 1


class TestEnds:
    def test_accounts_of_one_that_was_killed_are_taken_over_within_two_leases(
        self, pair: tuple[Replica, Replica], clock: ManualClock
    ) -> None:
        ticks(clock, 2 * TICKS, pair[0])
        assert pair[0].led() == set(NAMES)

    def test_not_before_the_lease_has_run_out(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        before = pair[0].led()
        ticks(clock, TICKS - 1, pair[0])
        assert pair[0].led() == before

    def test_a_clean_end_leaves_them_at_once(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        pair[1].close()
        ticks(clock, 1, pair[0])
        assert pair[0].led() == set(NAMES)
        assert pair[0].desk.replicas == 1

    def test_one_that_is_closed_takes_nothing(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        pair[1].close()
        ticks(clock, 3 * TICKS, pair[1])
        assert pair[1].led() == set()


class TestAway:
    def test_without_redis_a_lease_is_good_as_long_as_it_surely_is(
        self, pair: tuple[Replica, Replica], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = pair[0]
        before = one.led()
        cut_off(one, monkeypatch)
        ticks(clock, TICKS - 1, one)
        assert one.led() == before
        ticks(clock, 2, one)
        assert one.led() == set()

    def test_it_ends_by_itself_also_when_nobody_looks(self, pair: tuple[Replica, Replica], clock: ManualClock) -> None:
        clock.advance(LEASE + 1)
        assert pair[0].led() == set()

    def test_alone_it_goes_on(self, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        one = Replica(server.url, clock, "a", alone=True)
        ticks(clock, 2, one)
        cut_off(one, monkeypatch)
        ticks(clock, 20 * TICKS, one)
        assert one.led() == set(NAMES)

    def test_one_that_was_cut_off_stands_by_when_it_is_back(
        self, pair: tuple[Replica, Replica], clock: ManualClock
    ) -> None:
        one, other = pair
        ticks(clock, 3 * TICKS, other)
        ticks(clock, 1, one, other)
        assert one.led() == set()
        assert other.led() == set(NAMES)

    def test_back_in_time_it_goes_on_without_a_new_term(
        self, pair: tuple[Replica, Replica], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = pair[0]
        before = one.led()
        terms = {seat.account.name: seat.terms for seat in one.seats}
        with monkeypatch.context() as patched:
            cut_off(one, patched)
            for replica in pair:
                cut_off(replica, patched)
            ticks(clock, 3 * TICKS, *pair)
            assert one.led() == set()
        ticks(clock, 3, one)
        assert one.led() >= before
        assert {name: count for name, count in terms.items() if name in before} == {
            seat.account.name: seat.terms for seat in one.seats if seat.account.name in before
        }


class TestIsolation:
    @pytest.mark.parametrize(
        ("kind", "content"),
        [("lease", {"owner": "x", "until": "soon", "term": "1"}), ("ledger", {"layout": "999"}), ("served", None)],
    )
    def test_what_is_broken_of_one_account_costs_no_other(
        self, server: RedisServer, clock: ManualClock, kind: str, content: dict[str, str] | None
    ) -> None:
        key = getattr(Keys("celigo-exporter", NAMES[0]), kind)
        if content is None:
            server.client.set(key, "text")
        else:
            server.client.hset(key, mapping=content)  # type: ignore[arg-type]
        one = Replica(server.url, clock, "a")
        ticks(clock, 4, one)
        assert one.led() >= set(NAMES[1:])

    def test_a_bug_in_one_account_costs_no_other(
        self, server: RedisServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = Replica(server.url, clock, "a")

        def bug(*_: object, **__: object) -> None:
            raise KeyError("secret of a record")

        monkeypatch.setattr(one.seats[0], "attend", bug)
        ticks(clock, 2, one)
        assert one.led() == set(NAMES[1:])
        assert "secret of a record" not in caplog.text

    def test_prefixes_keep_fleets_apart(self, server: RedisServer, clock: ManualClock) -> None:
        one, other = Replica(server.url, clock, "a"), Replica(server.url, clock, "b", key_prefix="other")
        ticks(clock, 10, one, other)
        assert one.led() == other.led() == set(NAMES)
        assert one.desk.replicas == other.desk.replicas == 1


class TestWishes:
    def test_a_scrape_elsewhere_is_a_wish_that_the_leading_one_hears(
        self, pair: tuple[Replica, Replica], clock: ManualClock, server: RedisServer
    ) -> None:
        one, other = pair
        seat = next(seat for seat in other.seats if not seat.leading)
        assert seat.trigger() == []
        asked = seat.asked
        assert asked
        assert other.desk.woken.is_set()
        ticks(clock, 1, other)
        assert seat.asked is not asked
        assert server.client.exists(seat.keys.wanted) == 1
        ticks(clock, 1, one)
        assert server.client.exists(seat.keys.wanted) == 0


class TestTold:
    def test_of_each_account_whether_it_is_refreshed_here(
        self, pair: tuple[Replica, Replica], clock: ManualClock
    ) -> None:
        blocks = ReplicaBlocks(pair[0].desk, clock)
        told = b"".join(piece.text for block in blocks.current(0.0) for piece in block.lines.values()).decode()
        assert "celigo_exporter_replicas 2.0\n" in told
        leading = Counter(
            line[-3:] for line in told.splitlines() if line.startswith("celigo_exporter_replica_leading{")
        )
        assert leading == Counter({"1.0": len(pair[0].led()), "0.0": len(NAMES) - len(pair[0].led())})
        assert f"celigo_exporter_replica_accounts {len(pair[0].led())}.0\n" in told
        assert f"celigo_exporter_replica_terms_total {sum(seat.terms for seat in pair[0].seats)}.0\n" in told

    def test_it_is_rendered_anew_only_when_something_changed(
        self, pair: tuple[Replica, Replica], clock: ManualClock
    ) -> None:
        blocks = ReplicaBlocks(pair[0].desk, clock)
        before = blocks.current(0.0)
        assert blocks.current(1.0) is before
        ticks(clock, 2 * TICKS, pair[0])
        assert blocks.current(2.0) is not before

    def test_how_the_state_is_kept(
        self, pair: tuple[Replica, Replica], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = pair[0].desk
        assert (desk.status.backend, desk.status.persistent, desk.status.trouble) == ("redis", True, None)
        cut_off(pair[0], monkeypatch)
        ticks(clock, 1, pair[0])
        assert not desk.status.persistent
        assert desk.status.failures == {"unreachable": 1}


def test_the_list_of_replicas_is_one_key(pair: tuple[Replica, Replica], server: RedisServer) -> None:
    key = replicas("celigo-exporter", NAMES)
    assert server.client.zcard(key) == len(pair)
    assert 0 < server.client.pttl(key) <= GONE_TICKS * TICK * 1000, "it goes with them"
