"""What the exporter tells about the access to it (metric catalogue, section 1).

celigo_exporter_web_config_last_reload_successful 1
celigo_exporter_web_config_last_reload_success_timestamp_seconds 1764547200
celigo_exporter_web_refusals_total{reason="wrong_credentials"} 2
"""

import itertools
import threading
from collections.abc import Iterator, Mapping

from exporter.clock import Clock
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.expose.catalogue import own
from exporter.expose.families import Family, Value
from exporter.web.keeper import ReloadStatus, WebKeeper
from exporter.web.tally import Reason, Tally

_State = tuple[ReloadStatus | None, Mapping[Reason, int]]


class WebBlocks:
    """One block, rendered anew when something in it changed. Thread-safe."""

    def __init__(self, keeper: WebKeeper, tally: Tally, clock: Clock) -> None:
        self._keeper = keeper
        self._tally = tally
        self._clock = clock
        self._versions = itertools.count(1)
        self._kept: tuple[_State, tuple[RenderedBlock]] | None = None
        self._lock = threading.Lock()  # guards _kept

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """The block as of now."""
        del now
        state = (self._keeper.status, self._tally.counts())
        with self._lock:
            if self._kept is None or self._kept[0] != state:
                families = list(_families(*state))
                block = render_block(OWN_COLLECTOR, next(self._versions), families, None, self._clock.time())
                self._kept = (state, (block,))
            return self._kept[1]


def _families(status: ReloadStatus | None, counts: Mapping[Reason, int]) -> Iterator[Family]:
    if status is not None:
        yield Family(own.EXPORTER_WEB_CONFIG_LAST_RELOAD_SUCCESSFUL, {(): float(status.successful)})
        yield Family(own.EXPORTER_WEB_CONFIG_LAST_RELOAD_SUCCESS_TIMESTAMP_SECONDS, {(): status.last_success})
    refused: dict[tuple[str, ...], Value] = {(reason,): float(count) for reason, count in counts.items()}
    yield Family(own.EXPORTER_WEB_REFUSALS_TOTAL, refused)
