"""What became of the configuration since the start; it is exposed as metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["applied", "rejected"]
OUTCOMES: tuple[Outcome, ...] = ("applied", "rejected")


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """How reading the configuration ended; the start was one that succeeded.

    `problem` is the line why the newest attempt was rejected, None when it was not. `succeeded_at` (Unix seconds) is
    about the newest that succeeded. `counts` are reloads by outcome; the start is none.
    """

    problem: str | None
    succeeded_at: float
    counts: Mapping[Outcome, int]

    @property
    def successful(self) -> bool:
        """Whether the configuration that was read last is in effect."""
        return self.problem is None


class ReloadRecord:
    """Begins with the configuration of the start, which was good. Written by one thread at a time.

    `now` is Unix seconds.
    """

    def __init__(self, now: float) -> None:
        self._status = ReloadStatus(problem=None, succeeded_at=now, counts=dict.fromkeys(OUTCOMES, 0))

    @property
    def status(self) -> ReloadStatus:
        """The newest status; replaced as a whole."""
        return self._status

    def note(self, problem: str | None, now: float) -> None:
        """A reload has ended: with success, or rejected for `problem`."""
        held = self._status
        outcome: Outcome = "applied" if problem is None else "rejected"
        counts = {**held.counts, outcome: held.counts[outcome] + 1}
        succeeded_at = now if problem is None else held.succeeded_at
        self._status = ReloadStatus(problem, succeeded_at, counts)
