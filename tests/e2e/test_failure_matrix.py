"""Each endpoint failing in each way, one at a time: what is true stays, what is not known goes, all recovers by itself.

The exporter runs on virtual time against a real simulator over real sockets, and is scraped over real HTTP.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.config.settings import (
    Account,
    Collectors,
    CollectorSettings,
    ErrorsSettings,
    InventorySettings,
    JobsSettings,
    Limits,
    RateLimit,
    Settings,
    TokenSource,
)
from exporter.serve.fleet import Fleet
from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.clock import SkippingClock
from tests.e2e.processes import until
from tests.serve.rig import served

TOKEN = "demo-token"
SCRAPE_TIMEOUT = 10.0


COLLECTORS = Collectors(
    health=CollectorSettings(interval=60, staleness=900),
    inventory=InventorySettings(interval=300, staleness=900),
    jobs=JobsSettings(interval=60, staleness=900),
    errors=ErrorsSettings(interval=300, staleness=900),
    connections=CollectorSettings(interval=60, staleness=900),
    agents=CollectorSettings(interval=60, staleness=900),
    schedules=CollectorSettings(interval=60, staleness=900),
)
"""One staleness for all, so that one step of time is before it and the next one behind it."""


@dataclass(frozen=True)
class Endpoint:
    """A path template, the collector that needs it, and families that cannot be known without it."""

    path: str
    collector: str
    needed_by: frozenset[str]
    shape: str = "list"


INVENTORY = frozenset(
    {
        *("celigo_integration_info", "celigo_flow_info", "celigo_flow_enabled", "celigo_flow_schedule_configured"),
        *("celigo_flow_last_modified_timestamp_seconds", "celigo_flow_last_executed_timestamp_seconds"),
        *("celigo_integration_flows", "celigo_flow_connection_info", "celigo_connection_flows"),
        "celigo_integration_flows_without_notifications",
    }
)
CONNECTIONS = frozenset(
    {
        *("celigo_connection_info", "celigo_connection_online", "celigo_connection_queue_messages"),
        *("celigo_connection_concurrency", "celigo_connection_flows", "celigo_agent_connections"),
    }
)
FINISHED = frozenset(
    {
        *("celigo_flow_runs", "celigo_flow_records", "celigo_flow_retries", "celigo_integration_runs"),
        *("celigo_integration_records", "celigo_integration_run_duration_seconds", "celigo_run_queue_wait_seconds"),
        "celigo_runs_unknown",
        *("celigo_flow_last_run_duration_seconds", "celigo_flow_last_run_status", "celigo_flow_last_run_records"),
        *("celigo_flow_consecutive_failed_runs", "celigo_flow_consecutive_empty_runs"),
        *("celigo_flow_baseline_run_duration_seconds", "celigo_flow_last_success_timestamp_seconds"),
    }
)
EXPECTED = frozenset(
    {
        *("celigo_flow_next_expected_run_timestamp_seconds", "celigo_flow_schedule_interval_seconds"),
        *("celigo_flow_consecutive_missed_runs", "celigo_flow_dst_skip_timestamp_seconds"),
    }
)
"""What follows from schedules and runs together."""

ERRORS = frozenset(
    {
        *("celigo_flow_open_errors", "celigo_integration_open_errors", "celigo_open_errors_sampled_ratio"),
        *("celigo_integration_open_errors_by_classification", "celigo_integration_open_errors_by_source"),
        *("celigo_integration_open_errors_by_age", "celigo_integration_open_errors_expiring"),
    }
)
ONLY_SOMETIMES = frozenset(
    {
        *("celigo_flow_active_runs", "celigo_flow_oldest_active_run_start_timestamp_seconds"),
        *("celigo_flow_active_run_progress_timestamp_seconds", "celigo_connection_debug_until_timestamp_seconds"),
        *("celigo_step_info", "celigo_step_open_errors", "celigo_flow_last_error_timestamp_seconds"),
        *("celigo_flow_oldest_open_error_timestamp_seconds", "celigo_open_errors_by_code"),
    }
)
"""Families with series only while there is something to tell, which comes and goes in a living account."""

ONLY_SOME_ROWS = {("/v1/connections", "bad_dates"), ("/v1/integrations/{integrationId}/errors", "bad_dates")}
"""Pairs that leave rows whole, those without a date: they count what they broke, and the collector goes on."""

ENDPOINTS = [
    Endpoint("/v1/tokenInfo", "health", frozenset(), "object"),
    Endpoint("/v1/integrations", "inventory", INVENTORY),
    Endpoint("/v1/flows", "inventory", INVENTORY | EXPECTED),
    Endpoint("/v1/connections", "connections", CONNECTIONS),
    Endpoint("/v1/jobs", "jobs", FINISHED | EXPECTED),
    Endpoint("/v1/jobs/current", "jobs", frozenset({"celigo_active_runs"}) | EXPECTED),
    Endpoint("/v1/integrations/{integrationId}/errors", "errors", ERRORS),
]


@dataclass(frozen=True)
class Fault:
    """An incident kind with its options, and the types of `celigo_api_errors_total` it may count as."""

    kind: str
    types: frozenset[str]
    options: dict[str, Any] = field(default_factory=dict)
    rows: bool = False

    @property
    def id(self) -> str:
        return "-".join([self.kind, *(str(value) for value in self.options.values())])


def fault(kind: str, *types: str, rows: bool = False, **options: Any) -> Fault:
    return Fault(kind, frozenset(types), options, rows)


FAULTS = [
    fault("unauthorized", "unauthorized"),
    fault("forbidden", "forbidden"),
    fault("status", "bad_request", status=400),
    fault("status", "not_found", status=404),
    fault("status", "conflict", status=409),
    fault("status", "validation", status=422),
    fault("status", "server_error", status=500),
    fault("status", "bad_gateway", status=502, body="html"),
    fault("status", "unavailable", status=503, body="message"),
    fault("status", "other", status=418),
    fault("rate_limited", "rate_limited", retry_after=1),
    fault("rate_limited", "rate_limited", retry_after=2, http_date=True),
    fault("hang", "timeout"),
    fault("reset", "connect"),
    fault("truncated", "truncated"),
    fault("invalid_json", "invalid_json"),
    fault("html", "invalid_json"),
    fault("wrong_shape", "unexpected_shape"),
    fault("null_list", "unexpected_shape"),
    fault("huge", "too_large", bytes=3_000_000),
    fault("gzip_bomb", "too_large", bytes=3_000_000),
    fault("redirect", "redirect"),
    fault("missing_ids", rows=True),
    fault("wrong_types", rows=True),
    fault("bad_dates", rows=True),
    fault("numbers_as_strings", rows=True),
]


@dataclass
class Rig:
    """A simulator, an exporter on virtual time, and its address."""

    sim: Simulator
    fleet: Fleet
    clock: SkippingClock
    url: str

    def scrape(self) -> dict[str, list[Any]]:
        """Families by name with their samples; every scrape must answer 200 within its timeout."""
        answer = requests.get(
            f"{self.url}/metrics",
            headers={"X-Prometheus-Scrape-Timeout-Seconds": str(SCRAPE_TIMEOUT)},
            timeout=SCRAPE_TIMEOUT,
        )
        assert answer.status_code == 200
        return {family.name: family.samples for family in parse_text(answer.text) if family.samples}

    def pass_time(self, seconds: float) -> dict[str, list[Any]]:
        """Let virtual time pass and scrape until everything that was due has run."""
        self.clock.advance(seconds)
        self.scrape()
        until(self._idle, "the collectors")
        return self.scrape()

    def _idle(self) -> bool:
        """Whether nothing is due or under way. Of one that hangs `trigger` tells less: no scrape waits for it."""
        self.fleet.trigger()
        return not any(account.busy for account in self.fleet.accounts)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    clock = SkippingClock()
    with ExitStack() as stack:
        options = SimulatorOptions(flows=14, history_seconds=7200.0, base_clock=clock.time, seed=3)
        sim = stack.enter_context(Simulator(options))
        account = Account("acme", TokenSource(env="T"), sim.url, None, rate_limit=RateLimit(1000.0, 1000))
        # Long enough for an answer on a busy machine, short enough for the requests that hang.
        limits = Limits(read_timeout=1.0, attempts=2, response_bytes=1_000_000)
        settings = Settings((account,), collectors=COLLECTORS, limits=limits)
        fleet = stack.enter_context(Fleet(settings, {"T": TOKEN}, clock))
        yield Rig(sim, fleet, clock, stack.enter_context(served(fleet)))


def value(samples: list[Any], **labels: str) -> float:
    return float(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))


def names(families: dict[str, list[Any]]) -> set[str]:
    return {name for name in families if not name.startswith(("celigo_api_", "celigo_exporter_"))}


def applies(endpoint: Endpoint, each: Fault) -> bool:
    """Whether the fault breaks an answer of this endpoint: an object has no rows, and some rows have no numbers."""
    if endpoint.path == "/v1/tokenInfo":
        return each.kind not in {"null_list", "bad_dates", "numbers_as_strings", "wrong_types", "missing_ids"}
    needs_numbers = each.kind == "numbers_as_strings"
    return not (needs_numbers and endpoint.path in {"/v1/integrations", "/v1/flows", "/v1/connections"})


PAIRS = [
    (endpoint, each)
    for place, endpoint in enumerate(ENDPOINTS)
    for number, each in enumerate(FAULTS)
    if applies(endpoint, each) and (os.environ.get("PROVE") or (place + number) % 6 == 0)
]
"""Every pair in `make prove`; else a sixth of them, in which each endpoint and each fault occurs."""


def test_every_endpoint_and_every_fault_occurs() -> None:
    assert {endpoint.path for endpoint, _ in PAIRS} == {endpoint.path for endpoint in ENDPOINTS}
    assert {each.id for _, each in PAIRS} == {each.id for each in FAULTS}


@pytest.mark.parametrize(("endpoint", "each"), PAIRS, ids=lambda value: getattr(value, "path", None) or value.id)
def test_one_failing_endpoint_costs_only_what_depends_on_it(rig: Rig, endpoint: Endpoint, each: Fault) -> None:
    healthy = rig.pass_time(600)
    assert failed_collectors(healthy) == set()
    incident = rig.sim.inject(each.kind, path=endpoint.path, **each.options)
    try:
        failing = rig.pass_time(301)
        assert_counted(healthy, failing, endpoint, each)
        if (endpoint.path, each.kind) in ONLY_SOME_ROWS:
            return
        assert failed_collectors(failing) >= {endpoint.collector}
        assert names(failing) >= names(healthy) - ONLY_SOMETIMES, "kept until stale"
        late = rig.pass_time(1000)
        assert not names(late) & endpoint.needed_by, "gone when stale"
        # A 401 ends the whole run of a collector: the token is one for all calls.
        spared = FINISHED | EXPECTED if each.kind == "unauthorized" and endpoint.collector == "jobs" else frozenset()
        assert names(late) >= names(healthy) - endpoint.needed_by - spared - ONLY_SOMETIMES, "the others stay"
        assert value(late["celigo_up"]) == (endpoint.path != "/v1/tokenInfo")
    finally:
        rig.sim.lift(incident)
    recovered = rig.pass_time(700)
    assert failed_collectors(recovered) == set()
    assert names(recovered) >= names(healthy) - ONLY_SOMETIMES
    assert value(recovered["celigo_up"]) == 1


def failed_collectors(families: dict[str, list[Any]]) -> set[str]:
    samples = families["celigo_exporter_collector_success"]
    return {sample.labels["collector"] for sample in samples if sample.value == 0}


def assert_counted(before: dict[str, list[Any]], after: dict[str, list[Any]], endpoint: Endpoint, each: Fault) -> None:
    """The failure counts under its own type, or as rejected rows."""
    if each.rows:
        # Collectors share listings, and the one whose request it was counts its rows.
        assert value(after["celigo_exporter_rows_rejected"]) > value(before["celigo_exporter_rows_rejected"])
        return
    name = "celigo_api_errors"
    kinds = {sample.labels["type"] for sample in after[name]}
    grown = {
        kind
        for kind in kinds
        if value(after[name], endpoint=endpoint.path, type=kind)
        > value(before.get(name, []), endpoint=endpoint.path, type=kind)
    }
    assert grown
    assert grown <= each.types
