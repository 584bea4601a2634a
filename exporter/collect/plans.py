"""By which schedules a flow is to run, from its settings alone (contract 2, 3.4).

A generator's own schedule wins for that generator; all others follow the flow's. Generators that follow the same
schedule are one group, and a flow with one group only is started by any run of it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from exporter.api.models import Flow
from exporter.schedule.expression import Schedule, UnreadableSchedule, read_schedule
from exporter.schedule.ticks import Timetable


@dataclass(frozen=True, slots=True)
class Group:
    """Generators that follow one schedule; `exports` None: every run of the flow is one of theirs."""

    timetable: Timetable
    exports: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be expected of one flow. Instants are Unix seconds.

    `groups` are those with a readable schedule, `whole` fires whenever one of them does. `fingerprint` stands for all
    that decides when it runs: when that changes, expecting begins anew. `settled_at` is when the flow was created or
    last changed, as far as the API tells.
    """

    flow_id: str
    enabled: bool
    groups: tuple[Group, ...]
    whole: Timetable | None
    unreadable: bool
    fingerprint: str
    settled_at: float
    last_executed: float | None


def plan_of(flow: Flow) -> Plan:
    """The plan of a flow."""
    settings = list(_settings(flow))
    found: dict[Schedule, set[str]] = {}
    unreadable = False
    for export_id, schedule in settings:
        read = _read(json.dumps(schedule, sort_keys=True), flow.timezone)
        if read is None:
            unreadable = True
        else:
            found.setdefault(read, set()).add(export_id)
    known = [at for at in (flow.created_at, flow.last_modified) if at is not None]
    return Plan(
        flow_id=flow.id,
        enabled=not flow.disabled,
        groups=tuple(_groups(found, alone=not unreadable)),
        whole=Timetable(tuple(found)) if found else None,
        unreadable=unreadable,
        fingerprint=_fingerprint(flow, settings),
        settled_at=float(max(known, default=0.0)),
        last_executed=None if flow.last_executed_at is None else float(flow.last_executed_at),
    )


def _settings(flow: Flow) -> Iterator[tuple[str, Any]]:
    """Each generator with the schedule it follows, those that follow none left out."""
    exports = [(row.export_id or "", row.schedule) for row in flow.page_generators or ()]
    for export_id, own in exports or [(flow.export_id or "", None)]:
        schedule = own or flow.schedule
        if schedule:
            yield export_id, schedule


def _groups(found: dict[Schedule, set[str]], *, alone: bool) -> Iterator[Group]:
    for schedule, exports in found.items():
        one = alone and len(found) == 1
        yield Group(Timetable((schedule,)), None if one or "" in exports else frozenset(exports))


@lru_cache(maxsize=20_000)
def _read(schedule: str, zone: str | None) -> Schedule | None:
    try:
        return read_schedule(json.loads(schedule), zone)
    except UnreadableSchedule:
        return None


def _fingerprint(flow: Flow, settings: list[tuple[str, Any]]) -> str:
    if flow.disabled or not settings:
        return ""
    text = json.dumps([flow.timezone or "", settings], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
