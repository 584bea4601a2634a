"""Incidents of runs and of the errors they leave.

Those that change how runs turn out leave alone the runs that an incident makes: they end as that incident says.
"""

from typing import Annotated, Literal

import msgspec

from exporter.simulator.incident_base import Count, Incident, Records, Seconds


class FlowFailing(Incident, frozen=True, tag="flow_failing"):
    """Every run of the flow that ends from now on ends `failed`: one error of the generator, no records."""

    flow: str


class FlowErroring(Incident, frozen=True, tag="flow_erroring"):
    """That share of the records of every completed run fails after the generator, one record at least.

    With a share of 0 no record fails. Without `classification`, `source` and `code` the errors are of the flow's usual
    kinds.
    """

    flow: str
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    classification: str | None = None
    source: str | None = None
    code: str | None = None


class FlowEmpty(Incident, frozen=True, tag="flow_empty"):
    """Every completed run of the flow has no record at all."""

    flow: str


class FlowRecords(Incident, frozen=True, tag="flow_records"):
    """Every completed run of the flow reads exactly so many records."""

    flow: str
    records: Records


class FlowSlow(Incident, frozen=True, tag="flow_slow"):
    """Each run of the flow that starts from now on runs exactly so long, and moves all the while."""

    flow: str
    seconds: Seconds


class FlowWaiting(Incident, frozen=True, tag="flow_waiting"):
    """Each run of the flow that is created from now on waits so long before it starts."""

    flow: str
    seconds: Seconds


class RunStuck(Incident, frozen=True, tag="run_stuck"):
    """The flow's run in progress, or a new one, neither moves nor ends until lifted.

    `retrying` and `canceling` are what a running one turns to; the one that was being canceled ends so.
    """

    flow: str
    status: Literal["running", "queued", "retrying", "canceling"] = "running"


class RunVanished(Incident, frozen=True, tag="run_vanished"):
    """The flow's oldest run in progress is gone without an end; lifting brings nothing back.

    Retries are left alone. A flow without a run in progress loses a new queued one.
    """

    flow: str


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
    seconds: Seconds = 0.0


class ErrorStorm(Incident, frozen=True, tag="error_storm"):
    """A run that completes at once raises `count` errors; lifting resolves what is left of them.

    With `age_seconds` the errors occurred so long ago, in a run that is not known any more. `assigned` says whether
    they are all assigned to a user, or none is; without it a few are.
    """

    flow: str
    count: Count
    classification: str | None = None
    source: str = "application"
    code: str = "FIELD_VALIDATION_ERROR"
    step: str | None = None
    age_seconds: Seconds = 0.0
    assigned: bool | None = None


class ResolveErrors(Incident, frozen=True, tag="resolve_errors"):
    """A user resolves open errors of a flow, or of one step, the oldest first."""

    flow: str
    step: str | None = None
    count: Count | None = None


OutcomeKind = FlowFailing | FlowErroring | FlowEmpty | FlowRecords | FlowSlow | FlowWaiting
RunKind = RunStuck | RunVanished | FlowRunNow
ErrorsKind = ErrorStorm | ResolveErrors
