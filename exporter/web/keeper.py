"""The web configuration in use: read again when one of its files changed, and kept when the new one is bad."""

import asyncio
import logging
import os
import threading
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.config.file import read_text
from exporter.config.problem import ConfigError
from exporter.web.load import WebAccess, ready
from exporter.web.parse import parse_web_config
from exporter.web.settings import WebConfig

_log = logging.getLogger(__name__)

Fingerprint = tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """Whether the newest reading succeeded, and when one last did (Unix seconds)."""

    successful: bool
    last_success: float


class WebKeeper:
    """Hands out what new connections and requests go by. Thread-safe.

    Looks at its files each time it is asked, which costs a few calls of `stat`. Raises ConfigError when they are bad at
    the start; later that costs a line in the log. Without a file there is plain HTTP for everybody.
    """

    def __init__(self, path: str | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()  # guards reading; the attributes below are replaced whole
        self._watched: tuple[str, ...] = () if path is None else (path,)
        self._seen: Fingerprint = ()
        self._access = WebAccess(WebConfig())
        self._status: ReloadStatus | None = None
        if path is not None:
            self._access = self._read(path)
            self._status = ReloadStatus(successful=True, last_success=clock.time())

    @property
    def access(self) -> WebAccess:
        """What is in use, without a look at the files."""
        return self._access

    @property
    def status(self) -> ReloadStatus | None:
        """How reading went; None without a file."""
        return self._status

    async def current(self) -> WebAccess:
        """What is in use, after what changed was read; reading blocks nobody but the caller."""
        if self._changed():
            await asyncio.to_thread(self.refresh)
        return self._access

    def refresh(self) -> None:
        """Read again if something changed."""
        with self._lock:
            if self._path is None or not self._changed():
                return
            try:
                self._take(self._read(self._path))
            except ConfigError as error:
                last = self._status.last_success if self._status is not None else 0.0
                self._status = ReloadStatus(successful=False, last_success=last)
                _log.error(
                    "the web configuration is refused, the last good one stays",
                    extra={"fields": {"problem": str(error)}},
                )

    def _take(self, found: WebAccess) -> None:
        if (found.context is None) != (self._access.context is None):
            raise ConfigError("switching TLS on or off needs a restart", source=self._path, key="tls_server_config")
        self._access = found
        self._status = ReloadStatus(successful=True, last_success=self._clock.time())
        _log.info("the web configuration was read again")

    def _read(self, path: str) -> WebAccess:
        # Each file is looked at before it is read, so that what changes meanwhile is seen as a change afterwards.
        self._seen = _fingerprint(self._watched)
        own = self._seen[self._watched.index(path)]
        config = parse_web_config(read_text(path), path)
        # Also when a certificate is missing or does not fit: it may be the next file to change.
        self._watched = tuple(dict.fromkeys((path, *config.paths, *self._access.config.paths)))
        self._seen = (own, *_fingerprint(self._watched[1:]))
        return ready(config)

    def _changed(self) -> bool:
        return self._seen != _fingerprint(self._watched)


def _fingerprint(paths: tuple[str, ...]) -> Fingerprint:
    return tuple(_of(path) for path in paths)


def _of(path: str) -> tuple[int, ...] | None:
    try:
        seen = os.stat(path)  # noqa: PTH116 - follows symbolic links, as mounted secrets need
    except (OSError, ValueError):
        return None
    return (seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size)
