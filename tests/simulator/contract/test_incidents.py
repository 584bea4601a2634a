"""Incidents change the account as an operator would see it, and lifting them gives the old state back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulator.contract.account import step_ids
from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import Account

Row = dict[str, Any]
HOUR = 3600.0


def scheduled_flow(api: Api) -> Row:
    """The flow with the shortest interval: its schedule names every minute, or the most minutes."""
    flows = [flow for flow in api.rows("/v1/flows") if flow.get("schedule") and not flow.get("disabled")]
    runs = api.jobs(type="flow", createdAt_gte="2020-01-01")
    return max(flows, key=lambda flow: sum(run["_flowId"] == flow["_id"] for run in runs))


def find(api: Api, path: str, identity: str) -> Row | None:
    return next((row for row in api.rows(path) if row["_id"] == identity), None)


def runs_after(api: Api, flow_id: str, since_ms: int) -> list[Row]:
    return api.jobs(type="flow", _flowId=flow_id, createdAt_gte=since_ms)


@pytest.mark.parametrize("kind", ["token_revoked", "token_expired"])
def test_a_dead_token_is_401_everywhere_until_lifted(kind: str, account: Account) -> None:
    incident = account.control.inject(kind)
    for path in ("/v1/tokenInfo", "/v1/flows", "/v1/jobs?createdAt_gte=2020-01-01"):
        response = account.api.call("GET", path)
        assert response.status_code == 401
        assert response.json() == {"message": "Unauthorized"}
    account.control.lift(incident)
    assert account.api.call("GET", "/v1/tokenInfo").status_code == 200


def test_a_connection_goes_offline_and_comes_back(account: Account) -> None:
    target = next(row for row in account.api.rows("/v1/connections") if not row.get("offline"))
    incident = account.control.inject("connection_offline", connection=target["_id"])
    down = find(account.api, "/v1/connections", target["_id"])
    assert down is not None
    assert down["offline"] is True
    assert {row["id"]: row["online"] for row in account.control.truth()["connections"]}[target["_id"]] is False
    account.control.lift(incident)
    up = find(account.api, "/v1/connections", target["_id"])
    assert up is not None
    assert not up.get("offline", False)


def test_a_connection_that_was_offline_can_be_brought_online(account: Account) -> None:
    target = account.api.rows("/v1/connections")[0]["_id"]
    account.control.inject("connection_offline", connection=target)
    account.control.inject("connection_online", connection=target)
    row = find(account.api, "/v1/connections", target)
    assert row is not None
    assert not row.get("offline", False)


def test_an_offline_connection_shows_in_the_tile_of_its_integration(account: Account) -> None:
    integrations = [row for row in account.api.rows("/v1/integrations") if row.get("_registeredConnectionIds")]
    target = integrations[0]["_registeredConnectionIds"][0]
    account.control.inject("connection_offline", connection=target)
    tiles = {tile["_integrationId"]: tile for tile in account.api.get("/v1/tiles")}
    assert target in tiles[integrations[0]["_id"]]["offlineConnections"]


def agent_online(row: Row, now_iso: str) -> bool | None:
    """The rule of contract 3.13."""
    if "online" in row:
        return bool(row["online"])
    if "lastHeartbeatAt" in row:
        return str(row["lastHeartbeatAt"]) >= now_iso
    return not row["offline"] if "offline" in row else None


def ten_minutes_ago(account: Account) -> str:
    then = datetime.fromtimestamp(account.control.now() - 600, UTC)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_an_agent_goes_offline_and_comes_back_by_the_rule_of_the_contract(account: Account) -> None:
    target = next(row for row in account.api.rows("/v1/agents") if agent_online(row, ten_minutes_ago(account)))["_id"]
    incident = account.control.inject("agent_offline", agent=target)
    account.advance(HOUR)
    down = find(account.api, "/v1/agents", target)
    assert down is not None
    assert agent_online(down, ten_minutes_ago(account)) is False
    account.control.lift(incident)
    account.advance(60)
    up = find(account.api, "/v1/agents", target)
    assert up is not None
    assert agent_online(up, ten_minutes_ago(account)) is True


def test_a_disabled_flow_says_so_and_stops_running_until_lifted(account: Account) -> None:
    flow = scheduled_flow(account.api)
    incident = account.control.inject("flow_disabled", flow=flow["_id"])
    assert account.api.get(f"/v1/flows/{flow['_id']}")["disabled"] is True
    since = int(account.control.now() * 1000) + 1
    account.advance(6 * HOUR)
    assert runs_after(account.api, flow["_id"], since) == []
    account.control.lift(incident)
    assert not account.api.get(f"/v1/flows/{flow['_id']}").get("disabled", False)
    account.advance(6 * HOUR)
    assert runs_after(account.api, flow["_id"], since)


def test_a_disabled_flow_can_be_enabled(account: Account) -> None:
    flow = next(row for row in account.api.rows("/v1/flows") if row.get("disabled"))
    account.control.inject("flow_enabled", flow=flow["_id"])
    assert not account.api.get(f"/v1/flows/{flow['_id']}").get("disabled", False)


def test_a_stopped_schedule_keeps_the_schedule_but_starts_no_run_until_lifted(account: Account) -> None:
    flow = scheduled_flow(account.api)
    incident = account.control.inject("schedule_stopped", flow=flow["_id"])
    since = int(account.control.now() * 1000) + 1
    account.advance(6 * HOUR)
    now = account.api.get(f"/v1/flows/{flow['_id']}")
    assert (now["schedule"], now.get("disabled", False)) == (flow["schedule"], False)
    assert runs_after(account.api, flow["_id"], since) == []
    account.control.lift(incident)
    account.advance(6 * HOUR)
    assert runs_after(account.api, flow["_id"], since)


def test_a_stuck_run_neither_moves_nor_ends_until_lifted(account: Account) -> None:
    flow = scheduled_flow(account.api)
    before = {row["_id"] for row in account.api.current()}
    incident = account.control.inject("run_stuck", flow=flow["_id"])
    account.advance(60)
    fresh = [row for row in account.api.current() if row["_flowId"] == flow["_id"]]
    account.advance(12 * HOUR)
    later = {row["_id"]: row for row in account.api.current()}
    stuck = [row for row in fresh if later.get(row["_id"])]
    assert stuck, before
    for row in stuck:
        counters = ("status", "numSuccess", "numError", "numPagesGenerated")
        assert [later[row["_id"]].get(key) for key in counters] == [row.get(key) for key in counters]
    account.control.lift(incident)
    account.advance(6 * HOUR)
    assert not {row["_id"] for row in stuck} & {row["_id"] for row in account.api.current()}


def test_an_error_storm_opens_exactly_these_errors_and_lifting_closes_them(account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("schedule_stopped", flow=flow["_id"])
    before = open_count(account.api, flow)
    incident = account.control.inject(
        "error_storm", flow=flow["_id"], count=250, classification="duplicate", source="lookup", code="E-77"
    )
    assert open_count(account.api, flow) == before + 250
    found = [r for step in step_ids(flow) for r in account.api.step_errors(flow["_id"], step) if r["code"] == "E-77"]
    assert len(found) == 250
    assert {(record["classification"], record["source"]) for record in found} == {("duplicate", "lookup")}
    account.control.lift(incident)
    assert open_count(account.api, flow) == before


def open_count(api: Api, flow: Row) -> int:
    answer = api.get(f"/v1/flows/{flow['_id']}/errors") or {"flowErrors": []}
    return sum(row["numError"] for row in answer["flowErrors"])


def test_resolved_errors_are_no_longer_open_but_in_the_resolved_list(account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("error_storm", flow=flow["_id"], count=30, code="E-78")
    account.control.inject("resolve_errors", flow=flow["_id"])
    assert open_count(account.api, flow) == 0
    resolved = [
        row["code"]
        for step in step_ids(flow)
        for page in account.api.body_pages("GET", f"/v1/flows/{flow['_id']}/{step}/resolved")
        for row in page["resolved"]
    ]
    assert resolved.count("E-78") == 30


def test_a_deleted_flow_is_gone_from_every_list_and_comes_back(account: Account) -> None:
    flow = scheduled_flow(account.api)
    incident = account.control.inject("flow_deleted", flow=flow["_id"])
    assert account.api.call("GET", f"/v1/flows/{flow['_id']}").status_code == 404
    assert account.api.call("GET", f"/v1/flows/{flow['_id']}/errors").status_code == 404
    assert find(account.api, "/v1/flows", flow["_id"]) is None
    account.control.lift(incident)
    assert find(account.api, "/v1/flows", flow["_id"]) is not None


def test_a_renamed_flow_has_the_new_name_until_lifted(account: Account) -> None:
    flow = account.api.rows("/v1/flows")[0]
    incident = account.control.inject("flow_renamed", flow=flow["_id"], name='New "name"')
    assert account.api.get(f"/v1/flows/{flow['_id']}")["name"] == 'New "name"'
    account.control.lift(incident)
    assert account.api.get(f"/v1/flows/{flow['_id']}")["name"] == flow["name"]


def test_a_moved_flow_belongs_to_the_other_integration_until_lifted(account: Account) -> None:
    flow = next(row for row in account.api.rows("/v1/flows") if "_integrationId" in row)
    other = next(r["_id"] for r in account.api.rows("/v1/integrations") if r["_id"] != flow["_integrationId"])
    incident = account.control.inject("flow_moved", flow=flow["_id"], integration=other)
    assert account.api.get(f"/v1/flows/{flow['_id']}")["_integrationId"] == other
    assert flow["_id"] in {row["_id"] for row in account.api.rows("/v1/flows", _integrationId=other)}
    account.control.lift(incident)
    assert account.api.get(f"/v1/flows/{flow['_id']}")["_integrationId"] == flow["_integrationId"]


def test_open_errors_of_a_moved_flow_are_told_by_its_integration_of_now(account: Account) -> None:
    def homes() -> set[str]:
        """The integrations whose roll-up has the flow."""
        paths = {name: f"/v1/integrations/{name}/errors" for name in (home, other, "none")}
        told = {name: account.api.get(path) or () for name, path in paths.items()}
        return {name for name, rows in told.items() if flow["_id"] in {row["_flowId"] for row in rows}}

    flow = next(row for row in account.api.rows("/v1/flows") if "_integrationId" in row)
    home = flow["_integrationId"]
    other = next(r["_id"] for r in account.api.rows("/v1/integrations") if r["_id"] != home)
    account.control.inject("flow_run_now", flow=flow["_id"], records=9, errors=1)
    assert homes() == {home}
    moved = account.control.inject("flow_moved", flow=flow["_id"], integration=other)
    assert homes() == {other}
    outside = account.control.inject("flow_moved", flow=flow["_id"], integration="none")
    assert homes() == {"none"}
    account.control.lift(outside)
    account.control.lift(moved)
    assert homes() == {home}
    account.control.inject("flow_deleted", flow=flow["_id"])
    assert homes() == set()


def test_a_flow_can_be_moved_out_of_every_integration(account: Account) -> None:
    flow = next(row for row in account.api.rows("/v1/flows") if "_integrationId" in row)
    account.control.inject("flow_moved", flow=flow["_id"], integration="none")
    assert "_integrationId" not in account.api.get(f"/v1/flows/{flow['_id']}")


def test_a_deleted_integration_is_gone_and_comes_back(account: Account) -> None:
    target = account.api.rows("/v1/integrations")[0]
    incident = account.control.inject("integration_deleted", integration=target["_id"])
    assert find(account.api, "/v1/integrations", target["_id"]) is None
    assert account.api.call("GET", f"/v1/integrations/{target['_id']}/errors").status_code == 404
    assert {r["id"]: r["deleted"] for r in account.control.truth()["integrations"]}.get(target["_id"], True) is True
    account.control.lift(incident)
    assert find(account.api, "/v1/integrations", target["_id"]) == target


def test_a_renamed_integration_has_the_new_name_until_lifted(account: Account) -> None:
    target = account.api.rows("/v1/integrations")[0]
    incident = account.control.inject("integration_renamed", integration=target["_id"], name="Renamed")
    changed = find(account.api, "/v1/integrations", target["_id"])
    assert changed is not None
    assert changed["name"] == "Renamed"
    account.control.lift(incident)
    restored = find(account.api, "/v1/integrations", target["_id"])
    assert restored is not None
    assert restored["name"] == target["name"]


def test_a_deleted_connection_is_gone_and_comes_back(account: Account) -> None:
    target = account.api.rows("/v1/connections")[0]["_id"]
    incident = account.control.inject("connection_deleted", connection=target)
    assert find(account.api, "/v1/connections", target) is None
    account.control.lift(incident)
    assert find(account.api, "/v1/connections", target) is not None


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_flow_run_now_ends_as_told(status: str, account: Account) -> None:
    flow = scheduled_flow(account.api)
    account.control.inject("schedule_stopped", flow=flow["_id"])
    account.advance(HOUR)
    since = int(account.control.now() * 1000)
    account.control.inject("flow_run_now", flow=flow["_id"], status=status)
    account.advance(HOUR)
    ended = runs_after(account.api, flow["_id"], since)
    assert {row["status"] for row in ended} == {status}
    assert all(bool(row.get("canceledBy")) == (status == "canceled") for row in ended)


def test_several_incidents_are_listed_with_their_kinds_and_lifted_at_once(account: Account) -> None:
    flow = account.api.rows("/v1/flows")[0]
    first = account.control.inject("flow_renamed", flow=flow["_id"], name="X")
    second = account.control.inject("status", path="/v1/agents", status=500)
    listed = {row["id"]: row["kind"] for row in account.control.incidents()}
    assert listed == {first: "flow_renamed", second: "status"}
    account.control.lift_all()
    assert account.control.incidents() == []
    assert account.api.get(f"/v1/flows/{flow['_id']}")["name"] == flow["name"]
    assert account.api.call("GET", "/v1/agents").status_code == 200


def test_two_incidents_on_one_flow_lift_in_any_order(account: Account) -> None:
    flow = account.api.rows("/v1/flows")[0]
    first = account.control.inject("flow_renamed", flow=flow["_id"], name="first")
    second = account.control.inject("flow_renamed", flow=flow["_id"], name="second")
    account.control.lift(first)
    assert account.api.get(f"/v1/flows/{flow['_id']}")["name"] == "second"
    account.control.lift(second)
    assert account.api.get(f"/v1/flows/{flow['_id']}")["name"] == flow["name"]
