"""What licences allow together and how much of it is used, from wherever the API puts the numbers."""

from typing import Any

import pytest

from exporter.api.models import Instant
from exporter.api.models_governance import Allowance, Allowances, Consumed, EntitlementUsage, License, Usage
from exporter.collect.licenses import (
    ENTITLEMENT_USAGE_BLOCK,
    LICENSES_BLOCK,
    LicensesView,
    UsageView,
    licenses_view,
    usage_view,
)
from tests.collect.exposition import lines

NOW = 1_788_000_000.0
TEN = Allowance(num_flows=10)
FIVE = Allowance(num_flows=5)


def limits(*rows: License, sandbox: bool = False) -> dict[str, int]:
    return dict(licenses_view(rows, sandbox=sandbox, now=NOW).limits)


def platform(name: str = "l1", **fields: Any) -> License:
    return License(id=name, **{"type": "platform", "production": TEN, **fields})


def test_a_limit_is_what_was_bought_and_what_was_added() -> None:
    allowance = Allowance(
        num_flows=1000, num_add_on_flows=50, num_endpoints=20, num_add_on_endpoints=5, num_agents=2,
        num_add_on_agents=1, num_trading_partners=3, num_add_on_trading_partners=0,
    )  # fmt: skip
    assert limits(platform(production=allowance)) == {
        "flows": 1050,
        "endpoints": 25,
        "agents": 3,
        "trading_partners": 3,
    }


@pytest.mark.parametrize(
    ("allowance", "expected"),
    [
        (Allowance(), {}),
        (Allowance(num_flows=0), {"flows": 0}),
        (Allowance(num_flows=7), {"flows": 7}),
        (Allowance(num_add_on_flows=7), {}),
        (Allowance(num_flows=-1, num_agents=1), {"agents": 1}),
        (Allowance(num_flows=7, num_add_on_flows=-1), {"flows": 7}),
    ],
    ids=lambda value: str(value),
)
def test_a_number_that_is_not_told_is_unknown_never_zero(allowance: Allowance, expected: dict[str, int]) -> None:
    assert limits(platform(production=allowance)) == expected


@pytest.mark.parametrize(
    "places",
    [
        {"endpoint": Allowances(production=TEN), "production": None},
        {"integrator": Allowances(production=TEN), "production": None},
        {"production": TEN},
        {"endpoint": Allowances(sandbox=FIVE), "integrator": Allowances(production=TEN)},
        {"endpoint": Allowances(), "production": TEN, "sandbox": True},
    ],
    ids=["endpoint", "integrator", "top level", "not in the first", "sandbox is a flag"],
)
def test_the_numbers_are_found_wherever_the_licence_has_them(places: dict[str, Any]) -> None:
    assert limits(platform(**places)) == {"flows": 10}


def test_a_sandbox_account_is_compared_with_the_sandbox_part() -> None:
    row = platform(endpoint=Allowances(production=TEN, sandbox=FIVE), production=None)
    assert limits(row, sandbox=True) == {"flows": 5}
    assert limits(platform(sandbox=True), sandbox=True) == {}


def test_what_several_licences_allow_is_added_up() -> None:
    assert limits(platform(), platform("l2", type="endpoint"), platform("l3", type="integrator")) == {"flows": 30}


def test_a_licence_that_only_adds_on_is_added_to_one_that_was_bought() -> None:
    assert limits(platform(), platform("l2", production=Allowance(num_add_on_flows=4))) == {"flows": 14}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "connector"},
        {"type": "novelty"},
        {"type": None},
        {"expires": Instant(NOW)},
        {"expires": Instant(NOW - 1), "trial_end_date": Instant(NOW + 1)},
        {"trial_end_date": Instant(NOW - 1)},
    ],
    ids=str,
)
def test_licences_of_connectors_and_those_that_have_ended_allow_nothing(fields: dict[str, Any]) -> None:
    assert limits(platform(**fields)) == {}


@pytest.mark.parametrize("fields", [{}, {"expires": Instant(NOW + 1)}, {"trial_end_date": Instant(NOW + 1)}], ids=str)
def test_a_licence_that_has_not_ended_allows_what_it_says(fields: dict[str, Any]) -> None:
    assert limits(platform(**fields)) == {"flows": 10}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "platform", "expires": Instant(NOW)}, ("platform", NOW)),
        ({"type": "connector", "trial_end_date": Instant(5)}, ("connector", 5.0)),
        ({"type": "endpoint", "expires": Instant(9), "trial_end_date": Instant(5)}, ("endpoint", 9.0)),
        ({"type": "integrator"}, ("integrator", None)),
        ({"type": "admin@example.com"}, ("other", None)),
        ({}, ("other", None)),
    ],
    ids=str,
)
def test_type_and_end_of_a_licence(fields: dict[str, Any], expected: tuple[str, float | None]) -> None:
    view = licenses_view([License(id="l1", **fields)], sandbox=False, now=NOW)
    assert view.licenses == {"l1": expected}


USAGE = EntitlementUsage(
    production=Usage(
        flows=Consumed(num_enabled=412),
        endpoints=Consumed(num_consumed=0),
        agents=Consumed(num_active=2),
        trading_partners=Consumed(num_consumed=1),
    ),
    sandbox=Usage(flows=Consumed(num_enabled=40), endpoints=Consumed()),
)


@pytest.mark.parametrize(
    ("usage", "sandbox", "expected"),
    [
        (USAGE, False, {"flows": 412, "endpoints": 0, "agents": 2, "trading_partners": 1}),
        (USAGE, True, {"flows": 40}),
        (EntitlementUsage(), False, {}),
        (EntitlementUsage(production=Usage(flows=Consumed(num_enabled=-1))), False, {}),
        (EntitlementUsage(production=Usage(flows=Consumed(num_consumed=3))), False, {"flows": 3}),
    ],
    ids=["production", "sandbox", "nothing told", "negative", "another name"],
)
def test_use_is_that_of_the_part_that_counts(usage: EntitlementUsage, sandbox: bool, expected: dict[str, int]) -> None:
    assert usage_view(usage, sandbox=sandbox).used == expected


def test_sample_lines() -> None:
    licenses = LicensesView({"60c0": ("platform", 1.8e9), "60c1": ("connector", None)}, {"flows": 1000, "agents": 0})
    assert lines(LICENSES_BLOCK.build({"licenses": licenses})) == [
        'license_expiry_timestamp_seconds{license_id="60c0",type="platform"} 1800000000',
        'entitlement_limit{entitlement="flows"} 1000',
        'entitlement_limit{entitlement="agents"} 0',
    ]
    assert lines(ENTITLEMENT_USAGE_BLOCK.build({"entitlement_usage": UsageView({"flows": 412})})) == [
        'entitlement_used{entitlement="flows"} 412'
    ]
