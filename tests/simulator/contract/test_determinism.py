"""The same seed, options and clock readings give the same bytes, whatever was asked in between."""

from collections.abc import Callable

import pytest

from tests.simulator.contract.client import path_and_query
from tests.simulator.contract.conftest import Account, Launch

HOUR = 3600.0
EVER = "2020-01-01"


def everything(account: Account) -> dict[str, bytes]:
    """The bytes of every list and of a page of everything below."""
    api = account.api
    paths = [
        *("integrations", "flows", "connections?fetchQueueSize=true", "exports", "imports", "agents", "licenses"),
        *("licenseEntitlementUsage", "notifications?users=all", "audit", "tiles", "tokenInfo"),
        *(f"jobs?type={kind}&createdAt_gte={EVER}" for kind in ("flow", "retry")),
    ]
    answers = {path: api.raw("GET", f"/v1/{path}").content for path in paths}
    answers["current"] = api.raw("POST", "/v1/jobs/current", body={}).content
    answers["stats"] = api.raw("POST", "/v1/flows/runs/stats", body=account.last_day).content
    for flow in api.rows("/v1/flows"):
        for row in (api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            path = f"flows/{flow['_id']}/{row['_expOrImpId']}/errors"
            answers[path] = api.raw("GET", f"/v1/{path}").content
    return answers


def test_two_accounts_of_one_seed_answer_the_same_bytes(launch: Launch) -> None:
    with launch(seed=5) as first, launch(seed=5) as second:
        assert everything(first) == everything(second)
        for account in (first, second):
            account.advance(6 * HOUR)
        assert everything(first) == everything(second)


def test_two_seeds_differ(launch: Launch) -> None:
    with launch(seed=5) as first, launch(seed=6) as second:
        assert everything(first)["flows"] != everything(second)["flows"]


def _in_one_step(account: Account) -> None:
    account.advance(2 * HOUR)


def _in_many_steps(account: Account) -> None:
    for _ in range(24):
        account.advance(300)
        account.api.raw("POST", "/v1/jobs/current", body={})


def _with_odd_steps_and_many_questions(account: Account) -> None:
    for seconds in (0.5, 61.25, 1799.25, 5339):
        account.advance(seconds)
        everything(account)


def _without_asking_in_between(account: Account) -> None:
    for _ in range(72):
        account.advance(100)


def _at_another_speed(account: Account) -> None:
    account.control.set_time(speed=60)
    account.clock.reading += 120


@pytest.mark.parametrize(
    "walk",
    [_in_many_steps, _with_odd_steps_and_many_questions, _without_asking_in_between, _at_another_speed],
    ids=lambda walk: walk.__name__.strip("_"),
)
def test_the_way_to_an_instant_does_not_matter(walk: Callable[[Account], None], launch: Launch) -> None:
    with launch(seed=8) as straight, launch(seed=8) as other:
        _in_one_step(straight)
        walk(other)
        assert other.control.now() == pytest.approx(straight.control.now(), abs=0.0001)
        assert everything(other) == everything(straight)
        assert _runs(other) == _runs(straight)


def _runs(account: Account) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = account.control.truth()["runs_finished"]
    return counts


def test_the_order_of_requests_does_not_matter(launch: Launch) -> None:
    with launch(seed=9) as first, launch(seed=9) as second:
        ids = [flow["_id"] for flow in first.api.rows("/v1/flows")]
        for flow_id in ids:
            first.api.call("GET", f"/v1/flows/{flow_id}/errors")
        for flow_id in reversed(ids):
            second.api.call("GET", f"/v1/flows/{flow_id}/errors")
        assert everything(first) == everything(second)


def test_an_incident_on_one_flow_does_not_change_the_fate_of_the_runs_of_another(launch: Launch) -> None:
    with launch(seed=10) as calm, launch(seed=10) as struck:
        flows = struck.api.rows("/v1/flows")
        chained = {child for flow in flows for child in flow.get("_runNextFlowIds", [])}
        target = next(flow for flow in flows if flow.get("schedule") and not flow.get("_runNextFlowIds"))
        struck.control.inject("schedule_stopped", flow=target["_id"])
        for account in (calm, struck):
            account.advance(6 * HOUR)
        others = [flow["_id"] for flow in flows if flow["_id"] not in chained | {target["_id"]}]
        for flow_id in others[:10]:
            assert calm.api.jobs(_flowId=flow_id) == struck.api.jobs(_flowId=flow_id)


def test_pages_of_a_frozen_account_do_not_depend_on_the_page_before(launch: Launch) -> None:
    with launch(seed=5, page_size=4) as account:
        first = account.api.raw("POST", "/v1/flows/runs/stats", body=account.last_day).json()
        following = path_and_query(first["nextPageURL"])
        answers = {account.api.raw("POST", following, body=account.last_day).content for _ in range(3)}
        assert len(answers) == 1
