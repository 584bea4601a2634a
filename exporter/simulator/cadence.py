"""How often each sample flow runs and how its runs turn out.

The first flows of an account are laid out by hand, so that even a small account
shows every kind; the rest is drawn so that 10,000 flows make about 100,000 runs a day.
"""

import math
from dataclasses import dataclass
from random import Random

from exporter.simulator.names import ZONES
from exporter.simulator.resources import Behaviour

_LAYOUT = (
    "minute", "five", "listener", "quarter", "hourly", "minute", "five", "quarter", "daily", "chained",
    "listener", "hourly", "two_hourly", "weekday", "on_demand", "minute", "quarter", "office", "five", "chained",
    "hourly", "listener", "daily", "five",
)  # fmt: skip
_DRAWN = ("quarter", "hourly", "two_hourly", "daily", "weekday", "office", "listener", "chained", "on_demand")
_WEIGHTS = (3, 14, 10, 40, 12, 6, 2, 8, 5)
_PERIOD_SECONDS = {
    "minute": 60, "five": 300, "quarter": 900, "hourly": 3600, "two_hourly": 7200, "daily": 86_400,
    "weekday": 86_400, "office": 3600, "listener": 120, "chained": 3600, "on_demand": 86_400,
}  # fmt: skip
# The first flows of this kind run most of the time, so that something always is in progress.
_BUSY_KINDS = ("quarter",)
_FAVOURITES = 3


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a flow starts: `trigger`, and for scheduled flows the cron text and zone.

    `hand_made` flows belong to the lively beginning of every account.
    """

    trigger: str
    kind: str
    schedule: str | None
    timezone: str | None
    hand_made: bool


def draw_cadence(ordinal: int, draws: Random, has_parent: bool) -> Cadence:
    """Return the cadence of flow number `ordinal`; chained ones need a possible parent."""
    drawn = draws.choices(_DRAWN, _WEIGHTS)[0]
    kind = _LAYOUT[ordinal] if ordinal < len(_LAYOUT) else drawn
    if kind == "chained" and not has_parent:
        kind = "hourly"
    zone = draws.choice(ZONES)
    schedule = _cron(kind, draws)
    trigger = kind if kind in ("listener", "chained", "on_demand") else "scheduled"
    return Cadence(trigger, kind, schedule, zone if schedule else None, hand_made=ordinal < len(_LAYOUT))


def generator_schedule(draws: Random) -> str:
    """Return a schedule that a single generator carries by itself."""
    return f"? {draws.randrange(60)} {draws.randrange(24)} ? * *"


def draw_behaviour(cadence: Cadence, draws: Random, error_rate: float, failure_rate: float, kinds: int) -> Behaviour:
    """Return how the runs of a flow turn out; `kinds` is the number of error kinds known."""
    period = _PERIOD_SECONDS[cadence.kind]
    cap = 38.0 if period <= 120 else min(0.6 * period, 1800.0)
    median = min(cap / 2, math.exp(draws.gauss(math.log(4 + 2 * math.sqrt(period)), 0.6)))
    if cadence.kind in _BUSY_KINDS and cadence.hand_made:
        median = 0.9 * cap
    return Behaviour(
        median_seconds=median,
        max_seconds=cap,
        records=max(1.0, math.exp(draws.gauss(math.log(4 + period / 90), 0.9))),
        empty_rate=draws.choice((0.05, 0.2, 0.5)) if period <= 900 else 0.03,
        error_rate=_scaled(error_rate, draws.choice((0.2, 0.6, 1.0, 3.0))),
        failure_rate=_scaled(failure_rate, draws.choice((0.4, 1.0, 1.0, 1.6))),
        listener_mean_seconds=_listener_mean(cadence, draws),
        favourite_errors=tuple(draws.randrange(kinds) for _ in range(_FAVOURITES)),
    )


def _scaled(rate: float, factor: float) -> float:
    # Near `rate * factor` for small rates; 0 stays 0 and 1 stays 1.
    return 1.0 - math.pow(1.0 - rate, factor)


def _listener_mean(cadence: Cadence, draws: Random) -> float:
    means = (100.0, 200.0, 400.0) if cadence.hand_made else (900.0, 1800.0, 7200.0)
    return draws.choice(means) if cadence.trigger == "listener" else 0.0


def _cron(kind: str, draws: Random) -> str | None:
    minute, hour = draws.randrange(60), draws.randrange(24)
    quarter = ",".join(str(m) for m in range(minute % 15, 60, 15))
    table = {
        "minute": "? * * ? * *",
        "five": draws.choice(("? */5 * ? * *", "? 0,5,10,15,20,25,30,35,40,45,50,55 * ? * *")),
        "quarter": f"? {quarter} * ? * *",
        "hourly": f"? {minute} * ? * *",
        "two_hourly": f"? {minute} {draws.choice(('*/2', '0,2,4,6,8,10,12,14,16,18,20,22'))} ? * *",
        "daily": f"? {minute} {hour} ? * *",
        "weekday": f"? {minute} {hour} ? * 1,2,3,4,5",
        "office": f"? {minute} 8-18 ? * 1-5",
    }
    return table.get(kind)
