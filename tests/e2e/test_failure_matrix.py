"""Each endpoint failing in each way, one at a time: what is true stays, what is not known goes, all recovers by itself.

The exporter runs on virtual time against a real simulator over real sockets, and is scraped over real HTTP.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import uvicorn
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.config.settings import Account, Limits, RateLimit, Settings, TokenSource
from exporter.serve.fleet import Fleet
from exporter.serve.server import uvicorn_config
from exporter.serve.sockets import open_sockets, url_of
from exporter.simulator import Simulator, SimulatorOptions
from tests.clocks import ManualClock
from tests.e2e.processes import until

TOKEN = "demo-token"
SCRAPE_TIMEOUT = 10.0


@dataclass(frozen=True)
class Endpoint:
    """A path template, the collector that needs it, and families that cannot be known without it."""

    path: str
    collector: str
    needed_by: frozenset[str]
    shape: str = "list"


ENDPOINTS = [
    Endpoint("/v1/tokenInfo", "health", frozenset(), "object"),
    Endpoint("/v1/integrations", "inventory", frozenset({"celigo_integration_info", "celigo_flow_info"})),
    Endpoint("/v1/flows", "inventory", frozenset({"celigo_flow_enabled", "celigo_flow_info"})),
    Endpoint("/v1/connections", "connections", frozenset({"celigo_connection_online", "celigo_connection_info"})),
    Endpoint("/v1/jobs", "jobs", frozenset({"celigo_flow_runs", "celigo_flow_last_run_status"})),
    Endpoint("/v1/jobs/current", "jobs", frozenset({"celigo_active_runs"})),
    Endpoint("/v1/integrations/{integrationId}/errors", "errors", frozenset({"celigo_flow_open_errors"})),
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
    clock: ManualClock
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
        until(lambda: all(future.done() for future in self.fleet.trigger()), "the collectors")
        return self.scrape()


@contextmanager
def serving(fleet: Fleet) -> Iterator[str]:
    """The fleet's application on a free port."""
    (listener,) = open_sockets(["127.0.0.1:0"])
    server = uvicorn.Server(uvicorn_config(fleet))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started, "the server")
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    clock = ManualClock(participants=1)
    with ExitStack() as stack:
        options = SimulatorOptions(flows=14, history_seconds=7200.0, base_clock=clock.time, seed=3)
        sim = stack.enter_context(Simulator(options))
        account = Account("acme", TokenSource(env="T"), sim.url, None, rate_limit=RateLimit(1000.0, 1000))
        limits = Limits(read_timeout=0.3, attempts=2, response_bytes=1_000_000)
        fleet = stack.enter_context(Fleet(Settings((account,), limits=limits), {"T": TOKEN}, clock))
        yield Rig(sim, fleet, clock, stack.enter_context(serving(fleet)))


def value(samples: list[Any], **labels: str) -> float:
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def names(families: dict[str, list[Any]]) -> set[str]:
    return {name for name in families if not name.startswith(("celigo_api_", "celigo_exporter_"))}


CASES = [
    pytest.param(endpoint, each, id=f"{endpoint.path}-{each.id}")
    for endpoint in ENDPOINTS
    for each in FAULTS
    if not (each.kind == "null_list" and endpoint.shape == "object")
]


@pytest.mark.parametrize(("endpoint", "each"), CASES)
def test_one_failing_endpoint_costs_only_what_depends_on_it(rig: Rig, endpoint: Endpoint, each: Fault) -> None:
    healthy = rig.pass_time(600)
    assert value(healthy["celigo_exporter_collector_success"]) == 5
    incident = rig.sim.inject(each.kind, path=endpoint.path, **each.options)
    try:
        failing = rig.pass_time(301)
        assert_counted(healthy, failing, endpoint, each)
        assert names(failing) >= names(healthy) - ONLY_SOMETIMES, "kept until stale"
        late = rig.pass_time(1000)
        if not each.rows:
            assert_gone(late, endpoint)
        others = names(healthy) - dependent(endpoint) - ONLY_SOMETIMES
        assert names(late) >= others
    finally:
        rig.sim.lift(incident)
    recovered = rig.pass_time(700)
    assert value(recovered["celigo_exporter_collector_success"]) == 5
    assert names(recovered) >= names(healthy) - ONLY_SOMETIMES
    assert value(recovered["celigo_up"]) == 1
