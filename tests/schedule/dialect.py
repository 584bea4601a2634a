"""Schedules of every form the dialect has, drawn from a seed."""

import re
from collections.abc import Callable
from random import Random

SHAPES = {
    "every minute": r"\S+\s+\*\s",
    "question mark for minutes": r"\S+\s+\?\s",
    "single minute": r"\S+\s+\d+\s",
    "list of minutes": r"\S+\s+\d+(,\d+)+\s",
    "range of minutes": r"\S+\s+\d+-\d+\s",
    "minutes */n": r"\S+\s+\*/\d+\s",
    "minutes a-b/n": r"\S+\s+\d+-\d+/\d+\s",
    "minutes a/n": r"\S+\s+\d+/\d+\s",
    "range within a list": r"\S+\s+\d+-\d+(/\d+)?,\d+\s",
    "every hour": r"\S+\s+\S+\s+[*?]\s",
    "every hour as a range": r"\S+\s+\S+\s+0-23\s",
    "single hour": r"\S+\s+\S+\s+\d+\s",
    "list of hours": r"\S+\s+\S+\s+\d+(,\d+)+\s",
    "range of hours": r"\S+\s+\S+\s+\d+-\d+\s",
    "hours */n": r"\S+\s+\S+\s+\*/\d+\s",
    "hours a-b/n": r"\S+\s+\S+\s+\d+-\d+/\d+\s",
    "hours a/n": r"\S+\s+\S+\s+\d+/\d+\s",
    "single day": r"(\S+\s+){3}\d+\s",
    "list of days": r"(\S+\s+){3}\d+(,\d+)+\s",
    "range of days": r"(\S+\s+){3}\d+-\d+\s",
    "days */n": r"(\S+\s+){3}\*/\d+\s",
    "days a-b/n": r"(\S+\s+){3}\d+-\d+/\d+\s",
    "days a/n": r"(\S+\s+){3}\d+/\d+\s",
    "single month": r"(\S+\s+){4}\d+\s",
    "month by name": r"(\S+\s+){4}[A-Z]{3}\s",
    "list of months by name": r"(\S+\s+){4}[A-Za-z]{3}(,[A-Za-z]{3})+\s",
    "range of months by name": r"(\S+\s+){4}[A-Za-z]{3}-[A-Za-z]{3}\s",
    "range of months": r"(\S+\s+){4}\d+-\d+\s",
    "months with a step": r"(\S+\s+){4}\S+/\d+\s",
    "weekday by number": r"(\S+\s+){5}\d\s*$",
    "Sunday as 7": r"(\S+\s+){5}(\S+,)?7",
    "Sunday as 0": r"(\S+\s+){5}0",
    "list of weekdays": r"(\S+\s+){5}\d(,\d)+\s*$",
    "range of weekdays": r"(\S+\s+){5}\d-\d\s*$",
    "range of weekdays by name": r"(\S+\s+){5}[A-Za-z]{3}-[A-Za-z]{3}",
    "list of weekdays by name": r"(\S+\s+){5}[A-Za-z]{3},[A-Za-z]{3}",
    "weekdays up to Sunday": r"(\S+\s+){5}[A-Za-z]{3}-[Ss][Uu][Nn]",
    "weekdays with a step": r"(\S+\s+){5}\S+/\d",
    "names in lower case": r"(\S+\s+){4}(\S+\s+)?[a-z]{3}",
    "day of month and weekday": r"(\S+\s+){3}\d\S*\s+\S+\s+[A-Za-z0-9]",
    "29 February": r"(\S+\s+){3}29\s+2\s",
    "seconds ?": r"^\s*\?\s",
    "seconds 0": r"^\s*0\s",
    "seconds 00": r"^\s*00\s",
    "several blanks": r"\s\s",
}
"""Name and pattern of every form; the proof asserts that each of them was drawn."""

_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905
_WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()  # noqa: SIM905


def draw_schedule(random: Random) -> str:
    """A readable schedule; its hours lean to the night, when clocks change."""
    if random.random() < 0.03:
        return f"? {random.randrange(60)} {_night(random)} 29 2 ?"
    month = _month(random) if random.random() < 0.4 else random.choice("*?")
    # Short months have no 29th, and a schedule that never fires is unreadable.
    last_day = 31 if month in {"*", "?"} else 28
    fields = (
        random.choice(("?", "?", "0", "00")),
        _numbers(random, 0, 59, lambda: random.randrange(60)),
        _numbers(random, 0, 23, lambda: _night(random)) if random.random() < 0.9 else "0-23",
        _numbers(random, 1, last_day, lambda: random.randint(1, last_day)) if random.random() < 0.5 else "?",
        month,
        _weekday(random) if random.random() < 0.5 else random.choice("*?"),
    )
    blank = random.choice((" ", " ", " ", "  ", "\t "))
    return blank.join(fields)


def _night(random: Random) -> int:
    return random.choice((0, 1, 1, 2, 2, 2, 3, 3, 4, 23, random.randrange(24)))


def _numbers(random: Random, first: int, last: int, draw: Callable[[], int]) -> str:
    low, high = sorted((draw(), draw()))
    step = random.randint(1, (last - first + 1) // 2)
    forms = (
        "*",
        "?",
        f"{low}",
        f"{low:02}",
        ",".join(str(draw()) for _ in range(random.randint(2, 4))),
        f"{low}-{high}",
        f"*/{step}",
        f"{low}-{high}/{step}",
        f"{low}/{step}",
        f"{low}-{high},{draw()}",
        f"{low}-{high}/{step},{draw()}",
    )
    return random.choice(forms)


def _month(random: Random) -> str:
    low, high = sorted((random.randint(1, 12), random.randint(1, 12)))
    names = (_MONTHS[low - 1], _MONTHS[high - 1])
    forms = (
        str(low),
        f"{low}-{high}",
        f"*/{random.randint(1, 4)}",
        f"{low}/{random.randint(1, 4)}",
        names[0],
        "-".join(names),
        ",".join(names),
        "-".join(names).lower(),
    )
    return random.choice(forms)


def _weekday(random: Random) -> str:
    low, high = sorted((random.randrange(7), random.randrange(7)))
    names = (_WEEKDAYS[low], _WEEKDAYS[high])
    forms = (
        str(low),
        "0",
        "7",
        f"{low},{high}",
        f"{low},7",
        f"{low}-{high}",
        f"{low}-7",
        f"{low}-{high}/{random.randint(1, 3)}",
        f"*/{random.randint(1, 3)}",
        f"{low}/{random.randint(1, 3)}",
        names[0].capitalize(),
        "-".join(names),
        ",".join(names).lower(),
        f"{random.choice(_WEEKDAYS[1:])}-{random.choice(('SUN', 'sun'))}",
    )
    return random.choice(forms)


def shapes_of(texts: list[str]) -> set[str]:
    """Names of the forms that occur among `texts`."""
    return {name for name, pattern in SHAPES.items() if any(re.search(pattern, text) for text in texts)}
