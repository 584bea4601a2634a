"""Timestamps as integrator.io writes and accepts them.

Inside the simulator every instant is an integer: milliseconds since 1970 UTC.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

_EPOCH_MS = re.compile(r"[0-9]{10,14}\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=16384)
def iso(ms: int) -> str:
    """Return `ms` as ISO 8601 UTC with milliseconds, e.g. 2026-08-30T09:15:02.114Z."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC).isoformat()[:19]}.{ms % 1000:03d}Z"


def parse_instant(text: str) -> int:
    """Read a filter value: ISO with or without ms, plain date, or epoch ms (contract 3.7).

    Raises ValueError when it is none of them.
    """
    if _EPOCH_MS.match(text):
        return int(text)
    if not _DATE.match(text):
        raise ValueError("not a timestamp")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
