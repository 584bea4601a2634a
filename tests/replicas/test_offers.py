"""What many accounts have to publish is sent together, and what goes wrong with one costs no other anything."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import cast

import pytest

from exporter.config.settings import RedisSettings
from exporter.replicas.keys import Keys
from exporter.replicas.link import PAUSE_SECONDS, Call, Link
from exporter.replicas.offers import TOGETHER
from exporter.replicas.scripts import ACQUIRE
from tests.clocks import ManualClock
from tests.replicas.line import Line
from tests.replicas.publishing import Replica, elsewhere, published, show, told, watched
from tests.replicas.redis_server import RedisServer

Made = Callable[..., list[Replica]]

SECRET = "secret of a record"


def names(calls: Sequence[Call]) -> set[str]:
    """Keys of the leases that calls are about."""
    return {call.keys[0] for call in calls}


def leases(accounts: Sequence[Replica]) -> set[str]:
    """Keys of their leases."""
    return {each.keys.lease for each in accounts}


def whole(calls: Sequence[Call]) -> list[bool]:
    """Of each publication, whether it replaces whatever is there."""
    return [call.args[2] == "*" for call in calls]


@pytest.fixture
def made(link: Link, clock: ManualClock) -> Made:
    """Makes accounts that one replica leads."""

    def make(count: int, link: Link = link) -> list[Replica]:
        keys = [Keys("celigo-exporter", f"account-{number:03}") for number in range(count)]
        accounts = [Replica(link, each, clock, "a") for each in keys]
        for each in accounts:
            each.lead()
        return accounts

    return make


class TestTogether:
    def test_many_accounts_cost_one_answer_for_so_many(
        self, made: Made, link: Link, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts = made(2 * TOGETHER + 1)
        show(accounts, 1)
        sent = watched(link, monkeypatch)
        assert published(accounts) == []
        assert [len(calls) for calls in sent] == [TOGETHER, TOGETHER, 1]
        assert set().union(*map(names, sent)) == leases(accounts)
        assert told(accounts) == elsewhere(link, accounts, clock) == [1.0] * len(accounts)

    def test_only_those_with_something_new_are_in_it(
        self, made: Made, link: Link, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts = made(6)
        show(accounts, 1)
        published(accounts)
        show(accounts[1:3], 2)
        sent = watched(link, monkeypatch)
        published(accounts)
        assert [names(calls) for calls in sent] == [leases(accounts[1:3])]
        assert told(accounts) == [1.0, 2.0, 2.0, 1.0, 1.0, 1.0]

    def test_nothing_new_costs_nothing(self, made: Made, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
        accounts = made(TOGETHER + 1)
        show(accounts, 1)
        published(accounts)
        sent = watched(link, monkeypatch)
        assert published(accounts) == []
        assert sent == []


class TestBehind:
    def test_those_of_which_redis_has_something_else_are_sent_again_as_a_whole_and_no_others(
        self, made: Made, link: Link, clock: ManualClock, server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts = made(5)
        show(accounts, 1)
        published(accounts)
        forgotten = [accounts[1], accounts[3]]
        server.client.hset(forgotten[0].keys.served, "version", "older")
        server.client.delete(forgotten[1].keys.served, forgotten[1].keys.image)
        for each in accounts:
            each.runtime.show("checks", 2)
        sent = watched(link, monkeypatch)
        assert published(accounts) == []
        assert [names(calls) for calls in sent] == [leases(accounts), leases(forgotten)]
        assert [set(whole(calls)) for calls in sent] == [{False}, {True}]
        assert elsewhere(link, accounts, clock) == [1.0] * len(accounts)
        assert set(server.client.hkeys(forgotten[1].keys.image)) == {b"live", b"positions"}


class TestApart:
    def test_a_key_that_is_broken_costs_no_other_account_its_publication(
        self, made: Made, link: Link, server: RedisServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        accounts = made(4)
        broken, others = accounts[1], [accounts[0], *accounts[2:]]
        server.client.set(broken.keys.served, SECRET)
        show(accounts, 1)
        assert published(accounts) == []
        assert elsewhere(link, others, clock) == told(others) == [1.0] * len(others)
        assert told([broken]) == [None]
        assert SECRET not in caplog.text
        server.client.delete(broken.keys.served)
        published(accounts)
        assert elsewhere(link, accounts, clock) == told(accounts) == [1.0] * len(accounts)

    def test_a_bug_in_one_account_costs_no_other_one_its_publication_and_is_told_without_its_text(
        self,
        made: Made,
        link: Link,
        clock: ManualClock,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def bug(*_: object) -> None:
            raise KeyError(SECRET)

        accounts = made(4)
        show(accounts, 1)
        with monkeypatch.context() as patched:
            patched.setattr(accounts[1].runtime, "image", bug)
            assert published(accounts) == []
        assert elsewhere(link, accounts, clock) == told(accounts) == [1.0, None, 1.0, 1.0]
        (line,) = caplog.records
        fields = line.__dict__["fields"]
        assert (line.levelname, fields["account"]) == ("ERROR", accounts[1].keys.account)
        assert SECRET not in f"{line.getMessage()} {fields}"
        published(accounts)
        assert elsewhere(link, accounts, clock) == [1.0] * len(accounts)

    @pytest.mark.parametrize("alone", [False, True])
    def test_those_whose_lease_is_another_replicas_are_told_back_and_nobody_else(
        self, made: Made, link: Link, clock: ManualClock, alone: bool
    ) -> None:
        accounts = made(TOGETHER + 10)
        show(accounts, 1)
        published(accounts)
        clock.advance(16)
        lost = [accounts[2], accounts[7], accounts[-1]]
        for each in lost:
            assert link.run(ACQUIRE, [each.keys.lease], ["b", link.stamp(), 15_000])
        show(accounts, 2)
        assert published(accounts, alone=alone) == [each.keys.account for each in lost]
        expected = [1.0 if each in lost else 2.0 for each in accounts]
        assert elsewhere(link, accounts, clock) == told(accounts) == expected


class TestAway:
    @pytest.fixture
    def line(self, server: RedisServer) -> Iterator[Line]:
        with Line(server.port) as held:
            yield held

    @pytest.fixture
    def far(self, line: Line, clock: ManualClock) -> Iterator[Link]:
        """A link that can be cut."""
        settings = RedisSettings(f"redis://127.0.0.1:{line.port}/0")
        with closing(Link(settings, {}, clock, lambda: int(clock.time() * 1000))) as held:
            yield held

    @pytest.mark.parametrize("alone", [False, True])
    def test_nothing_is_raised_and_all_is_sent_again_as_a_whole_when_it_is_back(
        self,
        made: Made,
        line: Line,
        link: Link,
        far: Link,
        clock: ManualClock,
        monkeypatch: pytest.MonkeyPatch,
        alone: bool,
    ) -> None:
        accounts = made(3, far)
        show(accounts, 1)
        published(accounts)
        line.cut()
        show(accounts, 2)
        assert published(accounts, alone=alone) == []
        assert far.trouble == "unreachable"
        assert told(accounts) == [2.0 if alone else 1.0] * 3
        line.mend()
        clock.advance(2 * PAUSE_SECONDS)
        sent = watched(far, monkeypatch)
        published(accounts, alone=alone)
        assert [whole(calls) for calls in sent] == [[True] * 3]
        assert elsewhere(link, accounts, clock) == told(accounts) == [2.0] * 3
        published(accounts, alone=alone)
        assert len(sent) == 1, "once is enough"


class Meeting:
    """A lock. Two threads go on once each of them has its first one, or found it taken."""

    def __init__(self, both: threading.Barrier, met: threading.local) -> None:
        self._lock, self._both, self._met = threading.Lock(), both, met

    def __enter__(self) -> None:
        got = self._lock.acquire(blocking=False)
        if not hasattr(self._met, "once"):
            self._met.once = self._both.wait(60)
        if not got:
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class TestThreads:
    def test_two_that_publish_the_same_accounts_in_opposite_orders_both_end(self, made: Made) -> None:
        accounts, both, met = made(4), threading.Barrier(2), threading.local()
        show(accounts, 1)
        for each in accounts:
            each.publisher.held = cast("threading.Lock", Meeting(both, met))
        lost: list[list[str]] = []
        threads = [
            threading.Thread(target=lambda order=order: lost.append(published(accounts[::order])), daemon=True)
            for order in (1, -1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert lost == [[], []]

    def test_who_reads_what_is_served_does_not_wait_for_who_publishes(self, made: Made) -> None:
        (account,) = made(1)
        show([account], 1)
        published([account])
        seen: list[float | None] = []
        with account.publisher.held:
            reader = threading.Thread(target=lambda: seen.extend(told([account])), daemon=True)
            reader.start()
            reader.join(60)
            assert seen == [1.0]
