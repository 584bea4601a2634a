"""What belongs to no account: which exporter this is, and how it keeps its state (metric catalogue, section 1).

celigo_exporter_build_info{python_version="3.11.2",revision="unknown",version="0.1.0"} 1
celigo_exporter_state_persistent{backend="sqlite"} 1
celigo_exporter_state_failures_total{reason="full"} 0
celigo_exporter_state_size_bytes{backend="sqlite"} 49152
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from exporter.clock import Clock
from exporter.expose import own_catalogue as own
from exporter.expose.build import BuildInfo
from exporter.expose.families import Family, Value
from exporter.expose.snapshot import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.ledger.trouble import TROUBLES, Trouble


class State(Protocol):
    """How the state is kept; `exporter.ledger.store.StateStatus` is one."""

    @property
    def backend(self) -> str:
        """Where."""
        ...

    @property
    def persistent(self) -> bool:
        """Whether everything counted survives the process."""
        ...

    @property
    def failures(self) -> Mapping[Trouble, int]:
        """Failures so far by trouble."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """Size on the disk, None when nothing is there."""
        ...


class ProcessBlocks:
    """One block, rendered anew when the state's status changed. Thread-safe."""

    def __init__(self, build: BuildInfo, state: Callable[[], State], clock: Clock) -> None:
        self._build = build
        self._state = state
        self._clock = clock
        self._versions = itertools.count(1)
        self._kept: tuple[State, tuple[RenderedBlock]] | None = None
        self._lock = threading.Lock()  # guards _kept

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """The block as of now."""
        del now
        state = self._state()
        with self._lock:
            if self._kept is None or self._kept[0] != state:
                families = [*_build_families(self._build), *_state_families(state)]
                block = render_block(OWN_COLLECTOR, next(self._versions), families, None, self._clock.time())
                self._kept = (state, (block,))
            return self._kept[1]


def _build_families(build: BuildInfo) -> Iterator[Family]:
    yield Family(own.EXPORTER_BUILD_INFO, {(build.version, build.revision, build.python_version): 1.0})


def _state_families(state: State) -> Iterator[Family]:
    yield Family(own.EXPORTER_STATE_PERSISTENT, {(state.backend,): float(state.persistent)})
    if state.backend == "memory":
        return
    failures: dict[tuple[str, ...], Value] = {(trouble,): float(state.failures.get(trouble, 0)) for trouble in TROUBLES}
    yield Family(own.EXPORTER_STATE_FAILURES_TOTAL, failures)
    if state.size_bytes is not None:
        yield Family(own.EXPORTER_STATE_SIZE_BYTES, {(state.backend,): float(state.size_bytes)})
