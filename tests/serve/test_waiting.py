"""How long a scrape waits for collectors that take long."""

import asyncio
from concurrent.futures import Future
from contextlib import closing
from typing import cast
from weakref import WeakSet

import pytest

from exporter.serve.fleet import Fleet
from exporter.serve.roster import Roster
from exporter.serve.scrape import refresh

SHORT, LONG = 0.05, 60.0


class Runs:
    """Stands for a fleet: hands out the runs under way."""

    def __init__(self, *runs: Future[None]) -> None:
        self.runs = list(runs)
        self.stopping = False
        self.outlived: WeakSet[Future[None]] = WeakSet()

    def trigger(self, _: object) -> list[Future[None]]:
        return [run for run in self.runs if not run.done()]


def wait(runs: Runs, seconds: float) -> float:
    """Let one scrape wait; how long it did, by the loop's clock."""

    async def measured() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await refresh(cast("Fleet", runs), cast("Roster", runs), None, seconds)
        return loop.time() - started

    with closing(asyncio.new_event_loop()) as loop:
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
