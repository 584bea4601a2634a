"""Rows that appear late: which, until when, and where in the making of a page they are left out."""

import json
from typing import Any

import pytest

from exporter.simulator.engine import Engine
from exporter.simulator.faults import FaultSet, FaultSpec
from exporter.simulator.job_filters import visible_filter
from exporter.simulator.job_routes import get_job, list_jobs
from exporter.simulator.messages import Answer, Request
from exporter.simulator.timestamps import iso
from tests.simulator.unit.build import MINUTE, START, bare_engine, plan

JOBS = "/v1/jobs"
QUERY = Request.of("GET", f"{JOBS}?type=flow&createdAt_gte=2020-01-01")


def strike(*specs: FaultSpec, request: Request = QUERY) -> Request:
    """The request as the route sees it when these faults hit it."""
    faults = FaultSet(seed=1)
    for number, spec in enumerate(specs, start=1):
        faults.add(number, spec)
    return faults.strike(request, JOBS).rewritten(request)


def late(seconds: float, request: Request = QUERY) -> Request:
    return strike(FaultSpec("late_rows", path=JOBS, seconds=seconds), request=request)


def row(number: int, created_ms: int = START) -> dict[str, Any]:
    return {"_id": f"{number:024x}", "createdAt": iso(created_ms)}


def page(of: Engine, request: Request) -> list[str]:
    answer = list_jobs(of, request)
    return [row["_id"] for row in answer.content] if isinstance(answer.content, list) else []


@pytest.fixture
def busy() -> Engine:
    """An engine with sixty ended runs, one in each second before its now."""
    built = bare_engine(backlog=False)
    for number in range(60):
        built.run_now(built.account.flows[number % 5], f"k{number}", plan(duration_ms=0))
        built.advance(built.now_ms + 1000)
    return built


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ((), 0),
        ((FaultSpec("slow", seconds=9),), 0),
        ((FaultSpec("late_rows", seconds=0),), 0),
        ((FaultSpec("late_rows", seconds=2.5),), 2500),
        ((FaultSpec("late_rows", seconds=2), FaultSpec("late_rows", seconds=90)), 90_000),
    ],
    ids=["none", "another kind", "zero", "one", "the longest of two"],
)
def test_the_fault_lays_its_seconds_on_the_request(specs: tuple[FaultSpec, ...], expected: int) -> None:
    assert strike(*specs).late_ms == expected


def test_the_fault_changes_nothing_else_about_the_request_or_the_answer() -> None:
    seen = late(60)
    assert (seen.path, seen.query, seen.headers) == (QUERY.path, QUERY.query, QUERY.headers)
    faults = FaultSet(seed=1)
    faults.add(1, FaultSpec("late_rows", seconds=60))
    answer = Answer(200, [row(1), row(2)])
    assert faults.strike(QUERY, JOBS).altered(answer, QUERY) is answer


def test_a_looping_list_may_have_late_rows_too() -> None:
    request = Request.of("GET", f"{JOBS}?type=flow&createdAt_lte=5")
    seen = strike(FaultSpec("loop"), FaultSpec("late_rows", seconds=3), request=request)
    assert (seen.query, seen.late_ms) == ((("type", "flow"),), 3000)


def test_about_half_of_the_young_rows_are_out_of_sight() -> None:
    keep = visible_filter(late(60), START)
    assert 430 <= sum(keep(row(number)) for number in range(1000)) <= 570


@pytest.mark.parametrize(("age_ms", "hides"), [(0, True), (59_999, True), (60_000, False), (3_600_000, False)], ids=str)
def test_a_late_row_appears_at_the_told_age(age_ms: int, *, hides: bool) -> None:
    keep = visible_filter(late(60), START + age_ms)
    assert (not all(keep(row(number)) for number in range(50))) is hides


def test_a_row_that_dawdles_at_one_age_does_so_at_every_young_age() -> None:
    def hidden(age_ms: int) -> set[int]:
        keep = visible_filter(late(60), START + age_ms)
        return {number for number in range(100) if not keep(row(number))}

    assert hidden(0) == hidden(30_000) == hidden(59_999) != set()


def test_without_the_fault_every_row_is_seen() -> None:
    keep = visible_filter(QUERY, START)
    assert all(keep(row(number)) for number in range(100))


def test_later_rows_overtake_earlier_ones(busy: Engine) -> None:
    every, seen = page(busy, QUERY), page(busy, late(3600))
    assert 0 < len(seen) < len(every)
    newest_seen = every.index(seen[0])
    oldest_hidden = max(n for n, run_id in enumerate(every) if run_id not in seen)
    assert newest_seen < oldest_hidden


def test_the_hidden_rows_leave_the_others_in_their_order(busy: Engine) -> None:
    every, seen = page(busy, QUERY), page(busy, late(3600))
    assert seen == [run_id for run_id in every if run_id in seen]


def test_only_rows_younger_than_told_are_missing(busy: Engine) -> None:
    missing = set(page(busy, QUERY)) - set(page(busy, late(20)))
    ages = [busy.now_ms - run.created_ms for run in busy.runs.newest_first(None, None) if run.id in missing]
    assert ages
    assert max(ages) < 20_000


def test_every_row_has_appeared_when_the_time_is_over(busy: Engine) -> None:
    every = page(busy, QUERY)
    assert page(busy, late(90)) != every
    busy.advance(busy.now_ms + 90_000)
    assert page(busy, late(90)) == every


def test_a_page_is_filled_up_from_behind_the_hidden_rows() -> None:
    built = bare_engine(backlog=False, job_page_size=20)
    for number in range(120):
        built.run_now(built.account.flows[0], f"k{number}", plan(duration_ms=0))
        built.advance(built.now_ms + 1000)
    assert len(page(built, late(30))) == len(page(built, QUERY)) == 20
    assert page(built, late(30)) != page(built, QUERY)


def test_a_list_whose_rows_are_all_hidden_is_empty() -> None:
    built = bare_engine(backlog=False)
    keep = visible_filter(late(60), START)
    for number in range(20):
        run = built.begin(built.account.flows[0], built.account.flows[0].generators[0], f"k{number}", START)
        if keep(row(0) | {"_id": run.id}):
            built.vanish(run)
    assert len(page(built, QUERY)) > 0
    assert list_jobs(built, late(60)) == Answer(204)


def test_steps_appear_late_as_runs_do(busy: Engine) -> None:
    of_steps = [
        Request.of("GET", f"{JOBS}?_flowJobId={run.id}") for run in list(busy.runs.newest_first(None, None))[:20]
    ]
    every = sum(len(page(busy, request)) for request in of_steps)
    assert 0 < sum(len(page(busy, late(3600, request))) for request in of_steps) < every


def test_a_hidden_row_is_found_by_its_id(busy: Engine) -> None:
    hidden = next(run_id for run_id in page(busy, QUERY) if run_id not in page(busy, late(3600)))
    request = Request("GET", f"{JOBS}/{hidden}", params={"jobId": hidden}, late_ms=3_600_000)
    assert get_job(busy, request).status == 200


def test_hiding_repeats_to_the_byte() -> None:
    answers = []
    for _ in range(2):
        built = bare_engine(backlog=False)
        for number in range(40):
            built.run_now(built.account.flows[0], f"k{number}", plan(duration_ms=0))
        answers.append(list_jobs(built, late(MINUTE / 1000)).encoded())
    assert answers[0] == answers[1]
    assert 0 < len(json.loads(answers[0])) < 40
