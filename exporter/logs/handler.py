"""Where the lines go, and from which level on."""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Literal, TextIO, get_args

from exporter.clock import Clock, SystemClock
from exporter.logs.lines import WRITERS, LogFormat, identity, parts_of, timestamp, unprintable
from exporter.logs.repeats import Parts, Repeats

LogLevel = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)

_CHATTY = {
    "urllib3": logging.ERROR,
    "asyncio": logging.WARNING,
    "charset_normalizer": logging.WARNING,
    "uvicorn": logging.WARNING,
}
"""Libraries and the level from which they may speak: below it urllib3 prints URLs with their queries, and uvicorn tells
once more that it listens."""


def configure(level: LogLevel, fmt: LogFormat, stream: TextIO | None = None, clock: Clock | None = None) -> None:
    """Send the log of this process to `stream`, or to whatever standard error is at the time of each event.

    May be called again; the newest call holds.
    """
    root = logging.getLogger()
    for handler in _handlers():
        root.removeHandler(handler)
    root.addHandler(LineHandler(fmt, stream, clock))
    root.setLevel(level.upper())
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(least)


def tell_ended() -> None:
    """Write what was only counted of events that have ended, or go on for long. Costs next to nothing if none has."""
    for handler in _handlers():
        handler.tell_ended()


def tell_all() -> None:
    """Write everything that was only counted: the program ends."""
    for handler in _handlers():
        handler.tell_all()


def _handlers() -> list["LineHandler"]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]


class LineHandler(logging.Handler):
    """Writes each record as one line. A stream that is gone costs the line and nothing else.

    Events at debug are all written; others only once while they repeat. The handler's lock guards `_repeats`.
    """

    def __init__(self, fmt: LogFormat, stream: TextIO | None = None, clock: Clock | None = None) -> None:
        super().__init__()
        self._write = WRITERS[fmt]
        self._stream = stream
        self._clock = clock or SystemClock()
        self._repeats = Repeats(self._clock.monotonic)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line, unless the same was told already; called with the lock held."""
        try:
            parts = parts_of(record)
        except Exception:  # a value whose text cannot be had; logging's own report of it would print that value
            parts = unprintable(record)
        if record.levelno < logging.INFO:
            self._put(parts)
            return
        for told in self._repeats.told(identity(parts), parts):
            self._put(told)

    def tell_ended(self) -> None:
        """Write what was only counted of events that have ended; see `Repeats`."""
        if not self._repeats.quiet:
            self._tell(self._repeats.due)

    def tell_all(self) -> None:
        """Write everything that was only counted."""
        self._tell(self._repeats.all)

    def close(self) -> None:
        """Write what was only counted; called by logging when the program ends."""
        self.tell_all()
        super().close()

    def _tell(self, held: Callable[[], Iterable[Parts]]) -> None:
        self.acquire()
        try:
            for parts in held():
                self._put(parts)
        finally:
            self.release()

    def _put(self, parts: Parts) -> None:
        if "repeated_count" in parts:
            parts = {**parts, "ts": timestamp(self._clock.time()), "repeated_until": parts.get("ts")}
        stream = self._stream if self._stream is not None else sys.stderr
        try:
            _put(stream, self._write(parts) + "\n")
        except (OSError, ValueError):
            # Closed, full or broken: there is no other place to say so.
            return


def _put(stream: TextIO, line: str) -> None:
    try:
        stream.write(line)
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode("ascii"))
    stream.flush()
