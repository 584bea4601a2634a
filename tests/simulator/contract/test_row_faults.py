"""Rows that come late, twice or in another order, and runs that vanish, as a client meets them over HTTP."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.contract.conftest import Account, Launch
from tests.simulator.contract.test_determinism import everything
from tests.simulator.contract.test_incidents import runs_after, scheduled_flow

EVER = "2020-01-01"
JOBS = "/v1/jobs"
HOUR = 3600.0
Row = dict[str, Any]


def listed(account: Account, **params: Any) -> list[str]:
    """The ids of one page of runs, as they come."""
    return [row["_id"] for row in account.api.get(JOBS, **{"type": "flow", "createdAt_gte": EVER, **params}) or []]


def walked(account: Account) -> tuple[set[str], list[int]]:
    """All run ids by the time cursor, bound to the oldest row of a page wherever it stands, and the page sizes."""
    found: set[str] = set()
    sizes: list[int] = []
    params: dict[str, Any] = {"type": "flow", "createdAt_gte": EVER}
    while True:
        page: list[Row] = account.api.get(JOBS, **params) or []
        fresh = {row["_id"] for row in page} - found
        if not fresh:
            return found, sizes
        found |= fresh
        sizes.append(len(page))
        params["createdAt_lte"] = min(row["createdAt"] for row in page)


def one_run_in_progress(account: Account) -> Row:
    """A run that goes on for a day, of a flow whose schedule stands still and which has no other run in progress."""
    flow = scheduled_flow(account.api)
    account.control.inject("schedule_stopped", flow=flow["_id"])
    account.advance(HOUR)
    account.control.inject("flow_run_now", flow=flow["_id"], seconds=86_400)
    (run,) = [row for row in account.api.current() if row["_flowId"] == flow["_id"]]
    return run


def test_late_rows_hide_some_young_runs_and_show_them_when_they_are_old_enough(account: Account) -> None:
    every = [row["_id"] for row in account.api.jobs(type="flow", createdAt_gte=EVER)]
    account.control.inject("late_rows", path=JOBS, seconds=HOUR)
    seen = [row["_id"] for row in account.api.jobs(type="flow", createdAt_gte=EVER)]
    hidden = set(every) - set(seen)
    assert hidden
    assert seen == [run_id for run_id in every if run_id not in hidden]
    account.advance(HOUR)
    assert set(every) <= {row["_id"] for row in account.api.jobs(type="flow", createdAt_gte=EVER)}


def test_a_row_that_is_not_late_overtakes_one_that_is(account: Account) -> None:
    every = listed(account)
    account.control.inject("late_rows", path=JOBS, seconds=HOUR)
    seen = set(listed(account))
    assert any(run_id not in seen for run_id in every[every.index(next(i for i in every if i in seen)) + 1 :])


def test_late_rows_leave_jobs_in_progress_and_single_jobs_alone(account: Account) -> None:
    every, current = listed(account), account.api.current()
    account.control.inject("late_rows", path="*", seconds=HOUR)
    hidden = next(run_id for run_id in every if run_id not in listed(account))
    assert account.api.current() == current
    assert account.api.get(f"{JOBS}/{hidden}")["_id"] == hidden


def test_late_rows_do_not_end_the_walk_through_the_pages_early(launch: Launch) -> None:
    with launch(job_page_size=20) as paged, launch(job_page_size=100_000) as whole:
        for account in (paged, whole):
            account.control.inject("late_rows", path=JOBS, seconds=2 * HOUR)
        found, sizes = walked(paged)
        assert found == set(listed(whole))
        assert len(sizes) > 3
        assert set(sizes[:-1]) == {20}


def test_no_row_at_all_is_a_204(account: Account) -> None:
    every = listed(account)
    account.control.inject("late_rows", path=JOBS, seconds=365 * 86_400)
    hidden = next(run_id for run_id in every if run_id not in listed(account))
    stamp = account.api.get(f"{JOBS}/{hidden}")["createdAt"]
    flow = account.api.get(f"{JOBS}/{hidden}")["_flowId"]
    params = {"_flowId": flow, "createdAt_gte": stamp, "createdAt_lte": stamp}
    assert account.api.call("GET", JOBS, params=params).status_code == 204


def test_duplicated_rows_bring_every_run_and_some_twice(account: Account) -> None:
    every = listed(account)
    account.control.inject("duplicated_rows", path=JOBS)
    found = Counter(listed(account))
    assert set(found) == set(every)
    assert set(found.values()) == {1, 2}
    assert found.total() == len(every) + len(every) // 3


def test_shuffled_rows_bring_the_same_rows_in_another_order(account: Account) -> None:
    every = listed(account)
    account.control.inject("shuffled_rows", path=JOBS)
    found = listed(account)
    assert found != every
    assert sorted(found) == sorted(every)


@pytest.mark.parametrize("kind", ["duplicated_rows", "shuffled_rows"])
def test_the_walk_through_the_pages_still_finds_every_run(kind: str, launch: Launch) -> None:
    with launch(job_page_size=20) as paged, launch(job_page_size=100_000) as whole:
        paged.control.inject(kind, path=JOBS)
        found, sizes = walked(paged)
        assert found == set(listed(whole))
        assert len(set(sizes[:-1])) == 1


@pytest.mark.parametrize("kind", ["duplicated_rows", "shuffled_rows"])
def test_a_list_in_a_body_is_changed_and_its_page_link_stays(kind: str, launch: Launch) -> None:
    with launch(page_size=5) as account:
        body = account.last_day
        plain = account.api.post("/v1/flows/runs/stats", body)
        account.control.inject(kind, path="/v1/flows/runs/stats")
        changed = account.api.post("/v1/flows/runs/stats", body)
        assert changed["stats"] != plain["stats"]
        assert {row["_flowId"] for row in changed["stats"]} == {row["_flowId"] for row in plain["stats"]}
        assert changed["nextPageURL"] == plain["nextPageURL"]


def test_a_vanished_run_is_in_no_answer_and_counted_as_vanished_alone(account: Account) -> None:
    run = one_run_in_progress(account)
    flow_id, finished = run["_flowId"], account.control.truth()["runs_finished"]
    account.control.inject("run_vanished", flow=flow_id)
    assert run["_id"] not in {row["_id"] for row in account.api.current()}
    assert run["_id"] not in listed(account, _flowId=flow_id)
    for path in (f"{JOBS}/{run['_id']}", f"{JOBS}/{run['_id']}/family"):
        assert account.api.call("GET", path).status_code == 404
    assert account.api.get(JOBS, _flowJobId=run["_id"]) is None
    assert run["_id"] not in {row["_id"] for row in account.api.get(f"/v1/flows/{flow_id}/jobs/latest") or []}
    truth = account.control.truth()
    assert truth["vanished"] == {flow_id: [run["_id"]]}
    assert truth["runs_finished"] == finished
    assert run["_id"] not in {row["_id"] for row in account.control.truth_runs(0, 1e12)}


def test_a_vanished_run_stays_away_after_its_time_and_after_lifting(account: Account) -> None:
    run = one_run_in_progress(account)
    flow_id = run["_flowId"]
    incident = account.control.inject("run_vanished", flow=flow_id)
    finished = account.control.truth()["runs_finished"][flow_id]
    account.control.lift(incident)
    account.advance(2 * 86_400)
    assert account.api.call("GET", f"{JOBS}/{run['_id']}").status_code == 404
    assert account.control.truth()["runs_finished"][flow_id] == finished
    assert account.control.truth()["vanished"] == {flow_id: [run["_id"]]}


def test_the_flow_of_a_vanished_run_goes_on(account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("run_vanished", flow=flow["_id"])
    since = int(account.control.now() * 1000) + 1
    account.advance(6 * HOUR)
    assert {row["status"] for row in runs_after(account.api, flow["_id"], since)} & {"completed", "failed"}


def _late(account: Account) -> None:
    account.control.inject("late_rows", path=JOBS, seconds=2 * HOUR)


def _twice_and_shuffled(account: Account) -> None:
    account.control.inject("duplicated_rows", path="*", probability=0.5)
    account.control.inject("shuffled_rows", path="*")


def _vanished(account: Account) -> None:
    for row in account.control.truth()["flows"]:
        account.control.inject("run_vanished", flow=row["id"])


@pytest.mark.parametrize("misbehave", [_late, _twice_and_shuffled, _vanished], ids=lambda f: f.__name__.strip("_"))
def test_two_accounts_of_one_seed_misbehave_to_the_same_bytes(
    misbehave: Callable[[Account], None], launch: Launch
) -> None:
    with launch(seed=5) as first, launch(seed=5) as second, launch(seed=5) as calm:
        for account in (first, second):
            misbehave(account)
        for account in (first, second, calm):
            account.advance(HOUR)
        assert everything(first) == everything(second) != everything(calm)
        assert first.control.truth() == second.control.truth()
