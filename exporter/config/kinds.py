"""Kinds of values: how each is read from the file, written back, and called in the documentation.

Reading is strict: a value of another kind is refused, never converted, because `yes`, `1e3` or `0755` mean something
else to YAML than to the person who wrote them.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.config.address import parse_redis_url
from exporter.config.cursor import Cursor
from exporter.config.problem import suggestion
from exporter.config.quantity import format_duration, format_size, parse_duration, parse_size

LABEL_CHARACTERS = 100
"""Longest text that becomes a label value."""

TERM_CHARACTERS = 500
"""Longest text that is compared with an id or name."""

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_PREFIX = re.compile(r"[0-9A-Za-z._-]{1,64}")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` and `bounds` are for people; `read` raises ConfigError; `write` gives the text that reads as the value."""

    name: str
    read: Callable[[Cursor], Any]
    write: Callable[[Any], str] = str
    bounds: str = ""


def label_text() -> Kind:
    """Text that becomes a label value: one line, 1 to 100 characters, no blank at either end."""

    def read(at: Cursor) -> str:
        scalar = at.scalar("text")
        if scalar.tag != "str":
            raise at.fail(f"expected text, got {at.described()}; put it in quotes")
        text = scalar.text
        if not text or len(text) > LABEL_CHARACTERS:
            raise at.fail(f"expected 1 to {LABEL_CHARACTERS} characters, got {len(text)}")
        if not text.isprintable() or text != text.strip():
            raise at.fail("expected one line of printable text without blanks at its ends")
        return text

    return Kind("text", read, quoted)


def one_line(at: Cursor, text: str, most: int) -> str:
    """`text`; raises ConfigError unless it is one line of 1 to `most` printable characters."""
    if not 1 <= len(text) <= most:
        raise at.fail(f"expected 1 to {most} characters, got {len(text)}")
    if not text.isprintable():
        raise at.fail("expected one line of printable text")
    return text


def term() -> Kind:
    """Text that is compared with an id or name of the account: 1 to 500 printable characters."""

    def read(at: Cursor) -> str:
        scalar = at.scalar("an id or name")
        if scalar.tag != "str":
            raise at.fail(f"expected an id or name, got {at.described()}; put it in quotes")
        return one_line(at, scalar.text, TERM_CHARACTERS)

    return Kind("id or name", read, quoted)


def listed(kind: Kind, least: int, most: int) -> Kind:
    """A list of values of one kind."""

    def read(at: Cursor) -> tuple[Any, ...]:
        items = at.items()
        if not least <= len(items) <= most:
            raise at.fail(f"expected {least} to {most} entries, got {len(items)}")
        return tuple(kind.read(item) for item in items)

    def write(values: Collection[Any]) -> str:
        return f"[{', '.join(kind.write(value) for value in values)}]"

    bounds = f"{least} to {most} entries" + (f" of {kind.bounds}" if kind.bounds else "")
    return Kind(f"list of {kind.name}", read, write, bounds)


def choice(known: Collection[str]) -> Kind:
    """One of a few words."""

    def read(at: Cursor) -> str:
        scalar = at.scalar(f"one of {', '.join(known)}")
        if scalar.text not in known:
            problem = f"expected one of {', '.join(known)}, got {at.described()};"
            raise at.fail((problem + suggestion(scalar.text, known)).removesuffix(";"))
        return scalar.text

    return Kind("one of " + ", ".join(f"`{word}`" for word in known), read)


def whole(minimum: int, maximum: int) -> Kind:
    """A whole number in decimal digits."""
    what = f"a whole number from {minimum} to {maximum}"

    def read(at: Cursor) -> int:
        scalar = at.scalar(what)
        if scalar.tag != "int" or not _WHOLE.fullmatch(scalar.text) or not minimum <= int(scalar.text) <= maximum:
            raise at.expected(what)
        return int(scalar.text)

    return Kind("whole number", read, bounds=f"{minimum} to {maximum}")


def number(minimum: float, maximum: float) -> Kind:
    """A number in decimal digits, fractions allowed."""
    what = f"a number from {minimum:g} to {maximum:g}"

    def read(at: Cursor) -> float:
        scalar = at.scalar(what)
        digits = scalar.tag in {"int", "float"} and _NUMBER.fullmatch(scalar.text)
        if not digits or not minimum <= float(scalar.text) <= maximum:
            raise at.expected(what)
        return float(scalar.text)

    return Kind("number", read, lambda value: repr(float(value)).removesuffix(".0"), f"{minimum:g} to {maximum:g}")


def switch() -> Kind:
    """`true` or `false`, and none of YAML's other words for them."""

    def read(at: Cursor) -> bool:
        scalar = at.scalar("true or false")
        if scalar.tag != "bool" or scalar.text not in {"true", "false"}:
            raise at.expected("true or false")
        return scalar.text == "true"

    return Kind("`true` or `false`", read, lambda value: "true" if value else "false")


def duration(minimum: float, maximum: float) -> Kind:
    """A duration with its unit, in seconds inside."""
    bounds = f"{format_duration(minimum)} to {format_duration(maximum)}"
    what = f"a duration from {bounds}, such as 30s or 1h30m"

    def read(at: Cursor) -> float:
        seconds = parse_duration(at.scalar(what).text)
        if seconds is None or not minimum <= seconds <= maximum:
            raise at.expected(what)
        return seconds

    return Kind("duration", read, format_duration, bounds)


def size(minimum: int, maximum: int) -> Kind:
    """A size with its unit, in bytes inside."""
    bounds = f"{format_size(minimum)} to {format_size(maximum)}"
    what = f"a size from {bounds}, such as 64MiB"

    def read(at: Cursor) -> int:
        count = parse_size(at.scalar(what).text)
        if count is None or not minimum <= count <= maximum:
            raise at.expected(what)
        return count

    return Kind("size", read, format_size, bounds)


def instant() -> Kind:
    """A date or a date with time; UTC unless the text says otherwise. Unix seconds inside."""
    what = "a date such as 2030-01-31 or 2030-01-31T12:00:00Z"

    def read(at: Cursor) -> float:
        scalar = at.scalar(what)
        seconds = _seconds(scalar.text) if scalar.tag in {"timestamp", "str"} else None
        if seconds is None:
            raise at.fail(f"expected {what}")
        return seconds

    return Kind("date", read, lambda value: datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z"))


def local_path() -> Kind:
    """A path on this machine, relative to the settings file."""

    def read(at: Cursor) -> str:
        text = at.scalar("a path").text
        if not text or not text.isprintable() or text.endswith("/"):
            raise at.fail("expected the path of a file")
        return str(Path(at.source).absolute().parent / text)

    return Kind("path", read, quoted)


def redis_url() -> Kind:
    """Where a Redis is."""

    def read(at: Cursor) -> str:
        try:
            return parse_redis_url(at.scalar("a URL such as redis://127.0.0.1:6379/0").text)
        except ValueError as error:
            raise at.fail(str(error)) from None

    return Kind("URL", read, quoted)


def key_prefix() -> Kind:
    """What keys in Redis begin with."""
    what = "1 to 64 letters, digits and . _ -"

    def read(at: Cursor) -> str:
        text = at.scalar(what).text
        if not _PREFIX.fullmatch(text):
            raise at.expected(what)
        return text

    return Kind("text", read, quoted, what)


def _seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 2000 <= moment.year < 2200 else None


def quoted(text: str) -> str:
    """`text` as a YAML string in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
