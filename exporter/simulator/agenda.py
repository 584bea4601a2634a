"""What is due when: a heap of events in simulated time."""

import heapq
from collections.abc import Callable

Action = Callable[[int], object]


class Agenda:
    """Events ordered by time, then by key, so that ties do not depend on who was first.

    Not thread-safe: the engine's lock guards it.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str, int, Action]] = []
        self._count = 0

    def at(self, ms: int, key: str, action: Action) -> None:
        """Do `action(ms)` at `ms`. `key` names the event and should be unique."""
        self._count += 1
        heapq.heappush(self._heap, (ms, key, self._count, action))

    def run_until(self, ms: int) -> int:
        """Do everything due up to and including `ms`, in order; return how many events."""
        done = 0
        while self._heap and self._heap[0][0] <= ms:
            due, _, _, action = heapq.heappop(self._heap)
            action(due)
            done += 1
        return done

    def __len__(self) -> int:
        return len(self._heap)
