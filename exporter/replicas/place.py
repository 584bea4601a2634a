"""What all seats of a replica have in common."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.collect.gate import Gate
from exporter.collect.workers import Executor
from exporter.replicas.lease import TICKS
from exporter.replicas.link import Link

Aside = Callable[[Callable[[], None]], None]


def in_thread(work: Callable[[], None]) -> None:
    """Let `work` be done beside everything else."""
    threading.Thread(target=work, name="take-over", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Place:
    """`owner` is the name of this replica in leases, another one after each start.

    `aside` runs what may take long; `wake` lets all seats be attended to soon.
    """

    link: Link
    owner: str
    clock: Clock
    environ: Mapping[str, str]
    workers: Callable[[str, int], Executor]
    aside: Aside
    wake: Callable[[], None]
    gate: Gate

    @property
    def lease(self) -> float:
        """How long a lease lasts, in seconds."""
        return self.link.settings.lease

    @property
    def tick(self) -> float:
        """How often seats are attended to, in seconds."""
        return self.lease / TICKS
