"""How much of an account is served and asked for: profile, filters, limit and owners."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.config.settings import (
    PROFILES,
    Filters,
    Owner,
    OwnershipMatch,
    Profile,
)
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.selection import in_profile
from tests.collect.test_account import ERRORS, finish, running, served
from tests.serve.rig import LIMITS, ShiftedClock
from tests.serve.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as held:
        yield held


def with_open_errors(upstream: Upstream) -> None:
    """Two integrations with a flow each; both flows have an open error at a step."""
    flows = {"f1": "i1", "f2": "i2"}
    upstream.answers["/v1/integrations"] = (200, [{"_id": "i1", "name": "Shop"}, {"_id": "i2", "name": "Bank"}])
    rows = [{"_id": name, "name": f"Flow {name}", "_integrationId": home} for name, home in flows.items()]
    upstream.answers["/v1/flows"] = (200, rows)
    for name, home in flows.items():
        upstream.answers[ERRORS.format(home)] = (200, [{"_flowId": name, "numError": 1}])
        steps = {"flowErrors": [{"_expOrImpId": f"s-{name}", "numError": 1}]}
        upstream.answers[f"/v1/flows/{name}/errors"] = (200, steps)
        upstream.answers[f"/v1/flows/{name}/s-{name}/errors"] = (200, {"errors": [{"errorId": "e1"}]})


def asked(upstream: Upstream) -> set[str]:
    return {path for _, path in upstream.requests}


class TestHowMuch:
    def test_the_lean_profile_reads_nothing_below_the_roll_ups(self, upstream: Upstream) -> None:
        with_open_errors(upstream)
        clock = ShiftedClock()
        with running(upstream, clock, profile="lean") as account:
            finish(account)
            assert account.profile == "lean"
            assert {ERRORS.format("i1"), ERRORS.format("i2")} <= asked(upstream)
            assert not {path for path in asked(upstream) if "/flows/" in path}
            assert not set(account.statuses()) & {"governance", "history"}
            assert served(account, clock)["celigo_flow_open_errors"] == 2

    @pytest.mark.parametrize("profile", PROFILES)
    def test_families_above_the_profile_are_not_served(self, upstream: Upstream, profile: Profile) -> None:
        with_open_errors(upstream)
        clock = ShiftedClock()
        tiers = {metric.name: metric.tier for metric in CATALOGUE}
        with running(upstream, clock, profile=profile) as account:
            finish(account)
            assert all(in_profile(tiers[name], profile) for name in served(account, clock))
            assert ("celigo_step_open_errors" in served(account, clock)) is (profile != "lean")

    def test_filters_choose_what_is_served_and_what_is_asked(self, upstream: Upstream) -> None:
        with_open_errors(upstream)
        clock = ShiftedClock()
        with running(upstream, clock, filters=Filters(("Shop",))) as account:
            finish(account)
            found = served(account, clock)
            assert (found["celigo_flow_info"], found["celigo_flow_open_errors"]) == (1, 1)
            assert found["celigo_integration_open_errors"] == 1
            assert not {path for path in asked(upstream) if "i2" in path or "f2" in path}

    def test_series_above_the_limit_are_left_out_and_counted(self, upstream: Upstream) -> None:
        rows = [{"_id": f"f{number}", "name": f"Flow {number}"} for number in range(400)]
        upstream.answers["/v1/flows"] = (200, rows)
        clock = ShiftedClock()
        with running(upstream, clock, limits=replace(LIMITS, series=2000)) as account:
            finish(account)
            found = served(account, clock)
            assert sum(found.values()) <= 2000
            assert "celigo_flow_runs_total" not in found
            (own,) = [block for block in account.current(clock.monotonic()) if block.collector == "exporter"]
            dropped = own.lines["celigo_exporter_series_dropped_total"].text.decode()
            assert 'family="celigo_flow_runs_total",reason="series_cap"} 1200.0' in dropped

    def test_ownership_is_served_when_it_is_configured(self, upstream: Upstream) -> None:
        with_open_errors(upstream)
        clock = ShiftedClock()
        owners = (Owner(OwnershipMatch(integration="Shop"), "commerce", "gold", 3600.0),)
        with running(upstream, clock, ownership=owners) as account:
            finish(account)
            (text,) = [
                block.lines["celigo_flow_owner_info"].text.decode()
                for block in account.current(clock.monotonic())
                if "celigo_flow_owner_info" in block.lines
            ]
            assert 'flow_id="f1",team="commerce",tier="gold"' in text
            assert served(account, clock)["celigo_flow_slo_freshness_seconds"] == 1
