"""How fine Grafana asks: from a range of time and a number of points to a step and to what `$__rate_interval` is.

As Grafana's back end computes it, all in seconds.
"""

import re
from collections.abc import Sequence

FINEST = 11_000
"""Points of a line that Prometheus gives at most."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_ROUNDED: Sequence[tuple[float, int]] = (
    *((1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30)),
    *((90, 60), (210, 120), (450, 300), (750, 600), (1050, 900), (1500, 1200), (2700, 1800)),
    *((5400, 3600), (9000, 7200), (16_200, 10_800), (32_400, 21_600), (86_400, 43_200), (604_800, 86_400)),
)
"""Up to which interval inclusively which round one is taken."""

_LONGEST = 604_800


def seconds(duration: str) -> int:
    """A duration such as `6h`."""
    if (parts := re.fullmatch(r"(\d+)([smhdw])", duration)) is None:
        raise ValueError(f"not a duration: {duration}")
    return int(parts[1]) * _UNITS[parts[2]]


def rounded(interval: float) -> int:
    """The round interval that Grafana takes instead of this one."""
    return next((round_one for most, round_one in _ROUNDED if interval <= most), _LONGEST)


def step(span: float, points: int, least: int) -> int:
    """Seconds between two points of a line over `span` that has about so many points, `least` at the least."""
    wanted = span / points
    return max(least if wanted < least else rounded(wanted), rounded(span / FINEST))


def rate_interval(taken: int, least: int) -> int:
    """What `$__rate_interval` is at the step `taken`: at least four samples are in it."""
    return max(taken + least, 4 * least)


def grid(start: float, end: float, taken: int) -> tuple[int, int]:
    """First and last point of a line: Grafana asks on whole steps, so that a refresh asks for the same points again."""
    return int(start // taken * taken), int(end // taken * taken)
