"""How many runs of all accounts go on together, and whose turn is next.

Hundreds of accounts that are due at once would decode, diff and commit at once, and the most urgent of it would be done
last. So a run takes one of a few places, and waits for one without a thread. What keeps that fair:

- The more urgent a run, the earlier its turn; but who has waited long enough is as urgent as any, so none starves.
- A run that has lasted longer than a moment does not count any more: it waits for its API, and its place is for others.
- An account whose last run lasted so long is slow. Its runs begin at once and take no place until one of them is quick:
  however many accounts hang, each of them has kept a place for one moment, and it harms itself alone.
"""

import contextvars
import heapq
import itertools
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from exporter.clock import Clock
from exporter.collect.workers import Executor

PLACES = 32
"""Runs that count at one time. One account alone never fills them."""

MOMENT_SECONDS = 2.0
"""How long a run keeps its place."""

RANK_SECONDS = 5.0
"""By how much longer a run has to have waited to be before one of the next higher rank."""


@dataclass(eq=False, slots=True)
class _Entry:
    owner: Hashable
    executor: Executor
    task: Callable[[], None]
    lost: Callable[[Exception], None]
    future: Future[None] = field(default_factory=Future)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    started: float = 0.0


class Gate:
    """Lets runs begin. Thread-safe; `owner` is the account, whatever stands for it.

    A thread looks after places that become free by time, as long as somebody waits for one.
    """

    def __init__(self, clock: Clock, places: int = PLACES) -> None:
        self._clock = clock
        self._places = places
        self._lock = threading.Lock()  # guards everything below
        self._waiting: list[tuple[float, int, _Entry]] = []
        self._counted: dict[_Entry, None] = {}  # in the order of their start
        self._slow: set[Hashable] = set()
        self._numbers = itertools.count()
        self._gathering = 0
        self._watched = False
        self._nobody_waits = threading.Event()

    def submit(
        self,
        owner: Hashable,
        rank: int,
        executor: Executor,
        task: Callable[[], None],
        lost: Callable[[Exception], None] = lambda _: None,
    ) -> Future[None]:
        """Let `executor` run `task` when it is its turn, in the caller's context; the future tells when it ended.

        `rank` 0 is the most urgent. `lost` is told what `executor` raised when it could not begin the task.
        """
        entry = _Entry(owner, executor, task, lost)
        with self._lock:
            urgency = self._clock.monotonic() + rank * RANK_SECONDS
            heapq.heappush(self._waiting, (urgency, next(self._numbers), entry))
        self.look()
        return entry.future

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Inside, runs are only gathered, so that the most urgent one of all begins first."""
        with self._lock:
            self._gathering += 1
        try:
            yield
        finally:
            with self._lock:
                self._gathering -= 1
            self.look()

    def look(self) -> None:
        """Let those begin who can."""
        while entries := self._admitted():
            for entry in entries:
                self._begin(entry)

    def forget(self, owner: Hashable) -> None:
        """Cancel what waits of an account that ends, and think nothing of it any more."""
        with self._lock:
            gone = [entry for _, _, entry in self._waiting if entry.owner == owner]
            self._waiting = [each for each in self._waiting if each[2].owner != owner]
            heapq.heapify(self._waiting)
            self._slow.discard(owner)
            if not self._waiting:
                self._nobody_waits.set()
        for entry in gone:
            entry.future.cancel()

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        with self._lock:
            return len(self._waiting)

    def _admitted(self) -> list[_Entry]:
        """Those whose turn it is now, taken out of the queue."""
        with self._lock:
            if self._gathering or not self._waiting:
                return []
            now = self._clock.monotonic()
            self._overlook(now)
            admitted = self._of_slow_accounts()
            while self._waiting and len(self._counted) < self._places:
                entry = heapq.heappop(self._waiting)[2]
                self._counted[entry] = None
                admitted.append(entry)
            for entry in admitted:
                entry.started = now
            self._watch()
            return admitted

    def _overlook(self, now: float) -> None:
        """Count those no more that have lasted longer than a moment."""
        for entry in [each for each in self._counted if now - each.started >= MOMENT_SECONDS]:
            del self._counted[entry]
            self._slow.add(entry.owner)

    def _of_slow_accounts(self) -> list[_Entry]:
        slow = [each for each in self._waiting if each[2].owner in self._slow]
        if slow:
            self._waiting = [each for each in self._waiting if each[2].owner not in self._slow]
            heapq.heapify(self._waiting)
        return [entry for _, _, entry in sorted(slow)]

    def _begin(self, entry: _Entry) -> None:
        if not entry.future.set_running_or_notify_cancel():
            self._leave(entry)
            return
        try:
            entry.context.run(entry.executor.submit, lambda: self._run(entry))
        except Exception as failure:  # no thread: whoever waits is told, and the place is another's
            self._leave(entry)
            entry.lost(failure)
            entry.future.set_exception(failure)

    def _run(self, entry: _Entry) -> None:
        try:
            entry.task()
        except BaseException as error:
            self._leave(entry)
            entry.future.set_exception(error)
            raise
        else:
            self._leave(entry)
            entry.future.set_result(None)
        finally:
            self.look()

    def _leave(self, entry: _Entry) -> None:
        with self._lock:
            self._counted.pop(entry, None)
            if self._clock.monotonic() - entry.started < MOMENT_SECONDS:
                self._slow.discard(entry.owner)
            else:
                self._slow.add(entry.owner)

    def _watch(self) -> None:
        if self._waiting and not self._watched:
            try:
                threading.Thread(target=self._look_again, name="gate", daemon=True).start()
            except RuntimeError:  # no more threads: places become free when runs end
                return
            self._watched = True

    def _look_again(self) -> None:
        while (seconds := self._until_free()) is not None:
            self._clock.wait(self._nobody_waits, seconds)
            self.look()

    def _until_free(self) -> float | None:
        """Seconds until a place becomes free by time; None, and the end of the watch, when nobody waits for one."""
        with self._lock:
            if not self._waiting:
                self._watched = False
                return None
            self._nobody_waits.clear()
            oldest = next(iter(self._counted), None)
            since = self._clock.monotonic() if oldest is None else oldest.started
            return max(0.01, since + MOMENT_SECONDS - self._clock.monotonic())
