"""One refresh of one collector, as the client sees it: until when, whether to stop, and what it has cost so far."""

import math
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from exporter.clock import Clock

Away = Callable[[bool], AbstractContextManager[None]]
"""Within it, the run waits for somebody: for its own time (True), which costs nothing, or for the API (False)."""


def unwatched(idle: bool) -> AbstractContextManager[None]:
    """`Away` for a run that nobody else waits for."""
    del idle
    return nullcontext()


@dataclass(slots=True)
class Refresh:
    """Frame around the requests of one collector run; used by one thread.

    `deadline` is monotonic seconds: no attempt starts after it and no wait goes past it. `requests` counts attempts
    sent, retries included. `truncated` counts listings that hit a page bound, `rejected` rows left out, by reason.
    A listing that is kept longer than `kept_seconds` is asked for again, whatever its lifetime.
    `kept_share` (0 to 1) of the budget's tokens is left to others before a request takes one. Every wait is `away`.
    """

    clock: Clock
    deadline: float
    stop: threading.Event = field(default_factory=threading.Event)
    requests: int = 0
    truncated: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    kept_share: float = 0.0
    kept_seconds: float = math.inf
    away: Away = unwatched

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` have passed, with others in its place; true when it was set."""
        with self.away(True):  # noqa: FBT003 - see `Away`
            return self.clock.wait(event, seconds)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, 0 when it has passed."""
        return max(0.0, self.deadline - self.clock.monotonic())
