"""When a failed attempt is repeated, and after how long. Pure."""

import math
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

BASE_SECONDS = 0.5
CAP_SECONDS = 20.0


def parse_retry_after(value: str | None, now: float, maximum: float) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, between 0 and `maximum`.

    Both forms of RFC 9110 are read: whole seconds, and an HTTP date compared with `now` (Unix seconds). Anything
    else is None.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), maximum)
    try:
        at = parsedate_to_datetime(text)
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(0.0, seconds), maximum) if math.isfinite(seconds) else None


def backoff(attempt: int, uniform: Callable[[], float], base: float = BASE_SECONDS, cap: float = CAP_SECONDS) -> float:
    """Seconds to wait after failed attempt number `attempt` (1 for the first): full jitter under a doubling bound."""
    return uniform() * min(cap, base * 2.0 ** min(attempt - 1, 30))
