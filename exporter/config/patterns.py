"""Regular expressions over names, bounded so that no name can keep the exporter busy.

A pattern matches a whole name, of which it sees the first 200 characters. Python's engine tries the ways in which a
pattern can be laid over a text one after the other, so a pattern that has too many of them is refused when it is read:
`(a+)+b` has 2 to the power of 200; `.*a.*b.*` has some million, which take about a second at the very worst.
"""

import re
import warnings

from exporter.config.cursor import Cursor
from exporter.config.kinds import Kind, one_line, quoted

PATTERN_CHARACTERS = 200
"""Longest pattern."""

NAME_CHARACTERS = 200
"""How much of a name is matched."""

WAYS = 10_000_000
"""In how many ways a pattern may be laid over a name, at most."""

_GROUP = re.compile(r"\((?:\?(?:i?:))?")
_FLAG = "(?i)"
_REPEAT = re.compile(r"(?:[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})[?+]?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_SINGLE = re.compile(r"\\.|.", re.DOTALL)


def pattern() -> Kind:
    """A regular expression of 1 to 200 characters."""

    def read(at: Cursor) -> str:
        scalar = at.scalar("a regular expression")
        if scalar.tag != "str":
            raise at.fail(f"expected a regular expression, got {at.described()}; put it in quotes")
        text = one_line(at, scalar.text, PATTERN_CHARACTERS)
        if found := trouble(text):
            raise at.fail(found)
        return text

    return Kind("regular expression", read, quoted, f"up to {PATTERN_CHARACTERS} characters")


def compiled(text: str) -> re.Pattern[str]:
    """The pattern ready to use; `.` stands for any character, line ends included."""
    return re.compile(text, re.DOTALL)


def matches(expression: re.Pattern[str], name: str) -> bool:
    """Whether the whole name, as far as it is looked at, matches."""
    return expression.fullmatch(name[:NAME_CHARACTERS]) is not None


def trouble(text: str) -> str | None:
    """Why `text` can be no pattern, in words that repeat no more of it than an escape or a range; None when it can."""
    try:
        with warnings.catch_warnings():
            # Python warns of what it will read differently one day.
            warnings.simplefilter("error")
            compiled(text)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        return f"not a valid regular expression: {error.msg.split(chr(39))[0].strip()}{place}"
    except (OverflowError, RecursionError):
        return "not a valid regular expression: a number in it is too large, or it is nested too deeply"
    except Warning:
        return "not a regular expression that every version of Python reads alike"
    try:
        ways = _Reading(text).ways()
    except ValueError:
        return "only the groups (...) and (?:...), and (?i) at the start, are supported"
    if ways > WAYS:
        return "this could take very long to match: too many * + ? {} and |, or one repeated by another"
    return None


class _Reading:
    """Counts the ways of a valid pattern, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = len(_FLAG) if text.startswith(_FLAG) else 0

    def ways(self) -> int:
        """How many ways there are; any number above `WAYS` stands for more. Raises ValueError for other groups."""
        total, product = 0, 1
        while self._at < len(self._text) and not self._next_is(")"):
            if self._next_is("|"):
                self._at += 1
                total, product = total + product, 1
            else:
                product = min(product * self._repeated(self._item()), WAYS + 1)
        return total + product

    def _item(self) -> int:
        group = _GROUP.match(self._text, self._at)
        if group is None:
            single = _CLASS.match(self._text, self._at) or _SINGLE.match(self._text, self._at)
            self._at += len(single.group()) if single else 1
            return 1
        self._at = group.end()
        if self._next_is("?"):
            raise ValueError(self._at)
        inner = self.ways()
        self._at += 1
        return inner

    def _repeated(self, ways: int) -> int:
        repeat = _REPEAT.match(self._text, self._at)
        bounds = None if repeat is None else _bounds(repeat)
        if repeat is None or bounds is None:
            return ways
        self._at = repeat.end()
        least, most = bounds
        if ways == 1:
            return most - least + 1
        return WAYS + 1 if most > WAYS.bit_length() else sum(ways**times for times in range(least, most + 1))

    def _next_is(self, character: str) -> bool:
        return self._text.startswith(character, self._at)


def _bounds(repeat: re.Match[str]) -> tuple[int, int] | None:
    """How often at least and at most; None for braces that are just characters. A name ends every repetition."""
    sign = repeat.group()[0]
    if sign != "{":
        return (int(sign == "+"), 1 if sign == "?" else NAME_CHARACTERS)
    least, comma, most = repeat["least"], repeat["comma"], repeat["most"]
    if not least and not comma:
        return None
    low = min(int(least or 0), NAME_CHARACTERS)
    return (low, low if not comma else min(int(most), NAME_CHARACTERS) if most else NAME_CHARACTERS)
