"""Worker threads of one account: each keeps its connection to the API open from one run to the next."""

import contextvars
import queue
import threading
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
    """A fixed number of named threads that take work in order.

    They are daemons: a thread that hangs in a read at the end must not keep the process, and loses nothing that the
    next start does not read again.
    """

    def __init__(self, name: str, count: int) -> None:
        self._tasks: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Let a thread run `task` in the caller's context (see `exporter.logs`); the future tells when it ended."""
        future: Future[None] = Future()
        self._tasks.put((future, contextvars.copy_context(), task))
        return future

    def close(self, seconds: float) -> bool:
        """End the threads after what is queued; true when all ended within `seconds`."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join(seconds / len(self._threads))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (queued := self._tasks.get()) is not None:
            future, context, task = queued
            if not future.set_running_or_notify_cancel():
                continue
            try:
                context.run(task)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(None)
