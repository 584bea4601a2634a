"""One record, one line: which fields it has, and how they are written in logfmt and JSON."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal, get_args

from exporter.bugs import bug_fields
from exporter.logs.context import current_fields
from exporter.logs.redaction import hidden_in

LogFormat = Literal["logfmt", "json"]
FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)

LONGEST_TEXT = 1000
"""Longer messages and values are cut, and end in `...`."""

OWN = "exporter"
"""Loggers under this name are ours: their messages are fixed texts."""

_RESERVED = frozenset({"ts", "level", "logger", "msg", "repeated_count", "repeated_seconds", "repeated_until"})
_MEASURES = ("_seconds", "_bytes", "_count")
_IDS = frozenset({"run_id", "request_id", "call_id", "upstream_request_id"})


def parts_of(record: logging.LogRecord) -> dict[str, object]:
    """The fields of the record's line, plain and without tokens; a bug of an exception without its text."""
    return dict(_parts(record))


def unprintable(record: logging.LogRecord) -> dict[str, object]:
    """The fields of a record of which no more can be had."""
    return {"level": record.levelname.lower(), "logger": record.name, "msg": "unprintable event"}


def identity(parts: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    """What makes two lines tell of the same event: everything but time, measures, and ids of runs and requests."""
    return tuple(
        (key, value) for key, value in parts.items() if key != "ts" and key not in _IDS and not key.endswith(_MEASURES)
    )


def timestamp(seconds: float) -> str:
    """Unix seconds as UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parts(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    yield "ts", timestamp(record.created)
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "msg", _text(_message(record))
    given = getattr(record, "fields", None)
    for key, value in {**current_fields(), **(given if isinstance(given, Mapping) else {})}.items():
        name = hidden_in(str(key))
        yield (f"{name}_" if name in _RESERVED else name), _plain(value)
    if record.exc_info and record.exc_info[1] is not None:
        for key, value in bug_fields(record.exc_info[1]).items():
            yield key, _plain(value)


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a slip in the call, of ours or of a library, must not lose the event
        message = str(record.msg)
    if record.name.partition(".")[0] == OWN:
        return message
    # Below the first line asyncio prints the exception, whose text may hold anything.
    return message.partition("\n")[0]


def _plain(value: object) -> object:
    """A field's value: numbers and truth values as they are, anything else as text without tokens."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return round(value, 6)
    return _text(str(value))


def _text(text: str) -> str:
    hidden = hidden_in(text)
    return hidden if len(hidden) <= LONGEST_TEXT else hidden[:LONGEST_TEXT] + "..."


def _json(parts: Mapping[str, object]) -> str:
    return hidden_in(json.dumps(parts))


def _logfmt(parts: Mapping[str, object]) -> str:
    return hidden_in(" ".join(f"{_key(key)}={_value(value)}" for key, value in parts.items()))


WRITERS: Mapping[LogFormat, Callable[[Mapping[str, object]], str]] = {"logfmt": _logfmt, "json": _json}
"""How the fields of a line are written, without the line's end."""


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
