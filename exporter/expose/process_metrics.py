"""What belongs to no account: the build, how the state is kept, the configuration (metric catalogue, section 1).

celigo_exporter_build_info{python_version="3.11.2",revision="unknown",version="0.1.0"} 1
celigo_exporter_state_persistent{backend="sqlite"} 1
celigo_exporter_state_failures_total{reason="full"} 0
celigo_exporter_state_size_bytes{backend="sqlite"} 49152
celigo_exporter_config_last_reload_successful 1
celigo_exporter_config_last_reload_success_timestamp_seconds 1788000000
celigo_exporter_config_reloads_total{outcome="rejected"} 0
"""

import itertools
import threading
from collections.abc import Callable, Iterator

from exporter.clock import Clock
from exporter.config.reloads import ReloadStatus
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.expose.build import BuildInfo
from exporter.expose.catalogue import own
from exporter.expose.families import Family, Value
from exporter.ledger.store import StateStatus
from exporter.ledger.trouble import REDIS_TROUBLES, TROUBLES


class ProcessBlocks:
    """One block, rendered anew when the state's or the configuration's status changed. Thread-safe."""

    def __init__(
        self,
        build: BuildInfo,
        state: Callable[[], StateStatus],
        reloads: Callable[[], ReloadStatus],
        clock: Clock,
    ) -> None:
        self._build = build
        self._state = state
        self._reloads = reloads
        self._clock = clock
        self._versions = itertools.count(1)
        self._kept: tuple[tuple[StateStatus, ReloadStatus], tuple[RenderedBlock]] | None = None
        self._lock = threading.Lock()  # guards _kept

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """The block as of now."""
        del now
        state, reloads = self._state(), self._reloads()
        with self._lock:
            if self._kept is None or self._kept[0] != (state, reloads):
                families = [*_build_families(self._build), *_state_families(state), *_reload_families(reloads)]
                block = render_block(OWN_COLLECTOR, next(self._versions), families, None, self._clock.time())
                self._kept = ((state, reloads), (block,))
            return self._kept[1]


def _build_families(build: BuildInfo) -> Iterator[Family]:
    yield Family(own.EXPORTER_BUILD_INFO, {(build.version, build.revision, build.python_version): 1.0})


def _state_families(state: StateStatus) -> Iterator[Family]:
    yield Family(own.EXPORTER_STATE_PERSISTENT, {(state.backend,): float(state.persistent)})
    if state.backend == "memory":
        return
    known = REDIS_TROUBLES if state.backend == "redis" else TROUBLES
    failures: dict[tuple[str, ...], Value] = {(trouble,): float(state.failures.get(trouble, 0)) for trouble in known}
    yield Family(own.EXPORTER_STATE_FAILURES_TOTAL, failures)
    if state.size_bytes is not None:
        yield Family(own.EXPORTER_STATE_SIZE_BYTES, {(state.backend,): float(state.size_bytes)})


def _reload_families(reloads: ReloadStatus) -> Iterator[Family]:
    yield Family(own.EXPORTER_CONFIG_LAST_RELOAD_SUCCESSFUL, {(): float(reloads.successful)})
    yield Family(own.EXPORTER_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS, {(): reloads.succeeded_at})
    counts: dict[tuple[str, ...], Value] = {(outcome,): float(count) for outcome, count in reloads.counts.items()}
    yield Family(own.EXPORTER_CONFIG_RELOADS_TOTAL, counts)
