"""When a flow's schedule fires.

integrator.io writes six cron fields of which the first (seconds) is always `?`
(contract 2). Ticks are local times of the flow's own zone. An hour that a clock
change removes brings no tick and nothing makes up for it: that is what the help
centre says of the real scheduler.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 6


def ticks(schedule: str, zone: str | None, after_ms: int) -> Iterator[int]:
    """Yield the instants (ms) after `after_ms` at which `schedule` fires, without end."""
    for moment in CronSim(_expression(schedule), _local(zone, after_ms)):
        yield int(moment.timestamp()) * 1000


def last_tick(schedule: str, zone: str | None, before_ms: int) -> int:
    """Return the newest instant (ms) before `before_ms` at which `schedule` fired."""
    moment = next(CronSim(_expression(schedule), _local(zone, before_ms), reverse=True))
    return int(moment.timestamp()) * 1000


def is_schedule(schedule: str, zone: str | None) -> bool:
    """Whether the engine can follow it."""
    try:
        next(ticks(schedule, zone, 0))
    except (CronSimError, StopIteration, ValueError, KeyError, OSError):
        return False
    return len(schedule.split()) == _FIELDS


def _expression(schedule: str) -> str:
    # Six fields keep cronsim from making up for hours lost to a clock change,
    # as it does for five-field Debian lines.
    fields = schedule.replace("?", "*").split()
    return " ".join(["0", *fields[1:]])


def _local(zone: str | None, ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone or "UTC"))
