"""Colours that people tell apart who do not see red or green: Okabe's and Ito's eight, and one meaning for each.

A colour never stands alone: what it says is also a word, a number or a place.
"""

GOOD = "#56B4E9"
WARNING = "#E69F00"
BAD = "#D55E00"
UNKNOWN = "#8E8E8E"
BLUE = "#0072B2"
GREEN = "#009E73"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
CALM = "transparent"
"""Behind a number that is as it should be, so that only trouble has a colour."""

SEVERITIES = {"critical": BAD, "warning": WARNING, "info": GOOD}

OUTCOMES = {
    "completed": GOOD,
    "success": GOOD,
    "failed": BAD,
    "error": BAD,
    "canceled": PURPLE,
    "ignored": UNKNOWN,
    "running": GOOD,
    "queued": WARNING,
    "retrying": PURPLE,
    "canceling": UNKNOWN,
    "enabled": GOOD,
    "disabled": UNKNOWN,
    "online": GOOD,
    "offline": BAD,
}
"""Colours of the members of enumerations, the same on every board."""

APART = (GOOD, GREEN, PURPLE, YELLOW, BLUE, WARNING)
"""For members of an enumeration without a meaning of their own: as many as can be told apart."""

CLASSES = {
    "connection": BAD,
    "rate_limit": WARNING,
    "intermittent": YELLOW,
    "value": BLUE,
    "missing": GOOD,
    "duplicate": PURPLE,
    "governance": GREEN,
    "other": UNKNOWN,
}
"""Colours of what errors are classified as; the rarer classes are shown together with `other`."""

COLOURS = frozenset({GOOD, WARNING, BAD, UNKNOWN, BLUE, GREEN, PURPLE, YELLOW, CALM})
"""All colours that a board may name."""
