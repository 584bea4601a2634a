"""How many runs of all accounts go on together, and whose turn is next.

Hundreds of accounts that are due at once would decode, diff and commit at once; scrapes would wait behind all of them,
and the most urgent would be done last. So a run takes one of a few places, and waits for one without a thread:

- The more urgent a run, the earlier its turn; but who has waited long enough is as urgent as any, so none starves. Some
  places are for the urgent ones alone.
- A run that waits for its account's budget leaves its place to others meanwhile. One that has waited for an answer for
  longer than a moment does not count any more: its place is for others.
- An account whose last run hung so is slow. Its runs begin at once and take no place until one of them does not hang:
  however many accounts hang, each of them has kept a place for one moment, and it harms itself alone.

That a run takes long says nothing about its API, because all of them share a processor.
"""

import contextvars
import itertools
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from exporter.api.refresh import Away
from exporter.clock import Clock
from exporter.collect.workers import Executor

PLACES = 12
"""Runs that work, or wait for an answer, at one time. One account alone never fills them."""

GOING = 48
"""Runs that have begun, those that wait for a budget among them; those that hang do not count."""

SHARES = (12, 12, 9, 9, 3)
"""Of the places, how many runs of each rank and those behind it may have."""

MOMENT_SECONDS = 2.0
"""How long a run keeps its place while it waits for an answer."""

RANK_SECONDS = 5.0
"""By how much longer a run has to have waited to be before one of the next higher rank."""

_LOOK_SECONDS = 0.5
"""How often is looked who hangs, while somebody waits."""

Task = Callable[[Away], None]
"""What a run does; it is handed what to tell of its waits."""


@dataclass(eq=False, slots=True)
class _Entry:
    owner: Hashable
    rank: int
    executor: Executor
    task: Task
    lost: Callable[[Exception], None]
    urgency: float
    number: int
    future: Future[None] = field(default_factory=Future)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    away_since: float | None = None
    idle: bool = False
    hung: bool = False


class Gate:
    """Lets runs begin. Thread-safe; `owner` is the account, whatever stands for it.

    A thread looks after places that become free by time, as long as somebody waits for one.
    """

    def __init__(self, clock: Clock, places: int = PLACES) -> None:
        self._clock = clock
        self._places = places
        self._lock = threading.Lock()  # guards everything below
        self._waiting: list[deque[_Entry]] = [deque() for _ in SHARES]
        self._going: dict[_Entry, None] = {}
        self._hanging: set[_Entry] = set()
        self._slow: set[Hashable] = set()
        self._numbers = itertools.count()
        self._gathering = 0
        self._gathered_since = 0.0
        self._watched = False
        self._nobody_waits = threading.Event()

    def submit(
        self,
        owner: Hashable,
        rank: int,
        executor: Executor,
        task: Task,
        lost: Callable[[Exception], None] = lambda _: None,
    ) -> Future[None]:
        """Let `executor` run `task` when it is its turn, in the caller's context; the future tells when it ended.

        `rank` 0 is the most urgent. `lost` is told what `executor` raised when it could not begin the task.
        """
        with self._lock:
            urgency = self._clock.monotonic() + rank * RANK_SECONDS
            entry = _Entry(owner, rank, executor, task, lost, urgency, next(self._numbers))
            self._waiting[rank].append(entry)
        self.look()
        return entry.future

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Inside, runs are only gathered, for a moment at most: the most urgent one of all is to begin first.

        Also for who needs the processor more than they do.
        """
        with self._lock:
            if not self._gathering:
                self._gathered_since = self._clock.monotonic()
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
            gone = self._taken_out(lambda entry: entry.owner == owner)
            self._slow.discard(owner)
            if not any(self._waiting):
                self._nobody_waits.set()
        for entry in gone:
            entry.future.cancel()

    def slow(self, owner: Hashable) -> bool:
        """Whether the account's newest run that ended hung, or one hangs now."""
        with self._lock:
            self._overlook(self._clock.monotonic())
            return owner in self._slow or any(entry.owner == owner for entry in self._hanging)

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        with self._lock:
            return sum(map(len, self._waiting))

    def _admitted(self) -> list[_Entry]:
        """Those whose turn it is now, taken out of the queue."""
        with self._lock:
            now = self._clock.monotonic()
            gathers = self._gathering > 0 and now - self._gathered_since < MOMENT_SECONDS
            if gathers or not any(self._waiting):
                return []
            self._overlook(now)
            admitted = self._taken_out(lambda entry: entry.owner in self._slow) if self._slow else []
            while (entry := self._next()) is not None:
                self._going[entry] = None
                admitted.append(entry)
            self._watch()
            return admitted

    def _overlook(self, now: float) -> None:
        """Count those no more that have waited for longer than a moment."""
        for entry in list(self._going):
            self._overlook_one(entry, now)

    def _overlook_one(self, entry: _Entry, now: float) -> None:
        if entry.away_since is not None and now - entry.away_since >= MOMENT_SECONDS:
            entry.hung = True
            self._hanging.add(entry)
            self._going.pop(entry, None)
            self._slow.add(entry.owner)

    def _next(self) -> _Entry | None:
        """The most urgent one that there is a place for."""
        if len(self._going) >= GOING:
            return None
        working = [entry.rank for entry in self._going if not entry.idle]
        if len(working) >= self._places:
            return None
        room = [sum(each >= rank for each in working) < share for rank, share in enumerate(SHARES)]
        firsts = [queue[0] for rank, queue in enumerate(self._waiting) if queue and all(room[: rank + 1])]
        if not firsts:
            return None
        entry = min(firsts, key=lambda entry: (entry.urgency, entry.number))
        return self._waiting[entry.rank].popleft()

    def _taken_out(self, wanted: Callable[[_Entry], bool]) -> list[_Entry]:
        found = [entry for queue in self._waiting for entry in queue if wanted(entry)]
        if found:
            self._waiting = [deque(entry for entry in queue if not wanted(entry)) for queue in self._waiting]
        return found

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
            entry.task(lambda idle: self._away(entry, idle=idle))
        except BaseException as error:
            self._leave(entry)
            entry.future.set_exception(error)
            raise
        else:
            self._leave(entry)
            entry.future.set_result(None)
        finally:
            self.look()

    @contextmanager
    def _away(self, entry: _Entry, *, idle: bool) -> Iterator[None]:
        with self._lock:
            entry.away_since, entry.idle = self._clock.monotonic(), idle
        if idle:
            self.look()
        try:
            yield
        finally:
            with self._lock:
                self._overlook_one(entry, self._clock.monotonic())
                entry.away_since, entry.idle = None, False

    def _leave(self, entry: _Entry) -> None:
        with self._lock:
            self._going.pop(entry, None)
            self._hanging.discard(entry)
            if not entry.hung:
                self._slow.discard(entry.owner)

    def _watch(self) -> None:
        if any(self._waiting) and not self._watched:
            try:
                threading.Thread(target=self._look_again, name="gate", daemon=True).start()
            except RuntimeError:  # no more threads: places become free when runs end
                return
            self._watched = True

    def _look_again(self) -> None:
        while self._somebody_waits():
            self._clock.wait(self._nobody_waits, _LOOK_SECONDS)
            self.look()

    def _somebody_waits(self) -> bool:
        with self._lock:
            if any(self._waiting):
                self._nobody_waits.clear()
                return True
            self._watched = False
            return False
