"""The settings themselves: frozen values with their defaults, each default standing here once.

Nothing in this module reads a file or the environment; `exporter.config.load` builds these values.
Durations are seconds, sizes bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

REGIONS: Mapping[str, str] = {
    "us": "https://api.integrator.io",
    "eu": "https://api.eu.integrator.io",
    "au": "https://api.au.integrator.io",
    "ca": "https://api.ca.integrator.io",
}
"""Presets of contract 1.1. Any other host is a `base_url`."""

MIB = 1024 * 1024

Profile = Literal["lean", "standard", "full"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
"""Which families are exported, each profile with those of the ones before it."""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """Where the token is found: exactly one of the two is set. The token itself is no setting."""

    file: str | None = None
    env: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The exporter's own budget against one account, far below the account's 300 requests a second."""

    requests_per_second: float = 5.0
    burst: int = 10


@dataclass(frozen=True, slots=True)
class Account:
    """One integrator.io account and environment, behind one token."""

    name: str
    token: TokenSource
    base_url: str = REGIONS["us"]
    region: str | None = "us"
    environment: str = "production"
    rate_limit: RateLimit = RateLimit()
    token_expires: float | None = None

    @property
    def host(self) -> str:
        """Host and port of the API."""
        return self.base_url.split("://", 1)[-1].split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """What every collector has.

    `staleness` None means 3 x interval, at least 5 minutes. `timeout` None means the interval, between 30 s and
    5 minutes.
    """

    enabled: bool = True
    interval: float = 60.0
    timeout: float | None = None
    staleness: float | None = None

    @property
    def deadline_seconds(self) -> float:
        """How long one run may take."""
        return self.timeout if self.timeout is not None else min(max(self.interval, 30.0), 300.0)

    @property
    def staleness_seconds(self) -> float:
        """How long the last values are kept after collecting stopped succeeding."""
        return self.staleness if self.staleness is not None else max(3 * self.interval, 300.0)

    @property
    def lasting_seconds(self) -> float:
        """How old a part of what a run publishes may be: it is served until the next run, and not stale by then."""
        return max(0.0, self.staleness_seconds - self.interval)


@dataclass(frozen=True, slots=True)
class InventorySettings(CollectorSettings):
    """`last_exports_per_run`: delta flows asked for their position in one run, in turn; 0 for none."""

    interval: float = 300.0
    last_exports_per_run: int = 20


@dataclass(frozen=True, slots=True)
class JobsSettings(CollectorSettings):
    """`overlap`: how far behind the watermark runs are listed again, so that late rows are seen.

    `retention`: how long the account keeps its runs; a gap is caught up no further back. `step_flows`: ids or exact
    names of the flows whose runs are asked for the records of their steps.
    """

    overlap: float = 7200.0
    retention: float = 30 * 86_400.0
    retries_interval: float = 300.0
    follow_per_run: int = 50
    step_flows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorsSettings(CollectorSettings):
    """Caps of the drill-down: flows asked for their steps per run, pages read per step, steps read per run."""

    interval: float = 300.0
    flows_per_run: int = 50
    steps_per_run: int = 50
    pages_per_step: int = 5
    codes: int = 50


@dataclass(frozen=True, slots=True)
class HistorySettings(CollectorSettings):
    """`depth`: how far before the first sight runs are read back, 0 for not at all. It never goes past the retention.

    `pages_per_run` bounds what one run asks for.
    """

    depth: float = 15 * 86_400.0
    pages_per_run: int = 60


@dataclass(frozen=True, slots=True)
class GovernanceSettings(CollectorSettings):
    """`lists_interval`: how often licences, their use and notifications are listed; the audit log is in every run."""

    interval: float = 300.0
    lists_interval: float = 3600.0

    @property
    def lists_staleness_seconds(self) -> float:
        """How long the values of those lists are kept after reading them stopped succeeding."""
        return max(self.staleness_seconds, 3 * self.lists_interval)

    @property
    def lists_lasting_seconds(self) -> float:
        """How old a part of such a list may be: it is served until the next reading, and not stale by then."""
        return self.lists_staleness_seconds - self.lists_interval


@dataclass(frozen=True, slots=True)
class Collectors:
    """Settings of each collector by its name."""

    health: CollectorSettings = CollectorSettings(interval=60.0)
    inventory: InventorySettings = InventorySettings()
    jobs: JobsSettings = JobsSettings(interval=60.0)
    errors: ErrorsSettings = ErrorsSettings()
    connections: CollectorSettings = CollectorSettings(interval=60.0)
    agents: CollectorSettings = CollectorSettings(interval=60.0)
    governance: GovernanceSettings = GovernanceSettings()
    schedules: CollectorSettings = CollectorSettings(interval=60.0)
    history: HistorySettings = HistorySettings()


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """The Redis or Valkey that several replicas share. `lease` is seconds.

    `alone`: whether the replica that refreshes an account goes on with it while Redis is away. The files are those of a
    certificate authority, and of a client's certificate and its key.
    """

    url: str = ""
    username: str = ""
    password: TokenSource | None = None
    key_prefix: str = "celigo-exporter"
    lease: float = 15.0
    alone: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where the counters survive a restart: in a file, or in a Redis; neither means nowhere."""

    path: str | None = None
    redis: RedisSettings | None = None

    @property
    def place(self) -> str | None:
        """The file, or the URL of the Redis; None for neither."""
        return self.path if self.redis is None else self.redis.url


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one answer or listing may cost."""

    pages: int = 200
    response_bytes: int = 64 * MIB
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int = 4
    retry_after_max: float = 120.0
    series: int = 500_000


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """Patterns over flow names: one of `include` must match, none of `exclude` may."""

    include: tuple[str, ...] = (".*",)
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """Which flows and integrations have series. `integrations` are ids or names; none given means all."""

    integrations: tuple[str, ...] = ()
    flows: FlowFilter = FlowFilter()
    enabled_only: bool = False

    @property
    def active(self) -> bool:
        """Whether anything could be left out."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class OwnershipMatch:
    """Which flows an entry is about; exactly one is set. `name` is a pattern, the others an id or a name."""

    flow: str | None = None
    name: str | None = None
    integration: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a flow belongs to, and what is expected of it: seconds since its last success, seconds without a run."""

    match: OwnershipMatch
    team: str = ""
    tier: str = ""
    freshness: float | None = None
    silence: float | None = None


@dataclass(frozen=True, slots=True)
class Web:
    """The exporter's own HTTP side; from flags."""

    listen_addresses: tuple[str, ...] = (":10940",)
    telemetry_path: str = "/metrics"
    external_url: str | None = None
    timeout_offset: float = 0.5
    enable_lifecycle: bool = False
    config_file: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything. `source` is the file it came from, None for the environment alone, `state_line` its line `state:`."""

    accounts: tuple[Account, ...]
    collectors: Collectors = Collectors()
    limits: Limits = Limits()
    state: StateSettings = StateSettings()
    web: Web = Web()
    profile: Profile = "standard"
    filters: Filters = Filters()
    ownership: tuple[Owner, ...] = ()
    source: str | None = field(default=None, compare=False)
    state_line: int | None = field(default=None, compare=False)
