"""Agents and governance of a simulated account, scraped every minute, against what the account knows of itself."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.collect.agents import HEARTBEAT_SECONDS
from exporter.collect.audit import EVENTS, RESOURCE_TYPES, SOURCES
from exporter.config.settings import Collectors, ErrorsSettings, JobsSettings
from exporter.simulator.options import DAY_MS
from tests.simulation.world import World

QUIET = Collectors(jobs=JobsSettings(enabled=False), errors=ErrorsSettings(enabled=False))
SMALL: dict[str, Any] = {"flows": 30, "seed": 4, "page_size": 10, "history_seconds": 0.0}

AUDIT = "celigo_audit_events_total"
WITHOUT = "celigo_integration_flows_without_notifications"
FAMILIES = {
    "/v1/agents": "celigo_agent_info",
    "/v1/audit": AUDIT,
    "/v1/notifications": WITHOUT,
    "/v1/licenses": "celigo_entitlement_limit",
    "/v1/licenseEntitlementUsage": "celigo_entitlement_used",
}
"""Optional endpoints, and a family that cannot be known without each."""

PROVE = bool(os.environ.get("PROVE"))
EACH = pytest.mark.parametrize("path", FAMILIES)
REFUSALS: dict[str, dict[str, Any]] = {
    "401": {"kind": "unauthorized"},
    "403": {"kind": "forbidden"},
    "404": {"kind": "status", "status": 404},
}
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    **{kind: {"kind": kind} for kind in ("html", "truncated", "wrong_shape")},
}


def each_with(options: dict[str, dict[str, Any]], name: str) -> pytest.MarkDecorator:
    """Every endpoint with every option in `make prove`; else each with one of them, so that all occur."""
    pairs = [
        pytest.param(path, option, id=f"{path}-{key}")
        for place, path in enumerate(FAMILIES)
        for number, (key, option) in enumerate(options.items())
        if PROVE or (place - number) % len(options) == 0
    ]
    return pytest.mark.parametrize(("path", name), pairs)


@contextmanager
def world(folder: Path, **options: Any) -> Iterator[World]:
    with World(folder, collectors=QUIET, durable=False, **{**SMALL, **options}) as made:
        yield made


def collectors_succeed(world: World) -> bool:
    return set(world.scraped.now("celigo_exporter_collector_success").values()) == {1.0}


def entries(world: World) -> frozenset[str]:
    """Ids of the entries of the account's audit log."""
    return frozenset(entry.id for entry in world.simulator.engine.audit.entries)


def audited(world: World, history: frozenset[str]) -> Counter[tuple[str, str, str]]:
    """Entries of the account's audit log without `history`, counted by event, resource type and source."""
    return Counter(
        (
            entry.event if entry.event in EVENTS else "other",
            entry.resource_type if entry.resource_type in RESOURCE_TYPES else "other",
            entry.source if entry.source in SOURCES else "other",
        )
        for entry in world.simulator.engine.audit.entries
        if entry.id not in history
    )


def counted(world: World) -> dict[tuple[str, ...], float]:
    """What is counted of it, without zeros."""
    return {labels: value for labels, value in world.scraped.now(AUDIT).items() if value}


def uncovered(world: World) -> dict[tuple[str, ...], float]:
    """Enabled flows by integration that nobody subscribed to, by the account itself."""
    account = world.simulator.engine.account
    subscribed = {(row.type, row.resource_id) for row in account.notifications}
    flows = account.live_flows()
    homes = {row.id for row in account.live_integrations()} | {flow.integration_id or "none" for flow in flows}
    counts = Counter(
        flow.integration_id or "none"
        for flow in flows
        if flow.enabled
        and ("flow", flow.id) not in subscribed
        and ("integration", flow.integration_id or "none") not in subscribed
    )
    return {(home,): float(counts[home]) for home in homes}


class TestAgents:
    def test_every_agent_is_told_with_its_connections(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.minutes(2)
            account = held.simulator.engine.account
            names = {(row.id, row.name) for row in account.agents}
            assert set(held.scraped.now("celigo_agent_info")) == names
            counts = Counter(row.agent_id for row in account.live_connections())
            expected = {(row.id,): float(counts[row.id]) for row in account.agents}
            assert held.scraped.now("celigo_agent_connections") == expected
            assert sum(expected.values()) > 0
            assert held.scraped.value("celigo_exporter_objects", kind="agent") == len(account.agents)

    @pytest.mark.parametrize("name", ["warehouse-dc1", "finance-vm", "lab-agent"])
    def test_one_that_goes_down_is_offline_and_comes_back(self, tmp_path: Path, name: str) -> None:
        """The three tell by heartbeat, by `offline` and by `online`."""
        with world(tmp_path) as held:
            held.minutes(2)
            agent = next(row for row in held.simulator.engine.account.agents if row.name == name)
            assert held.scraped.value("celigo_agent_online", agent_id=agent.id) == 1.0
            incident = held.simulator.inject("agent_offline", agent=name)
            held.minutes(2)
            assert held.scraped.now("celigo_agent_online") == {
                (row.id,): float(row.offline_since_ms is None) for row in held.simulator.engine.account.agents
            }
            assert held.scraped.value("celigo_agent_online", agent_id=agent.id) == 0.0
            held.simulator.lift(incident)
            held.minutes(2)
            assert held.scraped.value("celigo_agent_online", agent_id=agent.id) == 1.0

    def test_only_an_agent_with_a_heartbeat_tells_when_it_last_was(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.minutes(2)
            ((key, at),) = held.scraped.now("celigo_agent_last_heartbeat_timestamp_seconds").items()
            assert key == (held.simulator.engine.account.agents[0].id,)
            assert 0 <= held.clock.true() - at < HEARTBEAT_SECONDS


class TestAudit:
    def test_every_entry_since_the_first_sight_is_counted_once(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.scrape_every = 300.0
            held.scrape()
            history = entries(held)
            flows = held.simulator.engine.account.flows
            for number in range(24):
                held.simulator.inject("flow_renamed", flow=flows[number % 7].id, name=f"name {number}")
                held.minutes(12)
            held.simulator.inject("flow_deleted", flow=flows[9].id)
            held.simulator.inject("integration_renamed", integration=flows[0].integration_id, name="Shop")
            held.minutes(12)
            assert counted(held) == audited(held, history)
            assert sum(counted(held).values()) > 26
            assert held.scraped.falls(AUDIT) == []

    def test_the_history_of_a_month_is_not_counted(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.minutes(1)
            assert len(held.simulator.engine.audit.entries) > 100
            assert set(held.scraped.now(AUDIT).values()) == {0.0}

    def test_what_happened_while_the_log_could_not_be_read_is_counted_afterwards(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.scrape_every = 300.0
            held.scrape()
            history = entries(held)
            held.minutes(30)
            held.outage(hours=5, kind="status", path="/v1/audit", status=503)
            held.minutes(10)
            assert counted(held) == audited(held, history)
            assert sum(counted(held).values()) > 0

    def test_rows_that_come_twice_or_in_any_order_change_nothing(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.scrape_every = 300.0
            held.scrape()
            history = entries(held)
            for kind in ("duplicated_rows", "shuffled_rows"):
                held.simulator.inject(kind, path="/v1/audit")
            held.hours(6)
            assert counted(held) == audited(held, history)


class TestEntitlements:
    @pytest.mark.parametrize("environment", ["production", "sandbox"])
    def test_limits_and_use_are_those_of_the_environment(self, tmp_path: Path, environment: str) -> None:
        with world(tmp_path) as held:
            (account,) = held.settings.accounts
            held.reconfigure(accounts=(type(account)(**{**fields_of(account), "environment": environment}),))
            held.minutes(2)
            production = environment == "production"
            expected = {"flows": 1000.0, "endpoints": 25.0, "agents": 3.0, "trading_partners": 3.0}
            assert held.scraped.now("celigo_entitlement_limit") == {
                (name,): number
                for name, number in (expected if production else {"flows": 1000.0, "endpoints": 10.0}).items()
            }
            rows = held.simulator.engine.account
            mine = [flow for flow in rows.live_flows() if flow.enabled and flow.sandbox != production]
            used = held.scraped.now("celigo_entitlement_used")
            assert used["flows",] == len(mine) > 0
            assert (used.get(("agents",)) == len(rows.agents)) == production
            assert (("trading_partners",) in used) == production

    def test_ends_of_licences_are_told_by_their_type(self, tmp_path: Path) -> None:
        with world(tmp_path, flows=120) as held:
            held.minutes(2)
            account = held.simulator.engine.account
            start = account.start_ms // DAY_MS * 86_400.0
            assert held.scraped.now("celigo_license_expiry_timestamp_seconds") == {
                (account.license_id, "platform"): start + 200 * 86_400,
                (account.connector_license_id, "connector"): start + 20 * 86_400,
            }


class TestNotifications:
    def test_flows_that_nobody_is_told_about_are_those_of_the_account(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.minutes(2)
            assert held.scraped.now(WITHOUT) == uncovered(held)
            assert sum(uncovered(held).values()) > 0

    def test_a_flow_that_is_switched_off_needs_nobody(self, tmp_path: Path) -> None:
        with world(tmp_path) as held:
            held.minutes(2)
            before = held.scraped.now(WITHOUT)
            for flow in held.simulator.engine.account.flows[1::2]:
                held.simulator.inject("flow_disabled", flow=flow.id)
            held.minutes(10)
            assert held.scraped.now(WITHOUT) == uncovered(held) != before


class TestRefusals:
    @each_with(REFUSALS, "refusal")
    def test_only_its_own_families_are_missing_and_nothing_fails(
        self, tmp_path: Path, path: str, refusal: dict[str, Any]
    ) -> None:
        with world(tmp_path) as held:
            held.simulator.inject(path=path, **refusal)
            held.minutes(7)
            assert collectors_succeed(held)
            assert set(held.scraped.now("celigo_health_check_success").values()) == {1.0}
            assert held.scraped.value("celigo_up") == 1.0
            available = {key: value for (key,), value in held.scraped.now("celigo_exporter_endpoint_available").items()}
            assert available == {each: float(each != path) for each in FAMILIES}
            families = held.scraped.families()
            assert {each for each, family in FAMILIES.items() if family not in families} == {path}
            assert not held.scraped.now("celigo_exporter_collector_disabled")

    @EACH
    def test_it_is_asked_ever_more_rarely_and_read_when_it_is_allowed(self, tmp_path: Path, path: str) -> None:
        with world(tmp_path) as held:
            incident = held.simulator.inject("forbidden", path=path)
            held.scrape_every = 300.0
            held.hours(3)
            asked = [row for row in held.simulator.requests() if row["template"] == path]
            # After 5, 15, 35, 75 and 155 minutes at the soonest; the collector's own interval may add to each.
            assert 4 <= len(asked) <= 6
            held.simulator.lift(incident)
            held.hours(3)
            assert FAMILIES[path] in held.scraped.families()
            assert set(held.scraped.now("celigo_exporter_endpoint_available").values()) == {1.0}


class TestFailures:
    @each_with(FAULTS, "fault")
    def test_a_failure_fails_its_collector_and_leaves_what_the_others_tell(
        self, tmp_path: Path, path: str, fault: dict[str, Any]
    ) -> None:
        with world(tmp_path) as held:
            held.minutes(1)
            flow, *_ = held.simulator.engine.account.flows
            held.simulator.inject("flow_renamed", flow=flow.id, name="so that the audit log has a row")
            held.simulator.inject(path=path, **fault)
            held.reconfigure()
            held.minutes(2)
            failed = {
                key for (key,), value in held.scraped.now("celigo_exporter_collector_success").items() if not value
            }
            assert failed == {"agents" if path == "/v1/agents" else "governance"}
            families = held.scraped.families()
            assert {each for each, family in FAMILIES.items() if family not in families} == {path}
            assert (path,) not in held.scraped.now("celigo_exporter_endpoint_available")

    @pytest.mark.parametrize("path", FAMILIES if PROVE else ("/v1/agents", "/v1/licenses"))
    def test_its_values_stay_until_they_are_stale(self, tmp_path: Path, path: str) -> None:
        minutes = {"/v1/agents": 5, "/v1/audit": 15}.get(path, 180)
        with world(tmp_path) as held:
            held.minutes(1)
            held.simulator.inject("status", path=path, status=503)
            held.minutes(minutes - 2)
            assert FAMILIES[path] in held.scraped.families()
            held.minutes(4)
            assert FAMILIES[path] not in held.scraped.families()
            assert {each for each, family in FAMILIES.items() if family not in held.scraped.families()} == {path}


def test_a_dead_token_is_a_failure_of_both_collectors_and_no_refusal(tmp_path: Path) -> None:
    with world(tmp_path) as held:
        held.minutes(1)
        held.simulator.inject("token_revoked")
        held.minutes(7)
        success = held.scraped.now("celigo_exporter_collector_success")
        assert (success["agents",], success["governance",]) == (0.0, 0.0)
        assert set(held.scraped.now("celigo_exporter_endpoint_available").values()) == {1.0}
        asked = Counter(str(row["template"]) for row in held.simulator.requests())
        assert asked["/v1/licenses"] == 1


def fields_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
