"""What became of the configuration since the start; it is exposed as metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Outcome = Literal["applied", "rejected"]
OUTCOMES: tuple[Outcome, ...] = ("applied", "rejected")


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """How reading the configuration ended; the start was one that succeeded.

    `successful` is about the newest attempt, `succeeded_at` (Unix seconds) about the newest that succeeded. `counts`
    are reloads by outcome; the start is none.
    """

    successful: bool
    succeeded_at: float
    counts: Mapping[Outcome, int]


class ReloadRecord:
    """Begins with the configuration of the start, which was good. Written by one thread at a time.

    `now` is Unix seconds.
    """

    def __init__(self, now: float) -> None:
        self._status = ReloadStatus(successful=True, succeeded_at=now, counts=dict.fromkeys(OUTCOMES, 0))

    @property
    def status(self) -> ReloadStatus:
        """The newest status; replaced as a whole."""
        return self._status

    def note(self, outcome: Outcome, now: float) -> None:
        """A reload has ended."""
        held = self._status
        counts = {**held.counts, outcome: held.counts[outcome] + 1}
        if outcome == "applied":
            self._status = ReloadStatus(successful=True, succeeded_at=now, counts=counts)
        else:
            self._status = replace(held, successful=False, counts=counts)
