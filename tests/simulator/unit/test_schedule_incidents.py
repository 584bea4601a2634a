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
