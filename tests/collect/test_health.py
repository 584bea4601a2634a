"""Whether the account answers, and what the checks tell without asking anything themselves."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Timeout, Unauthorized, leaves
from exporter.collect.health import (
    CHECKS,
    CHECKS_BLOCK,
    HEALTH_BLOCK,
    ChecksView,
    HealthCollector,
    HealthView,
    checks_view,
)
from exporter.config.settings import Collectors, CollectorSettings, ErrorsSettings, InventorySettings
from tests.api.kit import kit
from tests.collect.exposition import lines
from tests.collect.listing_client import ListingClient
from tests.collect.simulated import simulated

SETTINGS = Collectors(
    health=CollectorSettings(staleness=300),
    inventory=InventorySettings(staleness=900),
    connections=CollectorSettings(staleness=300),
    errors=ErrorsSettings(staleness=600),
)
NOW = 10_000.0


def collector(client: ListingClient) -> HealthCollector:
    return HealthCollector(client, CollectorSettings())


def test_an_accepted_token_is_up() -> None:
    client = ListingClient()
    assert client.collect(collector(client)) is None
    assert client.published.views == {"health": HealthView(up=True)}
    assert client.published.at == {"health": client.clock.monotonic()}
    assert client.refresh.requests == 1


@pytest.mark.parametrize("kind", leaves(), ids=lambda kind: kind.type)
def test_every_failure_is_published_as_down_and_raised(kind: type[ApiError]) -> None:
    client = ListingClient(failing={"token_info": kind("/v1/tokenInfo")})
    error = client.collect(collector(client))
    assert isinstance(error, kind)
    assert client.published.views == {"health": HealthView(up=False)}


def test_a_probe_cut_off_by_the_end_of_the_exporter_says_nothing() -> None:
    client = ListingClient(failing={"token_info": Timeout("/v1/tokenInfo")})
    client.refresh.stop.set()
    assert client.collect(collector(client)) is not None
    assert client.published.views == {}


def test_a_failure_after_a_success_replaces_it() -> None:
    client = ListingClient()
    under_test = collector(client)
    client.collect(under_test)
    client.failing["token_info"] = Unauthorized("/v1/tokenInfo", status=401)
    client.collect(under_test)
    assert client.published.views["health"] == HealthView(up=False)


@pytest.mark.parametrize(("up", "expected"), [(True, "up{} 1"), (False, "up{} 0")])
def test_up_is_one_series(up: bool, expected: str) -> None:
    assert lines(HEALTH_BLOCK.build({"health": HealthView(up=up)})) == [expected]


def outcomes(**ended: tuple[bool, float]) -> Mapping[Endpoint, tuple[bool, float]]:
    return {Endpoint[name]: outcome for name, outcome in ended.items()}


CASES: list[tuple[str, Mapping[Endpoint, tuple[bool, float]], Mapping[str, bool]]] = [
    ("nothing was asked yet", {}, {}),
    ("auth", outcomes(TOKEN_INFO=(True, NOW)), {"auth": True}),
    ("auth failed", outcomes(TOKEN_INFO=(False, NOW)), {"auth": False}),
    ("integrations", outcomes(INTEGRATIONS=(True, NOW)), {"integrations": True}),
    ("flows", outcomes(FLOWS=(False, NOW)), {"flows": False}),
    ("connections", outcomes(CONNECTIONS=(True, NOW)), {"connections": True}),
    ("jobs by the list", outcomes(JOBS=(True, NOW)), {"jobs": True}),
    ("the newer of the two job calls", outcomes(JOBS=(False, NOW), JOBS_CURRENT=(True, NOW - 1)), {"jobs": False}),
    ("the newer, turned round", outcomes(JOBS=(False, NOW - 1), JOBS_CURRENT=(True, NOW)), {"jobs": True}),
    ("errors by the roll-up", outcomes(INTEGRATION_ERRORS=(True, NOW)), {"errors": True}),
    ("errors by a step", outcomes(INTEGRATION_ERRORS=(True, NOW - 5), STEP_ERRORS=(False, NOW)), {"errors": False}),
    ("errors by a flow", outcomes(FLOW_ERRORS=(True, NOW), STEP_ERRORS=(False, NOW - 5)), {"errors": True}),
    ("just not too old", outcomes(TOKEN_INFO=(True, NOW - 300)), {"auth": True}),
    ("older than the collector's staleness", outcomes(TOKEN_INFO=(True, NOW - 300.1)), {}),
    ("each by its own collector", outcomes(FLOWS=(True, NOW - 900), CONNECTIONS=(True, NOW - 301)), {"flows": True}),
    ("names of steps are no check", outcomes(EXPORTS=(False, NOW), IMPORTS=(False, NOW), JOB=(False, NOW)), {}),
]


@pytest.mark.parametrize(("asked", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_check_tells_how_the_newest_request_of_its_kind_ended(
    asked: Mapping[Endpoint, tuple[bool, float]], expected: Mapping[str, bool]
) -> None:
    assert checks_view(asked, SETTINGS, NOW).checks == expected


def test_checks_are_the_six_of_the_catalogue() -> None:
    assert set(CHECKS) == {"auth", "integrations", "connections", "flows", "jobs", "errors"}


def test_only_known_checks_are_exported() -> None:
    view = ChecksView({"auth": True, "jobs": False})
    assert lines(CHECKS_BLOCK.build({"checks": view})) == [
        'health_check_success{check="auth"} 1',
        'health_check_success{check="jobs"} 0',
    ]


class TestOnTheSimulatedAccount:
    def collect(self, client: Any, clock: Any) -> ListingClient:
        held = ListingClient(clock=clock)
        held.collect(HealthCollector(client, CollectorSettings()))
        return held

    def test_it_is_up_until_the_token_is_revoked(self) -> None:
        with simulated() as world, kit(world.clock, base_url=world.simulator.url) as api:
            assert self.collect(api.client, world.clock).published.views["health"] == HealthView(up=True)
            world.simulator.inject("token_revoked")
            assert self.collect(api.client, world.clock).published.views["health"] == HealthView(up=False)
            checks = checks_view(api.telemetry.outcomes(), Collectors(), world.clock.monotonic())
            assert checks.checks == {"auth": False}
