"""Log lines: one event, one line, logfmt or JSON, and never a token.

Modules log through `logging.getLogger(__name__)` with a fixed message and values in `extra={"fields": {...}}`. Whoever
reads a token registers it with `redact`; from then on it is replaced by stars wherever a record would print it.
"""

import json
import logging
import math
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO, get_args
from urllib.parse import quote

from exporter.secret import Secret

LogFormat = Literal["logfmt", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)
LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)

KEPT_SECRETS = 1000
"""Rotated tokens are remembered this far back; older ones have long purged themselves."""

_CHATTY = {"urllib3": logging.ERROR, "asyncio": logging.WARNING, "charset_normalizer": logging.WARNING}
"""Libraries and the level from which they may speak: urllib3 prints URLs with their queries below it."""

_RESERVED = frozenset({"ts", "level", "logger", "msg", "exception"})


class _Secrets:
    """Known token values in the forms in which they could be printed. Guarded by its own lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._longest_first: tuple[str, ...] = ()

    def add(self, secret: Secret) -> None:
        """Remember a token. An empty one is no secret."""
        value = secret.reveal()
        if not value:
            return
        with self._lock:
            self._forms[value] = (value, quote(value, safe=""), repr(value)[1:-1], json.dumps(value)[1:-1])
            self._forms.move_to_end(value)
            while len(self._forms) > KEPT_SECRETS:
                self._forms.popitem(last=False)
            forms = {form for group in self._forms.values() for form in group}
            self._longest_first = tuple(sorted(forms, key=len, reverse=True))

    def hidden_in(self, text: str) -> str:
        """`text` with every known token replaced by stars."""
        for form in self._longest_first:
            if form in text:
                text = text.replace(form, "***")
        return text


_SECRETS = _Secrets()


def redact(secret: Secret) -> None:
    """From now on no log line of this process prints `secret`."""
    _SECRETS.add(secret)


def configure(level: LogLevel, fmt: LogFormat, stream: TextIO | None = None) -> None:
    """Send the log of this process to `stream`, or to whatever standard error is at the time of each event.

    May be called again; the newest call holds.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LineHandler)]:
        root.removeHandler(handler)
    root.addHandler(LineHandler(fmt, stream))
    root.setLevel(level.upper())
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(least)


class LineHandler(logging.Handler):
    """Writes each record as one line. A stream that is gone costs the line and nothing else."""

    def __init__(self, fmt: LogFormat, stream: TextIO | None = None) -> None:
        super().__init__()
        self._write = _json if fmt == "json" else _logfmt
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            line = self._write(dict(_parts(record)))
        except Exception:  # a value whose text cannot be had; logging's own report of it would print that value
            line = self._write({"level": record.levelname.lower(), "logger": record.name, "msg": "unprintable event"})
        stream = self._stream if self._stream is not None else sys.stderr
        try:
            _put(stream, line + "\n")
        except (OSError, ValueError):
            # Closed, full or broken: there is no other place to say so.
            return


def _put(stream: TextIO, line: str) -> None:
    try:
        stream.write(line)
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode("ascii"))
    stream.flush()


def _parts(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    moment = datetime.fromtimestamp(record.created, UTC)
    yield "ts", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "msg", _SECRETS.hidden_in(_message(record))
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        for key, value in fields.items():
            name = _SECRETS.hidden_in(str(key))
            yield (f"{name}_" if name in _RESERVED else name), _plain(value)
    if record.exc_info and record.exc_info[1] is not None:
        yield "exception", _SECRETS.hidden_in(logging.Formatter().formatException(record.exc_info))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a slip in the call, of ours or of a library, must not lose the event
        return str(record.msg)


def _plain(value: object) -> object:
    """A field's value: numbers and truth values as they are, anything else as text without tokens."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return round(value, 6)
    return _SECRETS.hidden_in(str(value))


def _json(parts: Mapping[str, object]) -> str:
    return _SECRETS.hidden_in(json.dumps(parts))


def _logfmt(parts: Mapping[str, object]) -> str:
    return _SECRETS.hidden_in(" ".join(f"{_key(key)}={_value(value)}" for key, value in parts.items()))


def _key(key: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "_.-") else "_" for char in key) or "_"


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and all(char.isprintable() and char not in ' "=\\' for char in text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
