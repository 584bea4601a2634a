"""The sample account holds every kind of object the contract describes, also the nasty ones."""

import re
from collections import Counter
from typing import Any

import pytest

from tests.simulator.contract.account import step_ids
from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import Launch

Row = dict[str, Any]
ID = re.compile(r"[0-9a-f]{24}")
LISTS = ["/v1/integrations", "/v1/flows", "/v1/connections", "/v1/exports", "/v1/imports", "/v1/agents", "/v1/licenses"]


@pytest.fixture(scope="module")
def flows(api: Api) -> list[Row]:
    return api.rows("/v1/flows")


def test_ids_are_24_hex_characters_and_unique_over_all_lists(api: Api) -> None:
    ids = [row["_id"] for path in LISTS for row in api.rows(path)]
    assert all(ID.fullmatch(found) for found in ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("number", [1, 5, 12, 150])
def test_the_account_has_as_many_flows_as_asked_for(number: int, launch: Launch) -> None:
    with launch(flows=number, history_seconds=0) as account:
        assert len(account.api.rows("/v1/flows")) == number


@pytest.mark.parametrize(("number", "least", "most"), [(12, 4, 6), (60, 4, 10), (240, 15, 30)])
def test_integrations_grow_with_flows(number: int, least: int, most: int, launch: Launch) -> None:
    with launch(flows=number, history_seconds=0) as account:
        assert least <= len(account.api.rows("/v1/integrations")) <= most


def test_every_reference_leads_to_an_object(api: Api, flows: list[Row]) -> None:
    integrations, connections, agents = (
        {row["_id"] for row in api.rows(path)} for path in ("/v1/integrations", "/v1/connections", "/v1/agents")
    )
    steps = {row["_id"]: row for path in ("/v1/exports", "/v1/imports") for row in api.rows(path)}
    for flow in flows:
        assert flow.get("_integrationId") in integrations | {None}
        assert set(step_ids(flow)) <= set(steps)
        assert set(flow.get("_runNextFlowIds", [])) <= {row["_id"] for row in flows}
    assert {row["_connectionId"] for row in steps.values() if "_connectionId" in row} <= connections
    assert {row["_agentId"] for row in api.rows("/v1/connections") if "_agentId" in row} <= agents


def test_every_flow_has_a_step(flows: list[Row]) -> None:
    assert all(step_ids(flow) for flow in flows)


def test_standalone_flows_exist(flows: list[Row]) -> None:
    alone = [flow for flow in flows if "_integrationId" not in flow]
    assert 0 < len(alone) < len(flows) / 3


def test_about_a_tenth_of_the_flows_is_disabled_and_some_lack_the_field(flows: list[Row]) -> None:
    disabled = sum(flow.get("disabled", False) for flow in flows)
    assert 0.02 * len(flows) <= disabled <= 0.25 * len(flows)


@pytest.mark.parametrize("path", ["/v1/integrations", "/v1/flows", "/v1/connections", "/v1/exports", "/v1/imports"])
def test_sandbox_rows_stand_among_production_rows(path: str, api: Api) -> None:
    seen = Counter(row.get("sandbox", False) for row in api.rows(path))
    assert 0 < seen[True] < seen[False]


def test_legacy_flows_name_their_steps_at_the_top(flows: list[Row]) -> None:
    legacy = [flow for flow in flows if "_exportId" in flow or "_importId" in flow]
    assert legacy
    assert all(not flow.get("pageProcessors") and not flow.get("routers") for flow in legacy)


def test_routers_and_page_processors_exclude_each_other(flows: list[Row]) -> None:
    routed = [flow for flow in flows if flow.get("routers")]
    assert routed
    assert all(not flow.get("pageProcessors") for flow in routed)
    branches = [branch for flow in routed for router in flow["routers"] for branch in router["branches"]]
    assert any(branch["pageProcessors"] for branch in branches)


def test_flows_with_several_generators_exist_one_with_a_schedule_of_its_own(flows: list[Row]) -> None:
    several = [flow for flow in flows if len(flow.get("pageGenerators", [])) > 1]
    assert several
    assert any("schedule" in generator for flow in several for generator in flow["pageGenerators"])


def test_chained_flows_exist(flows: list[Row]) -> None:
    assert any(flow.get("_runNextFlowIds") for flow in flows)


def test_listeners_have_a_webhook_export_and_no_schedule(api: Api, flows: list[Row]) -> None:
    webhooks = {row["_id"] for row in api.rows("/v1/exports") if row.get("type") == "webhook"}
    listeners = [flow for flow in flows if {g.get("_exportId") for g in flow.get("pageGenerators", [])} & webhooks]
    assert listeners
    assert all("schedule" not in flow for flow in listeners)


def test_flows_that_never_ran_have_no_last_execution(flows: list[Row]) -> None:
    assert any("lastExecutedAt" not in flow for flow in flows)
    assert any("lastExecutedAt" in flow for flow in flows)


def test_an_export_or_import_is_used_by_several_flows(flows: list[Row]) -> None:
    uses = Counter(step for flow in flows for step in step_ids(flow))
    assert max(uses.values()) >= 2


def test_schedules_are_six_cron_fields_with_a_question_mark_for_seconds(flows: list[Row]) -> None:
    texts = [flow["schedule"] for flow in flows if isinstance(flow.get("schedule"), str)]
    assert texts
    for text in texts:
        assert re.fullmatch(r"\?( [0-9*?,/-]+){5}", text), text


def test_schedules_come_in_several_time_zones(flows: list[Row]) -> None:
    assert len({flow["timezone"] for flow in flows if "timezone" in flow}) >= 3


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("double-quote", '"'),
        ("backslash", r"\\"),
        ("newline", "\n"),
        ("emoji", "[\U0001f300-\U0001faff]"),
        ("right-to-left", "[\u0590-\u06ff]"),
        ("very-long", "(?s)^.{200,}$"),
        ("markup", "<script>"),
        ("leading-blank", r"^\s"),
        ("trailing-blank", r"\s$"),
    ],
    ids=lambda value: value if value.replace("-", "").isalpha() else "",
)
def test_a_nasty_name_of_each_kind_exists(what: str, pattern: str, api: Api) -> None:
    names = [row["name"] for path in LISTS[:6] for row in api.rows(path) if "name" in row]
    assert any(re.search(pattern, name) for name in names), what


def test_the_disabled_filter_and_the_integration_filter_of_flows(api: Api, flows: list[Row]) -> None:
    for wanted in (True, False):
        found = {row["_id"] for row in api.rows("/v1/flows", disabled=str(wanted).lower())}
        assert found == {flow["_id"] for flow in flows if flow.get("disabled", False) is wanted}
    home = next(flow["_integrationId"] for flow in flows if "_integrationId" in flow)
    found = {row["_id"] for row in api.rows("/v1/flows", _integrationId=home)}
    assert found == {flow["_id"] for flow in flows if flow.get("_integrationId") == home}


def test_imports_can_be_filtered_by_adaptor_type(api: Api) -> None:
    everything = api.rows("/v1/imports")
    wanted = everything[0]["adaptorType"]
    found = api.rows("/v1/imports", adaptorType=wanted)
    assert {row["_id"] for row in found} == {row["_id"] for row in everything if row["adaptorType"] == wanted}


def test_online_connections_mostly_lack_the_offline_field_or_say_false(api: Api) -> None:
    states = Counter(row.get("offline", False) for row in api.rows("/v1/connections"))
    assert states[False] > states[True]


def test_queue_sizes_come_only_when_asked_for(api: Api) -> None:
    assert all("queues" not in row and "queueSize" not in row for row in api.rows("/v1/connections"))
    asked = api.rows("/v1/connections", fetchQueueSize="true")
    assert any("queues" in row or "queueSize" in row for row in asked)


def test_connections_have_several_types_and_one_is_a_database(api: Api) -> None:
    types = Counter(row["type"] for row in api.rows("/v1/connections"))
    assert len(types) >= 4
    assert types["rdbms"] >= 1


def test_steps_without_a_connection_exist(api: Api) -> None:
    assert any("_connectionId" not in row for row in api.rows("/v1/exports"))


def test_an_agent_has_a_state_by_the_rule_of_the_contract(api: Api, world: Any) -> None:
    for row in api.rows("/v1/agents"):
        assert {"offline", "online", "lastHeartbeatAt"} & set(row)
    assert world.control.now() > 0


def test_notifications_name_one_object_by_their_type(api: Api) -> None:
    for row in api.rows("/v1/notifications?users=all"):
        named = {"_flowId", "_connectionId", "_integrationId"} & set(row)
        assert named == {f"_{row['type']}Id"}


def test_without_users_all_only_own_subscriptions_come(api: Api) -> None:
    everyone = {row["_id"] for row in api.rows("/v1/notifications?users=all")}
    own = {row["_id"] for row in api.rows("/v1/notifications")}
    me = api.get("/v1/tokenInfo")["_userId"]
    assert own < everyone
    for row in api.rows("/v1/notifications"):
        assert row.get("subscribedByUser", {}).get("_id", me) == me


def test_audit_can_be_filtered(api: Api) -> None:
    everything = api.rows("/v1/audit")
    for key, parameter in (("resourceType", "resourceType"), ("source", "source"), ("event", "action")):
        wanted = everything[0][key]
        found = {row["_id"] for row in api.rows("/v1/audit", **{parameter: wanted})}
        assert found == {row["_id"] for row in everything if row[key] == wanted}
    middle = sorted(row["time"] for row in everything)[len(everything) // 2]
    assert {r["_id"] for r in api.rows("/v1/audit", **{"from": middle})} == {
        r["_id"] for r in everything if r["time"] >= middle
    }
    assert {r["_id"] for r in api.rows("/v1/audit", to=middle)} == {r["_id"] for r in everything if r["time"] <= middle}


def test_licences_have_limits_in_one_of_the_three_places(api: Api) -> None:
    for row in api.rows("/v1/licenses"):
        blocks = [row.get("endpoint"), row.get("integrator"), row]
        assert any(isinstance(block, dict) and "production" in block for block in blocks) or row["type"] == "connector"


def test_entitlement_use_counts_the_enabled_flows(api: Api, flows: list[Row]) -> None:
    usage = api.get("/v1/licenseEntitlementUsage")
    for environment, sandbox in (("production", False), ("sandbox", True)):
        enabled = [f for f in flows if not f.get("disabled", False) and f.get("sandbox", False) is sandbox]
        assert usage[environment]["flowUsage"]["numEnabled"] == len(enabled)


def test_ten_thousand_flows_page_through_completely(launch: Launch) -> None:
    with launch(flows=10_000, history_seconds=0, backlog=False) as account:
        pages = list(account.api.link_pages("/v1/flows", include="name"))
        assert [len(page) for page in pages] == [1000] * 10
        assert len({row["_id"] for page in pages for row in page}) == 10_000
