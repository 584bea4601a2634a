"""How long a scrape waits for collectors that take long, and for Redis where replicas share the accounts."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from selectors import DefaultSelector
from typing import Any, cast
from weakref import WeakSet

import pytest

from exporter.serve.fleet import Fleet
from exporter.serve.roster import Roster
from exporter.serve.scrape import refresh

SHORT, LONG = 0.05, 60.0


class Runs:
    """Stands for a fleet and a group of it: hands out the runs under way.

    `desk` is there when replicas share the accounts; `freshening_seconds` is how long Redis may take then.
    """

    def __init__(self, *runs: Future[None], desk: object = None, freshening_seconds: float = 0.0) -> None:
        self.runs = list(runs)
        self.stopping = False
        self.outlived: WeakSet[Future[None]] = WeakSet()
        self.desk = desk
        self.freshening_seconds = freshening_seconds

    def trigger(self, _: object) -> list[Future[None]]:
        return [run for run in self.runs if not run.done()]

    def freshen(self) -> None:
        raise AssertionError("there is nothing to freshen")


class Shared(Runs):
    """The same where replicas share the accounts. `freshened_at` are instants of `loop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *runs: Future[None], freshening_seconds: float) -> None:
        super().__init__(*runs, desk=self, freshening_seconds=freshening_seconds)
        self.freshened_at: list[float] = []
        self._loop = loop

    def freshen(self) -> None:
        self.freshened_at.append(self._loop.time())


class Hanging(Runs):
    """Freshening hangs until it is `freed`."""

    def __init__(self) -> None:
        super().__init__(desk=self)
        self.freed = threading.Event()

    def freshen(self) -> None:
        self.freed.wait(LONG)


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop whose waits take no time, but for those for a thread of its own: its clock stands still then."""

    def __init__(self) -> None:
        loop, others = self, set(threading.enumerate())
        self._now = 0.0

        class Selector(DefaultSelector):
            def select(self, timeout: float | None = None) -> list[Any]:
                ready = super().select(0)
                if ready or not timeout:
                    return ready
                if any("AnyIO" in each.name for each in set(threading.enumerate()) - others):
                    return super().select(LONG)
                loop._now += timeout
                return []

        super().__init__(Selector())

    def time(self) -> float:
        return self._now


def wait(runs: Runs, seconds: float) -> float:
    """Let one scrape wait; how long it did, by the loop's clock."""
    with closing(asyncio.new_event_loop()) as loop:
        return waited(loop, runs, seconds)


def waited(loop: asyncio.AbstractEventLoop, runs: Runs, seconds: float) -> float:
    """The same in a loop."""

    async def measured() -> float:
        started = loop.time()
        await refresh(cast("Fleet", runs), cast("Roster", runs), None, seconds)
        return loop.time() - started

    return loop.run_until_complete(measured())


@pytest.fixture
def slow() -> Future[None]:
    return Future()


def test_a_scrape_waits_no_longer_than_it_may(slow: Future[None]) -> None:
    assert wait(Runs(slow), SHORT) >= SHORT


def test_a_run_that_outlived_one_scrape_is_not_waited_for_by_the_next(slow: Future[None]) -> None:
    runs = Runs(slow)
    wait(runs, SHORT)
    assert wait(runs, LONG) < LONG / 2


def test_a_new_run_is_waited_for_although_an_old_one_goes_on(slow: Future[None]) -> None:
    runs = Runs(slow)
    wait(runs, SHORT)
    runs.runs.append(Future())
    assert wait(runs, SHORT) >= SHORT


def test_the_next_run_of_the_same_collector_is_waited_for_again(slow: Future[None]) -> None:
    runs = Runs(slow)
    wait(runs, SHORT)
    slow.set_result(None)
    runs.runs = [Future()]
    assert wait(runs, SHORT) >= SHORT


def test_with_nothing_under_way_a_scrape_does_not_wait() -> None:
    assert wait(Runs(), LONG) < LONG / 2


def test_the_end_of_the_exporter_ends_the_wait(slow: Future[None]) -> None:
    runs = Runs(slow)
    runs.stopping = True
    assert wait(runs, LONG) < LONG / 2


class TestShared:
    """Where replicas share the accounts, a scrape leaves time for Redis."""

    @pytest.fixture
    def loop(self) -> Iterator[asyncio.AbstractEventLoop]:
        with closing(HurriedLoop()) as held:
            yield held

    @pytest.mark.parametrize(("redis", "collectors"), [(0.3, 9.7), (4.0, 6.0), (5.0, 5.0), (6.0, 5.0), (60.0, 5.0)])
    def test_collectors_have_what_redis_may_not_take_and_never_less_than_half(
        self, loop: asyncio.AbstractEventLoop, slow: Future[None], redis: float, collectors: float
    ) -> None:
        runs = Shared(loop, slow, freshening_seconds=redis)
        waited(loop, runs, 10.0)
        assert runs.freshened_at == [pytest.approx(collectors)]

    def test_what_was_read_sooner_is_published_at_once(self, loop: asyncio.AbstractEventLoop) -> None:
        runs = Shared(loop, freshening_seconds=4.0)
        assert waited(loop, runs, 10.0) == 0.0
        assert runs.freshened_at == [0.0]

    def test_the_end_of_the_exporter_ends_the_wait_and_what_was_read_is_told(
        self, loop: asyncio.AbstractEventLoop, slow: Future[None]
    ) -> None:
        runs = Shared(loop, slow, freshening_seconds=4.0)
        runs.stopping = True
        waited(loop, runs, 10.0)
        assert runs.freshened_at == [0.0]

    def test_a_redis_that_hangs_holds_up_no_scrape(self) -> None:
        runs = Hanging()
        try:
            assert wait(runs, SHORT) < LONG / 2
        finally:
            runs.freed.set()

    def test_without_a_desk_nothing_is_freshened_and_no_time_left_for_it(
        self, loop: asyncio.AbstractEventLoop, slow: Future[None]
    ) -> None:
        assert waited(loop, Runs(slow), 10.0) == pytest.approx(10.0)
