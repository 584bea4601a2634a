"""Reloads that were asked for and did not begin yet."""

import queue
from concurrent.futures import Future


class ReloadRequests:
    """Thread-safe. `request` may be called at any time, by a signal handler, too; `next` is called by one thread."""

    def __init__(self) -> None:
        # Its `put` may be interrupted by a signal handler that calls it again.
        self._waiting: queue.SimpleQueue[Future[str | None] | None] = queue.SimpleQueue()

    def request(self) -> Future[str | None]:
        """Ask for a reload that begins after this call; the line why it was rejected, None when it was not."""
        future: Future[str | None] = Future()
        self._waiting.put(future)
        return future

    def end(self) -> None:
        """Let `next` return an empty list after what was requested before."""
        self._waiting.put(None)

    def next(self) -> list[Future[str | None]]:
        """Wait for a request; all that are there by now, for one reload. Empty at the end."""
        taken = [self._waiting.get()]
        while taken[-1] is not None and not self._waiting.empty():
            taken.append(self._waiting.get())
        if taken[-1] is None and len(taken) > 1:
            self._waiting.put(None)
        return [future for future in taken if future is not None]
