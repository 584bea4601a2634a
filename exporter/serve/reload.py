"""Reloads of the configuration: one at a time, whoever asks, with the last good one kept.

A reload reads everything anew that was read at the start. What is bad in any way changes nothing: it is one log line
and a metric.
"""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from exporter.bugs import bug_fields
from exporter.config.differences import Differences, differences
from exporter.config.problem import ConfigError
from exporter.config.settings import Settings
from exporter.serve.fleet import Fleet

_END_SECONDS = 2.0
"""How long the end waits for a reload, whose file may be where reading hangs."""

_log = logging.getLogger(__name__)


class Reloader:
    """Serves what is requested of `fleet`, by a thread of its own; use it in `with`.

    `load` gives the settings as they are now, and raises ConfigError as at the start.
    """

    def __init__(self, fleet: Fleet, load: Callable[[], Settings]) -> None:
        self._fleet = fleet
        self._load = load
        self._count = 0
        self._thread = threading.Thread(target=self._serve, name="reload", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._fleet.reload_requests.end()
        self._thread.join(_END_SECONDS)

    def _serve(self) -> None:
        while waiting := self._fleet.reload_requests.next():
            rejected = self.reload()
            for future in waiting:
                if future.set_running_or_notify_cancel():
                    future.set_result(rejected)

    def reload(self) -> str | None:
        """Reload now; the line why it was rejected, None when it was not."""
        clock = self._fleet.clock
        started, before = clock.monotonic(), self._fleet.settings
        self._count += 1
        rejected: str | None = None
        try:
            settings = self._load()
            self._fleet.change(settings)
        except ConfigError as error:
            rejected = str(error)
            _log.error(
                "the configuration is not reloaded, the last good one stays",
                extra={"fields": {"reload": self._count, "problem": rejected}},
            )
        except Exception as error:  # a bug of ours must cost no more than this reload
            rejected = f"internal error ({type(error).__name__})"
            _log.error(
                "reloading has a bug, the last good configuration stays", extra={"fields": {**bug_fields(error)}}
            )
        self._fleet.reloads.note(rejected, clock.time())
        if rejected is None:
            self._tell(differences(before, settings), clock.monotonic() - started)
        return rejected

    def _tell(self, found: Differences, seconds: float) -> None:
        """One line with names alone."""
        _log.info(
            "the configuration is reloaded",
            extra={
                "fields": {
                    "reload": self._count,
                    "added": ",".join(found.added),
                    "removed": ",".join(found.removed),
                    "changed": ",".join(found.changed),
                    "keys": ",".join(found.keys),
                    "reload_seconds": seconds,
                }
            },
        )
