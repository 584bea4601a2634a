"""The incident desk, without HTTP: every kind, its effect, its end."""

from typing import Any

import pytest

from exporter.simulator.access import TokenGate
from exporter.simulator.clock import ManualTime, SimClock
from exporter.simulator.engine import Engine
from exporter.simulator.faults import FAULT_KINDS, FaultSet
from exporter.simulator.incidents import KNOWN_KINDS, BadIncident, IncidentDesk
from exporter.simulator.messages import Request
from exporter.simulator.resources import Flow
from tests.simulator.unit.build import HOUR, START, bare_engine


class Bench:
    """An engine whose flows do not fire by themselves, with a desk and a clock that a test moves."""

    def __init__(self, **options: Any) -> None:
        self.engine: Engine = bare_engine(**options)
        self.base = ManualTime(START / 1000)
        self.clock = SimClock(self.base)
        self.faults = FaultSet(seed=1)
        self.gate = TokenGate("t")
        self.desk = IncidentDesk(self.engine, self.clock, self.faults, self.gate)

    def inject(self, kind: str, **options: Any) -> int:
        return self.desk.inject({"kind": kind, **options})

    def pass_seconds(self, seconds: float) -> None:
        self.base.advance(seconds)
        self.engine.advance(self.clock.now_ms())

    @property
    def flow(self) -> Flow:
        return self.engine.account.flows[0]

    def open_errors(self) -> int:
        return self.engine.errors.open_count(self.flow.id)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_every_kind_of_the_plan_is_known() -> None:
    assert set(KNOWN_KINDS) >= FAULT_KINDS
    assert len(KNOWN_KINDS) == 24 + 34


@pytest.mark.parametrize("kind", [None, 3, "earthquake", ["status"]], ids=str)
def test_an_unknown_kind_is_refused_and_the_known_ones_are_named(kind: object, bench: Bench) -> None:
    with pytest.raises(BadIncident) as caught:
        bench.desk.inject({"kind": kind})
    assert all(name in str(caught.value) for name in KNOWN_KINDS)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "flow_disabled"},
        {"kind": "flow_disabled", "flow": "nobody"},
        {"kind": "flow_disabled", "flow": ""},
        {"kind": "flow_disabled", "flow": 5},
        {"kind": "flow_disabled", "flow": None},
        {"kind": "flow_disabled", "flow": "f", "colour": "red"},
        {"kind": "error_storm", "count": 3},
        {"kind": "run_stuck", "flow": "f", "status": "completed"},
        {"kind": "token_revoked", "flow": "f"},
        {"kind": "flow_moved", "flow": "f", "integration": "nowhere"},
        {"kind": "agent_offline", "agent": "nobody"},
        {"kind": "connection_offline", "connection": "nobody"},
        {"kind": "integration_renamed", "integration": "nobody", "name": "x"},
        {"kind": "schedule_late", "flow": "f", "seconds": 0},
        {"kind": "schedule_late", "flow": "f"},
        {"kind": "flow_rescheduled", "flow": "f", "schedule": ""},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused_in_one_line_and_change_nothing(
    options: dict[str, Any], bench: Bench
) -> None:
    with pytest.raises(BadIncident) as caught:
        bench.desk.inject(options)
    assert "\n" not in str(caught.value)
    assert bench.desk.active() == []


@pytest.mark.parametrize("count", [0, -1, 1_000_000], ids=str)
def test_a_storm_of_a_senseless_size_is_refused(count: int, bench: Bench) -> None:
    with pytest.raises(BadIncident):
        bench.inject("error_storm", flow=bench.flow.id, count=count)
    assert bench.open_errors() == 0


def test_a_target_can_be_given_by_its_name(bench: Bench) -> None:
    bench.inject("flow_disabled", flow=bench.flow.name)
    assert not bench.flow.enabled


def test_active_incidents_are_listed_with_their_options(bench: Bench) -> None:
    number = bench.inject("flow_renamed", flow=bench.flow.id, name="X")
    assert bench.desk.active() == [{"id": number, "kind": "flow_renamed", "flow": bench.flow.id, "name": "X"}]


def test_lifting_twice_is_an_error(bench: Bench) -> None:
    number = bench.inject("token_revoked")
    bench.desk.lift(number)
    with pytest.raises(KeyError):
        bench.desk.lift(number)


def test_a_fault_that_is_used_up_is_no_longer_active_but_may_be_lifted(bench: Bench) -> None:
    number = bench.inject("status", status=500, count=1)
    bench.faults.strike(Request("GET", "/v1/flows"), "/v1/flows")
    assert bench.desk.active() == []
    bench.desk.lift(number)


@pytest.mark.parametrize("kind", ["token_revoked", "token_expired"])
def test_a_token_incident_denies_until_lifted(kind: str, bench: Bench) -> None:
    number = bench.inject(kind)
    denial = bench.gate.denial()
    assert denial is not None
    assert denial.status == 401
    bench.desk.lift(number)
    assert bench.gate.denial() is None


def test_two_token_incidents_must_both_be_lifted(bench: Bench) -> None:
    first, second = bench.inject("token_revoked"), bench.inject("token_expired")
    bench.desk.lift(first)
    assert bench.gate.denial() is not None
    bench.desk.lift(second)
    assert bench.gate.denial() is None


def test_a_connection_offline_pauses_its_flows_until_it_is_back(bench: Bench) -> None:
    used = next(step.connection_id for step in bench.flow.steps if step.connection_id)
    number = bench.inject("connection_offline", connection=used)
    assert not bench.engine.may_run(bench.flow)
    assert bench.engine.account.connection_by_id[used].offline_since_ms == START
    bench.desk.lift(number)
    assert bench.engine.may_run(bench.flow)


def test_a_deleted_connection_pauses_its_flows_too(bench: Bench) -> None:
    used = next(step.connection_id for step in bench.flow.steps if step.connection_id)
    number = bench.inject("connection_deleted", connection=used)
    assert not bench.engine.may_run(bench.flow)
    bench.desk.lift(number)
    assert bench.engine.may_run(bench.flow)


def test_an_agent_takes_its_connections_down_and_up(bench: Bench) -> None:
    account = bench.engine.account
    agent = next(row for row in account.agents if any(c.agent_id == row.id for c in account.connections))
    mine = [row for row in account.connections if row.agent_id == agent.id]
    bench.inject("agent_offline", agent=agent.id)
    assert {agent.offline_since_ms, *(row.offline_since_ms for row in mine)} == {START}
    bench.inject("agent_online", agent=agent.id)
    assert {agent.offline_since_ms, *(row.offline_since_ms for row in mine)} == {None}


@pytest.mark.parametrize(
    ("kind", "options", "attribute", "value"),
    [
        ("flow_disabled", {}, "enabled", False),
        ("schedule_stopped", {}, "schedule_stopped", True),
        ("flow_deleted", {}, "deleted", True),
        ("flow_renamed", {"name": "other"}, "name", "other"),
        ("flow_moved", {"integration": "none"}, "integration_id", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_flow_incident_changes_one_thing_and_lifting_restores_it(
    kind: str, options: dict[str, Any], attribute: str, value: object, bench: Bench
) -> None:
    before = getattr(bench.flow, attribute)
    number = bench.inject(kind, flow=bench.flow.id, **options)
    assert getattr(bench.flow, attribute) == value != before
    bench.desk.lift(number)
    assert getattr(bench.flow, attribute) == before


def test_a_disabled_flow_can_be_enabled(bench: Bench) -> None:
    flow = next(row for row in bench.engine.account.flows if not row.enabled)
    bench.inject("flow_enabled", flow=flow.id)
    assert flow.enabled


def test_a_change_of_a_flow_is_audited_and_marks_its_modification(bench: Bench) -> None:
    bench.pass_seconds(60)
    count = len(bench.engine.audit.entries)
    bench.inject("flow_renamed", flow=bench.flow.id, name="X")
    entry = bench.engine.audit.entries[-1]
    assert len(bench.engine.audit.entries) == count + 1
    assert (entry.resource_id, entry.event, entry.field) == (bench.flow.id, "update", "name")
    assert bench.flow.modified_ms == START + 60_000


def test_a_deleted_integration_takes_its_flows_with_it_and_brings_them_back(bench: Bench) -> None:
    account = bench.engine.account
    target = account.integrations[0]
    mine = [flow for flow in account.flows if flow.integration_id == target.id]
    number = bench.inject("integration_deleted", integration=target.id)
    assert target.deleted
    assert all(flow.deleted for flow in mine)
    assert mine
    bench.desk.lift(number)
    assert not any(flow.deleted for flow in mine)


def test_a_renamed_integration_gets_its_name_back(bench: Bench) -> None:
    target = bench.engine.account.integrations[0]
    before = target.name
    number = bench.inject("integration_renamed", integration=target.id, name="N")
    assert target.name == "N"
    bench.desk.lift(number)
    assert target.name == before


@pytest.mark.parametrize("status", ["running", "queued"])
def test_a_stuck_run_is_made_when_there_is_none_and_ends_after_lifting(status: str, bench: Bench) -> None:
    number = bench.inject("run_stuck", flow=bench.flow.id, status=status)
    (run,) = [run for run in bench.engine.runs.active.values() if run.flow is bench.flow]
    bench.pass_seconds(86_400)
    assert run.status == status
    bench.desk.lift(number)
    bench.pass_seconds(3600)
    assert run.status == "completed"


def test_a_run_in_progress_is_stuck_where_it_is(bench: Bench) -> None:
    bench.inject("flow_run_now", flow=bench.flow.id, seconds=100, records=200)
    bench.pass_seconds(40)
    bench.inject("run_stuck", flow=bench.flow.id)
    (run,) = [run for run in bench.engine.runs.active.values() if run.flow is bench.flow]
    bench.pass_seconds(3600)
    assert run.stuck_share == pytest.approx(0.4)
    assert run.in_progress


def test_a_run_stuck_twice_goes_on_when_both_are_lifted(bench: Bench) -> None:
    first = bench.inject("run_stuck", flow=bench.flow.id)
    second = bench.inject("run_stuck", flow=bench.flow.id)
    (run,) = [run for run in bench.engine.runs.active.values() if run.flow is bench.flow]
    bench.desk.lift(first)
    bench.pass_seconds(3600)
    assert run.in_progress
    bench.desk.lift(second)
    bench.pass_seconds(3600)
    assert not run.in_progress


@pytest.mark.parametrize("count", [1, 250, 5000], ids=str)
def test_a_storm_raises_as_many_errors_as_told_and_lifting_resolves_them(count: int, bench: Bench) -> None:
    bench.inject("error_storm", flow=bench.flow.id, count=7, code="OTHER")
    number = bench.inject("error_storm", flow=bench.engine.account.flows[1].id, count=count)
    flow = bench.engine.account.flows[1]
    assert bench.engine.errors.open_count(flow.id) == count
    assert bench.engine.runs.tallies[flow.id].error == count
    bench.desk.lift(number)
    assert bench.engine.errors.open_count(flow.id) == 0
    assert bench.open_errors() == 7


def test_a_storm_beyond_the_cap_raises_what_fits(bench: Bench) -> None:
    bench.inject("error_storm", flow=bench.flow.id, count=8000)
    assert bench.open_errors() == 5000
    assert bench.engine.runs.tallies[bench.flow.id].error == 5000


def test_a_storm_may_name_its_step(bench: Bench) -> None:
    step = bench.flow.steps[0]
    bench.inject("error_storm", flow=bench.flow.id, count=4, step=step.id)
    assert {step_id: len(s.open) for step_id, s in bench.engine.errors.steps(bench.flow.id).items()} == {step.id: 4}


def test_a_storm_on_a_step_of_another_flow_is_refused(bench: Bench) -> None:
    foreign = bench.engine.account.flows[1].steps[0].id
    with pytest.raises(BadIncident, match="step"):
        bench.inject("error_storm", flow=bench.flow.id, count=4, step=foreign)


@pytest.mark.parametrize(("options", "left"), [({}, 0), ({"count": 12}, 8)], ids=["all", "some"])
def test_resolving_closes_the_oldest_errors(options: dict[str, int], left: int, bench: Bench) -> None:
    for _ in range(4):
        bench.inject("error_storm", flow=bench.flow.id, count=5)
        bench.pass_seconds(10)
    bench.inject("resolve_errors", flow=bench.flow.id, **options)
    assert bench.open_errors() == left
    times = [r.occurred_ms for s in bench.engine.errors.steps(bench.flow.id).values() for r in s.open.values()]
    assert all(ms >= START + 20_000 for ms in times)


def test_resolving_one_step_leaves_the_others(bench: Bench) -> None:
    first, second = bench.flow.steps[0], bench.flow.steps[1]
    for target in (first, second):
        bench.inject("error_storm", flow=bench.flow.id, count=5, step=target.id)
    bench.inject("resolve_errors", flow=bench.flow.id, step=first.id)
    assert len(bench.engine.errors.steps(bench.flow.id)[second.id].open) == bench.open_errors() == 5


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("completed", 0, 0)),
        ({"errors": 3, "records": 10}, ("completed", 3, 0)),
        ({"ignored": 4}, ("completed", 0, 4)),
        ({"status": "failed"}, ("failed", 1, 0)),
        ({"status": "failed", "errors": 0}, ("failed", 0, 0)),
        ({"status": "canceled"}, ("canceled", 0, 0)),
        ({"errors": 9, "records": 2}, ("completed", 9, 0)),
        ({"records": 0}, ("completed", 0, 0)),
    ],
    ids=str,
)
def test_a_run_now_ends_as_told(options: dict[str, Any], expected: tuple[str, int, int], bench: Bench) -> None:
    bench.inject("flow_run_now", flow=bench.flow.id, **options)
    (run,) = bench.engine.runs.of_flow(bench.flow.id)
    assert (run.status, run.num_error, run.num_ignore) == expected
    assert bench.open_errors() == expected[1]
    assert bool(run.plan.canceled_by) is (expected[0] == "canceled")


def test_a_run_now_may_take_its_time(bench: Bench) -> None:
    bench.inject("flow_run_now", flow=bench.flow.id, seconds=120)
    (run,) = bench.engine.runs.of_flow(bench.flow.id)
    bench.pass_seconds(119)
    assert run.status == "running"
    bench.pass_seconds(1)
    assert (run.status, run.ended_ms) == ("completed", START + 120_000)


def test_lifting_everything_restores_the_account(bench: Bench) -> None:
    names = [flow.name for flow in bench.engine.account.flows]
    for number, flow in enumerate(bench.engine.account.flows[:6]):
        bench.inject("flow_renamed", flow=flow.id, name=f"n{number}")
        bench.inject("flow_deleted", flow=flow.id)
    bench.inject("html")
    bench.desk.lift_all()
    assert bench.desk.active() == []
    assert [flow.name for flow in bench.engine.account.flows] == names
    assert len(bench.engine.account.live_flows()) == 24
    assert bench.faults.lasting() == frozenset()


def test_an_incident_takes_effect_at_the_clocks_now(bench: Bench) -> None:
    bench.base.advance(HOUR / 1000)
    bench.inject("flow_run_now", flow=bench.flow.id)
    (run,) = bench.engine.runs.of_flow(bench.flow.id)
    assert run.created_ms == START + HOUR
