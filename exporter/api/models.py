"""Rows of the API: only the wanted fields, typed; everything else in a body is never even built.

Field names follow the contract through `rename`. Instants stay the API's ISO strings turned to Unix seconds by
`exporter.api.decode`; counts are whole numbers. Sensitive fields (messages, trace keys, e-mail addresses, credentials,
mock records) have no field here, so that no later code can print them; of a connection's blocks one number is kept.
"""

from typing import Annotated, Any

import msgspec

_LARGEST_EXACT = 2**53

Count = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_EXACT)]
"""A number of things; never negative, and exact as a float."""

ID_CHARACTERS = 200
"""Longest id; the API's own have 24 characters, those of error records up to 20 digits."""

WORD_CHARACTERS = 200
"""Longest text of a field that becomes a label as it is; a row with a longer one is left out."""

NAME_CHARACTERS = 500
"""How much of a name is kept."""

Id = Annotated[str, msgspec.Meta(max_length=ID_CHARACTERS)]
Word = Annotated[str, msgspec.Meta(max_length=WORD_CHARACTERS)]


class Instant(float):
    """Seconds since the Unix epoch, read from an ISO 8601 string with or without milliseconds."""

    __slots__ = ()


class ConnectionBlock:
    """What is read of a connection's type-specific block: its `concurrencyLevel`, and nothing else (contract 3.10).

    The rest of a block is host names and masked credentials. `concurrency` is None when the block does not tell it as
    a whole number.
    """

    __slots__ = ("concurrency",)

    def __init__(self, content: object = None) -> None:
        level = content.get("concurrencyLevel") if isinstance(content, dict) else None
        known = type(level) is int and 0 <= level <= _LARGEST_EXACT
        self.concurrency: int | None = level if known else None


class Assigned(int):
    """1 when a record is assigned to somebody, 0 when to nobody; to whom is not kept."""

    __slots__ = ()


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all rows: immutable, unknown keys ignored. What is listed has what identifies it as its first field."""


class Named(Row, frozen=True, kw_only=True, gc=False):
    """A row with a name that people chose, which may be of any length."""

    id: Id = msgspec.field(name="_id")
    name: str | None = None

    def __post_init__(self) -> None:
        """Keep the beginning of the name."""
        if self.name is not None and len(self.name) > NAME_CHARACTERS:
            msgspec.structs.force_setattr(self, "name", self.name[:NAME_CHARACTERS])


class TokenInfo(Row, frozen=True, kw_only=True, gc=False):
    """Who the token belongs to (contract 3.1)."""

    user_id: Id = msgspec.field(name="_userId")
    scope: str | None = None


class Integration(Named, frozen=True, kw_only=True, gc=False):
    """One integration (contract 3.2)."""

    sandbox: bool = False
    last_modified: Instant | None = msgspec.field(default=None, name="lastModified")


class PageGenerator(Row, frozen=True, kw_only=True, gc=False):
    """The start of a flow: an export, possibly with a schedule of its own (contract 3.4)."""

    export_id: Id | None = msgspec.field(default=None, name="_exportId")
    schedule: str | dict[str, Any] | None = None


class PageProcessor(Row, frozen=True, kw_only=True, gc=False):
    """A later step of a flow: a lookup export or an import (contract 3.4)."""

    type: Word | None = None
    export_id: Id | None = msgspec.field(default=None, name="_exportId")
    import_id: Id | None = msgspec.field(default=None, name="_importId")


class Branch(Row, frozen=True, kw_only=True, gc=False):
    """One branch of a router."""

    page_processors: tuple[PageProcessor, ...] | None = msgspec.field(default=None, name="pageProcessors")


class Router(Row, frozen=True, kw_only=True, gc=False):
    """A fork in a flow; its branches hold steps."""

    branches: tuple[Branch, ...] | None = None


class Flow(Named, frozen=True, kw_only=True, gc=False):
    """One flow (contract 3.4). `disabled` absent reads as false; no `integration_id` means a standalone flow."""

    disabled: bool = False
    integration_id: Id | None = msgspec.field(default=None, name="_integrationId")
    schedule: str | dict[str, Any] | None = None
    timezone: str | None = None
    last_executed_at: Instant | None = msgspec.field(default=None, name="lastExecutedAt")
    created_at: Instant | None = msgspec.field(default=None, name="createdAt")
    last_modified: Instant | None = msgspec.field(default=None, name="lastModified")
    sandbox: bool = False
    page_generators: tuple[PageGenerator, ...] | None = msgspec.field(default=None, name="pageGenerators")
    page_processors: tuple[PageProcessor, ...] | None = msgspec.field(default=None, name="pageProcessors")
    routers: tuple[Router, ...] | None = None
    run_next_flow_ids: tuple[Id, ...] | None = msgspec.field(default=None, name="_runNextFlowIds")
    export_id: Id | None = msgspec.field(default=None, name="_exportId")
    import_id: Id | None = msgspec.field(default=None, name="_importId")


class Step(Named, frozen=True, kw_only=True, gc=False):
    """An export or an import (contract 3.12). Which of the two is known from the list it came from."""

    adaptor_type: Word | None = msgspec.field(default=None, name="adaptorType")
    connection_id: Id | None = msgspec.field(default=None, name="_connectionId")
    type: Word | None = None


class Queue(Row, frozen=True, kw_only=True, gc=False):
    """Messages waiting for a connection."""

    size: Count = 0


class Connection(Named, frozen=True, kw_only=True, gc=False):
    """One connection (contract 3.10). `offline` absent means online."""

    type: Word | None = None
    offline: bool = False
    sandbox: bool = False
    agent_id: Id | None = msgspec.field(default=None, name="_agentId")
    queues: tuple[Queue, ...] | None = None
    queue_size: Count | None = msgspec.field(default=None, name="queueSize")
    debug_until: Instant | None = msgspec.field(default=None, name="debugDate")
    as2: ConnectionBlock | None = None
    dynamodb: ConnectionBlock | None = None
    filesystem: ConnectionBlock | None = None
    ftp: ConnectionBlock | None = None
    http: ConnectionBlock | None = None
    jdbc: ConnectionBlock | None = None
    mcp: ConnectionBlock | None = None
    mongodb: ConnectionBlock | None = None
    netsuite: ConnectionBlock | None = None
    rdbms: ConnectionBlock | None = None
    rest: ConnectionBlock | None = None
    s3: ConnectionBlock | None = None
    salesforce: ConnectionBlock | None = None
    van: ConnectionBlock | None = None
    wrapper: ConnectionBlock | None = None

    @property
    def concurrency(self) -> int | None:
        """How many requests it may make at once, by the block of its own type; None when that does not tell."""
        block = getattr(self, self.type) if self.type in CONNECTION_BLOCKS else None
        return None if block is None else block.concurrency


CONNECTION_BLOCKS = tuple(
    field.name for field in msgspec.structs.fields(Connection) if field.type == ConnectionBlock | None
)
"""Names of the type-specific blocks, each that of a connection type (contract 2)."""


class Job(Row, frozen=True, kw_only=True, gc=False):
    """One run, retry or step of a run (contract 3.7)."""

    id: Id = msgspec.field(name="_id")
    type: Word | None = None
    status: str | None = None
    flow_id: Id | None = msgspec.field(default=None, name="_flowId")
    integration_id: Id | None = msgspec.field(default=None, name="_integrationId")
    export_id: Id | None = msgspec.field(default=None, name="_exportId")
    created_at: Instant | None = msgspec.field(default=None, name="createdAt")
    started_at: Instant | None = msgspec.field(default=None, name="startedAt")
    ended_at: Instant | None = msgspec.field(default=None, name="endedAt")
    num_success: Count = msgspec.field(default=0, name="numSuccess")
    num_error: Count = msgspec.field(default=0, name="numError")
    num_ignore: Count = msgspec.field(default=0, name="numIgnore")
    num_export: Count = msgspec.field(default=0, name="numExport")
    num_pages_generated: Count = msgspec.field(default=0, name="numPagesGenerated")
    num_pages_processed: Count = msgspec.field(default=0, name="numPagesProcessed")


class StepJob(Row, frozen=True, kw_only=True, gc=False):
    """One step of a run with its own counts, a child of the run's family (contract 3.7)."""

    id: Id = msgspec.field(name="_id")
    export_id: Id | None = msgspec.field(default=None, name="_exportId")
    import_id: Id | None = msgspec.field(default=None, name="_importId")
    num_success: Count = msgspec.field(default=0, name="numSuccess")
    num_error: Count = msgspec.field(default=0, name="numError")
    num_ignore: Count = msgspec.field(default=0, name="numIgnore")

    @property
    def step_id(self) -> str | None:
        """The export or import that it is a run of."""
        return self.export_id or self.import_id


class LastExport(Row, frozen=True, kw_only=True, gc=False):
    """Up to when a delta export has read (contract 3.14); `at` is None for a flow without one."""

    at: Instant | None = msgspec.field(default=None, name="lastExportDateTime")


class FlowErrorCount(Row, frozen=True, kw_only=True, gc=False):
    """Open errors of one flow now (contract 3.3)."""

    flow_id: Id = msgspec.field(name="_flowId")
    open_errors: Count = msgspec.field(name="numError")
    last_error_at: Instant | None = msgspec.field(default=None, name="lastErrorAt")


class StepErrorCount(Row, frozen=True, kw_only=True, gc=False):
    """Open errors of one step now (contract 3.5)."""

    step_id: Id = msgspec.field(name="_expOrImpId")
    open_errors: Count = msgspec.field(name="numError")
    last_error_at: Instant | None = msgspec.field(default=None, name="lastErrorAt")


class ErrorRecord(Row, frozen=True, kw_only=True, gc=False):
    """One open error of a step, without its message, trace key or data (contract 3.6).

    `assigned` is UNSET where the field is not served.
    """

    id: Id = msgspec.field(name="errorId")
    occurred_at: Instant | None = msgspec.field(default=None, name="occurredAt")
    source: str | None = None
    code: str | int | None = None
    classification: str | None = None
    purge_at: Instant | None = msgspec.field(default=None, name="purgeAt")
    assigned: Assigned | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="assignedTo")


class RunStats(Row, frozen=True, kw_only=True, gc=False):
    """Errors of a flow resolved in a window in which it ran (contract 3.9)."""

    flow_id: Id = msgspec.field(name="_flowId")
    integration_id: Id | None = msgspec.field(default=None, name="_integrationId")
    resolved_by_user: Count | None = msgspec.field(default=None, name="numResolvedByUser")
    resolved_by_auto: Count | None = msgspec.field(default=None, name="numResolvedByAuto")
