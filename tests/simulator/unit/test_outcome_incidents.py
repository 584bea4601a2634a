"""Incidents that change how a flow's runs turn out: from now on, for that flow alone, until lifted."""

from typing import Any

import pytest

from exporter.simulator.incidents import BadIncident
from exporter.simulator.resources import Flow
from exporter.simulator.runs import Run
from exporter.simulator.truth import run_rows
from tests.simulator.unit.bench import Life
from tests.simulator.unit.build import HOUR, START

HOURS = 3600.0
# Of every run, canceled ones are rare and keep what they read.
COMPLETED = "completed"


@pytest.fixture
def life() -> Life:
    return Life()


def completed(life: Life, flow: Flow, since_ms: int = 0) -> list[Run]:
    return [run for run in life.ended(flow, since_ms) if run.status == COMPLETED]


@pytest.mark.parametrize("trigger", ["scheduled", "listener"])
def test_every_run_of_a_failing_flow_ends_failed_with_one_error_of_its_generator(trigger: str, life: Life) -> None:
    flow = life.flow(trigger)
    life.inject("flow_failing", flow)
    life.pass_seconds(2 * HOURS)
    ended = life.ended(flow)
    assert len(ended) > 5
    assert {(run.status, run.num_error, run.num_success, run.plan.records) for run in ended} == {("failed", 1, 0, 0)}
    assert {where for run in ended for where, _ in run.plan.errors} == {flow.generators[0].step.id}


def test_a_run_in_progress_fails_as_well_when_its_end_comes(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_slow", flow, seconds=600)
    life.pass_seconds(300)
    life.inject("flow_failing", flow)
    life.pass_seconds(600)
    assert [run.status for run in life.ended(flow)] == ["failed"]


def test_a_failing_flow_starts_nothing_that_is_chained_to_it(life: Life) -> None:
    parent = next(flow for flow in life.engine.account.flows if flow.run_next and flow.enabled and flow.schedule)
    child = life.engine.account.flow_by_id[parent.run_next[0]]
    life.inject("flow_failing", parent)
    life.pass_seconds(26 * HOURS)
    assert life.ended(parent)
    assert life.ended(child) == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("flow_failing", {}),
        ("flow_erroring", {"share": 0.5}),
        ("flow_empty", {}),
        ("flow_records", {"records": 123}),
        ("flow_slow", {"seconds": 3}),
        ("flow_waiting", {"seconds": 7}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lifted_the_runs_of_the_flow_are_again_what_they_would_have_been(kind: str, options: Any, life: Life) -> None:
    calm = Life()
    flow, same = life.flow(), calm.flow()
    number = life.inject(kind, flow, **options)
    for each in (life, calm):
        each.pass_seconds(HOURS)
    assert fates(life, flow) != fates(calm, same)
    life.desk.lift(number)
    since = life.engine.now_ms + 300_000
    for each in (life, calm):
        each.pass_seconds(HOURS)
    assert fates(life, flow, since) == fates(calm, same, since) != []


def fates(life: Life, flow: Flow, since_ms: int = 0) -> list[Any]:
    rows = run_rows(life.engine, life.engine.now_ms, 0, 1e12)
    created = {run.id: run.created_ms for run in life.engine.runs.of_flow(flow.id)}
    mine = [row for row in rows if row["_flowId"] == flow.id and row["type"] == "flow"]
    return [row for row in mine if created[str(row["_id"])] > since_ms]


@pytest.mark.parametrize("kind", ["flow_failing", "flow_empty", "flow_slow", "flow_waiting", "flow_erroring"])
def test_other_flows_are_none_the_wiser(kind: str, life: Life) -> None:
    more = {"flow_slow": {"seconds": 30}, "flow_waiting": {"seconds": 30}, "flow_erroring": {"share": 1}}
    calm, flow = Life(), life.flow()
    calm.flow()
    life.inject(kind, flow, **more.get(kind, {}))
    for each in (life, calm):
        each.pass_seconds(6 * HOURS)
    others = [row for row in life.engine.account.flows if row is not flow and row.id not in flow.run_next]
    assert [fates(life, row) for row in others] == [fates(calm, row) for row in others]


def test_every_completed_run_is_empty(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_empty", flow)
    life.pass_seconds(HOURS)
    ended = completed(life, flow)
    assert {(run.plan.records, run.num_success, run.num_ignore, run.num_error) for run in ended} == {(0, 0, 0, 0)}


def test_every_completed_run_reads_as_many_records_as_told_and_the_newer_incident_counts(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_empty", flow)
    number = life.inject("flow_records", flow, records=400)
    life.pass_seconds(HOURS)
    assert {run.plan.records for run in completed(life, flow)} == {400}
    life.desk.lift(number)
    since = life.engine.now_ms + 120_000
    life.pass_seconds(HOURS)
    assert {run.plan.records for run in completed(life, flow, since)} == {0}


def test_drawn_errors_never_outnumber_the_records_that_are_told() -> None:
    life = Life(error_rate=1.0)
    flow = life.flow()
    life.inject("flow_records", flow, records=2)
    life.pass_seconds(HOURS)
    assert max(run.num_error for run in completed(life, flow)) == 2


def test_a_slow_run_takes_as_long_as_told_and_moves_all_the_while(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_slow", flow, seconds=6 * HOURS)
    life.inject("flow_records", flow, records=1000)
    life.pass_seconds(HOURS)
    (run,) = life.engine.runs.of_flow(flow.id)
    rows = []
    for _ in range(5):
        rows.append(run.row(life.engine.now_ms, 30 * 24 * HOUR))
        life.pass_seconds(1800)
    told = [(row["numSuccess"], row["lastModified"]) for row in rows]
    assert told == sorted(set(told))
    assert len(told) == 5
    life.pass_seconds(3 * HOURS)
    assert run.started_ms is not None
    assert run.ended_ms == run.started_ms + 6 * HOUR


def test_a_waiting_run_is_queued_as_long_as_told_before_it_starts(life: Life) -> None:
    flow = life.flow()
    life.inject("flow_waiting", flow, seconds=900)
    life.pass_seconds(600)
    (run,) = life.engine.runs.of_flow(flow.id)
    assert (run.status, run.started_ms) == ("queued", None)
    life.pass_seconds(600)
    assert run.started_ms == run.created_ms + 900_000


def test_a_run_that_was_told_how_to_end_ends_so(life: Life) -> None:
    flow = life.flow(every_minute=False)
    for kind, options in (("flow_failing", {}), ("flow_empty", {}), ("flow_slow", {"seconds": 9000})):
        life.inject(kind, flow, **options)
    life.inject("schedule_stopped", flow)
    life.inject("flow_run_now", flow, records=70, errors=3)
    (run,) = life.engine.runs.of_flow(flow.id)
    assert (run.status, run.plan.records, run.num_error, run.ended_ms) == (COMPLETED, 70, 3, START)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("flow_failing", {"flow": "nobody"}),
        ("flow_erroring", {}),
        ("flow_erroring", {"share": 1.01}),
        ("flow_erroring", {"share": -0.1}),
        ("flow_records", {}),
        ("flow_records", {"records": -1}),
        ("flow_slow", {}),
        ("flow_slow", {"seconds": -1}),
        ("flow_waiting", {"seconds": 1e9}),
        ("flow_empty", {"records": 1}),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(kind: str, options: dict[str, Any], life: Life) -> None:
    with pytest.raises(BadIncident):
        life.desk.inject({"kind": kind, "flow": life.flow().id, **options})
    assert life.desk.active() == []
