"""What goes wrong with local settings, in one line that cannot give a token away.

`ConfigError` names file, line and key; `shown` decides which part of a bad value may be repeated to the user.
"""

import difflib
import re
from collections.abc import Iterable

SHOWN_CHARACTERS = 60
"""Longer values are cut in messages."""

TOKEN_LIKE_CHARACTERS = 20
"""A run of token characters this long, with a digit or both cases in it, is taken for a token."""

HIDDEN = "a value that is not shown here"

_RUN = re.compile(rf"[0-9A-Za-z+=_.~-]{{{TOKEN_LIKE_CHARACTERS},}}")
_SECRET_NAME = re.compile(r"token|secret|passw|api_?key|bearer|authorization|credential", re.IGNORECASE)


class ConfigError(Exception):
    """Local settings cannot be used. The text is one line: `FILE:LINE: KEY: what is wrong`."""

    def __init__(self, problem: str, *, source: str | None = None, line: int | None = None, key: str = "") -> None:
        self.problem = problem
        self.source = source
        self.line = line
        self.key = key
        super().__init__(problem)

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return printable(": ".join(part for part in (place, self.key, self.problem) if part))


def printable(text: str) -> str:
    """`text` on one line: line ends, control characters and broken surrogates as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def looks_like_token(text: str) -> bool:
    """True when a part of `text` may be a token. Words and CONSTANT_NAMES without digits are not taken for one."""
    return any(_mixed(run.group()) for run in _RUN.finditer(text))


def _mixed(run: str) -> bool:
    has_digit = any(char.isdigit() for char in run)
    return has_digit or (run != run.lower() and run != run.upper())


def names_secret(key: str) -> bool:
    """True for a key whose value is a token or leads to one; such a value is never printed."""
    return _SECRET_NAME.search(key) is not None


def without_tokens(text: str) -> str:
    """`text` with every part that may be a token replaced by stars."""
    return _RUN.sub(lambda run: "***" if _mixed(run.group()) else run.group(), text)


def shown(text: str) -> str:
    """`text` quoted for a message, cut to length; what may be a token is replaced."""
    if looks_like_token(text):
        return HIDDEN
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
    return f'"{printable(cut)}"'


def named(key: str) -> str:
    """A key in backticks, or a stand-in when the key itself may be a token."""
    if looks_like_token(key):
        return "(not shown)"
    cut = key if len(key) <= SHOWN_CHARACTERS else key[:SHOWN_CHARACTERS] + "..."
    return f"`{printable(cut)}`"


def suggestion(name: str, known: Iterable[str]) -> str:
    """` did you mean `x`?` for a likely slip of the keyboard, else an empty string."""
    close = difflib.get_close_matches(name[:SHOWN_CHARACTERS], list(known), n=1, cutoff=0.7)
    return f" did you mean `{close[0]}`?" if close else ""
