"""Job rows for tests: everything has a default, instants are seconds after the clock's start."""

from exporter.api.models import Instant, Job
from tests.clocks import EPOCH

FLOW = "64b2e1d3c5f6a70023bc45d2"
INTEGRATION = "63a1f0c2d4b5e60012ab34c1"


def at(seconds: float) -> Instant:
    """The instant `seconds` after the clock's start."""
    return Instant(EPOCH + seconds)


def job(
    job_id: str,
    status: str = "completed",
    created: float | None = 0.0,
    started: float | None = None,
    ended: float | None = None,
    *,
    flow_id: str | None = FLOW,
    integration_id: str | None = INTEGRATION,
    kind: str | None = "flow",
    records: tuple[int, int, int] = (1, 0, 0),
    pages: int = 0,
) -> Job:
    """One row (contract 3.7)."""
    return Job(
        id=job_id,
        type=kind,
        status=status,
        flow_id=flow_id,
        integration_id=integration_id,
        created_at=None if created is None else at(created),
        started_at=None if started is None else at(started),
        ended_at=None if ended is None else at(ended),
        num_success=records[0],
        num_error=records[1],
        num_ignore=records[2],
        num_pages_generated=pages,
    )


def finished(job_id: str, ended: float, status: str = "completed", **more: object) -> Job:
    """A run that was created 20 s, and started 10 s, before its end."""
    return job(job_id, status, ended - 20, ended - 10, ended, **more)  # type: ignore[arg-type]  # passed through as is
