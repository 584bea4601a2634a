"""Files of the person who runs the exporter: settings, thresholds, the token; and patterns over names of flows."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from exporter.api.token import TokenProvider, TokenUnreadable
from exporter.clock import SystemClock
from exporter.config.effective import effective
from exporter.config.load import load_settings, parse_settings
from exporter.config.patterns import PATTERN_CHARACTERS, compiled, matches, trouble
from exporter.config.problem import ConfigError
from exporter.config.settings import Settings, TokenSource
from exporter.rules.thresholds import default_thresholds, parse_thresholds
from tests.fuzz.target import CANARY, Target, keeps_secret, require

T = TypeVar("T")

ENVIRON = {"ACME_TOKEN": "a-token"}
NAMES = ("a" * 200, "ab" * 100, "orders to ERP", "")


@cache
def place() -> Path:
    """A file that is written anew for each input."""
    return Path(tempfile.mkdtemp()) / "celigo.yml"


def check(held: bytes) -> None:
    """The first byte chooses which file the rest is."""
    kind, content = held[:1], held[1:]
    if kind == b"P":
        _pattern(content.decode("utf-8", "replace"))
    elif kind == b"K":
        _token(content)
    elif kind == b"F":
        place().write_bytes(content)
        _judged(lambda: load_settings(str(place()), ENVIRON), str(place()))
    else:
        text = content.decode("utf-8", "replace").replace("\0", "")
        if kind == b"T":
            made = _judged(lambda: parse_thresholds(text, "own.yml"), "own.yml")
            require(made is None or made.values.keys() == default_thresholds().values.keys(), "a threshold is lost")
        else:
            settings = _judged(lambda: parse_settings(text, "celigo.yml", ENVIRON), "celigo.yml")
            if settings is not None:
                _read_back(settings)


def _judged(read: Callable[[], T], source: str) -> T | None:
    """What was read; None when it was refused in one line that holds no secret."""
    try:
        return read()
    except ConfigError as error:
        line = str(error)
        require(line.isprintable() and line.startswith(source) and len(line) < 600, f"not a clear line: {line!r}")
        keeps_secret(line)
        return None


def _read_back(settings: Settings) -> None:
    """What `config check` prints loads to the same settings."""
    text = effective(settings)
    try:
        again = parse_settings(text, "celigo.yml", ENVIRON)
    except ConfigError as error:
        # A token's place is looked at each time; all else must do.
        require("token" in str(error), f"what is in effect is refused: {error}")
        return
    require(effective(again) == text, "what is in effect reads as something else")


def _token(content: bytes) -> None:
    place().write_bytes(content)
    source = TokenSource(file=str(place()))
    try:
        token = TokenProvider(source, {}, SystemClock()).current()
    except TokenUnreadable as error:
        keeps_secret(f"{error} {error!r}")
        return
    text = token.reveal()
    require(text.isascii() and text.isprintable() and " " not in text and text, "a token that can be no header")
    require(text == content.decode("ascii").strip(), "another token than the one in the file")
    require(text not in f"{token} {token!r}" or len(text) < 4, "a token that prints itself")


def _pattern(text: str) -> None:
    if not 1 <= len(text) <= PATTERN_CHARACTERS or not text.isprintable():
        return  # refused before anybody looks at what it means
    said = trouble(text)
    if said is not None:
        require(said.isprintable() and len(said) < 120, f"not a clear line: {said!r}")
        return
    for name in NAMES:
        matches(compiled(text), name)


TARGET = Target(
    "settings",
    "a file is read, and what was read prints and reads back the same; or one clear line without a secret",
    check,
    words=(
        *(
            b"accounts:\n",
            b"  - name: ",
            b"token_env: ACME_TOKEN",
            b"token_file: ",
            b"region: eu",
            b"base_url: https://",
        ),
        *(
            b"collectors: {",
            b"jobs: {interval: 60s}",
            b"limits: {",
            b"filters: ",
            b"ownership: ",
            b"match: {",
            b"&a ",
            b"*a",
        ),
        *(
            b"!!python/object:os.system ",
            b"%YAML 1.1\n",
            b"---\n",
            b"? ",
            b"<<: ",
            b"|\n",
            b">-\n",
            b'"\\x',
            b"[[",
            b"{{",
            b"\t",
        ),
        *(
            b"(a+)+",
            b".*",
            b"{2,}",
            b"(?i)",
            b"[^]",
            b"|",
            b"30s",
            b"64MiB",
            b"0x1f",
            b"1e3",
            b"2030-01-31",
            CANARY.encode(),
        ),
    ),
    quick=100,
)
