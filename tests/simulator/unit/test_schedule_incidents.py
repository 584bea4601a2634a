"""Incidents of schedules: runs that come late, and flows that get another schedule."""

import pytest

from exporter.simulator.engine import Engine
from exporter.simulator.incidents import BadIncident
from exporter.simulator.inventory_rows import flow_row
from exporter.simulator.resources import Flow
from tests.simulator.unit.build import HOUR, MINUTE, START
from tests.simulator.unit.test_incidents import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def scheduled(engine: Engine, schedule: str) -> Flow:
    """The first flow that is on, as if it had this schedule, in UTC, from now on."""
    flow = next(flow for flow in engine.account.flows if flow.trigger == "scheduled" and flow.enabled)
    flow.schedule, flow.timezone = schedule, None
    engine.replant(flow)
    return flow


def created(engine: Engine, flow: Flow) -> list[int]:
    """Minutes after the start at which runs of the flow were created, oldest first."""
    return sorted((run.created_ms - START) // MINUTE for run in engine.runs.of_flow(flow.id) if run.created_ms > START)


def test_late_runs_are_created_so_long_after_their_tick(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")  # the start is 40 minutes past
    bench.inject("schedule_late", flow=flow.id, seconds=600)
    bench.pass_seconds(3 * 3600)
    assert created(bench.engine, flow) == [30, 90, 150]


def test_runs_are_on_time_again_once_the_delay_is_lifted(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    number = bench.inject("schedule_late", flow=flow.id, seconds=600)
    bench.pass_seconds(3600)
    bench.desk.lift(number)
    bench.pass_seconds(2 * 3600)
    assert created(bench.engine, flow) == [30, 80, 140]


def test_a_flow_that_is_scheduled_anew_runs_by_its_new_schedule_alone(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    bench.inject("flow_rescheduled", flow=flow.id, schedule="? 30 */2 ? * *", timezone="Asia/Tokyo")
    bench.pass_seconds(4 * 3600)
    assert created(bench.engine, flow) == [50, 170]
    row = flow_row(flow)
    assert (row["schedule"], row["timezone"]) == ("? 30 */2 ? * *", "Asia/Tokyo")


def test_the_old_schedule_is_back_once_the_new_one_is_lifted(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    number = bench.inject("flow_rescheduled", flow=flow.id, schedule="? 30 * ? * *")
    bench.pass_seconds(HOUR / 1000)
    bench.desk.lift(number)
    bench.pass_seconds(HOUR / 1000)
    assert created(bench.engine, flow) == [50, 80]
    assert flow_row(flow)["schedule"] == "? 0 * ? * *"


@pytest.mark.parametrize("schedule", ["tomorrow", "? 61 * ? * *", "* * * * *", "? 0 0 ? * * *"])
def test_a_schedule_that_the_account_would_not_take_is_refused(schedule: str, bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    with pytest.raises(BadIncident):
        bench.inject("flow_rescheduled", flow=flow.id, schedule=schedule)
    assert flow.schedule == "? 0 * ? * *"


def test_a_flow_without_a_schedule_cannot_be_scheduled_anew(bench: Bench) -> None:
    flow = next(flow for flow in bench.engine.account.flows if flow.trigger == "listener")
    with pytest.raises(BadIncident):
        bench.inject("flow_rescheduled", flow=flow.id, schedule="? 0 * ? * *")


def test_some_flow_of_a_larger_account_shows_its_schedule_as_an_object() -> None:
    large = Bench(flows=60)
    shown = [flow_row(flow).get("schedule") for flow in large.engine.account.flows]
    assert [type(each) for each in shown].count(dict) == 1


def test_a_flow_that_lost_its_schedule_shows_none_and_runs_no_more_until_lifted(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    number = bench.inject("flow_unscheduled", flow=flow.id)
    bench.pass_seconds(2 * HOUR / 1000)
    assert created(bench.engine, flow) == []
    row = flow_row(flow)
    assert ("schedule" in row, row["disabled"], row["lastModified"]) == (False, False, "2026-08-29T10:40:00.000Z")
    assert not flow.scheduled
    bench.desk.lift(number)
    bench.pass_seconds(2 * HOUR / 1000)
    assert created(bench.engine, flow) == [140, 200]
    assert flow_row(flow)["schedule"] == "? 0 * ? * *"


def test_generators_lose_their_own_schedules_too_and_get_them_back(bench: Bench) -> None:
    flow = next(row for row in bench.engine.account.flows if any(g.schedule for g in row.generators))
    before = flow_row(flow)
    number = bench.inject("flow_unscheduled", flow=flow.id)
    shown = flow_row(flow)["pageGenerators"]
    assert isinstance(shown, list)
    assert [row for row in shown if "schedule" in row] == []
    bench.pass_seconds(26 * HOUR / 1000)
    assert created(bench.engine, flow) == []
    bench.desk.lift(number)
    assert flow_row(flow) == before


def test_a_schedule_taken_and_one_given_lift_in_any_order(bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    given = bench.inject("flow_rescheduled", flow=flow.id, schedule="? 30 * ? * *")
    taken = bench.inject("flow_unscheduled", flow=flow.id)
    bench.desk.lift(given)
    bench.pass_seconds(HOUR / 1000)
    assert created(bench.engine, flow) == []
    bench.desk.lift(taken)
    bench.pass_seconds(HOUR / 1000)
    assert created(bench.engine, flow) == [80]


@pytest.mark.parametrize("kind", ["flow_edited", "flow_unscheduled"])
def test_a_change_of_a_flow_has_a_date_and_an_audit_event_and_nothing_else_changes(kind: str, bench: Bench) -> None:
    flow = scheduled(bench.engine, "? 0 * ? * *")
    before = flow_row(flow)
    bench.pass_seconds(60)
    count = len(bench.engine.audit.entries)
    number = bench.inject(kind, flow=flow.id)
    changed = {key for key, value in before.items() if flow_row(flow).get(key) != value}
    assert changed - {"schedule"} == {"lastModified"}
    assert ("schedule" in changed) is (kind == "flow_unscheduled")
    assert flow.modified_ms == START + 60_000
    (entry,) = bench.engine.audit.entries[count:]
    assert (entry.resource_type, entry.resource_id, entry.event) == ("flow", flow.id, "update")
    bench.desk.lift(number)
    assert flow_row(flow) == before


@pytest.mark.parametrize("trigger", ["listener", "on_demand", "chained"])
def test_a_flow_without_a_schedule_cannot_lose_it(trigger: str, bench: Bench) -> None:
    flow = next(flow for flow in bench.engine.account.flows if flow.trigger == trigger)
    with pytest.raises(BadIncident):
        bench.inject("flow_unscheduled", flow=flow.id)
    assert bench.desk.active() == []
