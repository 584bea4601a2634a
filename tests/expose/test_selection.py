"""Profiles and filters: what has series, that sums stay true, and that nothing is built without need."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.collect.base import Block
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.model import AccountModel, Part
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.rollup import OpenCount
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.steps import StepFacts
from exporter.collectors import blocks
from exporter.config.settings import PROFILES, Filters, FlowFilter, Profile
from exporter.expose import catalogue
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Family, Tier
from exporter.expose.pieces import EMPTY
from exporter.expose.selection import Extent, Selector, Shown, in_profile
from exporter.expose.self_metrics import OwnMetrics
from exporter.expose.snapshot import AccountSnapshots
from exporter.ledger.tally import FlowTally, IntegrationTally
from tests.clocks import ManualClock
from tests.collect.blocks import built
from tests.config.speed import ANY_SPEED
from tests.expose.kit import ACME, example
from tests.expose.scenarios import PARTS, Situation, healthy_views
from tests.expose.test_self_metrics import Facts

RANKS = {"lean": 0, "standard": 1, "full": 2}
TIERS = {metric.name: metric.tier for metric in CATALOGUE}
Sample = tuple[str, Mapping[str, str]]


class Account:
    """The account of the scenarios with the extent that a test wants."""

    def __init__(self, views: Mapping[str, object] | None = None, **extent: Any) -> None:
        self.clock = ManualClock()
        self.model = AccountModel(tuple(Part(name, 300.0) for name in PARTS))
        self.snapshots = AccountSnapshots(
            ACME, self.model, blocks(all_steps=False), self.clock, extent=Extent(**extent)
        )
        for part, view in (healthy_views() if views is None else views).items():
            self.publish(part, view)

    def publish(self, part: str, view: object) -> None:
        self.model.publish(part, view, self.clock.monotonic())

    def versions(self) -> list[int]:
        return [block.version for block in self.snapshots.current(self.clock.monotonic())]

    def samples(self) -> list[Sample]:
        rendered = self.snapshots.current(self.clock.monotonic())
        text = b"".join(piece.text for block in rendered for piece in block.lines.values()).decode()
        return [(sample.name, sample.labels) for family in parse_text(text) for sample in family.samples]

    def ids(self, label: str) -> set[str]:
        """Values of the label over all series."""
        return {labels[label] for _, labels in self.samples() if label in labels}

    def names(self) -> set[str]:
        return {name for name, _ in self.samples()}


def filtered(**changes: Any) -> Account:
    return Account(filters=Filters(**changes))


def of_flows(include: tuple[str, ...] = (".*",), exclude: tuple[str, ...] = ()) -> Account:
    return filtered(flows=FlowFilter(include, exclude))


class TestProfile:
    @pytest.mark.parametrize("profile", PROFILES)
    @pytest.mark.parametrize("tier", PROFILES)
    def test_a_profile_has_its_own_tier_and_those_below(self, profile: Profile, tier: Tier) -> None:
        assert in_profile(tier, profile) is (RANKS[tier] <= RANKS[profile])

    @pytest.mark.parametrize("profile", PROFILES)
    def test_exactly_the_families_of_the_profile_are_rendered_and_counted(self, profile: Profile) -> None:
        everything = Account().snapshots.current(5000.0)
        chosen = Account(profile=profile).snapshots.current(5000.0)
        all_names = {name for block in everything for name in block.series}
        expected = {name for name in all_names if RANKS[TIERS[name]] <= RANKS[profile]}
        assert {name for block in chosen for name in block.series} == expected
        assert {name for block in chosen for name in block.lines} == expected
        assert expected

    @pytest.mark.parametrize("profile", PROFILES)
    def test_the_exporters_own_families_follow_and_count_only_what_is_there(self, profile: Profile) -> None:
        facts = Facts(token_expires=1.0)
        own = OwnMetrics(facts.sources, profile)
        snapshots = AccountSnapshots(
            ACME, AccountModel((Part("x", 1.0),)), [], facts.clock, own, Extent(profile=profile)
        )
        (block,) = snapshots.current(1.0)
        assert all(RANKS[TIERS[name]] <= RANKS[profile] for name in block.series)
        told = block.lines.get("celigo_exporter_series", EMPTY).text.decode()
        assert set(re.findall(r'family="(\w+)"', told)) == (set() if profile == "lean" else set(block.series))

    @pytest.mark.parametrize(
        ("tier", "profile", "built"),
        [("lean", "lean", 1), ("standard", "lean", 0), ("full", "standard", 0), ("full", "full", 1)],
    )
    def test_a_block_above_the_profile_is_never_built(self, tier: Tier, profile: Profile, built: int) -> None:
        builds = []

        def build(views: Mapping[str, Any]) -> Iterator[Family]:
            builds.append(views)
            yield example(catalogue.FLOW_ENABLED)

        model = AccountModel((Part("flows", 300.0),))
        model.publish("flows", (), 5000.0)
        block = Block("b", "jobs", ("flows",), build, tier)
        AccountSnapshots(ACME, model, [block], ManualClock(), extent=Extent(profile=profile)).current(5000.0)
        assert len(builds) == built

    @pytest.mark.parametrize("block", blocks(all_steps=False), ids=lambda block: block.name)
    def test_the_tier_of_a_block_is_the_lowest_of_its_families(self, block: Block) -> None:
        views = {part: healthy_views().get(part) for part in block.inputs}
        tiers = [RANKS[family.metric.tier] for family in built(block, views)]
        assert RANKS[block.tier] == min(tiers)


class TestFlows:
    def test_without_filters_everything_is_shown(self) -> None:
        assert Account().ids("flow_id") == {"f1", "f2", "f3"}

    def test_a_flow_is_shown_when_a_pattern_matches_its_whole_name(self) -> None:
        assert of_flows(("Orders", "Night.*")).ids("flow_id") == {"f1", "f3"}
        assert of_flows(("Order",)).ids("flow_id") == set()

    def test_a_flow_that_is_excluded_is_not_shown_though_it_is_included(self) -> None:
        assert of_flows((".*",), ("(?i)refunds", "N.*")).ids("flow_id") == {"f1"}

    def test_only_enabled_flows_are_shown_when_that_is_wanted(self) -> None:
        assert filtered(enabled_only=True).ids("flow_id") == {"f1", "f3"}

    @pytest.mark.parametrize(
        ("wanted", "flows"),
        [
            ("i1", {"f1", "f2"}),
            ("Shop to ERP", {"f1", "f2"}),
            ("none", {"f3"}),
            ("Standalone flows", {"f3"}),
            ("shop to erp", set()),
            ("f1", set()),
        ],
        ids=["id", "name", "none", "its name", "another case", "id of a flow"],
    )
    def test_flows_of_integrations_named_by_id_or_exact_name_are_shown(self, wanted: str, flows: set[str]) -> None:
        assert filtered(integrations=(wanted,)).ids("flow_id") == flows

    def test_of_integrations_with_the_same_name_all_are_shown(self) -> None:
        view = InventoryView({"a": "Same", "b": "Same", "c": "Other"}, {})
        assert Selector(Filters(("Same",))).shown(view).integrations == frozenset({"a", "b", "Same"})

    def test_all_filters_apply_together(self) -> None:
        account = filtered(integrations=("i1", "none"), flows=FlowFilter((".*",), ("Orders",)), enabled_only=True)
        assert account.ids("flow_id") == {"f3"}


class TestIntegrations:
    def test_an_integration_that_is_not_named_has_no_series(self) -> None:
        account = filtered(integrations=("i1",))
        assert account.ids("integration_id") == {"i1"}
        assert "celigo_integration_open_errors" in account.names()

    def test_a_filter_over_flows_leaves_the_integrations_whole(self) -> None:
        assert of_flows(("Orders",)).ids("integration_id") == {"i1", "none"}

    def test_numbers_of_an_integration_are_about_all_its_flows_whatever_is_shown(self) -> None:
        def lines(account: Account) -> bytes:
            rendered = account.snapshots.current(account.clock.monotonic())
            held = {name: piece.text for block in rendered for name, piece in block.lines.items()}
            return b"".join(held[name] for name in sorted(held) if name.startswith("celigo_integration_"))

        assert lines(of_flows(("Nothing",))) == lines(Account())
        assert lines(filtered(enabled_only=True)) == lines(Account())


class TestTheRest:
    def test_a_step_is_named_only_when_a_shown_flow_has_it(self) -> None:
        assert of_flows(("Orders",)).ids("step_id") == {"s0", "s1"}
        assert of_flows(("Refunds",)).ids("step_id") == set()

    def test_totals_connections_and_health_are_not_filtered(self) -> None:
        unfiltered = {
            "celigo_up", "celigo_health_check_success", "celigo_active_runs", "celigo_open_errors_by_code",
            "celigo_open_errors_sampled_ratio", "celigo_connection_online", "celigo_connection_info",
        }  # fmt: skip
        assert unfiltered <= filtered(integrations=("nowhere",)).names()
        assert filtered(integrations=("nowhere",)).ids("connection_id") == {"c1", "c2"}


class TestUnknown:
    @pytest.mark.parametrize("filters", [Filters(enabled_only=True), Filters(("i1",))], ids=["flows", "integrations"])
    def test_while_the_inventory_is_not_known_nothing_of_flows_and_integrations_is_shown(
        self, filters: Filters
    ) -> None:
        views = {part: view for part, view in healthy_views().items() if part != "inventory"}
        account = Account(views, filters=filters)
        assert account.ids("flow_id") | account.ids("integration_id") == set()
        assert "celigo_active_runs" in account.names()

    def test_without_filters_the_runs_of_flows_need_no_inventory(self) -> None:
        views = {part: view for part, view in healthy_views().items() if part != "inventory"}
        assert Account(views).ids("flow_id") == {"f1", "f2", "f3"}

    def test_when_the_inventory_is_stale_what_it_chose_vanishes(self) -> None:
        account = of_flows(("Orders",))
        assert account.ids("flow_id") == {"f1"}
        account.clock.advance(200)
        for part, view in healthy_views().items():
            if part != "inventory":
                account.publish(part, view)
        account.clock.advance(200)
        assert account.ids("flow_id") == set()


class TestChanges:
    def test_a_rename_takes_effect_at_the_next_inventory(self) -> None:
        account = of_flows(("Orders",))
        view: Any = healthy_views()["inventory"]
        renamed = {
            **view.flows,
            "f1": replace(view.flows["f1"], name="Old"),
            "f2": replace(view.flows["f2"], name="Orders"),
        }
        account.publish("inventory", InventoryView(view.integrations, renamed))
        assert account.ids("flow_id") == {"f2"}

    def test_blocks_are_built_anew_when_the_choice_changes_and_not_otherwise(self) -> None:
        account = of_flows(("Orders",))
        view: Any = healthy_views()["inventory"]
        before = account.versions()
        account.publish("inventory", InventoryView(view.integrations, {**view.flows}))
        again = account.versions()
        assert [one == two for one, two in zip(before, again, strict=True)].count(False) == sum(
            "inventory" in block.inputs for block in blocks(all_steps=False)
        )
        account.publish("inventory", InventoryView(view.integrations, {"f1": replace(view.flows["f1"], name="Old")}))
        assert not set(account.versions()) & set(again)

    def test_nothing_is_built_anew_while_nothing_changes(self) -> None:
        account = of_flows(("Orders",))
        before = account.versions()
        account.clock.advance(10)
        assert account.versions() == before

    def test_an_equal_choice_is_equal(self) -> None:
        view: Any = healthy_views()["inventory"]
        assert Selector(Filters(("i1",))).shown(view) == Selector(Filters(("i1",))).shown(view)


def test_a_family_of_which_everything_is_shown_without_labels_is_the_same_object() -> None:
    family = example(catalogue.ACTIVE_RUNS)
    assert Shown().family(family) is family


NAMES = st.sampled_from(["Orders", "Refunds", "Two\nlines", "Orders (EU)", "x"])
HOMES = st.sampled_from(["i1", "i2", "none"])
PATTERNS = st.sampled_from([".*", "Orders.*", "(?i)orders", "x", "[^x]*", r".*\(EU\)"])
FLOWS = st.dictionaries(st.sampled_from([f"f{n}" for n in range(8)]), st.tuples(NAMES, HOMES, st.booleans()))
FILTERS = st.builds(
    Filters,
    st.lists(st.sampled_from(["i1", "Shop", "none", "Standalone flows", "nowhere"]), max_size=2).map(tuple),
    st.builds(
        FlowFilter, st.lists(PATTERNS, min_size=1, max_size=2).map(tuple), st.lists(PATTERNS, max_size=2).map(tuple)
    ),
    st.booleans(),
)
INTEGRATIONS = {"i1": "Shop", "i2": "Other", "none": "Standalone flows"}


def wanted_home(home: str, filters: Filters) -> bool:
    return not filters.integrations or home in filters.integrations or INTEGRATIONS[home] in filters.integrations


def wanted(flow: tuple[str, str, bool], filters: Filters) -> bool:
    """The rule of the documentation, written down a second time."""
    name, home, enabled = flow
    included = any(re.fullmatch(text, name, re.DOTALL) for text in filters.flows.include)
    excluded = any(re.fullmatch(text, name, re.DOTALL) for text in filters.flows.exclude)
    return wanted_home(home, filters) and included and not excluded and (enabled or not filters.enabled_only)


def views_of(flows: Mapping[str, tuple[str, str, bool]]) -> dict[str, object]:
    facts = {
        key: FlowFacts(key, name, home, enabled, False, "on_demand", (f"s-{key}",))
        for key, (name, home, enabled) in flows.items()
    }
    counts = {key: OpenCount(1, 5.0, home) for key, (_, home, _) in flows.items()}
    steps = {f"s-{key}": StepFacts(f"Step of {key}", "import", "HTTPImport", "c1") for key in flows}
    opened = OpenErrorsView(
        counts,
        dict.fromkeys(INTEGRATIONS, 1),
        {(key, f"s-{key}"): 1 for key in flows},
        dict.fromkeys(flows, 5.0),
        {home: {"value": 1} for home in INTEGRATIONS},
        {home: {"lookup": 1} for home in INTEGRATIONS},
        {"422": 1},
        0,
        1.0,
        flow_steps={key: ((f"s-{key}", 1),) for key in flows},
    )
    runs = FinishedRunsView(
        {key: FlowTally() for key in flows}, {home: IntegrationTally() for home in INTEGRATIONS}, True, {"flow": 0}
    )
    return {
        "inventory": InventoryView(INTEGRATIONS, facts),
        "steps": StepsView(imports=StepListing(steps, True)),
        "open_errors": opened,
        "finished_runs": runs,
    }


@ANY_SPEED
@given(FLOWS, FILTERS)
def test_of_any_account_exactly_what_the_filters_choose_has_series(
    flows: dict[str, tuple[str, str, bool]], filters: Filters
) -> None:
    account = Account(views_of(flows), filters=filters)
    chosen = {key for key, flow in flows.items() if wanted(flow, filters)}
    assert account.ids("flow_id") == chosen
    assert account.ids("step_id") == {f"s-{key}" for key in chosen}
    homes = {home for home in INTEGRATIONS if wanted_home(home, filters)}
    assert {
        labels["integration_id"]
        for name, labels in account.samples()
        if name != "celigo_flow_info" and "integration_id" in labels
    } == homes


def test_a_situation_serves_the_same_with_an_extent_that_leaves_nothing_out() -> None:
    plain = Situation(healthy_views()).snapshots(ManualClock()).current(5000.0)
    account = Account(profile="full", filters=Filters(), series=500_000).snapshots.current(5000.0)
    assert [block.lines for block in account] == [block.lines for block in plain][:-1]
