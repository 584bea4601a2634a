"""The ground truth is read from the state and equals sums made another way."""

from collections import Counter
from typing import Any

import pytest

from exporter.simulator.engine import Engine
from exporter.simulator.failures import render_assignee
from exporter.simulator.truth import ground_truth, run_rows
from tests.simulator.unit.build import DAY, HOUR, KIND, START, bare_engine, engine, plan


@pytest.fixture(scope="module")
def lively() -> Engine:
    return engine(flows=40, history_seconds=7200.0)


def truth(of: Engine) -> Any:
    return ground_truth(of, of.now_ms)


def test_it_is_of_the_instant_asked_for() -> None:
    of = engine(flows=4)
    assert ground_truth(of, START + HOUR)["now"] == (START + HOUR) / 1000


def test_every_flow_connection_integration_and_agent_is_listed(lively: Engine) -> None:
    content, account = truth(lively), lively.account
    for key, rows in (
        ("flows", account.flows),
        ("connections", account.connections),
        ("integrations", account.integrations),
        ("agents", account.agents),
    ):
        assert [row["id"] for row in content[key]] == [row.id for row in rows]


def test_finished_runs_and_records_are_sums_over_the_runs(lively: Engine) -> None:
    content = truth(lively)
    counts: Counter[tuple[str, str]] = Counter()
    success: Counter[str] = Counter()
    for run in lively.runs.newest_first(None, None):
        if run.kind == "flow" and run.ended_ms is not None:
            counts[run.flow.id, run.status] += 1
            success[run.flow.id] += run.num_success
    told = {(f, s): n for f, row in content["runs_finished"].items() for s, n in row.items() if n}
    assert told == dict(counts)
    assert {f: row["success"] for f, row in content["records"].items() if row["success"]} == {
        f: n for f, n in success.items() if n
    }


def test_active_runs_are_those_without_an_end(lively: Engine) -> None:
    told = sum(n for row in truth(lively)["active"].values() for n in row.values())
    assert told == sum(run.ended_ms is None for run in lively.runs.newest_first(None, None)) > 0


def test_open_errors_are_counted_by_class_source_and_code() -> None:
    of = bare_engine()
    flow = of.account.flows[0]
    step = flow.processing_steps[0].id
    of.run_now(flow, "k", plan(duration_ms=0, errors=((step, 5),)), KIND)
    assert truth(of)["open_errors"][flow.id][step] == {
        "count": 5,
        "last": START / 1000,
        "oldest": START / 1000,
        "by_classification": {"value": 5},
        "by_source": {"application": 5},
        "by_code": {"422": 5},
        "older_than": {"1h": 0, "24h": 0, "7d": 0, "25d": 0},
        "expiring": 0,
        "unassigned": sum(
            not render_assignee(record.number) for record in of.errors.steps(flow.id)[step].open.values()
        ),
    }


@pytest.mark.parametrize(
    ("passed", "older", "expiring"),
    [
        (HOUR, (0, 0, 0, 0), 0),
        (HOUR + 1, (5, 0, 0, 0), 0),
        (DAY + 1, (5, 5, 0, 0), 0),
        (7 * DAY + 1, (5, 5, 5, 0), 0),
        (25 * DAY + 1, (5, 5, 5, 5), 0),
        (27 * DAY - 1, (5, 5, 5, 5), 0),
        (27 * DAY, (5, 5, 5, 5), 5),
        (30 * DAY - 1, (5, 5, 5, 5), 5),
    ],
    ids=["hour", "over-an-hour", "day", "week", "25-days", "before-27-days", "27-days", "last-moment"],
)
def test_open_errors_grow_old_and_come_near_their_purge(passed: int, older: tuple[int, ...], expiring: int) -> None:
    of = bare_engine(backlog=False)
    flow = of.account.flows[0]
    step = flow.processing_steps[0].id
    of.run_now(flow, "k", plan(duration_ms=0, errors=((step, 5),)), KIND)
    row = ground_truth(of, START + passed)["open_errors"][flow.id][step]  # type: ignore[index]  # JSON
    assert tuple(row["older_than"].values()) == older
    assert row["expiring"] == expiring


def test_resolved_errors_are_told_by_the_integration_of_that_time_and_by_what_resolved_them() -> None:
    of = bare_engine(backlog=False)
    flow = next(flow for flow in of.account.flows if flow.integration_id is not None)
    home, step = flow.integration_id, flow.processing_steps[0].id
    of.run_now(flow, "k", plan(duration_ms=0, errors=((step, 9),)), KIND)
    ids = list(of.errors.steps(flow.id)[step].open)
    of.repair.resolve(flow, step, ids[:2], "user", START)
    of.repair.resolve(flow, step, ids[2:5], "auto", START)
    flow.integration_id = None
    of.repair.resolve(flow, step, ids[4:7], "auto", START)
    assert truth(of)["errors_resolved"] == {home: {"user": 2, "auto": 3}, "none": {"user": 0, "auto": 2}}


def test_expired_errors_are_not_resolved_ones() -> None:
    of = bare_engine(backlog=False)
    flow = of.account.flows[0]
    of.run_now(flow, "k", plan(duration_ms=0, errors=((flow.processing_steps[0].id, 5),)), KIND)
    content = ground_truth(of, START + 31 * DAY)
    assert flow.id not in content["open_errors"]  # type: ignore[operator]  # JSON
    assert content["errors_resolved"] == {}


def test_a_deleted_flow_has_no_open_errors_but_keeps_its_counts() -> None:
    of = bare_engine()
    flow = of.account.flows[0]
    of.run_now(flow, "k", plan(duration_ms=0, errors=((flow.steps[0].id, 5),)), KIND)
    flow.deleted = True
    content = truth(of)
    assert flow.id not in content["open_errors"]
    assert content["runs_finished"][flow.id]["completed"] == 1
    assert content["flows"][0]["deleted"] is True


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 1e12, {"early", "late", "open"}),
        (0, 50, {"early"}),
        (150, 1e12, {"late", "open"}),
        (99, 99, {"early"}),
        (1e9, 1e12, {"late", "open"}),
        (0, float("inf"), {"early", "late", "open"}),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_runs_are_those_whose_life_touches_the_window(since: float, until: float, expected: set[str]) -> None:
    of = bare_engine(backlog=False)
    flow, base = of.account.flows[0], START / 1000
    names = {of.run_now(flow, "a", plan(duration_ms=100_000)).id: "early"}
    of.advance(START + 200_000)
    names[of.run_now(flow, "b", plan(duration_ms=10_000)).id] = "late"
    names[of.run_now(flow, "c", plan(duration_ms=10 * HOUR)).id] = "open"
    of.advance(START + HOUR)
    window = [base + value if value < 1e6 else value for value in (since, until)]
    if since == 1e9:
        window[0] = base + 205
    rows = run_rows(of, of.now_ms, *window)
    assert {names[str(row["_id"])] for row in rows} == expected


def test_a_finished_run_says_when_and_an_open_one_does_not() -> None:
    of = bare_engine(backlog=False)
    flow = of.account.flows[0]
    of.run_now(flow, "a", plan(duration_ms=0))
    of.run_now(flow, "b", plan(duration_ms=HOUR))
    finished = {row["status"]: row["finishedAt"] for row in run_rows(of, START, 0, 1e12)}
    assert finished == {"completed": START / 1000, "running": None}
