"""Runs that are stuck while they are retried or canceled: shown so, where they are, until they are let go."""

from typing import Any

import pytest

from exporter.simulator.truth import ground_truth
from tests.simulator.unit.bench import Life
from tests.simulator.unit.build import DAY, START

STATUSES = ["retrying", "canceling"]
ENDS = {"retrying": "completed", "canceling": "canceled"}


@pytest.fixture
def life() -> Life:
    return Life()


def shown(life: Life, run_id: str) -> dict[str, Any]:
    """The run's row as the API serves it."""
    found = life.engine.runs.get(run_id)
    assert found is not None
    return found[0].row(life.engine.now_ms, 30 * DAY)


@pytest.mark.parametrize("status", STATUSES)
def test_a_new_run_is_started_and_stays_so_until_lifted(status: str, life: Life) -> None:
    flow = life.flow("on_demand")
    number = life.inject("run_stuck", flow, status=status)
    (run,) = life.engine.runs.of_flow(flow.id)
    first = shown(life, run.id)
    life.pass_seconds(86_400)
    assert shown(life, run.id) == first
    assert (first["status"], first["startedAt"]) == (status, "2026-08-29T10:40:00.000Z")
    assert ground_truth(life.engine, life.engine.now_ms)["active"][flow.id] == {status: 1}  # type: ignore[index]  # JSON
    life.desk.lift(number)
    life.pass_seconds(60)
    assert (run.status, bool(run.plan.canceled_by)) == (ENDS[status], status == "canceling")


@pytest.mark.parametrize("status", STATUSES)
def test_a_running_run_turns_to_it_where_it_is(status: str, life: Life) -> None:
    flow = life.flow()
    life.inject("flow_slow", flow, seconds=1000)
    life.pass_seconds(300)
    (run,) = life.engine.runs.of_flow(flow.id)
    assert run.status == "running"
    share = run.progress(life.engine.now_ms)
    number = life.inject("run_stuck", flow, status=status)
    life.pass_seconds(7200)
    assert len(life.engine.runs.of_flow(flow.id)) == 1
    assert (run.status, run.progress(life.engine.now_ms)) == (status, share)
    life.desk.lift(number)
    life.pass_seconds(2)
    assert run.status == ENDS[status]


def test_one_that_was_being_canceled_ends_canceled_even_if_its_flow_fails(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_slow", flow, seconds=1000)
    life.pass_seconds(300)
    number = life.inject("run_stuck", flow, status="canceling")
    life.inject("flow_failing", flow)
    life.desk.lift(number)
    life.pass_seconds(2)
    assert [run.status for run in life.ended(flow, START)] == ["canceled"]


def test_a_run_that_another_incident_holds_keeps_its_status(life: Life) -> None:
    flow = life.flow("on_demand")
    life.inject("run_stuck", flow)
    number = life.inject("run_stuck", flow, status="retrying")
    assert sorted(run.status for run in life.engine.runs.of_flow(flow.id)) == ["retrying", "running"]
    life.desk.lift(number)
    life.pass_seconds(3600)
    assert sorted(run.status for run in life.engine.runs.of_flow(flow.id)) == ["completed", "running"]
