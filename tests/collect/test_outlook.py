"""What is expected of all flows: found as if from scratch each time, looked for only where something changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from exporter.api.models import Flow, Instant, PageGenerator
from exporter.collect import outlook
from exporter.collect.active import ActiveRun
from exporter.collect.expectations import LATE_SECONDS, Expected, Runs, begun, expected_of, interval_of
from exporter.collect.inventory import FlowFacts
from exporter.collect.outlook import Outlook, Situation
from exporter.collect.plans import Plan, plan_of
from exporter.collect.silence import usual_silence
from exporter.collect.triggers import Trigger
from exporter.ledger.history import HOUR, FlowHistory, Hours
from exporter.ledger.tally import FinishedRun, FlowTally
from exporter.schedule.forecast import skipped_by_clock_change
from tests.clocks import EPOCH

DAY = 86_400.0
TOLD = ("expected", "intervals", "unreadable", "silences", "skips")
SCHEDULES: tuple[Any, ...] = ("? 0 * ? * *", "? */7 * ? * *", "? 30 2 ? * *", "? 0 0,6 ? * 1", "nonsense", None)
STEPS = (
    "time",
    "back",
    "run",
    "retry",
    "begin",
    "end",
    "count",
    "plan",
    "off",
    "gone",
    "since",
    "known",
    "facts",
    "names",
)

TRIGGERS: tuple[Trigger, ...] = ("listener", "chained", "on_demand", "scheduled")


def silence_of(flow: FlowFacts, names: Mapping[str, str]) -> float | None:
    return 77.0 if names.get(flow.integration_id) == "strict" else None


@dataclass(slots=True)
class World:
    """Everything that is known of some flows, which changes step by step."""

    random: Random
    ids: list[str]
    now: float = EPOCH
    known_since: float = EPOCH - 30 * DAY
    plans: dict[str, Plan] = field(default_factory=dict)
    tallies: dict[str, FlowTally] = field(default_factory=dict)
    histories: dict[str, FlowHistory] = field(default_factory=dict)
    active: list[ActiveRun] = field(default_factory=list)
    since: dict[str, Any] = field(default_factory=dict)
    flows: dict[str, FlowFacts] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    noted: bool = True

    def facts(self) -> Situation:
        """Mappings and runs in progress are made anew, as each reading does."""
        if self.noted:
            self.since = {**self.since, **begun(self.plans.values(), self.since, self.now)}
        return Situation(
            dict(self.plans),
            dict(self.tallies),
            dict(self.histories),
            tuple(replace(run) for run in self.active),
            dict(self.since),
            dict(self.flows),
            dict(self.names),
            self.known_since,
            self.now,
        )

    def step(self, what: str, flow_id: str) -> None:
        """Let one thing happen."""
        if what in ("time", "back"):
            self.now += (
                self.random.random() * self.random.choice([1, 60, 600, HOUR, DAY]) * (1 if what == "time" else -1)
            )
        elif what in ("run", "retry"):
            self._ran(flow_id, retry=what == "retry")
        elif what in ("begin", "end", "count"):
            self._active(what, flow_id)
        elif what in ("plan", "off", "gone", "since"):
            self._plan(what, flow_id)
        elif what == "known":
            self.known_since -= self.random.choice([60, HOUR, DAY])
        elif what == "facts":
            trigger = self.random.choice(TRIGGERS)
            enabled, home = self.random.random() < 0.8, self.random.choice("ab")
            self.flows[flow_id] = FlowFacts(flow_id, flow_id, home, enabled, False, trigger)
        else:
            self.names = {"a": self.random.choice(["strict", "easy"]), "b": "easy"}

    def _ran(self, flow_id: str, *, retry: bool) -> None:
        tally, history = self.tallies.get(flow_id, FlowTally()), self.histories.get(flow_id, FlowHistory())
        if retry:
            self.tallies[flow_id] = replace(tally, retries=(1, 0, 0))
            return
        export = self.random.choice([None, "exp-0", "exp-1"])
        run = FinishedRun("r", flow_id, "i", "completed", self.now - 60, self.now - 30, 5.0, 0.0, (1, 0, 0), export)
        what = self.random.choice(["both", "both", "tally", "history"])
        if what != "history":
            self.tallies[flow_id] = replace(tally, last=run)
        if what == "tally":
            return
        history = history.ran(run)
        if self.random.random() < 0.5:
            history = replace(history, hours=Hours(int(self.now // HOUR), self.random.getrandbits(800)))
        self.histories[flow_id] = history

    def _active(self, what: str, flow_id: str) -> None:
        if what == "begin":
            export, at = self.random.choice([None, "exp-0", "exp-1"]), self.now - 30
            self.active.append(ActiveRun("a", flow_id, "running", at, (0,), at, at, export))
        elif what == "end":
            self.active = [run for run in self.active if run.flow_id != flow_id]
        else:
            self.active = [replace(run, counters=(run.counters[0] + 1,)) for run in self.active]

    def _plan(self, what: str, flow_id: str) -> None:
        if what == "gone":
            for held in (self.plans, self.since, self.flows, self.tallies):
                held.pop(flow_id, None)
        elif what == "off" and flow_id in self.plans:
            self.plans[flow_id] = replace(self.plans[flow_id], enabled=not self.plans[flow_id].enabled)
        elif what == "since":
            self.noted = not self.noted
        else:
            self.plans[flow_id] = self.planned(flow_id, self.random.choice(SCHEDULES))

    def planned(self, flow_id: str, schedule: Any) -> Plan:
        own = self.random.choice([None, "? 0 * ? * *", "? 5 0 ? * *"])
        exports = (PageGenerator(export_id="exp-0"), PageGenerator(export_id="exp-1", schedule=own))
        zone = self.random.choice(["UTC", "Europe/Berlin"])
        created = Instant(EPOCH - 90 * DAY)
        return plan_of(Flow(id=flow_id, schedule=schedule, timezone=zone, created_at=created, page_generators=exports))


def plain(facts: Situation) -> dict[str, Any]:
    """What is to be told, without any memory."""
    on = {flow_id: plan for flow_id, plan in facts.plans.items() if plan.enabled}
    found, skips = {}, {}
    for flow_id, plan in on.items():
        active = tuple(run for run in facts.active if run.flow_id == flow_id)
        runs = Runs(facts.tallies.get(flow_id, FlowTally()).last, active, facts.histories.get(flow_id, FlowHistory()))
        since = facts.since[flow_id].since if flow_id in facts.since else facts.now
        found[flow_id] = expected_of(plan, runs, since, facts.known_since, facts.now)
        skips[flow_id] = skipped_by_clock_change(plan.whole, facts.now) if plan.whole else None
    gaps = {flow_id: interval_of(plan, facts.now) for flow_id, plan in on.items()}
    silences = {}
    for flow in facts.flows.values():
        hours = facts.histories.get(flow.id, FlowHistory()).hours
        if flow.enabled and flow.trigger != "scheduled":
            usual = None if flow.trigger == "on_demand" else usual_silence(hours, facts.known_since, facts.now)
            silences[flow.id] = usual if (told := silence_of(flow, facts.names)) is None else told
    return {
        "expected": {key: each.value for key, each in found.items() if each and each.value is not None},
        "intervals": {key: each.value for key, each in gaps.items() if each and each.value is not None},
        "unreadable": {flow_id for flow_id, plan in facts.plans.items() if plan.unreadable},
        "silences": {key: each for key, each in silences.items() if each is not None},
        "skips": {key: each for key, each in skips.items() if each is not None},
    }


def told(held: Outlook) -> dict[str, Any]:
    return {name: getattr(held, name) for name in TOLD}


@pytest.mark.parametrize("seed", range(12))
def test_through_any_steps_it_is_what_would_be_told_without_any_memory(seed: int) -> None:
    random = Random(seed)
    world, held = World(random, [f"flow-{number}" for number in range(8)]), Outlook(silence_of)
    for flow_id in world.ids:
        world.step("plan", flow_id)
        world.step("facts", flow_id)
    for flow_id, schedule in (("flow-0", "? 30 2 ? * *"), ("flow-1", "nonsense")):
        world.plans[flow_id] = plan_of(Flow(id=flow_id, schedule=schedule, timezone="Europe/Berlin"))
    held.update(world.facts())
    seen = {name for name in TOLD if getattr(held, name)}
    for _ in range(120):
        for _ in range(random.choice([0, 1, 1, 2, 5])):
            world.step(random.choice(STEPS), random.choice(world.ids))
        facts, before = world.facts(), told(held)
        held.update(facts)
        assert told(held) == plain(facts)
        seen |= {name for name in TOLD if getattr(held, name)}
        for name, mapping in before.items():
            now = getattr(held, name)
            assert now is mapping or now != mapping
            if isinstance(now, Mapping):
                assert all(now[key] is mapping[key] for key in now.keys() & mapping.keys() if now[key] == mapping[key])
    assert seen == set(TOLD)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_told_does_not_change_any_more(seed: int) -> None:
    random = Random(seed)
    world, held = World(random, [f"flow-{number}" for number in range(8)]), Outlook(silence_of)
    before: list[tuple[Any, Any]] = []
    for _ in range(60):
        world.step(random.choice(STEPS), random.choice(world.ids))
        held.update(world.facts())
        before += [(mapping, mapping.copy()) for mapping in told(held).values()]
    assert all(mapping == copy for mapping, copy in before)


@dataclass(slots=True)
class Calls:
    """The flows of which what is expected, and those whose interval, was worked out."""

    expected: list[str] = field(default_factory=list)
    intervals: list[str] = field(default_factory=list)

    def counted(self, which: list[str], function: Callable[..., Any]) -> Callable[..., Any]:
        def call(plan: Plan, *more: Any) -> Any:
            which.append(plan.flow_id)
            return function(plan, *more)

        return call

    def taken(self) -> tuple[set[str], set[str]]:
        assert len(set(self.expected)) == len(self.expected), "each at most once"
        found = (set(self.expected), set(self.intervals))
        self.expected.clear()
        self.intervals.clear()
        return found


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    found = Calls()
    monkeypatch.setattr(outlook, "expected_of", found.counted(found.expected, expected_of))
    monkeypatch.setattr(outlook, "interval_of", found.counted(found.intervals, interval_of))
    return found


@pytest.fixture
def many() -> World:
    """Three hundred hourly flows ten minutes after the hour, each of which ran at the hour."""
    world = World(Random(1), [f"flow-{number}" for number in range(300)], now=EPOCH - EPOCH % HOUR + 60)
    for flow_id in world.ids:
        row = Flow(id=flow_id, schedule="? 0 * ? * *", created_at=Instant(EPOCH - 90 * DAY))
        world.plans[flow_id] = plan_of(row)
        run = FinishedRun("r", flow_id, "i", "completed", world.now - 60, world.now - 30, 5.0, 0.0, (1, 0, 0))
        world.tallies[flow_id], world.histories[flow_id] = FlowTally(last=run), FlowHistory().ran(run)
    world.now += 540
    return world


def test_of_many_flows_only_those_that_changed_are_worked_out(calls: Calls, many: World) -> None:
    held = Outlook(silence_of)
    held.update(many.facts())
    assert calls.taken() == (set(many.ids), set(many.ids))
    many.histories["flow-3"] = replace(many.histories["flow-3"], starts=(("exp-0", many.now),))
    many.step("begin", "flow-4")
    many.step("retry", "flow-5")
    many.plans["flow-6"] = replace(many.plans["flow-6"], last_executed=many.now)
    many.since["flow-7"] = replace(many.since["flow-7"], since=many.now)
    del many.plans["flow-8"]
    held.update(many.facts())
    assert calls.taken() == ({"flow-3", "flow-4", "flow-6", "flow-7"}, {"flow-6"})
    many.step("count", "flow-4")
    held.update(many.facts())
    assert calls.taken() == (set(), set())
    many.step("end", "flow-4")
    held.update(many.facts())
    assert calls.taken() == ({"flow-4"}, set())


def test_at_the_tick_intervals_are_measured_anew_and_stay_the_same_mapping(calls: Calls, many: World) -> None:
    held = Outlook(silence_of)
    held.update(many.facts())
    calls.taken()
    before, many.now = held.intervals, many.now + 50 * 60
    held.update(many.facts())
    assert calls.taken() == (set(), set(many.ids))
    assert held.intervals is before
    many.now += LATE_SECONDS
    held.update(many.facts())
    assert calls.taken() == (set(many.ids), set())
    assert {each.missed for each in held.expected.values()} == {1}


def test_more_history_matters_only_where_generators_follow_schedules_of_their_own(calls: Calls, many: World) -> None:
    exports = (PageGenerator(export_id="exp-0"), PageGenerator(export_id="exp-1", schedule="? 5 0 ? * *"))
    many.plans["flow-9"] = plan_of(Flow(id="flow-9", schedule="? 0 * ? * *", page_generators=exports))
    held = Outlook(silence_of)
    held.update(many.facts())
    calls.taken()
    many.known_since -= DAY
    held.update(many.facts())
    assert calls.taken() == ({"flow-9"}, set())


def test_when_nothing_changed_everything_is_the_very_same(many: World) -> None:
    for flow_id in many.ids[:20]:
        many.step("facts", flow_id)
    many.names = {"a": "strict"}
    many.plans |= {"night": many.planned("night", "? 30 2 ? * *"), "what": many.planned("what", "nonsense")}
    many.plans["berlin"] = plan_of(Flow(id="berlin", schedule="? 30 2 ? * *", timezone="Europe/Berlin"))
    held = Outlook(silence_of)
    held.update(many.facts())
    before = told(held)
    assert all(before.values())
    many.now += 60
    held.update(many.facts())
    assert all(getattr(held, name) is mapping for name, mapping in before.items())


def test_plans_are_told_in_their_order(many: World) -> None:
    many.plans = dict(sorted(many.plans.items(), key=lambda item: item[0][::-1]))
    held = Outlook(silence_of)
    held.update(many.facts())
    assert list(held.expected) == list(held.intervals) == list(many.plans)


def test_a_flow_of_which_nobody_noted_since_when_is_expected_since_now() -> None:
    world, held = World(Random(1), []), Outlook(silence_of)
    world.plans["flow"] = plan_of(Flow(id="flow", schedule="? 0 * ? * *"))
    world.noted = False
    begin = EPOCH - EPOCH % HOUR
    for hours in range(3):
        world.now = begin + hours * HOUR + 60
        held.update(world.facts())
        assert held.expected == {"flow": Expected(begin + (hours + 1) * HOUR, 0)}
