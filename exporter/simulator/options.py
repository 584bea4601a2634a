"""Settings of one simulated account and its two ports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How large, how fast and how quirky the simulated account is.

    Times are seconds. `integrations` None means as many as an account of so many flows
    has. `base_clock` and `monotonic` replace the machine's clocks; with a `base_clock`
    and no `start` the simulation begins at the clock's value. Port 0 means: any
    free port. `next_page_method` says which method the two reading
    POSTs accept for their next page (contract 1.6 leaves it open). `unresolved_share` of the
    runs' errors nobody ever looks at, and the rest is retried or resolved by a user; with 0
    somebody also resolves what a retry leaves, and none stays open for more than 12 hours.
    """

    flows: int = 60
    integrations: int | None = None
    seed: int = 1
    speed: float = 1.0
    history_seconds: float = 86_400.0
    retention_seconds: float = 30 * 86_400.0
    start: float | None = None
    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    token: str = field(default="demo-token", repr=False)
    page_size: int = 1000
    job_page_size: int = 1001
    bucket_size: int = 1000
    bucket_rate: float = 300.0
    failure_rate: float = 0.015
    error_rate: float = 0.08
    unresolved_share: float = 0.15
    errors_per_step_cap: int = 5000
    backlog: bool = True
    compress: bool = True
    next_page_method: Literal["POST", "GET", "any"] = "POST"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    base_clock: Callable[[], float] | None = field(default=None, repr=False)
    monotonic: Callable[[], float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse values no account could have; raises ValueError."""
        if self.flows < 0 or self.page_size < 1 or self.job_page_size < 1:
            raise ValueError("flows must be 0 or more, page sizes 1 or more")
        if self.integrations is not None and self.integrations < 1:
            raise ValueError("integrations must be 1 or more")
        if not 0 <= self.history_seconds <= self.retention_seconds:
            raise ValueError("history must lie within the retention")
        if self.bucket_size < 1 or self.bucket_rate <= 0:
            raise ValueError("the bucket needs a size of at least 1 and a positive rate")
        if not all(0 <= rate <= 1 for rate in (self.failure_rate, self.error_rate, self.unresolved_share)):
            raise ValueError("rates and shares lie between 0 and 1")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("TLS needs both a certificate and a key")

    @property
    def retention_ms(self) -> int:
        """How long runs and errors are kept, milliseconds."""
        return round(self.retention_seconds * 1000)
