"""What lies behind an account at its start."""

import pytest

from exporter.simulator.past import populate
from tests.simulator.unit.build import DAY, HOUR, START, engine, options


@pytest.mark.parametrize("seconds", [0.0, 600.0, 7200.0], ids=str)
def test_runs_reach_back_as_far_as_the_history(seconds: float) -> None:
    of = engine(history_seconds=seconds, backlog=False)
    stamps = [run.created_ms for run in of.runs.newest_first(None, None)]
    assert all(START - seconds * 1000 <= stamp <= START for stamp in stamps)
    assert bool(stamps) is (seconds > 0)


def test_the_backlog_holds_errors_older_than_the_history_without_a_run() -> None:
    of = engine()
    old = [
        record
        for flow in of.account.flows
        for step in of.errors.steps(flow.id).values()
        for record in step.open.values()
        if record.run is None
    ]
    assert old
    assert all(START - 30 * DAY < record.occurred_ms <= START - HOUR for record in old)
    assert min(record.occurred_ms for record in old) < START - 7 * DAY


def test_without_backlog_nothing_is_older_than_the_history() -> None:
    of = engine(backlog=False, history_seconds=0.0)
    assert sum(of.errors.open_count(flow.id) for flow in of.account.flows) == 0
    assert len(of.runs) == 0


def test_one_run_has_been_queued_for_ten_days() -> None:
    (forgotten,) = [run for run in engine().runs.active.values() if run.created_ms < START - DAY]
    assert (forgotten.status, forgotten.started_ms) == ("queued", None)
    assert forgotten.created_ms == START - 10 * DAY


def test_the_forgotten_run_never_starts() -> None:
    of = engine(flows=12)
    of.advance(START + 5 * DAY)
    assert START - 10 * DAY in {run.created_ms for run in of.runs.active.values() if run.status == "queued"}


def test_a_tiny_account_has_no_forgotten_run() -> None:
    assert all(run.created_ms >= START - HOUR for run in engine(flows=4).runs.active.values())


def test_scheduled_flows_ran_at_their_last_tick_before_the_history() -> None:
    of = engine(history_seconds=0.0)
    for flow in of.account.flows:
        if flow.schedule and flow.enabled and flow.last_executed_ms is not None:
            assert START - 4 * DAY < flow.last_executed_ms < START + 3000


def test_an_empty_account_is_possible() -> None:
    of = engine(flows=0)
    of.advance(START + DAY)
    assert len(of.runs) == len(of.audit.entries) == 0


def test_populate_is_a_function_of_options_and_start() -> None:
    first, second = populate(options(), START), populate(options(), START)
    rows = [[run.row(START, DAY) for run in of.runs.newest_first(None, None)] for of in (first, second)]
    assert rows[0] == rows[1]
    assert rows[0]
