"""What a reload tells of two configurations: names of accounts and keys, and never a value."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from exporter.config.differences import Differences, differences
from exporter.config.settings import (
    Account,
    Collectors,
    Filters,
    FlowFilter,
    JobsSettings,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
    Settings,
    StateSettings,
    TokenSource,
    Web,
)

FILE = TokenSource(file="/run/secrets/acme")
ACME, BETA, GAMMA = (Account(name, FILE) for name in ("acme", "beta", "gamma"))
BOTH = Settings((ACME, BETA))
OWNER = Owner(OwnershipMatch(name="Orders.*"), "commerce", "gold", freshness=3600.0)


def test_the_same_settings_differ_in_nothing() -> None:
    assert differences(BOTH, Settings((Account("acme", FILE), Account("beta", FILE)))) == Differences()


def test_accounts_that_come_and_go_are_told_and_leave_the_others_alone() -> None:
    assert differences(BOTH, Settings((BETA, GAMMA))) == Differences(added=("gamma",), removed=("acme",))


def test_the_order_of_the_accounts_is_no_difference() -> None:
    assert differences(BOTH, Settings((BETA, ACME))) == Differences()


def test_where_the_file_is_and_the_flags_and_the_state_are_no_differences_between_accounts() -> None:
    other = replace(BOTH, source="elsewhere.yml", state_line=9, web=Web(timeout_offset=9.0), state=StateSettings("x"))
    assert differences(BOTH, other) == Differences()


OF_AN_ACCOUNT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "token from another file": ({"token": TokenSource(file="/other")}, ("token_file",)),
    "token from a variable": ({"token": TokenSource(env="T")}, ("token_file", "token_env")),
    "base URL": ({"base_url": "https://example.com", "region": None}, ("base_url", "region")),
    "region": ({"base_url": "https://api.eu.integrator.io", "region": "eu"}, ("base_url", "region")),
    "environment": ({"environment": "sandbox"}, ("environment",)),
    "rate": ({"rate_limit": RateLimit(2.0)}, ("rate_limit.requests_per_second",)),
    "burst": ({"rate_limit": RateLimit(burst=3)}, ("rate_limit.burst",)),
    "expiry": ({"token_expires": 1.8e9}, ("token_expires",)),
}


@pytest.mark.parametrize(("change", "keys"), OF_AN_ACCOUNT.values(), ids=OF_AN_ACCOUNT.keys())
def test_a_key_of_one_account_changes_that_account_alone(change: dict[str, Any], keys: tuple[str, ...]) -> None:
    found = differences(BOTH, Settings((ACME, replace(BETA, **change))))
    assert found == Differences(changed=("beta",), keys=tuple(f"accounts[beta].{key}" for key in keys))


FOR_ALL: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "interval": ({"collectors": Collectors(jobs=JobsSettings(interval=30.0))}, ("collectors.jobs.interval",)),
    "enabled": ({"collectors": Collectors(jobs=JobsSettings(enabled=False))}, ("collectors.jobs.enabled",)),
    "two": (
        {"collectors": Collectors(jobs=JobsSettings(interval=30.0, overlap=60.0))},
        ("collectors.jobs.interval", "collectors.jobs.overlap"),
    ),
    "profile": ({"profile": "lean"}, ("profile",)),
    "limits": ({"limits": Limits(pages=7)}, ("limits.pages",)),
    "filters": ({"filters": Filters(flows=FlowFilter(exclude=("Test.*",)))}, ("filters.flows.exclude",)),
    "ownership": ({"ownership": (OWNER,)}, ("ownership",)),
}


@pytest.mark.parametrize(("change", "keys"), FOR_ALL.values(), ids=FOR_ALL.keys())
def test_a_key_that_all_accounts_run_under_changes_all_that_stay(change: dict[str, Any], keys: tuple[str, ...]) -> None:
    found = differences(BOTH, replace(Settings((ACME, BETA, GAMMA)), **change))
    assert found == Differences(added=("gamma",), changed=("acme", "beta"), keys=keys)


def test_no_value_is_told() -> None:
    after = replace(
        Settings((replace(ACME, token=TokenSource(file="/SECRET"), environment="SECRET", base_url="https://SECRET"),)),
        filters=Filters(integrations=("SECRET",)),
        ownership=(Owner(OwnershipMatch(flow="SECRET"), team="SECRET"),),
    )
    assert "SECRET" not in repr(differences(BOTH, after))


def _leaves(value: Any, path: str = "") -> list[str]:
    if not is_dataclass(value):
        return [path]
    return [leaf for each in fields(value) for leaf in _leaves(getattr(value, each.name), f"{path}.{each.name}")]


def _with(value: Any, path: list[str]) -> Any:
    """The value with something else, whatever it is, at a path."""
    if not path:
        return object()
    return replace(value, **{path[0]: _with(getattr(value, path[0]), path[1:])})


@pytest.mark.parametrize("section", ["collectors", "limits", "profile", "filters", "ownership"])
def test_no_setting_can_change_unnoticed(section: str) -> None:
    leaves = [leaf.lstrip(".") for leaf in _leaves(getattr(BOTH, section), section)]
    assert leaves
    for leaf in leaves:
        assert differences(BOTH, _with(BOTH, leaf.split("."))).keys == (leaf,)


def test_no_setting_of_an_account_can_change_unnoticed() -> None:
    for leaf in _leaves(ACME):
        path = leaf.lstrip(".").split(".")
        if path != ["name"]:
            assert differences(BOTH, Settings((_with(ACME, path), BETA))).changed == ("acme",)


def test_every_section_is_compared_or_cannot_change_while_running() -> None:
    names = {each.name for each in fields(Settings)}
    assert names - {"collectors", "limits", "profile", "filters", "ownership", "accounts"} == {
        "state", "web", "source", "state_line",
    }  # fmt: skip
