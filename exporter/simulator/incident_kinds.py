"""The incidents that change the account, as the control API takes them.

One structure per kind; its fields are the options, strictly typed. `flow`,
`integration`, `connection` and `agent` are an id or an exact name.
"""

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Records = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Incident(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all account incidents; the tag is the kind."""


class TokenRevoked(Incident, frozen=True, tag="token_revoked"):
    """Every call is 401: the token was revoked."""


class TokenExpired(Incident, frozen=True, tag="token_expired"):
    """Every call is 401: the token purged itself."""


class ConnectionOffline(Incident, frozen=True, tag="connection_offline"):
    """The connection is down; flows that use it pause and its queue grows."""

    connection: str


class ConnectionOnline(Incident, frozen=True, tag="connection_online"):
    """The connection is up, whatever it was."""

    connection: str


class ConnectionDeleted(Incident, frozen=True, tag="connection_deleted"):
    """The connection is in no list; flows that use it pause."""

    connection: str


class AgentOffline(Incident, frozen=True, tag="agent_offline"):
    """The agent is down and so are its connections."""

    agent: str


class AgentOnline(Incident, frozen=True, tag="agent_online"):
    """The agent is up and so are its connections."""

    agent: str


class FlowDisabled(Incident, frozen=True, tag="flow_disabled"):
    """The flow is switched off."""

    flow: str


class FlowEnabled(Incident, frozen=True, tag="flow_enabled"):
    """The flow is switched on."""

    flow: str


class ScheduleStopped(Incident, frozen=True, tag="schedule_stopped"):
    """The flow is on and keeps its schedule, but no run starts."""

    flow: str


class ScheduleLate(Incident, frozen=True, tag="schedule_late"):
    """Each run that the flow's schedules start is created so many seconds after its tick."""

    flow: str
    seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class FlowRescheduled(Incident, frozen=True, tag="flow_rescheduled"):
    """The flow has another schedule, in another time zone if one is given; lifting brings the old one back."""

    flow: str
    schedule: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    timezone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class RunStuck(Incident, frozen=True, tag="run_stuck"):
    """The flow's run in progress, or a new one, neither moves nor ends until lifted."""

    flow: str
    status: Literal["running", "queued"] = "running"


class RunVanished(Incident, frozen=True, tag="run_vanished"):
    """The flow's oldest run in progress is gone without an end; lifting brings nothing back.

    Retries are left alone. A flow without a run in progress loses a new queued one.
    """

    flow: str


class ErrorStorm(Incident, frozen=True, tag="error_storm"):
    """A run that completes at once raises `count` errors; lifting resolves what is left of them."""

    flow: str
    count: Count
    classification: str | None = None
    source: str = "application"
    code: str = "FIELD_VALIDATION_ERROR"
    step: str | None = None


class ResolveErrors(Incident, frozen=True, tag="resolve_errors"):
    """A user resolves open errors of a flow, or of one step, the oldest first."""

    flow: str
    step: str | None = None
    count: Count | None = None


class FlowDeleted(Incident, frozen=True, tag="flow_deleted"):
    """The flow is in no list and 404 by id."""

    flow: str


class FlowRenamed(Incident, frozen=True, tag="flow_renamed"):
    """The flow has another name."""

    flow: str
    name: Name


class FlowMoved(Incident, frozen=True, tag="flow_moved"):
    """The flow belongs to another integration, or with `none` to no integration."""

    flow: str
    integration: str


class IntegrationDeleted(Incident, frozen=True, tag="integration_deleted"):
    """The integration and its flows are gone."""

    integration: str


class IntegrationRenamed(Incident, frozen=True, tag="integration_renamed"):
    """The integration has another name."""

    integration: str
    name: Name


class FlowRunNow(Incident, frozen=True, tag="flow_run_now"):
    """A run of the flow that ends as told, at once or after `seconds` of simulated time.

    `errors` stay below `records`; without a value, a failed run raises one error and
    others none.
    """

    flow: str
    status: Literal["completed", "failed", "canceled"] = "completed"
    records: Records = 25
    errors: Records | None = None
    ignored: Records = 0
    seconds: Annotated[float, msgspec.Meta(ge=0, le=2_592_000)] = 0.0


AccountIncident = (
    TokenRevoked
    | TokenExpired
    | ConnectionOffline
    | ConnectionOnline
    | ConnectionDeleted
    | AgentOffline
    | AgentOnline
    | FlowDisabled
    | FlowEnabled
    | ScheduleStopped
    | ScheduleLate
    | FlowRescheduled
    | RunStuck
    | RunVanished
    | ErrorStorm
    | ResolveErrors
    | FlowDeleted
    | FlowRenamed
    | FlowMoved
    | IntegrationDeleted
    | IntegrationRenamed
    | FlowRunNow
)
