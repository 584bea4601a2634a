"""What goes wrong in the simulated account shows in the numbers, and what goes wrong on the way does not spoil them."""

from collections.abc import Iterator

import pytest

from tests.collect.simulated import World, simulated


@pytest.fixture
def world() -> Iterator[World]:
    with simulated() as held:
        held.collect(held.jobs)
        held.collect(held.errors)
        yield held


def busy_flow(world: World) -> str:
    """The flow with the most runs in the account's history."""
    counts: dict[str, int] = {}
    for row in world.simulator.runs():
        counts[str(row["_flowId"])] = counts.get(str(row["_flowId"]), 0) + 1
    return max(counts, key=counts.__getitem__)


def test_a_deleted_flow_disappears_from_runs_and_errors(world: World) -> None:
    flow_id = busy_flow(world)
    world.simulator.inject("error_storm", flow=flow_id, count=5)
    world.minutes(6)
    assert world.runs.flows[flow_id].runs != (0, 0, 0)
    assert world.open_errors.flows[flow_id].open_errors >= 5
    world.simulator.inject("flow_deleted", flow=flow_id)
    world.minutes(11)
    assert flow_id not in world.runs.flows
    assert flow_id not in world.open_errors.flows
    assert not [key for key in world.open_errors.steps if key[0] == flow_id]


def test_a_renamed_or_moved_flow_goes_on_counting(world: World) -> None:
    flow_id = busy_flow(world)
    world.minutes(5)
    before = sum(world.runs.flows[flow_id].runs)
    world.simulator.inject("flow_renamed", flow=flow_id, name='new "name"')
    world.simulator.inject("flow_moved", flow=flow_id, integration="none")
    world.simulator.inject("flow_run_now", flow=flow_id, status="failed")
    world.minutes(10)
    assert sum(world.runs.flows[flow_id].runs) > before
    assert world.open_errors.flows[flow_id].integration_id == "none"


def test_an_error_storm_shows_in_the_flow_and_its_breakdown_and_goes_when_it_is_resolved(world: World) -> None:
    flow_id = busy_flow(world)
    before = world.open_errors.flows[flow_id].open_errors
    world.simulator.inject("error_storm", flow=flow_id, count=250, classification="duplicate", code="E_STORM")
    world.minutes(5)
    view = world.open_errors
    assert view.flows[flow_id].open_errors >= before + 250
    assert view.codes is not None
    assert view.codes["E_STORM"] == 250
    assert view.classifications[view.flows[flow_id].integration_id]["duplicate"] >= 250
    world.simulator.inject("resolve_errors", flow=flow_id)
    world.minutes(5)
    assert world.open_errors.flows[flow_id].open_errors < before + 250
    assert "E_STORM" not in (world.open_errors.codes or {})


def test_a_stuck_run_stops_moving_and_stays_active(world: World) -> None:
    flow_id = busy_flow(world)
    incident = world.simulator.inject("run_stuck", flow=flow_id)
    world.minutes(30)
    (moved_at,) = {run.moved_at for run in world.active.runs if run.flow_id == flow_id and run.status == "running"}
    assert moved_at is not None
    assert moved_at <= world.clock.time() - 1500
    world.simulator.lift(incident)
    world.minutes(60)
    assert moved_at not in {run.moved_at for run in world.active.runs}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "path": "/v1/jobs"},
        {"kind": "status", "status": 400, "path": "/v1/jobs"},
        {"kind": "status", "status": 503, "path": "/v1/jobs/current"},
        {"kind": "status", "status": 500},
        {"kind": "token_revoked"},
    ],
    ids=["jobs-500", "jobs-400", "current-503", "all-500", "401"],
)
def test_runs_that_end_during_an_outage_are_counted_exactly_after_it(fault: dict[str, object], world: World) -> None:
    since = world.clock.time()
    world.minutes(3)
    kind = str(fault["kind"])
    incident = world.simulator.inject(kind, **{name: value for name, value in fault.items() if name != "kind"})
    world.minutes(8)
    world.simulator.lift(incident)
    world.minutes(3)
    now = world.clock.time()
    world.collect(world.jobs)
    assert now == world.clock.time()
    assert world.counted() == world.finished_since(since)
