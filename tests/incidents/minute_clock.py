"""A clock that tells of every minute that passes, whoever lets it pass."""

from collections.abc import Callable

from tests.simulation.clock import VirtualClock
from tests.simulation.world import MINUTE


class MinuteClock(VirtualClock):
    """Calls `on_minute` with each minute since its start that time passes, whoever lets it pass."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self.on_minute: Callable[[int], None] = lambda _: None
        self._start = start
        self._minute = 0

    def advance(self, seconds: float) -> None:
        """Let time pass; see `VirtualClock.advance`."""
        end = self.true() + seconds
        while self._start + MINUTE * self._minute <= end:
            super().advance(max(0.0, self._start + MINUTE * self._minute - self.true()))
            self._minute += 1
            self.on_minute(self._minute - 1)
        super().advance(max(0.0, end - self.true()))
