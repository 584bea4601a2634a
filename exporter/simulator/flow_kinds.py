"""Incidents of flows, of their schedules and of integrations."""

from typing import Annotated

import msgspec

from exporter.simulator.incident_base import Incident, Name


class FlowDisabled(Incident, frozen=True, tag="flow_disabled"):
    """The flow is switched off."""

    flow: str


class FlowEnabled(Incident, frozen=True, tag="flow_enabled"):
    """The flow is switched on."""

    flow: str


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


class FlowEdited(Incident, frozen=True, tag="flow_edited"):
    """The flow was changed just now, as its date and an audit event say; it does what it did."""

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


class FlowUnscheduled(Incident, frozen=True, tag="flow_unscheduled"):
    """The flow and its generators have no schedule any more; lifting brings the old ones back."""

    flow: str


class IntegrationDeleted(Incident, frozen=True, tag="integration_deleted"):
    """The integration and its flows are gone."""

    integration: str


class IntegrationRenamed(Incident, frozen=True, tag="integration_renamed"):
    """The integration has another name."""

    integration: str
    name: Name


IntegrationKind = IntegrationDeleted | IntegrationRenamed
FlowKind = (
    FlowDisabled
    | FlowEnabled
    | FlowDeleted
    | FlowRenamed
    | FlowMoved
    | FlowEdited
    | ScheduleStopped
    | ScheduleLate
    | FlowRescheduled
    | FlowUnscheduled
)
