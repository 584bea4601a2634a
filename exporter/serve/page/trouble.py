"""What is wrong in an account: flows that are late, that fail, that have open errors, and what is offline.

Pure. It follows from the newest readings, so it is worked out again only when one of them is new.
"""

from collections.abc import Collection, Mapping, Sized
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

from exporter.account import AccountRuntime
from exporter.collect.agents import AgentsView
from exporter.collect.connections import ConnectionsView
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.model import Reading
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.schedules import SchedulesView
from exporter.collect.step_listings import StepsView
from exporter.collect.topology import flow_connections
from exporter.config.quantity import parse_duration
from exporter.config.settings import Filters
from exporter.expose.selection import Selector
from exporter.rules.thresholds import default_thresholds

PARTS = ("inventory", "schedules", "finished_runs", "open_errors", "connections", "steps", "agents")
"""Parts of the model that it follows from."""


@dataclass(frozen=True, slots=True)
class Late:
    """A flow whose run was `due` (Unix seconds) and counts as overdue from `late_from` on."""

    flow_id: str
    due: float
    late_from: float
    missed: int


@dataclass(frozen=True, slots=True)
class Failing:
    """A flow whose newest `runs` runs failed, the last of which ended at `ended_at` (Unix seconds)."""

    flow_id: str
    runs: int
    ended_at: float


@dataclass(frozen=True, slots=True)
class Erroneous:
    """A flow with open errors, the oldest from `oldest` (Unix seconds) if that is known."""

    flow_id: str
    open_errors: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class Offline:
    """A connection that is offline; `flows` that are on need it, None when that is not known."""

    id: str
    name: str
    type: str
    flows: int | None
    queued: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Each list is None when it is not known, and begins with the worst. `flows` are all that are shown, by id."""

    flows: Mapping[str, FlowFacts] | None = None
    integrations: Mapping[str, str] | None = None
    enabled: int | None = None
    late: tuple[Late, ...] | None = None
    failing: tuple[Failing, ...] | None = None
    errors: tuple[Erroneous, ...] | None = None
    offline: tuple[Offline, ...] | None = None
    agents_offline: tuple[str, ...] | None = None

    def overdue(self, now: float) -> tuple[Late, ...] | None:
        """Those that are overdue at `now`, Unix seconds by the server's clock."""
        return None if self.late is None else tuple(each for each in self.late if each.late_from <= now)

    @property
    def open_errors(self) -> int | None:
        """Of all flows."""
        return None if self.errors is None else sum(each.open_errors for each in self.errors)


def length(rows: Sized | None) -> int | None:
    """How many there are; None while it is not known."""
    return None if rows is None else len(rows)


class Troubles:
    """The trouble of each account, kept as long as its readings stay. Used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[AccountRuntime, tuple[object, Trouble]] = WeakKeyDictionary()

    def of(self, runtime: AccountRuntime, filters: Filters, now: float, wall: float) -> Trouble:
        """What is wrong at monotonic instant `now` and Unix seconds `wall`."""
        readings = {part: runtime.model.reading(part, now) for part in PARTS}
        state = (filters, *(reading.version if reading else None for reading in readings.values()))
        kept = self._kept.get(runtime)
        if kept is None or kept[0] != state:
            kept = (state, _trouble(readings, filters, wall))
            self._kept[runtime] = kept
        return kept[1]


def _trouble(readings: Mapping[str, Reading | None], filters: Filters, wall: float) -> Trouble:
    views = {part: reading.view if reading else None for part, reading in readings.items()}
    inventory: InventoryView | None = views["inventory"]
    connections: ConnectionsView | None = views["connections"]
    agents: AgentsView | None = views["agents"]
    flows = None if inventory is None else _shown(inventory, filters)
    behind = _behind(inventory, views["steps"], connections)
    blocked = frozenset(flow_id for ids in (behind or {}).values() for flow_id in ids)
    known = {} if flows is None else flows
    return Trouble(
        flows=flows,
        integrations=None if inventory is None else inventory.integrations,
        enabled=None if flows is None else sum(flow.enabled for flow in flows.values()),
        late=_late(views["schedules"], known, blocked, wall),
        failing=_failing(views["finished_runs"], known),
        errors=_errors(views["open_errors"], known),
        offline=None if connections is None else _offline(connections, behind),
        agents_offline=None
        if agents is None
        else tuple(sorted(row.name for row in agents.agents.values() if row.online is False)),
    )


def _shown(inventory: InventoryView, filters: Filters) -> Mapping[str, FlowFacts]:
    if not filters.active:
        return inventory.flows
    shown = Selector(filters).shown(inventory).flows
    return {key: flow for key, flow in inventory.flows.items() if key in shown}


def _late(
    view: SchedulesView | None, flows: Mapping[str, FlowFacts], blocked: Collection[str], wall: float
) -> tuple[Late, ...] | None:
    """Those whose tick has passed; like the alerts, without flows that wait for a connection."""
    if view is None:
        return None
    found = [
        Late(key, row.next_run, row.next_run + grace(view.intervals.get(key)), row.missed)
        for key, row in view.expected.items()
        if row.next_run <= wall and key in flows and key not in blocked
    ]
    return tuple(sorted(found, key=lambda each: (each.due, each.flow_id)))


def grace(interval: float | None) -> float:
    """Seconds that a run may be late, by the thresholds that the alert rules come with."""
    ratio, least, most = _grace()
    return min(max(ratio * (interval or 0.0), least), most)


@cache
def _grace() -> tuple[float, float, float]:
    values = default_thresholds().values
    least, most = parse_duration(values["grace_least"]), parse_duration(values["grace_most"])
    return float(values["grace_ratio"]), least or 0.0, most or 0.0


def _failing(view: FinishedRunsView | None, flows: Mapping[str, FlowFacts]) -> tuple[Failing, ...] | None:
    if view is None:
        return None
    found = [
        Failing(key, row.failed.count, row.last.ended_at)
        for key, row in view.flows.items()
        if row.failed.count and row.last is not None and key in flows
    ]
    return tuple(sorted(found, key=lambda each: (-each.runs, -each.ended_at, each.flow_id)))


def _errors(view: OpenErrorsView | None, flows: Mapping[str, FlowFacts]) -> tuple[Erroneous, ...] | None:
    """Oldest first; those whose age is not known come last, most errors first."""
    if view is None:
        return None
    found = [
        Erroneous(key, row.open_errors, view.oldest.get(key))
        for key, row in view.flows.items()
        if row.open_errors and key in flows
    ]
    return tuple(
        sorted(found, key=lambda each: (each.oldest is None, each.oldest or 0.0, -each.open_errors, each.flow_id))
    )


def _behind(
    inventory: InventoryView | None, steps: StepsView | None, connections: ConnectionsView | None
) -> Mapping[str, Collection[str]] | None:
    """Flows that are on by the offline connection that they use; None when it is not known who uses which."""
    down = {row.id for row in connections.connections.values() if not row.online} if connections is not None else set()
    if not down:
        return {}
    if inventory is None or steps is None or steps.exports is None or steps.imports is None:
        return None
    found: dict[str, list[str]] = {name: [] for name in down}
    for flow_id, connection_id in flow_connections(inventory, steps):
        if connection_id in down and inventory.flows[flow_id].enabled:
            found[connection_id].append(flow_id)
    return found


def _offline(connections: ConnectionsView, behind: Mapping[str, Collection[str]] | None) -> tuple[Offline, ...]:
    rows = [
        Offline(row.id, row.name, row.type, None if behind is None else len(behind[row.id]), row.queued)
        for row in connections.connections.values()
        if not row.online
    ]
    return tuple(sorted(rows, key=lambda each: (-(each.flows or 0), each.name, each.id)))
