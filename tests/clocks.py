"""Virtual time for tests: days pass in microseconds, and no test sleeps.

Time stands still while any taking-part thread runs, and moves to the earliest wake-up when all of them wait. So what a
thread reads from the clock after it woke is exactly when it woke, on any machine and with any number of threads.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

EPOCH = 1_788_000_000.0
"""Wall time at which a manual clock starts: 2026-08-29T10:40:00Z."""

_POLL_SECONDS = 0.002
"""How often a waiting thread looks whether its event was set; affects only the real run time of a test."""


class ManualClock:
    """A `Clock` whose time moves only by `advance` or when every taking-part thread waits.

    `participants` is the number of threads that count as running; 1 (the test's own thread) makes each wait return
    at once with time moved on, 0 makes waits block until somebody calls `advance`.
    """

    def __init__(self, wall: float = EPOCH, participants: int = 1) -> None:
        self._changed = threading.Condition()
        self._passed = 0.0
        self._wall = wall
        self._monotonic = 5000.0
        self._participants = participants
        self._wakes: list[float] = []

    def time(self) -> float:
        """Virtual Unix seconds."""
        with self._changed:
            return self._wall + self._passed

    def monotonic(self) -> float:
        """Virtual monotonic seconds."""
        with self._changed:
            return self._monotonic + self._passed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let virtual time pass until `seconds` are over or `event` is set."""
        with self._changed:
            wake = self._passed + max(0.0, seconds)
            if not event.is_set() and wake > self._passed:
                self._wakes.append(wake)
                self._move_when_all_wait()
                while self._passed < wake and not event.is_set():
                    self._changed.wait(_POLL_SECONDS)
                if wake in self._wakes:
                    self._wakes.remove(wake)
            return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move time on; waits that end by then return."""
        with self._changed:
            self._move_to(self._passed + seconds)

    def set_wall(self, wall: float) -> None:
        """Set the wall clock as an administrator would; monotonic time goes on unchanged."""
        with self._changed:
            self._wall = wall - self._passed

    @property
    def waiting(self) -> int:
        """How many threads wait right now."""
        with self._changed:
            return len(self._wakes)

    @contextmanager
    def crowd(self, count: int) -> Iterator[None]:
        """Inside, `count` threads take part, each of which calls `leave` when it is done."""
        with self._changed:
            before, self._participants = self._participants, count
        try:
            yield
        finally:
            with self._changed:
                self._participants = before

    def leave(self) -> None:
        """Say that one taking-part thread has ended."""
        with self._changed:
            self._participants -= 1
            self._move_when_all_wait()

    def _move_when_all_wait(self) -> None:
        if self._wakes and 0 < self._participants <= len(self._wakes):
            self._move_to(min(self._wakes))

    def _move_to(self, passed: float) -> None:
        # Whoever is due counts as running from here on, before it has got the lock again.
        self._passed = max(self._passed, passed)
        self._wakes = [wake for wake in self._wakes if wake > self._passed]
        self._changed.notify_all()


def run_together(clock: ManualClock, tasks: Sequence[Callable[[], None]]) -> None:
    """Run `tasks` in a thread each, started at a barrier, in the clock's time; raise the first failure."""
    barrier = threading.Barrier(len(tasks))
    failures: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            barrier.wait(30)
            task()
        except BaseException as failure:
            failures.append(failure)
        finally:
            clock.leave()

    threads = [
        threading.Thread(target=run, args=(task,), name=f"together-{number}") for number, task in enumerate(tasks)
    ]
    with clock.crowd(len(tasks)):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    if any(thread.is_alive() for thread in threads):
        raise AssertionError("a thread did not end")
    if failures:
        raise failures[0]
