"""A run that is gone without an end: nowhere to be found, counted nowhere, and its flow goes on."""

from typing import Any

import pytest

from exporter.simulator.access import TokenGate
from exporter.simulator.clock import ManualTime, SimClock
from exporter.simulator.engine import Engine
from exporter.simulator.faults import FaultSet
from exporter.simulator.incidents import BadIncident, IncidentDesk
from exporter.simulator.resources import Flow
from exporter.simulator.runs import Run
from exporter.simulator.truth import ground_truth, run_rows
from tests.simulator.unit.build import DAY, MINUTE, START, bare_engine, engine, plan


class Bench:
    """An engine with a desk; by default one whose flows do not fire by themselves."""

    def __init__(self, of: Engine | None = None) -> None:
        self.engine = of or bare_engine(backlog=False)
        self.base = ManualTime(START / 1000)
        self.desk = IncidentDesk(self.engine, SimClock(self.base), FaultSet(seed=1), TokenGate("t"))

    @property
    def flow(self) -> Flow:
        return self.engine.account.flows[0]

    def inject(self, kind: str = "run_vanished", **options: Any) -> int:
        return self.desk.inject({"kind": kind, "flow": self.flow.id, **options})

    def run(self, key: str, duration_ms: int = MINUTE, **changes: Any) -> Run:
        return self.engine.run_now(self.flow, key, plan(duration_ms=duration_ms, **changes))

    def pass_seconds(self, seconds: float) -> None:
        self.base.advance(seconds)
        self.engine.advance(round(self.base() * 1000))

    def truth(self) -> Any:
        return ground_truth(self.engine, self.engine.now_ms)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def nowhere(run: Run, of: Engine) -> bool:
    """Whether no way of looking for a run finds it."""
    rows = [row["_id"] for row in run_rows(of, of.now_ms, 0, 1e12)]
    return (
        of.runs.get(run.id) is None
        and run.id not in of.runs.active
        and run not in of.runs.of_flow(run.flow.id)
        and run not in list(of.runs.newest_first(None, None))
        and run.id not in rows
    )


def test_a_running_run_is_nowhere_to_be_found(bench: Bench) -> None:
    run = bench.run("a")
    assert not nowhere(run, bench.engine)
    bench.inject()
    assert nowhere(run, bench.engine)


def test_its_planned_end_comes_to_nothing(bench: Bench) -> None:
    step = bench.flow.processing_steps[0].id
    run = bench.run("a", errors=((step, 5),))
    bench.inject()
    bench.pass_seconds(3600)
    assert (run.status, run.ended_ms) == ("running", None)
    assert bench.engine.errors.open_count(bench.flow.id) == 0
    assert nowhere(run, bench.engine)


def test_a_queued_run_never_starts(bench: Bench) -> None:
    run = bench.engine.begin(bench.flow, bench.flow.generators[0], "q", START, plan())
    bench.engine.agenda.at(START + 1000, "start", lambda now_ms: bench.engine.start(run, now_ms))
    before = bench.flow.last_executed_ms
    bench.inject()
    bench.pass_seconds(3600)
    assert (run.status, run.started_ms) == ("queued", None)
    assert bench.flow.last_executed_ms == before


def test_the_truth_counts_it_as_vanished_and_not_as_finished_or_active(bench: Bench) -> None:
    first, second = bench.run("a"), bench.run("b", duration_ms=0)
    bench.inject()
    bench.pass_seconds(3600)
    truth = bench.truth()
    assert truth["vanished"] == {bench.flow.id: [first.id]}
    assert truth["runs_finished"][bench.flow.id] == {"completed": 1, "failed": 0, "canceled": 0}
    assert truth["records"][bench.flow.id]["success"] == second.num_success
    assert bench.flow.id not in truth["active"]


def test_nothing_has_vanished_before_the_first_incident(bench: Bench) -> None:
    bench.run("a")
    assert bench.truth()["vanished"] == {}


def test_the_oldest_goes_first_and_the_others_stay(bench: Bench) -> None:
    runs = []
    for number in range(3):
        runs.append(bench.run(f"k{number}", duration_ms=60 * MINUTE))
        bench.pass_seconds(10)
    for gone in (1, 2):
        bench.inject()
        assert [nowhere(run, bench.engine) for run in runs] == [number < gone for number in range(3)]
    bench.pass_seconds(2 * 3600)
    assert runs[2].status == "completed"
    assert bench.truth()["vanished"] == {bench.flow.id: [run.id for run in runs[:2]]}


def test_of_runs_of_one_millisecond_only_one_goes(bench: Bench) -> None:
    runs = [bench.run(f"k{number}") for number in range(5)]
    bench.inject()
    gone = [run for run in runs if nowhere(run, bench.engine)]
    assert [run.id for run in gone] == [min(run.id for run in runs)]
    assert len(bench.engine.runs) == 4


def test_runs_of_other_flows_and_retries_stay(bench: Bench) -> None:
    other = bench.engine.run_now(bench.engine.account.flows[1], "o", plan())
    retry = bench.run("r")
    retry.kind = "retry"
    bench.inject()
    assert not nowhere(other, bench.engine)
    assert not nowhere(retry, bench.engine)


def test_without_a_run_in_progress_a_new_one_vanishes_unseen(bench: Bench) -> None:
    bench.run("done", duration_ms=0)
    before = run_rows(bench.engine, START, 0, 1e12)
    bench.inject()
    bench.inject()
    (ids,) = bench.truth()["vanished"].values()
    assert len(set(ids)) == 2
    assert all(bench.engine.runs.get(run_id) is None for run_id in ids)
    assert run_rows(bench.engine, START, 0, 1e12) == before
    assert bench.flow.in_progress[bench.flow.generators[0].step.id] == 0


def test_the_flow_is_free_to_start_again(bench: Bench) -> None:
    run = bench.run("a")
    assert bench.flow.in_progress[run.step_id] == 1
    bench.inject()
    assert bench.flow.in_progress[run.step_id] == 0
    bench.pass_seconds(3600)
    assert bench.flow.in_progress[run.step_id] == 0
    assert bench.run("b", duration_ms=0).status == "completed"


def test_a_flow_held_up_by_a_stuck_run_runs_by_its_schedule_again() -> None:
    bench = Bench(engine(flows=24))
    flow = next(f for f in bench.engine.account.flows if f.scheduled and bench.engine.may_run(f))
    bench.desk.inject({"kind": "run_stuck", "flow": flow.id})
    bench.pass_seconds(86_400)
    held = sum(bench.truth()["runs_finished"][flow.id].values())
    bench.desk.inject({"kind": "run_vanished", "flow": flow.id})
    bench.pass_seconds(86_400)
    assert sum(bench.truth()["runs_finished"][flow.id].values()) > held


def test_lifting_changes_nothing(bench: Bench) -> None:
    run = bench.run("a")
    number = bench.inject()
    truth = bench.truth()
    bench.desk.lift(number)
    assert bench.truth() == truth
    assert bench.desk.active() == []
    bench.pass_seconds(3600)
    assert nowhere(run, bench.engine)
    assert bench.truth()["vanished"] == {bench.flow.id: [run.id]}


@pytest.mark.parametrize("status", ["running", "queued"])
def test_a_stuck_run_that_vanished_does_not_come_back_when_it_is_let_go(status: str, bench: Bench) -> None:
    stuck = bench.inject("run_stuck", status=status)
    (run,) = bench.engine.runs.active.values()
    bench.inject()
    bench.desk.lift(stuck)
    bench.pass_seconds(3600)
    assert (run.status, run.ended_ms) == (status, None)
    assert nowhere(run, bench.engine)
    assert bench.engine.runs.tallies == {}


def test_a_run_forgotten_long_ago_can_vanish_and_retention_passes_over_it(bench: Bench) -> None:
    forgotten = bench.engine.begin(bench.flow, bench.flow.generators[0], "forgotten", START - 10 * DAY, plan())
    forgotten.stuck_share = 0.0
    neighbour = bench.run("a", duration_ms=0)
    bench.inject()
    assert nowhere(forgotten, bench.engine)
    bench.pass_seconds(40 * 86_400)
    assert bench.engine.runs.get(neighbour.id) is None
    assert bench.truth()["vanished"] == {bench.flow.id: [forgotten.id]}


@pytest.mark.parametrize("options", [{"flow": "nobody"}, {"flow": 5}, {"status": "running"}], ids=str)
def test_senseless_options_are_refused_and_nothing_vanishes(options: dict[str, Any], bench: Bench) -> None:
    run = bench.run("a")
    with pytest.raises(BadIncident):
        bench.inject(**options)
    assert not nowhere(run, bench.engine)


def test_the_same_seed_loses_the_same_runs() -> None:
    truths = []
    for _ in range(2):
        bench = Bench(engine(flows=24))
        for flow in bench.engine.account.flows:
            bench.desk.inject({"kind": "run_vanished", "flow": flow.id})
        bench.pass_seconds(6 * 3600)
        truths.append(bench.truth())
    assert truths[0] == truths[1]
    assert len(truths[0]["vanished"]) == 24
