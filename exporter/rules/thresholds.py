"""The numbers in the rules, each with its default, and a file of one's own that changes some of them."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from exporter.config.cursor import Cursor
from exporter.config.file import read_text
from exporter.config.kinds import Kind, duration, number, one_line, whole
from exporter.config.nodes import MapNode, Scalar, compose
from exporter.config.problem import ConfigError
from exporter.config.quantity import parse_duration
from exporter.config.section import known_entries

DEFAULTS = Path(__file__).with_name("thresholds.yml")
"""The file with every threshold, its default and its meaning."""

_LONGEST = 366 * 86_400.0
_LONGEST_OF: Mapping[str, float] = {"slow_interval": 240.0}
"""Seconds. What is recorded more rarely is missing in between, and with the names of flows every alert about them."""

_TEXT_CHARACTERS = 500
_PLACEHOLDER = re.compile(r"\$\{([a-z_0-9]+)(\.seconds)?\}")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Values by name, as they stand in a rule: a number, a duration such as `15m`, or text."""

    values: Mapping[str, str]

    def fill(self, text: str) -> str:
        """`text` with every placeholder replaced; raises KeyError for one of no threshold."""
        return _PLACEHOLDER.sub(lambda place: self._value(place[1], as_seconds=bool(place[2])), text)

    def _value(self, name: str, *, as_seconds: bool) -> str:
        value = self.values[name]
        seconds = parse_duration(value) if as_seconds else None
        return value if seconds is None else f"{seconds:g}" if seconds < 1e5 else f"{seconds:.0f}"


def default_thresholds() -> Thresholds:
    """What stands in the bundled file."""
    return Thresholds({name: kind.write(kind.read(at)) for name, (kind, at) in _defaults().items()})


def read_thresholds(path: str) -> Thresholds:
    """The defaults with what the file at `path` changes.

    Raises ConfigError, in one line, for a file that cannot be read, an unknown name or a value of another kind.
    """
    return parse_thresholds(read_text(path), path)


def parse_thresholds(text: str, source: str) -> Thresholds:
    """The defaults with what `text`, the content of the file called `source`, changes. Raises ConfigError."""
    root = compose(text, source)
    if root is None:
        return default_thresholds()
    if not isinstance(root, MapNode):
        raise ConfigError("expected a mapping of thresholds", source=source, line=root.line)
    known = {name: kind for name, (kind, _) in _defaults().items()}
    entries = known_entries(Cursor(root, source), known)
    given = {name: known[name].write(known[name].read(at)) for name, at in entries.items()}
    return Thresholds({**default_thresholds().values, **given})


def limits() -> Mapping[str, int]:
    """By name the most seconds of every threshold that is a duration."""
    values = default_thresholds().values
    return {name: int(_longest(name)) for name, text in values.items() if parse_duration(text) is not None}


def _longest(name: str) -> float:
    return _LONGEST_OF.get(name, _LONGEST)


@cache
def _defaults() -> dict[str, tuple[Kind, Cursor]]:
    root = compose(DEFAULTS.read_text(encoding="utf-8"), str(DEFAULTS))
    entries = Cursor(root, str(DEFAULTS)).entries() if root is not None else {}
    return {name: (_kind(name, at.node), at) for name, at in entries.items() if isinstance(at.node, Scalar)}


def _kind(name: str, default: Scalar) -> Kind:
    """What a threshold may be follows from its default."""
    if default.tag == "int":
        return whole(0, 1_000_000_000)
    if default.tag == "float":
        return number(0, 100_000)
    if parse_duration(default.text) is not None:
        return duration(1, _longest(name))
    if name.endswith("_url"):
        return Kind("text", _address if default.text else _address_or_nothing)
    return Kind("text", _expression)


def _address(at: Cursor) -> str:
    return one_line(at, at.scalar("a URL").text, _TEXT_CHARACTERS)


def _address_or_nothing(at: Cursor) -> str:
    return _address(at) if at.scalar("a URL").text else ""


def _expression(at: Cursor) -> str:
    """A regular expression that stands between double quotes in PromQL."""
    text = one_line(at, at.scalar("a regular expression").text, _TEXT_CHARACTERS)
    if '"' in text or "\\" in text:
        raise at.fail("expected a regular expression without quotes and backslashes")
    if not _compiles(text):
        raise at.fail("expected a regular expression")
    return text


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            # Python warns of what it will read differently one day; Prometheus reads it its own way.
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
