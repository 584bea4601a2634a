"""A client under test with virtual time, and the small things that its tests repeat."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from exporter.api.client import CeligoClient
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from exporter.api.listing import Listing
from exporter.api.refresh import Refresh
from exporter.api.telemetry import Telemetry
from exporter.api.token import TokenProvider
from exporter.clock import Clock
from exporter.config.settings import Account, Limits, RateLimit, TokenSource
from exporter.expose.families import Value
from tests.clocks import ManualClock

BASE = "https://api.integrator.io"
TOKEN = "prober-token-4f1c"
FLOW = "64b2e1d3c5f6a70023bc45d2"
STEP = "64b2e1d1c5f6a70023bc45b1"
INTEGRATION = "63a1f0c2d4b5e60012ab34c1"
JOB = "6512aa00bb11cc22dd33ee01"

PLENTY = RateLimit(requests_per_second=1000.0, burst=1000)
"""A budget that no test reaches unless it means to."""


@dataclass
class Kit:
    """A client and what it was built from."""

    client: CeligoClient
    clock: Clock
    telemetry: Telemetry
    refreshes: list[Refresh] = field(default_factory=list)

    def refresh(self, seconds: float = 300.0) -> Refresh:
        """A frame for calls; the newest one is `last`."""
        self.refreshes.append(Refresh(self.clock, self.clock.monotonic() + seconds))
        return self.refreshes[-1]

    @property
    def last(self) -> Refresh:
        """The newest frame."""
        return self.refreshes[-1]

    def count(self, name: str, *labels: str) -> Value:
        """Value of one series of the client's own metrics; 0 when there is no such series."""
        return self.telemetry.series(name).get(labels, 0.0)

    def errors(self) -> Mapping[str, float]:
        """Failed attempts by type, over all endpoints, without zeros."""
        counted: dict[str, float] = {}
        for (_, kind), number in self.telemetry.series("celigo_api_errors_total").items():
            assert isinstance(number, float | int)
            if number:
                counted[kind] = counted.get(kind, 0) + number
        return counted


@contextmanager
def kit(
    clock: Clock | None = None,
    *,
    base_url: str = BASE,
    rate: RateLimit = PLENTY,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    token: TokenProvider | None = None,
    uniform: Callable[[], float] = lambda: 0.5,
) -> Iterator[Kit]:
    """A client that is closed in the end."""
    clock = clock or ManualClock()
    source = TokenSource(env="ACME_TOKEN")
    account = Account(name="acme", token=source, base_url=base_url, region=None, rate_limit=rate)
    telemetry = Telemetry(clock)
    token = token or TokenProvider(source, {"ACME_TOKEN": TOKEN}, clock)
    with CeligoClient(account, limits, token, clock, telemetry, uniform=uniform) as client:
        yield Kit(client, clock, telemetry)


Ask = Callable[[Kit], Any]


def rows_of(answer: Any) -> tuple[Any, ...]:
    """The rows of a listing."""
    assert isinstance(answer, Listing)
    return answer.rows


LISTS: Mapping[Endpoint, Ask] = {
    Endpoint.INTEGRATIONS: lambda kit: kit.client.integrations(kit.refresh()),
    Endpoint.FLOWS: lambda kit: kit.client.flows(kit.refresh()),
    Endpoint.CONNECTIONS: lambda kit: kit.client.connections(kit.refresh()),
    Endpoint.EXPORTS: lambda kit: kit.client.exports(kit.refresh()),
    Endpoint.IMPORTS: lambda kit: kit.client.imports(kit.refresh()),
    Endpoint.AGENTS: lambda kit: kit.client.agents(kit.refresh()),
    Endpoint.LICENSES: lambda kit: kit.client.licenses(kit.refresh()),
    Endpoint.NOTIFICATIONS: lambda kit: kit.client.notifications(kit.refresh()),
    Endpoint.INTEGRATION_ERRORS: lambda kit: kit.client.integration_errors(kit.refresh(), INTEGRATION),
    Endpoint.FLOW_ERRORS: lambda kit: kit.client.flow_errors(kit.refresh(), FLOW),
    Endpoint.STEP_ERRORS: lambda kit: kit.client.step_errors(kit.refresh(), FLOW, STEP, max_pages=5),
    Endpoint.JOBS_CURRENT: lambda kit: kit.client.current_jobs(kit.refresh()),
    Endpoint.JOB_FAMILY: lambda kit: kit.client.job_family(kit.refresh(), JOB),
    Endpoint.RUN_STATS: lambda kit: kit.client.run_stats(kit.refresh(), since=1_787_990_000.0, until=1_788_000_000.0),
}
"""Calls that answer with a `Listing`."""

CALLS: Mapping[Endpoint, Ask] = {
    Endpoint.TOKEN_INFO: lambda kit: kit.client.token_info(kit.refresh()),
    **LISTS,
    Endpoint.JOBS: lambda kit: list(kit.client.job_pages(kit.refresh(), kind="flow", created_gte=1_787_990_000.0)),
    Endpoint.JOB: lambda kit: kit.client.job(kit.refresh(), JOB),
    Endpoint.ENTITLEMENT_USAGE: lambda kit: kit.client.entitlement_usage(kit.refresh()),
    Endpoint.AUDIT: lambda kit: list(kit.client.audit_pages(kit.refresh(), since=1_787_990_000.0, max_pages=20)),
    Endpoint.LAST_EXPORT: lambda kit: kit.client.last_export(kit.refresh(), FLOW),
}
"""Every call of the client, by the endpoint it asks."""

LINK_PATHS = {
    Endpoint.INTEGRATIONS: "/v1/integrations",
    Endpoint.FLOWS: "/v1/flows",
    Endpoint.CONNECTIONS: "/v1/connections",
    Endpoint.EXPORTS: "/v1/exports",
    Endpoint.IMPORTS: "/v1/imports",
    Endpoint.AGENTS: "/v1/agents",
    Endpoint.LICENSES: "/v1/licenses",
    Endpoint.NOTIFICATIONS: "/v1/notifications",
}
"""Listings paged by the Link header (contract 1.6 A)."""

STEP_ERRORS_PATH = f"/v1/flows/{FLOW}/{STEP}/errors"


def failure_of(ask: Ask, under_test: Kit) -> ApiError:
    """The ApiError that a call raises."""
    try:
        ask(under_test)
    except ApiError as error:
        return error
    raise AssertionError("the call did not fail")


def object_id(number: int) -> str:
    """An id as the API makes them."""
    return f"{number:024x}"
