"""What of an account still holds under other settings."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.collect.governance import LISTS
from exporter.collectors import COLLECTORS, PARTS
from exporter.config.settings import (
    Account,
    Collectors,
    CollectorSettings,
    ErrorsSettings,
    Filters,
    HistorySettings,
    JobsSettings,
    Limits,
    Owner,
    OwnershipMatch,
    RateLimit,
    Settings,
    TokenSource,
)
from exporter.succession import Given, lasting

ACME = Account("acme", TokenSource(file="/run/secrets/acme"))
BEFORE = Given(ACME, Settings((ACME,)))
ALL = frozenset(COLLECTORS)
ALL_PARTS = frozenset({*PARTS, "checks"})


def under(account: dict[str, Any] | None = None, **settings: Any) -> Given:
    changed = replace(ACME, **(account or {}))
    return Given(changed, replace(Settings((changed,)), **settings))


CHEAP: dict[str, Given] = {
    "nothing": under(),
    "label": under({"environment": "staging"}),
    "budget": under({"rate_limit": RateLimit(1.0, 2)}),
    "expiry of the token": under({"token_expires": 1.8e9}),
    "bounds": under(limits=Limits(series=100, pages=3)),
    "interval": under(collectors=Collectors(jobs=JobsSettings(interval=10.0), errors=ErrorsSettings(interval=20.0))),
    "deadline and staleness": under(collectors=Collectors(health=CollectorSettings(timeout=5.0, staleness=900.0))),
}


@pytest.mark.parametrize("after", CHEAP.values(), ids=CHEAP.keys())
def test_what_changes_no_request_lets_everything_hold_and_every_run_be_due_as_before(after: Given) -> None:
    held = lasting(BEFORE, after)
    assert (held.same_api, held.parts, held.on_time) == (True, ALL_PARTS, ALL)


ELSEWHERE: dict[str, Given] = {
    "host": under({"base_url": "https://api.eu.integrator.io", "region": "eu"}),
    "token file": under({"token": TokenSource(file="/run/secrets/other")}),
    "token variable": under({"token": TokenSource(env="TOKEN")}),
}


@pytest.mark.parametrize("after", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_nothing_that_was_read_holds_when_it_may_be_about_another_account(after: Given) -> None:
    held = lasting(BEFORE, after)
    assert (held.same_api, held.parts, held.on_time) == (False, frozenset(), frozenset())


AT_ONCE: dict[str, tuple[Given, set[str]]] = {
    "filters": (under(filters=Filters(enabled_only=True)), {"errors"}),
    "ownership": (under(ownership=(Owner(OwnershipMatch(flow="f"), "team"),)), {"schedules"}),
    "overlap": (under(collectors=Collectors(jobs=JobsSettings(overlap=60.0))), {"jobs", "schedules", "history"}),
    "depth of the history": (under(collectors=Collectors(history=HistorySettings(depth=0.0))), {"history"}),
    "caps of the drill-down": (under(collectors=Collectors(errors=ErrorsSettings(pages_per_step=9))), {"errors"}),
}


@pytest.mark.parametrize(("after", "names"), AT_ONCE.values(), ids=AT_ONCE.keys())
def test_collectors_that_would_ask_something_else_are_due_at_once_and_their_readings_stay_until_then(
    after: Given, names: set[str]
) -> None:
    held = lasting(BEFORE, after)
    assert held.parts == ALL_PARTS
    assert ALL - held.on_time == names


def test_a_collector_that_is_switched_off_leaves_nothing_to_be_shown() -> None:
    off = Collectors(agents=CollectorSettings(enabled=False), errors=ErrorsSettings(enabled=False))
    held = lasting(BEFORE, under(collectors=off))
    assert ALL_PARTS - held.parts == {"agents", "open_errors", "resolved_errors"}
    assert ALL - held.on_time == {"agents", "errors"}


def test_a_collector_that_is_switched_on_begins_with_nothing() -> None:
    off = under(collectors=Collectors(agents=CollectorSettings(enabled=False)))
    assert "agents" not in lasting(off, BEFORE).parts | lasting(off, BEFORE).on_time


def test_another_profile_asks_more_about_errors_so_that_what_was_read_would_mislead() -> None:
    held = lasting(BEFORE, under(profile="full"))
    assert ALL_PARTS - held.parts == {"open_errors", "resolved_errors"}
    assert ALL - held.on_time == {"inventory", "jobs", "errors"}


def test_the_lean_profile_runs_no_governance_and_no_history() -> None:
    held = lasting(BEFORE, under(profile="lean"))
    assert {"audit", *LISTS} <= ALL_PARTS - held.parts
    assert {"governance", "history"} <= ALL - held.on_time


def test_a_sandbox_has_other_licences() -> None:
    held = lasting(BEFORE, under({"environment": "sandbox"}))
    assert ALL_PARTS - held.parts == set(LISTS)
    assert ALL - held.on_time == {"governance"}
