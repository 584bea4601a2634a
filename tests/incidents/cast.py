"""Who plays: names for parts of the simulated account, which is laid out to suit before its history begins."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar
from unittest import mock

from exporter.simulator import past
from exporter.simulator.account import Account, build_account
from exporter.simulator.options import DAY_MS, SimulatorOptions
from exporter.simulator.resources import Agent, Connection, Flow, Integration, Step
from exporter.simulator.schedule import is_schedule
from tests.incidents.scenario import Member, ScenarioError

Part = Flow | Integration | Connection | Agent
Found = TypeVar("Found", Integration, Connection, Agent)

_STEADY = 1000.0
"""So many times a flow's longest duration is its median, so that every run takes the longest."""

_AGENTS_USED = 0.5
_LICENSED_DAYS = 100


@dataclass
class Cast:
    """Parts of the account by the names that a scenario gives them; one name may stand for many flows."""

    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)

    def ids(self, name: str) -> tuple[str, ...]:
        """Ids of what `name` stands for. Raises KeyError."""
        return tuple(part.id for part in self.parts[name])

    def one(self, name: str) -> Part:
        """The only part of that name. Raises ScenarioError when there is none or there are several."""
        found = self.parts.get(name, ())
        if len(found) != 1:
            raise ScenarioError(f"cast: {name!r} stands for {len(found)} parts; one is needed here")
        return found[0]


@contextmanager
def casting(members: Mapping[str, Member]) -> Iterator[Cast]:
    """Inside, the next simulated account is laid out to suit `members`; they are in the cast once it exists."""
    cast = Cast()

    def built(options: SimulatorOptions, start_ms: int) -> Account:
        account = build_account(options, start_ms)
        _calm(account)
        director = _Director(account, cast)
        for name, member in members.items():
            director.choose(name, member)
        return account

    with mock.patch.object(past, "build_account", built):
        yield cast


def _calm(account: Account) -> None:
    """Take out of the sample account what is an alert of its own."""
    account.entitlements["agents"].used_share = _AGENTS_USED
    for row in account.licenses:
        row.ends_ms = max(row.ends_ms, account.start_ms + _LICENSED_DAYS * DAY_MS)
    for flow in account.flows:
        flow.opaque_schedule = False


class _Director:
    def __init__(self, account: Account, cast: Cast) -> None:
        self._account = account
        self._cast = cast
        self._flows: set[str] = set()

    def choose(self, name: str, member: Member) -> None:
        """Put `name` into the cast. Raises ScenarioError."""
        try:
            self._cast.parts[name] = self._chosen(name, member)
        except (LookupError, ValueError) as error:
            raise ScenarioError(f"cast.{name}: {error.args[0] if error.args else error}") from None

    def _chosen(self, name: str, member: Member) -> tuple[Part, ...]:
        if member.flow or member.flows:
            return tuple(self._flow(member, name, number) for number in range(member.count or 1))
        if member.flows_of:
            return tuple(self._flows_of(self._cast.one(member.flows_of)))
        part = self._single(member)
        if member.name is not None:
            part.name = member.name
        if member.behind is not None and isinstance(part, Connection):
            part.agent_id = self._cast.one(member.behind).id
        return (part,)

    def _single(self, member: Member) -> Integration | Connection | Agent:
        account, taken = self._account, {part.id for parts in self._cast.parts.values() for part in parts}
        if member.connection:
            up = (row for row in account.connections if row.offline_since_ms is None and row.id not in taken)
            used = self._used() if member.connection == "unused" else frozenset()
            return _first((row for row in up if row.id not in used), "connection")
        if member.integration:
            live = (row for row in account.integrations if not row.sandbox)
            return _first((row for row in live if row.id not in taken), "integration")
        if member.agent:
            return _first((row for row in account.agents if row.id not in taken), "agent")
        if member.agent_of:
            connection = self._cast.one(member.agent_of)
            wanted = connection.agent_id if isinstance(connection, Connection) else None
            return _first((row for row in account.agents if row.id == wanted), "agent")
        return self._under(self._cast.one(member.connection_of or member.integration_of or ""), member)

    def _used(self) -> frozenset[str]:
        """Ids of the connections that enabled flows use."""
        steps = [step for flow in self._account.flows if flow.enabled for step in flow.steps]
        return frozenset(step.connection_id for step in steps if step.connection_id)

    def _under(self, flow: Part, member: Member) -> Integration | Connection:
        """What a flow belongs to or uses."""
        if not isinstance(flow, Flow):
            raise LookupError(f"{flow.name!r} is no flow")
        if member.integration_of:
            return _first((row for row in self._account.integrations if row.id == flow.integration_id), "integration")
        used = {step.connection_id for step in flow.steps}
        return _first((row for row in self._account.connections if row.id in used), "connection")

    def _flow(self, member: Member, name: str, number: int) -> Flow:
        """A flow with one generator that nobody has chosen yet, changed as the member says."""
        flow = next((row for row in self._account.flows if self._fits(row, member)), None)
        if flow is None:
            raise LookupError(f"no {member.flow or member.flows} flow is left; give the account more flows")
        self._flows.add(flow.id)
        flow.enabled = member.enabled is not False
        self._name(flow, member, name, number)
        self._schedule(flow, member)
        self._behave(flow, member)
        self._move(flow, member)
        return flow

    def _fits(self, flow: Flow, member: Member) -> bool:
        trigger = member.flow or member.flows
        alone = len(flow.generators) == 1 and not flow.legacy
        return flow.trigger == trigger and alone and flow.enabled and flow.id not in self._flows

    def _name(self, flow: Flow, member: Member, name: str, number: int) -> None:
        flow.name = member.name or name.replace("_", " ").capitalize()
        if member.flows:
            flow.name = f"{flow.name} {number + 1}"

    def _schedule(self, flow: Flow, member: Member) -> None:
        flow.opaque_schedule = not member.readable
        if member.schedule is None:
            return
        if flow.trigger != "scheduled" or not is_schedule(member.schedule, member.timezone):
            raise ValueError("only a scheduled flow takes a schedule, and it must be one that can be read")
        flow.schedule, flow.timezone = member.schedule, member.timezone

    def _behave(self, flow: Flow, member: Member) -> None:
        usual = flow.behaviour
        seconds, arrives = member.seconds, member.arrives_every
        flow.behaviour = replace(
            usual,
            empty_rate=0.0,
            median_seconds=usual.median_seconds if seconds is None else _STEADY * seconds,
            max_seconds=usual.max_seconds if seconds is None else seconds,
            records=usual.records if member.records is None else float(member.records),
            listener_mean_seconds=usual.listener_mean_seconds if arrives is None else 60.0 * arrives,
        )

    def _move(self, flow: Flow, member: Member) -> None:
        if member.of is not None:
            flow.integration_id = self._cast.one(member.of).id
        if member.on is not None:
            connection_id = self._cast.one(member.on).id
            self._change_steps(flow, lambda step: replace(step, connection_id=connection_id))

    def _change_steps(self, flow: Flow, change: Callable[[Step], Step]) -> None:
        """Let a flow's steps be changed copies of them, in the account's lists too. Steps of other flows are left."""
        shared = {id(s) for other in self._account.flows if other is not flow for s in other.steps}
        changed = {id(s): change(s) for s in flow.steps if s.connection_id and id(s) not in shared}
        flow.generators = tuple(replace(g, step=changed.get(id(g.step), g.step)) for g in flow.generators)
        flow.processors = tuple(changed.get(id(s), s) for s in flow.processors)
        flow.branches = tuple(
            replace(branch, steps=tuple(changed.get(id(s), s) for s in branch.steps)) for branch in flow.branches
        )
        self._account.steps[:] = [changed.get(id(s), s) for s in self._account.steps]

    def _flows_of(self, part: Part) -> Iterator[Flow]:
        for flow in self._account.flows:
            if flow.integration_id == part.id or part.id in {step.connection_id for step in flow.steps}:
                yield flow


def _first(rows: Iterator[Found], word: str) -> Found:
    found = next(rows, None)
    if found is None:
        raise LookupError(f"there is no such {word}, or none is left")
    return found
