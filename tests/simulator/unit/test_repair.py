"""What becomes of errors: retries, resolutions, expiry."""

import pytest

from exporter.simulator.engine import Engine
from exporter.simulator.runs import Run
from tests.simulator.unit.build import DAY, HOUR, START, bare_engine, plan, record


def raised(of: Engine, runs: int = 60, each: int = 5) -> tuple[str, str]:
    """Raise errors by many runs of one flow, so that every fate occurs; flow and step."""
    flow = of.account.flows[0]
    flow.auto_resolve = True
    target = flow.processing_steps[0].id
    for number in range(runs):
        of.run_now(flow, f"k{number}", plan(duration_ms=0, errors=((target, each),)))
    return flow.id, target


@pytest.fixture
def quiet() -> Engine:
    return bare_engine()


def retries(of: Engine, flow_id: str) -> list[Run]:
    return [run for run in of.runs.of_flow(flow_id) if run.kind == "retry"]


def test_some_errors_are_resolved_by_the_system_and_some_by_people(quiet: Engine) -> None:
    flow_id, target = raised(quiet)
    quiet.advance(START + 3 * DAY)
    by = {row.resolved_by for row in quiet.errors.steps(flow_id)[target].resolved}
    assert by == {"autopilot", quiet.account.user_id}
    kinds = {row.by for row in quiet.errors.resolutions(flow_id, 0, quiet.now_ms)}
    assert kinds == {"auto", "user"}


def test_some_errors_stay_open_until_their_retention_ends(quiet: Engine) -> None:
    flow_id, _ = raised(quiet)
    quiet.advance(START + 20 * DAY)
    assert quiet.errors.open_count(flow_id) > 0
    quiet.advance(START + 30 * DAY + HOUR)
    assert quiet.errors.open_count(flow_id) == 0


def test_retries_resolve_some_errors_and_fail_on_others(quiet: Engine) -> None:
    flow_id, target = raised(quiet)
    quiet.advance(START + 3 * DAY)
    jobs = retries(quiet, flow_id)
    assert jobs
    assert {run.step_id for run in jobs} == {target}
    assert sum(run.num_success for run in jobs) == sum(run.num_resolved for run in jobs) > 0
    assert sum(run.num_error for run in jobs) > 0
    assert all(run.triggered_by for run in jobs)


def test_errors_that_a_retry_could_not_mend_say_when_it_was(quiet: Engine) -> None:
    flow_id, target = raised(quiet)
    quiet.advance(START + 3 * DAY)
    tried = [row for row in quiet.errors.steps(flow_id)[target].open.values() if row.retry_ms]
    assert tried
    assert all(row.retry_ms and row.retry_ms > row.occurred_ms for row in tried)


def test_a_retry_passes_through_queued_and_running_or_retrying(quiet: Engine) -> None:
    flow_id, _ = raised(quiet, runs=120)
    seen: set[str] = set()
    for second in range(0, 5 * 3600, 2):
        quiet.advance(START + second * 1000)
        seen.update(run.status for run in quiet.runs.active.values() if run.kind == "retry")
    assert seen == {"queued", "running", "retrying"}
    assert {run.flow.id for run in retries(quiet, flow_id)} == {flow_id}


def test_retries_do_not_enter_the_flows_run_counts(quiet: Engine) -> None:
    flow_id, _ = raised(quiet, runs=60)
    quiet.advance(START + 3 * DAY)
    tally = quiet.runs.tallies[flow_id]
    assert sum(tally.runs.values()) == 60
    assert tally.error == 300
    assert sum(tally.retries.values()) == len([run for run in retries(quiet, flow_id) if not run.in_progress])


def test_a_deleted_flow_is_not_retried(quiet: Engine) -> None:
    flow_id, _ = raised(quiet)
    quiet.account.flow_by_id[flow_id].deleted = True
    quiet.advance(START + 3 * DAY)
    assert retries(quiet, flow_id) == []


def test_errors_already_resolved_are_not_retried(quiet: Engine) -> None:
    flow_id, target = raised(quiet)
    flow = quiet.account.flow_by_id[flow_id]
    ids = list(quiet.errors.steps(flow_id)[target].open)
    assert quiet.repair.resolve(flow, target, ids, "user", START) == len(ids) == 300
    quiet.advance(START + 3 * DAY)
    assert retries(quiet, flow_id) == []


def test_a_flow_notes_when_its_last_error_was_resolved(quiet: Engine) -> None:
    flow_id, target = raised(quiet, runs=1)
    flow = quiet.account.flow_by_id[flow_id]
    ids = list(quiet.errors.steps(flow_id)[target].open)
    quiet.repair.resolve(flow, target, ids[:-1], "user", START + 5)
    quiet.repair.resolve(flow, target, [], "user", START + 6)
    before = flow.resolved_ms
    quiet.repair.resolve(flow, target, ids[-1:], "user", START + 7)
    assert (before, flow.resolved_ms) == (None, START + 7)


def test_each_record_of_a_batch_expires_at_its_own_time(quiet: Engine) -> None:
    flow = quiet.account.flows[0]
    target = flow.steps[0].id
    ages = (29, 20, 10)
    quiet.repair.store(flow, target, [record(age, START - age * DAY) for age in ages])
    left = []
    for days in (0, 2, 11, 21):
        quiet.advance(START + days * DAY)
        left.append(quiet.errors.open_count(flow.id))
    assert left == [3, 2, 1, 0]


def test_error_ids_are_unique_within_a_step(quiet: Engine) -> None:
    flow_id, target = raised(quiet, runs=100, each=20)
    assert len(quiet.errors.steps(flow_id)[target].open) == 2000


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_with_no_share_unresolved_somebody_takes_up_every_error_within_hours(seed: int) -> None:
    of = bare_engine(unresolved_share=0.0, backlog=False, seed=seed)
    flow_id, target = raised(of)
    of.advance(START + 13 * HOUR)
    assert of.errors.open_count(flow_id) == 0
    assert {run.status for run in retries(of, flow_id)} > {"completed"}
    assert sum(len(step.resolved) for step in of.errors.steps(flow_id).values()) == 300
    assert {row.resolved_by for row in of.errors.steps(flow_id)[target].resolved} == {"autopilot", of.account.user_id}


def test_the_share_that_nobody_resolves_stays_open() -> None:
    shares = (0.0, 0.05, 0.15, 0.5, 1.0)
    left = []
    for share in shares:
        of = bare_engine(unresolved_share=share, backlog=False)
        flow_id, _ = raised(of, runs=200)
        of.advance(START + 20 * DAY)
        left.append(of.errors.open_count(flow_id) / 1000)
    assert left == sorted(left)
    assert all(told - 0.1 <= found for told, found in zip(shares, left, strict=True))
    assert (left[0], left[-1]) == (0.0, 1.0)


def test_the_usual_share_is_the_one_without_the_option() -> None:
    def life(**options: float) -> list[tuple[str, int | None]]:
        of = bare_engine(backlog=False, **options)
        flow_id, target = raised(of)
        of.advance(START + 5 * DAY)
        return [(row.id, row.resolved_ms) for row in of.errors.steps(flow_id)[target].resolved]

    assert life() == life(unresolved_share=0.15) != life(unresolved_share=0.14)
