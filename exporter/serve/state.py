"""Where the counters live, in words for the log and the page."""

from exporter.ledger.store import StateStatus
from exporter.ledger.trouble import REDIS_TROUBLES, TROUBLES


def state_line(status: StateStatus, path: str | None) -> str:
    """One sentence without its full stop."""
    if status.backend == "memory":
        return "runs are counted in memory: after a restart the counters start anew"
    if status.backend == "redis":
        return _redis_line(status, path)
    if status.trouble is not None:
        return f"runs are counted in memory, the state file {path} is of no use: {TROUBLES[status.trouble]}"
    if not status.persistent:
        return f"the newest counts are not yet in the state file {path}"
    return f"counters survive a restart in {path}"


def _redis_line(status: StateStatus, url: str | None) -> str:
    if status.trouble is not None:
        return f"what was counted cannot be shared: {REDIS_TROUBLES[status.trouble]}"
    if not status.persistent:
        return f"the newest counts are not yet in Redis at {url}"
    return f"counters and accounts are shared with other replicas in Redis at {url}"


def state_class(status: StateStatus) -> str:
    """Which of the page's colours fits."""
    if status.backend == "memory":
        return "unknown"
    return "ok" if status.persistent else "failed"
