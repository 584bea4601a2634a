"""The threads of an account: work in order, each result reported, and an end that waits for nobody for long."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial

import pytest

from exporter.collect.workers import Workers
from tests.e2e.processes import until

LONG = 30.0
"""Seconds after which a test gives up; nothing here takes that long."""


@pytest.fixture
def two() -> Iterator[Workers]:
    held = Workers("account-acme", 2)
    yield held
    assert held.close(LONG)


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def waiting(gate: threading.Event) -> Callable[[], None]:
    """A task that ends when `gate` opens."""

    def task() -> None:
        assert gate.wait(LONG)

    return task


class TestThreads:
    def test_they_are_named_daemons_and_as_many_as_there_is_work(self) -> None:
        held, gate = Workers("account-named", 3), threading.Event()
        assert threads("account-named") == []
        for number in range(5):
            held.submit(waiting(gate))
            assert len(threads("account-named")) == min(number + 1, 3)
        names = [thread.name for thread in threads("account-named")]
        assert sorted(names) == ["account-named-0", "account-named-1", "account-named-2"]
        assert all(thread.daemon for thread in threads("account-named"))
        gate.set()
        assert held.close(LONG)
        assert threads("account-named") == []

    def test_they_end_when_there_is_nothing_to_do_and_come_back_when_there_is(self) -> None:
        held = Workers("account-idle", 4)
        for _ in range(3):
            for future in [held.submit(lambda: None) for _ in range(8)]:
                future.result(LONG)
            until(lambda: not threads("account-idle"), "the end of the threads")
        assert held.close(LONG)

    def test_one_that_is_left_takes_what_is_queued_before_it_ends(self) -> None:
        held, gate, seen = Workers("account-kept", 1), threading.Event(), []
        held.submit(waiting(gate))
        futures = [held.submit(lambda: seen.append(threading.get_ident())) for _ in range(5)]
        gate.set()
        for future in futures:
            future.result(LONG)
        assert len(set(seen)) == 1
        assert held.close(LONG)

    def test_work_that_no_thread_can_be_made_for_is_refused_and_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held, ran = Workers("account-full", 2), []

        def full(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", full)
            with pytest.raises(RuntimeError, match="new thread"):
                held.submit(lambda: ran.append("refused"))
        held.submit(lambda: ran.append("taken")).result(LONG)
        assert ran == ["taken"]
        assert held.close(LONG)

    def test_as_many_tasks_run_together_as_there_are_threads(self, two: Workers) -> None:
        meeting = threading.Barrier(2)

        def meet() -> None:
            meeting.wait(LONG)

        for future in [two.submit(meet) for _ in range(2)]:
            future.result(LONG)

    def test_tasks_of_one_thread_run_in_order(self) -> None:
        order: list[int] = []
        held = Workers("account-order", 1)
        futures = [held.submit(partial(order.append, number)) for number in range(50)]
        for future in futures:
            future.result(LONG)
        assert order == list(range(50))
        assert held.close(LONG)


class TestFutures:
    def test_a_future_ends_when_its_task_did(self, two: Workers) -> None:
        gate = threading.Event()
        future = two.submit(waiting(gate))
        assert not future.done()
        gate.set()
        assert future.result(LONG) is None
        assert future.done()

    @pytest.mark.parametrize(
        "error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()], ids=lambda error: type(error).__name__
    )
    def test_whatever_a_task_raises_is_in_its_future_and_ends_no_thread(self, error: BaseException) -> None:
        held = Workers("account-raises", 1)

        def task() -> None:
            raise error

        future = held.submit(task)
        assert future.exception(LONG) is error
        held.submit(lambda: None).result(LONG)
        assert held.close(LONG)

    def test_a_cancelled_task_does_not_run(self) -> None:
        held, gate, ran = Workers("account-cancel", 1), threading.Event(), []
        first = held.submit(waiting(gate))
        second = held.submit(lambda: ran.append("second"))
        third = held.submit(lambda: ran.append("third"))
        assert second.cancel()
        gate.set()
        first.result(LONG)
        third.result(LONG)
        assert ran == ["third"]
        with pytest.raises(CancelledError):
            second.result(LONG)
        assert held.close(LONG)


class TestClose:
    def test_what_is_queued_is_done_first(self) -> None:
        held, gate = Workers("account-queued", 1), threading.Event()
        futures: list[Future[None]] = [held.submit(waiting(gate)) for _ in range(4)]
        gate.set()
        assert held.close(LONG)
        assert all(future.done() for future in futures)

    def test_a_hanging_task_is_told_and_not_waited_for(self) -> None:
        held, gate, running = Workers("account-hangs", 2), threading.Event(), threading.Event()

        def hang() -> None:
            running.set()
            gate.wait(LONG)

        future = held.submit(hang)
        assert running.wait(LONG)
        started = time.monotonic()
        assert not held.close(0.2)
        assert time.monotonic() - started < LONG / 2
        gate.set()
        future.result(LONG)
        assert held.close(LONG)

    def test_afterwards_nothing_is_taken(self) -> None:
        held = Workers("account-closed", 1)
        assert held.close(LONG)
        with pytest.raises(RuntimeError, match="closed"):
            held.submit(lambda: None)

    def test_it_can_be_closed_without_having_worked(self) -> None:
        assert Workers("account-unused", 4).close(LONG)
