"""Worker threads of one account: made when there is work, and gone when there is none."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol


class Executor(Protocol):
    """Runs tasks; `Workers` is one."""

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Let `task` run; the future tells when it ended."""
        ...

    def close(self, seconds: float) -> bool:
        """Take no more tasks; true when all ended within `seconds`."""
        ...


_Queued = tuple[Future[None], contextvars.Context, Callable[[], None]]


class Workers:
    """Named threads, at most `count` of them, that take work in order and end when there is none left.

    An account works for moments of each minute, so hundreds of accounts have a few threads together. None of them ever
    does another one's work. They are daemons: a thread that hangs in a read at the end must not keep the process, and
    loses nothing that the next start does not read again.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._tasks: deque[_Queued] = deque()
        self._threads: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()  # guards _tasks, _threads and _closed
        self._closed = False

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Let a thread run `task` in the caller's context (see `exporter.logs`); the future tells when it ended.

        Raises RuntimeError after `close`, and when the system has no more threads.
        """
        future: Future[None] = Future()
        queued = (future, contextvars.copy_context(), task)
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed")
            self._tasks.append(queued)
            if len(self._threads) < self._count:
                try:
                    self._begin()
                except RuntimeError:
                    self._tasks.remove(queued)
                    raise
        return future

    def close(self, seconds: float) -> bool:
        """Take no more tasks, and finish what is queued; true when all ended within `seconds`."""
        with self._lock:
            self._closed = True
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(seconds / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _begin(self) -> None:
        number = next(number for number in range(self._count) if number not in self._threads)
        thread = threading.Thread(target=self._work, args=(number,), name=f"{self._name}-{number}", daemon=True)
        self._threads[number] = thread
        try:
            thread.start()
        except RuntimeError:
            del self._threads[number]
            raise

    def _work(self, number: int) -> None:
        while (queued := self._next(number)) is not None:
            future, context, task = queued
            if not future.set_running_or_notify_cancel():
                continue
            try:
                context.run(task)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(None)
            # Not to be kept while the next task runs.
            del queued, future, context, task

    def _next(self, number: int) -> _Queued | None:
        with self._lock:
            if self._tasks:
                return self._tasks.popleft()
            del self._threads[number]
            return None
