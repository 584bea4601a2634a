"""The health collector: does the API accept the token right now (contract 3.1).

    celigo_up 1
    celigo_health_check_success{check="jobs"} 0

The checks beside `auth` cost no call of their own: they tell how the newest request of their kind, made by whichever
collector, ended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from exporter.api.models import TokenInfo
from exporter.api.refresh import Refresh
from exporter.collect.base import Block, Publish
from exporter.config.settings import Collectors, CollectorSettings
from exporter.expose import catalogue
from exporter.expose.families import Family

CHECKS: Mapping[str, tuple[str, tuple[Endpoint, ...]]] = {
    "auth": ("health", (Endpoint.TOKEN_INFO,)),
    "integrations": ("inventory", (Endpoint.INTEGRATIONS,)),
    "connections": ("connections", (Endpoint.CONNECTIONS,)),
    "flows": ("inventory", (Endpoint.FLOWS,)),
    "jobs": ("jobs", (Endpoint.JOBS, Endpoint.JOBS_CURRENT)),
    "errors": ("errors", (Endpoint.INTEGRATION_ERRORS, Endpoint.FLOW_ERRORS, Endpoint.STEP_ERRORS)),
}
"""Each check, the collector whose requests it reads, and their endpoints."""


NEVER = float("-inf")


class HealthClient(Protocol):
    """The call of the client that the health collector makes."""

    def token_info(self, refresh: Refresh) -> TokenInfo:
        """Contract 3.1."""
        ...


@dataclass(frozen=True, slots=True)
class HealthView:
    """Whether the newest authorised probe succeeded."""

    up: bool


class HealthCollector:
    """Asks who the token belongs to; used by one thread at a time."""

    name = "health"

    def __init__(self, client: HealthClient, settings: CollectorSettings) -> None:
        self.settings = settings
        self._client = client

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Probe once and publish `health`, also when it failed; raises the ApiError then.

        A probe that was cut off because the exporter stops says nothing.
        """
        started = refresh.clock.monotonic()
        try:
            self._client.token_info(refresh)
        except ApiError:
            if not refresh.stop.is_set():
                publish("health", HealthView(up=False), started)
            raise
        publish("health", HealthView(up=True), started)


def health_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """`celigo_up` from the `health` view."""
    view: HealthView = views["health"]
    yield Family(catalogue.UP, {(): float(view.up)})


@dataclass(frozen=True, slots=True)
class ChecksView:
    """How the newest request of each kind ended; a check that is not known has no entry."""

    checks: Mapping[str, bool]


def checks_view(outcomes: Mapping[Endpoint, tuple[bool, float]], settings: Collectors, now: float) -> ChecksView:
    """The checks from the client's newest outcomes (success, monotonic instant).

    One whose requests were never made, or are older than its collector's staleness, is not known.
    """
    checks: dict[str, bool] = {}
    for check, (collector, endpoints) in CHECKS.items():
        own: CollectorSettings = getattr(settings, collector)
        seen = [outcomes[each][::-1] for each in endpoints if each in outcomes]
        at, succeeded = max(seen, default=(NEVER, False))
        if now - at <= own.staleness_seconds:
            checks[check] = succeeded
    return ChecksView(checks)


def checks_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """`celigo_health_check_success` from the `checks` view."""
    view: ChecksView = views["checks"]
    yield Family(catalogue.HEALTH_CHECK_SUCCESS, {(check,): float(good) for check, good in view.checks.items()})


CHECKS_BLOCK = Block("checks", "health", ("checks",), checks_families)
HEALTH_BLOCK = Block("health", "health", ("health",), health_families)
