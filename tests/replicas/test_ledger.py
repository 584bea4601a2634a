"""The ledger in Redis: what was committed is what is read, and nobody without the lease writes a thing."""

from unittest import mock

import pytest
from hypothesis import given, settings

from exporter.config.settings import RedisSettings
from exporter.ledger.schema import VERSION
from exporter.ledger.state import Counted, LedgerChange, LedgerState
from exporter.ledger.trouble import Trouble
from exporter.replicas.keys import Keys
from exporter.replicas.ledger import RETRY_SECONDS, RedisLedger
from exporter.replicas.link import Link
from exporter.replicas.scripts import ACQUIRE
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.ledger.test_sqlite_round_trip import changes
from tests.replicas.redis_server import RedisServer

LEASE = 15_000
ONE = LedgerChange(counted={"one": Counted("flow", 1.0, 2.0)})
TWO = LedgerChange(counted={"two": Counted("flow", 3.0, 4.0)})


def acquire(link: Link, keys: Keys, owner: str) -> int:
    """Take the lease; the number of the term, 0 when it is taken."""
    return int(link.run(ACQUIRE, [keys.lease], [owner, link.stamp(), LEASE]))


class Ledger:
    """A ledger of one replica, with the state that its keeper would have."""

    def __init__(self, link: Link, keys: Keys, clock: ManualClock, owner: str = "a") -> None:
        self.lost = 0
        self.store = RedisLedger(link, keys, owner, clock, self._note)
        self.state = self.store.load()

    def commit(self, change: LedgerChange) -> None:
        """As a keeper does."""
        self.state.apply(change)
        self.store.commit(change, self.state)

    def unsaved(self) -> bool:
        """Whether Redis lacks something."""
        return self.store.unsaved

    def _note(self) -> None:
        self.lost += 1


@pytest.fixture
def ledger(link: Link, keys: Keys, clock: ManualClock) -> Ledger:
    """An empty ledger of the replica `a`, which has the lease."""
    assert acquire(link, keys, "a") == 1
    return Ledger(link, keys, clock)


def test_an_account_that_nobody_counted_has_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.state == LedgerState()
    assert not ledger.unsaved()


class TestRoundTrip:
    @settings(max_examples=60)
    @given(first=changes, second=changes, third=changes)
    def test_what_was_committed_is_what_the_next_one_reads(
        self, one_server: RedisServer, first: LedgerChange, second: LedgerChange, third: LedgerChange
    ) -> None:
        one_server.client.flushall()
        clock, keys = ManualClock(), Keys("p", "any {name}: é")
        link = Link(RedisSettings(one_server.url), {}, clock, lambda: 1000)
        acquire(link, keys, "a")
        ledger = Ledger(link, keys, clock)
        for change in (first, second, third):
            ledger.commit(change)
        assert (ledger.lost, ledger.unsaved()) == (0, False)
        assert Ledger(link, keys, clock, "b").state == ledger.state

    def test_the_whole_state_is_written_as_it_is(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        ledger.store.unsaved = True
        ledger.commit(TWO)
        assert Ledger(link, keys, clock, "b").state == ledger.state

    def test_rows_that_went_are_gone(self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock) -> None:
        ledger.commit(ONE)
        ledger.commit(LedgerChange(dropped_ids=frozenset({"one"})))
        assert Ledger(link, keys, clock, "b").state == LedgerState()

    def test_accounts_and_prefixes_keep_apart(self, ledger: Ledger, link: Link, clock: ManualClock) -> None:
        ledger.commit(ONE)
        for others in (Keys("celigo-exporter", "globex"), Keys("other", "acme")):
            assert Ledger(link, others, clock).state == LedgerState()


class TestFence:
    def test_a_replica_without_the_lease_writes_nothing(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        clock.advance(LEASE / 1000 + 1)
        assert acquire(link, keys, "b") == 2
        ledger.commit(TWO)
        assert ledger.lost == 1
        assert Ledger(link, keys, clock, "b").state.counted.keys() == {"one"}

    def test_it_is_told_once_and_tries_no_more(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        clock.advance(LEASE / 1000 + 1)
        acquire(link, keys, "b")
        for _ in range(3):
            ledger.commit(TWO)
        assert ledger.lost == 1

    def test_a_redis_that_forgot_the_lease_is_told_of_and_written_once_it_is_had_again(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock, server: RedisServer
    ) -> None:
        ledger.commit(ONE)
        server.client.flushall()
        ledger.commit(TWO)
        assert (ledger.lost, ledger.store.unsaved, server.client.dbsize()) == (1, True, 0)
        acquire(link, keys, "a")
        ledger.store.save_all()
        ledger.commit(LedgerChange())
        assert not ledger.store.unsaved
        assert Ledger(link, keys, clock).state.counted.keys() == {"one", "two"}

    def test_not_even_everything_at_once(self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock) -> None:
        clock.advance(LEASE / 1000 + 1)
        acquire(link, keys, "b")
        ledger.store.unsaved = True
        ledger.commit(ONE)
        assert ledger.lost == 1
        assert Ledger(link, keys, clock, "b").state == LedgerState()

    def test_a_lease_that_ran_out_and_nobody_took_is_still_good_for_writing(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        clock.advance(10 * LEASE)
        ledger.commit(ONE)
        assert ledger.lost == 0
        assert Ledger(link, keys, clock, "b").state.counted.keys() == {"one"}

    def test_an_ended_ledger_writes_nothing(self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock) -> None:
        ledger.store.end()
        ledger.commit(ONE)
        assert Ledger(link, keys, clock, "b").state == LedgerState()


class TestLostData:
    def test_a_redis_that_is_behind_gets_everything(
        self, ledger: Ledger, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        older = {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}
        ledger.commit(TWO)
        server.client.flushall()
        for key, value in older.items():
            server.client.restore(key, 0, value)
        ledger.commit(LedgerChange(notes={"n": "t"}))
        assert not ledger.unsaved()
        assert Ledger(link, keys, clock, "b").state == ledger.state

    def test_rows_that_went_meanwhile_are_not_left_behind(
        self, ledger: Ledger, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        older = {key: server.client.dump(key) or b"" for key in server.client.scan_iter()}
        ledger.commit(LedgerChange(dropped_ids=frozenset({"one"})))
        for key, value in older.items():
            server.client.restore(key, 0, value, replace=True)
        ledger.commit(TWO)
        assert Ledger(link, keys, clock, "b").state.counted.keys() == {"two"}

    def test_its_own_changes_are_known_by_their_names_and_those_of_others_are_not(
        self, ledger: Ledger, server: RedisServer, keys: Keys
    ) -> None:
        ledger.commit(ONE)
        name = str(server.client.hget(keys.ledger, "newest"), "ascii")  # type: ignore[arg-type]
        ledger.commit(TWO)
        assert ledger.store.knows(name)
        assert not ledger.store.knows("b:1")

    def test_what_it_began_with_is_known_also_when_redis_goes_back_to_it(
        self, ledger: Ledger, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        name = str(server.client.hget(keys.ledger, "newest"), "ascii")  # type: ignore[arg-type]
        other = Ledger(link, keys, clock, "b")
        clock.advance(LEASE)
        acquire(link, keys, "b")
        other.commit(TWO)
        assert other.store.knows(name)

    def test_redis_has_all_with_the_newest_change_and_while_the_next_is_on_its_way(
        self, ledger: Ledger, link: Link, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger.commit(ONE)
        one, run, seen = ledger.store.newest, link.run, list[tuple[bool, bool]]()

        def watched(script: str, keys: list[str], args: list[str]) -> object:
            seen.append((ledger.store.told(one), ledger.store.told(args[2])))
            return run(script, keys, args)

        monkeypatch.setattr(link, "run", watched)
        ledger.commit(TWO)
        assert seen == [(True, True)]
        assert [ledger.store.told(each) for each in (one, ledger.store.newest, "", "b:1")] == [
            False,
            True,
            False,
            False,
        ]

    def test_nothing_is_known(self, ledger: Ledger) -> None:
        ledger.commit(ONE)
        assert ledger.store.knows("")

    def test_what_was_found_to_be_older_is_known_and_replaced_as_a_whole(
        self, ledger: Ledger, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        ledger.commit(TWO)
        server.client.hset(keys.ledger, "newest", "b:1")
        server.client.delete(keys.table("counted"))
        ledger.store.overrule("b:1")
        assert ledger.store.knows("b:1")
        assert ledger.unsaved()
        ledger.commit(LedgerChange())
        assert not ledger.unsaved()
        assert Ledger(link, keys, clock, "b").state.counted.keys() == {"one", "two"}


class TestAway:
    def test_what_could_not_be_saved_is_saved_later_as_a_whole(
        self, ledger: Ledger, one_server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        one_server.client.config_set("maxmemory", "1")
        try:
            ledger.commit(TWO)
            assert ledger.unsaved() is True
        finally:
            one_server.client.config_set("maxmemory", "0")
        clock.advance(RETRY_SECONDS / 2)
        ledger.commit(LedgerChange(notes={"n": "t"}))
        assert ledger.unsaved(), "it is tried again too soon"
        clock.advance(RETRY_SECONDS)
        ledger.commit(LedgerChange(notes={"m": "t"}))
        assert not ledger.unsaved()
        assert Ledger(link, keys, clock, "b").state == ledger.state

    def test_a_change_that_was_made_without_an_answer_is_made_once(
        self, ledger: Ledger, link: Link, keys: Keys, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = link.run

        def without_answer(*arguments: object) -> object:
            run(*arguments)  # type: ignore[arg-type]
            raise Away("unreachable")

        with monkeypatch.context() as patched:
            patched.setattr(link, "run", without_answer)
            ledger.commit(ONE)
        clock.advance(RETRY_SECONDS + 1)
        ledger.commit(TWO)
        assert (ledger.lost, ledger.unsaved()) == (0, False)
        assert Ledger(link, keys, clock, "b").state == ledger.state

    @pytest.mark.parametrize(
        ("trouble", "at_once"), [("unreachable", True), ("read_only", True), ("full", False), ("refused", False)]
    )
    def test_when_a_lease_is_kept_again_what_failed_for_everything_alike_is_saved_at_once(
        self,
        ledger: Ledger,
        link: Link,
        clock: ManualClock,
        monkeypatch: pytest.MonkeyPatch,
        trouble: Trouble,
        at_once: bool,
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(link, "run", mock.Mock(side_effect=Away(trouble)))
            ledger.commit(ONE)
        clock.advance(0.1)
        ledger.commit(TWO)
        assert ledger.unsaved(), "nobody knows that it would work now"
        ledger.store.retry()
        ledger.commit(LedgerChange())
        assert ledger.unsaved() is not at_once

    def test_a_lease_that_is_kept_is_no_reason_to_save_anything(
        self, ledger: Ledger, link: Link, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger.commit(ONE)
        ledger.store.retry()
        assert not ledger.unsaved()
        with monkeypatch.context() as patched:
            patched.setattr(link, "run", mock.Mock(side_effect=Away("unreachable")))
            ledger.commit(TWO)
        clock.advance(RETRY_SECONDS)
        ledger.commit(LedgerChange())
        ledger.store.retry()
        assert not ledger.unsaved(), "nor after what failed was saved"


class TestUnreadable:
    def test_a_newer_layout_is_left_alone(
        self, ledger: Ledger, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        ledger.commit(ONE)
        server.client.hset(keys.ledger, "layout", str(VERSION + 1))
        with pytest.raises(Away) as failure:
            Ledger(link, keys, clock, "b")
        assert failure.value.trouble == "newer"

    @pytest.mark.parametrize("row", [b"", b"[]", b'["flow"]', b"\xff", b'["flow","x","y"]', b"{}"])
    def test_a_row_that_nobody_wrote_is_told(
        self, row: bytes, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        server.client.hset(keys.table("counted"), "one", row)
        with pytest.raises(Away) as failure:
            Ledger(link, keys, clock)
        assert failure.value.trouble == "corrupt"

    @pytest.mark.parametrize("layout", [b"", b"x", b"-"])
    def test_a_layout_that_is_none_is_told(
        self, layout: bytes, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        server.client.hset(keys.ledger, "layout", layout)
        with pytest.raises(Away) as failure:
            Ledger(link, keys, clock)
        assert failure.value.trouble == "corrupt"

    def test_a_key_of_another_kind_is_told(
        self, server: RedisServer, link: Link, keys: Keys, clock: ManualClock
    ) -> None:
        server.client.set(keys.table("flow"), "x")
        with pytest.raises(Away):
            Ledger(link, keys, clock)
