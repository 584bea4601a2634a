"""What an account consists of: the values behind the lists of the API.

Frozen parts describe; the few mutable fields are what an incident or a run can
change. Only the engine and the incidents change them, under the engine's lock.
"""

from dataclasses import dataclass, field

from exporter.simulator.failures import ErrorKind

JsonObject = dict[str, object]


@dataclass(slots=True)
class Integration:
    """A group of flows (contract 3.2)."""

    ordinal: int
    id: str
    name: str
    sandbox: bool
    created_ms: int
    modified_ms: int
    tag: str | None = None
    connector_id: str | None = None
    connection_ids: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(slots=True)
class Agent:
    """An on-premise agent (contract 3.13). `signal` is the state field it answers with."""

    ordinal: int
    id: str
    name: str
    signal: str
    created_ms: int
    offline_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """So many messages waited at an instant; as many more come a minute."""

    messages: int
    per_minute: float
    since_ms: int

    def size(self, now_ms: int) -> int:
        """Return how many wait at `now_ms`."""
        return self.messages + int(self.per_minute * max(0, now_ms - self.since_ms) / 60_000)


@dataclass(slots=True)
class Connection:
    """A connection to an end system (contract 3.10).

    `concurrency` is the level that its row shows, None for the types that do not tell it. `backlog` is the queue that
    an incident gave it.
    """

    ordinal: int
    id: str
    name: str
    type: str
    assistant: str | None
    sandbox: bool
    integration_id: str
    agent_id: str | None
    created_ms: int
    concurrency: int | None = None
    offline_since_ms: int | None = None
    backlog: Backlog | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An export or an import (contract 3.12). `kind` is one of these words."""

    ordinal: int
    id: str
    name: str
    kind: str
    adaptor: str
    export_type: str | None
    is_lookup: bool
    connection_id: str | None
    integration_id: str | None
    sandbox: bool
    created_ms: int


@dataclass(frozen=True, slots=True)
class Generator:
    """A page generator: an export, perhaps with a schedule of its own."""

    step: Step
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A router branch with its page processors."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the runs of a flow turn out; rates are 0..1, sizes are medians."""

    median_seconds: float
    max_seconds: float
    records: float
    empty_rate: float
    error_rate: float
    failure_rate: float
    listener_mean_seconds: float
    favourite_errors: tuple[int, ...]


@dataclass(slots=True)
class Quirks:
    """How incidents want the runs of a flow to turn out; what is None stays as drawn.

    `error_share` of a completed run's records fails, with errors of `error_kind` if there is one.
    """

    failing: bool = False
    records: int | None = None
    error_share: float | None = None
    error_kind: ErrorKind | None = None
    queue_ms: int | None = None
    duration_ms: int | None = None


@dataclass(slots=True, eq=False)
class Flow:
    """A flow (contract 3.4) with its steps and the little state that runs leave on it.

    `trigger` is scheduled, listener, chained or on_demand. `legacy` flows carry
    `_exportId`/`_importId` at the top instead of generators and processors.
    `in_progress` counts the unfinished runs per generator step. `late_ms` is how long after
    their ticks runs are created, `opaque_schedule` shows the schedule as an object, `planted` tells how often its ticks
    were laid out.
    """

    ordinal: int
    id: str
    name: str
    integration_id: str | None
    sandbox: bool
    enabled: bool
    trigger: str
    schedule: str | None
    timezone: str | None
    generators: tuple[Generator, ...]
    processors: tuple[Step, ...]
    branches: tuple[Branch, ...]
    legacy: bool
    auto_resolve: bool
    behaviour: Behaviour
    created_ms: int
    modified_ms: int
    run_next: tuple[str, ...] = ()
    debug_until_ms: int | None = None
    last_executed_ms: int | None = None
    resolved_ms: int | None = None
    deleted: bool = False
    schedule_stopped: bool = False
    late_ms: int = 0
    opaque_schedule: bool = False
    planted: int = 0
    quirks: Quirks = field(default_factory=Quirks)
    in_progress: dict[str, int] = field(default_factory=dict)

    @property
    def scheduled(self) -> bool:
        """Whether the flow or one of its generators has a schedule."""
        return self.schedule is not None or any(g.schedule for g in self.generators)

    @property
    def processing_steps(self) -> tuple[Step, ...]:
        """Every step after the generators, in order of the pages."""
        return self.processors + tuple(step for branch in self.branches for step in branch.steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of the flow."""
        return tuple(g.step for g in self.generators) + self.processing_steps

    @property
    def is_delta(self) -> bool:
        """Whether the first generator reads only what changed."""
        return bool(self.generators) and self.generators[0].step.export_type == "delta"


@dataclass(frozen=True, slots=True)
class Notification:
    """A subscription to mails about a flow, connection or integration (contract 3.16)."""

    ordinal: int
    id: str
    type: str
    resource_id: str
    own: bool
    modified_ms: int
