"""The run engine: what starts, what ends, what does not; and that asking changes nothing."""

from functools import partial
from itertools import pairwise

import pytest

from exporter.simulator.engine import Engine
from exporter.simulator.failures import ErrorKind
from exporter.simulator.resources import Flow
from exporter.simulator.runs import Run
from tests.simulator.unit.build import DAY, HOUR, KIND, MINUTE, START, bare_engine, engine, plan


@pytest.fixture
def quiet() -> Engine:
    return bare_engine()


def state(of: Engine) -> list[object]:
    """Everything about runs, errors and flows that the API could show."""
    runs: list[object] = [run.row(of.now_ms, of.options.retention_ms) for run in of.runs.newest_first(None, None)]
    for flow in of.account.flows:
        runs.append((flow.id, flow.last_executed_ms, flow.resolved_ms))
        for step_id, step in sorted(of.errors.steps(flow.id).items()):
            runs.append((step_id, sorted(record.id for record in step.open.values()), len(step.resolved)))
    return [*runs, [entry.row() for entry in of.audit.entries]]


def runs_of(of: Engine, flow: Flow, since_ms: int = 0) -> list[Run]:
    return [run for run in of.runs.of_flow(flow.id) if run.kind == "flow" and run.created_ms >= since_ms]


def by_schedule(of: Engine, text: str) -> Flow:
    return next(flow for flow in of.account.flows if flow.schedule == text and flow.enabled)


@pytest.mark.parametrize(
    "steps",
    [[2 * HOUR], [HOUR, 2 * HOUR], [*range(7919, 2 * HOUR, 7919), 2 * HOUR]],
    ids=["one-jump", "two-jumps", "many-odd-steps"],
)
def test_the_state_does_not_depend_on_how_often_time_is_asked_for(steps: list[int]) -> None:
    whole, stepped = engine(), engine()
    whole.advance(START + 2 * HOUR)
    for offset in steps:
        stepped.advance(START + offset)
    assert state(whole) == state(stepped)


def test_a_jump_of_days_equals_days_of_hours() -> None:
    jumped, walked = engine(flows=8), engine(flows=8)
    jumped.advance(START + 3 * DAY)
    for hour in range(1, 73):
        walked.advance(START + hour * HOUR)
    assert state(jumped) == state(walked)


def test_the_same_seed_gives_the_same_life_and_another_seed_another() -> None:
    assert state(engine()) == state(engine())
    assert state(engine(seed=4)) != state(engine())


def test_more_history_does_not_change_what_happens_later() -> None:
    short, long = engine(history_seconds=0.0), engine(history_seconds=7200.0)
    for of in (short, long):
        of.advance(START + HOUR)
    minute = by_schedule(short, "? * * ? * *")
    since = START + MINUTE
    first = [(run.id, run.plan) for run in runs_of(short, minute, since)]
    second = [(run.id, run.plan) for run in runs_of(long, long.account.flow_by_id[minute.id], since)]
    assert first == second


def test_time_does_not_go_back() -> None:
    of = engine()
    before = state(of)
    of.advance(START - HOUR)
    assert of.now_ms == START
    assert state(of) == before


def test_a_minute_flow_runs_every_minute() -> None:
    of = engine()
    flow = by_schedule(of, "? * * ? * *")
    of.advance(START + HOUR)
    begun = [run.created_ms for run in runs_of(of, flow, START)]
    assert len(begun) == 60
    assert {later - earlier for earlier, later in pairwise(begun)} == {MINUTE}


def test_several_flows_start_in_the_same_millisecond() -> None:
    of = engine()
    stamps = [run.created_ms for run in of.runs.newest_first(None, None)]
    assert len(stamps) > len(set(stamps))


@pytest.mark.parametrize(
    ("attribute", "value"), [("enabled", False), ("deleted", True), ("schedule_stopped", True)], ids=str
)
def test_a_flow_that_may_not_run_starts_nothing(attribute: str, value: object) -> None:
    of = engine()
    flow = by_schedule(of, "? * * ? * *")
    setattr(flow, attribute, value)
    of.advance(START + HOUR)
    assert runs_of(of, flow, START + 1) == []


def test_a_connection_that_is_down_pauses_exactly_the_flows_that_use_it() -> None:
    of = engine()
    flow = by_schedule(of, "? * * ? * *")
    used = next(step.connection_id for step in flow.steps if step.connection_id)
    of.account.connection_by_id[used].offline_since_ms = START
    of.refresh_down()
    assert of.may_run(flow) is False
    for other in of.account.flows:
        uses_it = any(step.connection_id == used for step in other.steps)
        assert uses_it or of.may_run(other) is (other.enabled and not other.deleted)
    of.account.connection_by_id[used].offline_since_ms = None
    of.refresh_down()
    assert of.may_run(flow) is True


def test_a_flow_does_not_start_again_while_its_run_is_in_progress() -> None:
    of = engine()
    flow = by_schedule(of, "? * * ? * *")
    of.advance(START + 300)
    current = runs_of(of, flow)[-1]
    assert current.in_progress
    current.stuck_share = 0.1
    of.advance(START + HOUR)
    assert runs_of(of, flow)[-1] is current


def test_a_run_waits_in_the_queue_then_runs_then_ends(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    run = quiet.begin(flow, flow.generators[0], "k", START, plan(queue_ms=5000, duration_ms=20_000))
    quiet.agenda.at(START + 5000, "start", partial(quiet.start, run))
    seen = []
    for offset in (4999, 5000, 24_999, 25_000):
        quiet.advance(START + offset)
        seen.append(run.status)
    assert seen == ["queued", "running", "running", "completed"]
    assert (run.started_ms, run.ended_ms) == (START + 5000, START + 25_000)
    assert flow.last_executed_ms == START + 5000


def test_a_completed_run_starts_its_chained_flows_once_it_ended(quiet: Engine) -> None:
    parent = next(flow for flow in quiet.account.flows if flow.run_next)
    child = quiet.account.flow_by_id[parent.run_next[0]]
    quiet.run_now(parent, "k", plan(duration_ms=1000))
    quiet.advance(START + 1000)
    assert runs_of(quiet, child) == []
    quiet.advance(START + 2000)
    assert len(runs_of(quiet, child)) == len(child.generators)
    assert runs_of(quiet, child)[0].created_ms > START + 1000


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_run_that_did_not_complete_starts_no_chained_flow(status: str, quiet: Engine) -> None:
    parent = next(flow for flow in quiet.account.flows if flow.run_next)
    quiet.run_now(parent, "k", plan(status=status, duration_ms=0))
    quiet.advance(START + HOUR)
    assert runs_of(quiet, quiet.account.flow_by_id[parent.run_next[0]]) == []


def test_a_run_of_no_duration_ends_at_once_with_its_errors(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    target = flow.processing_steps[0].id
    run = quiet.run_now(flow, "k", plan(queue_ms=0, duration_ms=0, errors=((target, 6),)), KIND)
    assert (run.status, run.created_ms, run.ended_ms) == ("completed", START, START)
    assert quiet.errors.open_count(flow.id) == 6
    assert {record.kind for record in quiet.errors.steps(flow.id)[target].open.values()} == {KIND}
    assert quiet.runs.tallies[flow.id].error == 6


def test_errors_stop_at_the_cap_and_the_run_reports_only_what_was_raised() -> None:
    of = bare_engine(errors_per_step_cap=10)
    flow = of.account.flows[0]
    target = flow.processing_steps[0].id
    raised = [of.run_now(flow, f"k{n}", plan(duration_ms=0, errors=((target, 4),)), KIND).num_error for n in range(4)]
    assert raised == [4, 4, 2, 0]
    assert of.errors.open_count(flow.id) == 10


def test_a_failed_run_raises_a_connection_error(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    generator = flow.generators[0].step.id
    quiet.run_now(flow, "k", plan(status="failed", records=0, duration_ms=0, errors=((generator, 1),)))
    (record,) = quiet.errors.steps(flow.id)[generator].open.values()
    assert record.kind.code == "CONNECTION_ERROR"


def test_errors_occur_while_their_run_runs(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    run = quiet.run_now(flow, "k", plan(errors=((flow.processing_steps[0].id, 9),)), KIND)
    quiet.advance(START + HOUR)
    assert run.started_ms is not None
    assert run.ended_ms is not None
    stamps = [r.occurred_ms for s in quiet.errors.steps(flow.id).values() for r in s.open.values()]
    assert len(stamps) == 9
    assert all(run.started_ms <= stamp <= run.ended_ms for stamp in stamps)


def test_a_stuck_run_stays_until_it_is_let_go(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    run = quiet.run_now(flow, "k", plan())
    run.stuck_share = 0.2
    quiet.advance(START + DAY)
    assert run.status == "running"
    quiet.unstick(run)
    quiet.advance(START + DAY + 2000)
    assert run.status == "completed"
    assert flow.in_progress[run.step_id] == 0


def test_a_stuck_queued_run_starts_when_it_is_let_go(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    run = quiet.begin(flow, flow.generators[0], "k", START, plan())
    run.stuck_share = 0.0
    quiet.start(run, START)
    assert run.status == "queued"
    quiet.unstick(run)
    quiet.advance(START + HOUR)
    assert run.status == "completed"


def test_letting_go_of_a_finished_run_changes_nothing(quiet: Engine) -> None:
    run = quiet.run_now(quiet.account.flows[0], "k", plan(duration_ms=0))
    quiet.unstick(run)
    quiet.advance(START + HOUR)
    assert run.ended_ms == START
    assert quiet.runs.tallies[run.flow.id].runs["completed"] == 1


def test_a_multi_generator_flow_has_one_run_per_generator_in_one_group() -> None:
    of = engine(history_seconds=7200.0)
    flow = next(f for f in of.account.flows if len(f.generators) > 1 and f.enabled and runs_of(of, f))
    shared = [g.step.id for g in flow.generators if g.schedule is None]
    latest = runs_of(of, flow)[-len(shared) :]
    assert [run.step_id for run in latest] == shared
    assert len({run.group for run in latest}) == 1
    assert latest[0].group


def test_a_generator_with_a_schedule_of_its_own_runs_by_that_one() -> None:
    of = engine(history_seconds=0.0)
    of.advance(START + 26 * HOUR)
    flow = next(f for f in of.account.flows if any(g.schedule for g in f.generators) and f.enabled)
    own = next(g.step.id for g in flow.generators if g.schedule)
    assert 1 <= sum(run.step_id == own for run in runs_of(of, flow)) <= 2


def test_listeners_fire_at_irregular_times() -> None:
    of = engine()
    flow = next(f for f in of.account.flows if f.trigger == "listener" and f.enabled)
    of.advance(START + 6 * HOUR)
    stamps = [run.created_ms for run in runs_of(of, flow)]
    gaps = {later - earlier for earlier, later in pairwise(stamps)}
    assert len(stamps) > 20
    assert len(gaps) > len(stamps) // 2


def test_runs_older_than_the_retention_are_forgotten() -> None:
    of = engine(flows=4, retention_seconds=7200.0)
    of.advance(START + 4 * HOUR)
    oldest = min(run.created_ms for run in of.runs.newest_first(None, None))
    assert oldest >= START + 2 * HOUR


def test_every_error_kind_of_a_storm_is_the_one_asked_for(quiet: Engine) -> None:
    flow, kind = quiet.account.flows[1], ErrorKind("lookup", "X", None, "{person}")
    quiet.run_now(flow, "k", plan(duration_ms=0, errors=((flow.processing_steps[0].id, 30),)), kind)
    quiet.advance(START + 10 * DAY)
    assert quiet.errors.open_count(flow.id) == 30
