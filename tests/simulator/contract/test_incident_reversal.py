"""Lifting the kinds that undo or finish something, and the faults that need an option: nothing stays behind."""

from typing import Any

import pytest

from tests.simulator.contract.conftest import Account
from tests.simulator.contract.test_incidents import (
    HOUR,
    agent_online,
    find,
    open_count,
    scheduled_flow,
    ten_minutes_ago,
)


def test_an_agent_that_is_offline_can_be_brought_online(account: Account) -> None:
    target = account.api.rows("/v1/agents")[0]["_id"]
    account.control.inject("agent_offline", agent=target)
    account.advance(HOUR)
    down = find(account.api, "/v1/agents", target)
    assert down is not None
    assert agent_online(down, ten_minutes_ago(account)) is False
    account.control.inject("agent_online", agent=target)
    account.advance(60)
    up = find(account.api, "/v1/agents", target)
    assert up is not None
    assert agent_online(up, ten_minutes_ago(account)) is True


def test_lifting_online_gives_an_offline_connection_back(account: Account) -> None:
    target = account.api.rows("/v1/connections")[0]["_id"]
    account.control.inject("connection_offline", connection=target)
    online = account.control.inject("connection_online", connection=target)
    account.control.lift(online)
    row = find(account.api, "/v1/connections", target)
    assert row is not None
    assert row["offline"] is True


def test_lifting_enabled_disables_the_flow_again(account: Account) -> None:
    target = next(row["_id"] for row in account.api.rows("/v1/flows") if row.get("disabled"))
    incident = account.control.inject("flow_enabled", flow=target)
    assert not account.api.get(f"/v1/flows/{target}").get("disabled", False)
    account.control.lift(incident)
    assert account.api.get(f"/v1/flows/{target}")["disabled"] is True


@pytest.mark.parametrize("kind", ["resolve_errors", "flow_run_now"])
def test_a_single_event_can_be_lifted_and_what_has_happened_stays(kind: str, account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("error_storm", flow=flow["_id"], count=5)
    incident = account.control.inject(kind, flow=flow["_id"])
    seen = open_count(account.api, flow), len(account.api.jobs(_flowId=flow["_id"]))
    account.control.lift(incident)
    assert (open_count(account.api, flow), len(account.api.jobs(_flowId=flow["_id"]))) == seen
    assert incident not in {row["id"] for row in account.control.incidents()}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"status": 503}),
        ("slow", {"seconds": 30}),
        ("hang", {}),
        ("huge", {"bytes": 10_000}),
        ("gzip_bomb", {"bytes": 10_000}),
    ],
)
def test_a_fault_with_options_can_be_lifted(kind: str, options: dict[str, Any], account: Account) -> None:
    plain = account.api.get("/v1/flows")
    incident = account.control.inject(kind, path="/v1/flows", **options)
    account.control.lift(incident)
    assert account.api.raw("GET", "/v1/flows", timeout=20).json() == plain
