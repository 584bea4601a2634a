"""The sample account: its size, its shapes, its names."""

import re
import time
from collections import Counter

import pytest

from exporter.simulator.account import Account, build_account, integration_count
from exporter.simulator.resources import Flow
from tests.simulator.unit.build import START, options


def account(flows: int = 240, seed: int = 1) -> Account:
    return build_account(options(flows=flows, seed=seed), START)


@pytest.fixture(scope="module")
def large() -> Account:
    return account()


@pytest.mark.parametrize("flows", [0, 1, 2, 5, 12, 60, 500])
def test_an_account_has_as_many_flows_as_asked(flows: int) -> None:
    built = account(flows)
    assert len(built.flows) == flows
    assert len(built.integrations) == (integration_count(flows) if flows else 0)
    assert bool(built.connections) is bool(flows)


@pytest.mark.parametrize(("flows", "count"), [(1, 1), (11, 3), (12, 4), (47, 4), (60, 5), (10_000, 833)])
def test_there_is_about_one_integration_per_dozen_flows_and_at_least_four(flows: int, count: int) -> None:
    assert integration_count(flows) == count


def test_the_same_seed_gives_the_same_account_and_another_seed_another() -> None:
    assert _texts(account(60)) == _texts(account(60))
    assert _texts(account(60, seed=1)) != _texts(account(60, seed=2))


def _texts(built: Account) -> list[str]:
    return [f"{f.id} {f.name} {f.schedule} {f.timezone} {[s.id for s in f.steps]}" for f in built.flows]


def test_every_id_is_unique_and_24_hex_characters(large: Account) -> None:
    ids = [flow.id for flow in large.flows] + [step.id for step in large.steps]
    ids += [row.id for row in large.integrations] + [row.id for row in large.connections]
    ids += [row.id for row in large.agents] + [row.id for row in large.notifications]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[0-9a-f]{24}", identity) for identity in ids)


def test_growing_the_account_keeps_the_ids_of_its_first_flows() -> None:
    small, big = account(24), account(240)
    assert [flow.id for flow in small.flows] == [flow.id for flow in big.flows[:24]]


@pytest.mark.parametrize("trigger", ["scheduled", "listener", "chained", "on_demand"])
def test_every_trigger_exists_even_in_a_small_account(trigger: str) -> None:
    assert any(flow.trigger == trigger for flow in account(24).flows)


@pytest.mark.parametrize(
    "shape",
    [
        lambda flow: flow.legacy,
        lambda flow: len(flow.generators) == 3,
        lambda flow: any(g.schedule for g in flow.generators),
        lambda flow: len(flow.branches) == 2,
        lambda flow: flow.run_next,
        lambda flow: not flow.enabled,
        lambda flow: flow.last_executed_ms is None,
        lambda flow: flow.integration_id is None,
        lambda flow: flow.sandbox,
        lambda flow: flow.is_delta,
        lambda flow: any(step.is_lookup for step in flow.processors),
        lambda flow: flow.debug_until_ms is not None,
        lambda flow: flow.timezone is None and flow.schedule is not None,
    ],
    ids=[
        "legacy", "three-generators", "own-schedule", "router", "chain-head", "disabled", "never-ran", "standalone",
        "sandbox", "delta", "lookup", "debug", "no-zone",
    ],
)  # fmt: skip
def test_every_shape_of_the_contract_exists(shape: object, large: Account) -> None:
    assert callable(shape)
    assert any(shape(flow) for flow in large.flows)


def test_about_a_tenth_of_the_flows_is_disabled(large: Account) -> None:
    assert 0.05 < sum(not flow.enabled for flow in large.flows) / len(large.flows) < 0.15


def test_the_lively_first_flows_are_enabled() -> None:
    assert all(flow.enabled for flow in account(24).flows[:8])


def test_some_exports_are_shared_by_two_flows(large: Account) -> None:
    uses = Counter(generator.step.id for flow in large.flows for generator in flow.generators)
    assert max(uses.values()) >= 2


def test_listeners_have_a_webhook_without_connection_and_no_schedule(large: Account) -> None:
    for flow in (flow for flow in large.flows if flow.trigger == "listener"):
        assert flow.schedule is None
        assert flow.generators[0].step.export_type == "webhook"
        assert flow.generators[0].step.connection_id is None


def test_every_chained_flow_has_exactly_one_parent_which_is_no_minute_flow(large: Account) -> None:
    parents = Counter(child for flow in large.flows for child in flow.run_next)
    chained = {flow.id for flow in large.flows if flow.trigger == "chained"}
    assert set(parents) == chained
    assert set(parents.values()) == {1}
    heads = [flow for flow in large.flows if flow.run_next]
    assert all(flow.schedule != "? * * ? * *" and flow.enabled for flow in heads)


def test_steps_name_connections_and_integrations_that_exist(large: Account) -> None:
    integrations = set(large.integration_by_id)
    for step in large.steps:
        assert step.connection_id is None or step.connection_id in large.connection_by_id
        assert step.integration_id is None or step.integration_id in integrations


@pytest.mark.parametrize("flows", [1, 5, 24, 240])
def test_every_step_but_a_webhook_has_a_connection(flows: int) -> None:
    for step in account(flows).steps:
        assert (step.connection_id is None) is (step.export_type == "webhook")


def test_no_flow_uses_a_connection_that_is_offline_from_the_start(large: Account) -> None:
    down = {row.id for row in large.connections if row.offline_since_ms is not None}
    assert down
    assert not {step.connection_id for step in large.steps} & down


def test_connections_know_their_agents_and_are_capped() -> None:
    built = account(10_000)
    assert len(built.connections) == 500
    agents = {agent.id for agent in built.agents}
    assert {row.agent_id for row in built.connections if row.agent_id} <= agents


def test_agents_answer_with_three_different_state_fields(large: Account) -> None:
    assert {agent.signal for agent in large.agents} == {"heartbeat", "offline", "online"}


def test_ten_thousand_flows_are_laid_out_for_about_a_hundred_thousand_runs_a_day() -> None:
    built = account(10_000)
    assert 60_000 < sum(_runs_a_day(flow) for flow in built.flows) < 160_000


def _runs_a_day(flow: Flow) -> float:
    if not flow.enabled:
        return 0.0
    if flow.trigger == "listener":
        return 86_400 / flow.behaviour.listener_mean_seconds
    if flow.schedule is None:
        return 0.0
    _, minute, hour, *_ = flow.schedule.split()
    minutes = 60 if minute == "*" else 12 if minute == "*/5" else len(minute.split(","))
    hours = {"*": 24, "*/2": 12, "8-18": 11}.get(hour, len(hour.split(",")))
    return float(minutes * hours)


def test_ten_thousand_flows_are_made_in_processor_seconds_not_minutes() -> None:
    begun = time.process_time()
    account(10_000)
    assert time.process_time() - begun < 15


def test_deleted_resources_are_left_out_of_the_live_lists() -> None:
    built = account(24)
    built.flows[0].deleted = built.integrations[0].deleted = built.connections[0].deleted = True
    assert len(built.live_flows()) == len(built.flows) - 1
    assert built.integrations[0] not in built.live_integrations()
    assert built.connections[0] not in built.live_connections()


def test_notifications_have_one_resource_each_and_some_are_the_callers_own(large: Account) -> None:
    assert {row.type for row in large.notifications} == {"flow", "integration", "connection"}
    assert 0 < sum(row.own for row in large.notifications) < len(large.notifications)
