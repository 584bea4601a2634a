"""Numbers, times and names as people read them."""

import re
from datetime import UTC, datetime

UNKNOWN = "\N{EN DASH}"
"""What stands where a number is not known: never a 0."""

SHOWN_CHARACTERS = 160
"""A longer name is cut: the rest of it would help nobody to tell what it names."""

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What draws nothing but can turn around, hide or break what stands beside it."""


def visible(text: str) -> str:
    """A name from the account in one line, every character of which can be seen."""
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
    return _UNSEEN.sub("\ufffd", cut.replace("\n", " ").replace("\t", " "))


def span(seconds: float) -> str:
    """A length of time in whole units that have passed; at least two of them, so that 90 s stay 90 s."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def ago(instant: float | None, now: float) -> str:
    """How long ago an instant is."""
    return "never" if instant is None else f"{span(now - instant)} ago"


def in_words(instant: float) -> str:
    """Unix seconds as a date and time; empty for what is no date: rows may claim anything."""
    try:
        return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return ""


def count(number: float | None) -> str:
    """A whole number; a dash while it is not known."""
    return UNKNOWN if number is None else f"{number:,.0f}"


def counted(number: float, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{count(number)} {one if number == 1 else many or f'{one}s'}"


def share(part: float, whole: float) -> str:
    """A share in percent that is 100 % only when nothing is missing, and 0 % only when there is nothing."""
    if whole <= 0:
        return UNKNOWN
    percent = 100 * part / whole
    return f"{min(99.0, max(1.0, percent)) if 0 < part < whole else percent:.0f} %"


def size(number: float) -> str:
    """Bytes."""
    for factor, unit in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number:.0f} B"
