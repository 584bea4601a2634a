"""Which integrations and flows exist, what they are called, and what starts them."""

from typing import Any

import pytest

from exporter.api.errors import ApiError, BadGateway, Forbidden, Timeout, UnexpectedShape
from exporter.api.models import Flow, Instant, Integration, PageGenerator, PageProcessor
from exporter.collect.inventory import (
    STANDALONE_NAME,
    FlowFacts,
    InventoryCollector,
    InventoryView,
)
from exporter.collect.inventory_families import inventory_block
from exporter.config.settings import InventorySettings
from tests.api.kit import kit
from tests.collect.blocks import built
from tests.collect.exposition import lines
from tests.collect.listing_client import ListingClient
from tests.collect.simulated import simulated

SHOP = Integration(id="i1", name="Shop to ERP")
SCHEDULE = "? 0 8 ? * *"


def account(*flows: Flow, integrations: tuple[Integration, ...] = (SHOP,)) -> ListingClient:
    return ListingClient(rows={"integrations": integrations, "flows": flows})


def collector(client: ListingClient) -> InventoryCollector:
    return InventoryCollector(client, InventorySettings())


def view_of(client: ListingClient) -> InventoryView:
    view = client.published.views["inventory"]
    assert isinstance(view, InventoryView)
    return view


def triggers(client: ListingClient) -> dict[str, str]:
    return {row.id: row.trigger for row in view_of(client).flows.values()}


def collected(*flows: Flow, integrations: tuple[Integration, ...] = (SHOP,)) -> InventoryView:
    client = account(*flows, integrations=integrations)
    assert client.collect(collector(client)) is None
    return view_of(client)


def flow(flow_id: str = "f1", **more: Any) -> Flow:
    return Flow(id=flow_id, **{"integration_id": "i1", **more})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, {"name": "f1", "enabled": True, "scheduled": False, "trigger": "on_demand", "step_ids": ()}),
        ({"name": "Orders"}, {"name": "Orders"}),
        ({"name": ""}, {"name": "f1"}),
        ({"disabled": True}, {"enabled": False}),
        ({"integration_id": None}, {"integration_id": "none"}),
        ({"schedule": SCHEDULE}, {"scheduled": True, "trigger": "scheduled"}),
        ({"schedule": {"type": "cron"}}, {"scheduled": True, "trigger": "scheduled"}),
        ({"schedule": ""}, {"scheduled": False, "trigger": "on_demand"}),
        ({"page_generators": (PageGenerator(export_id="e", schedule=SCHEDULE),)}, {"scheduled": True}),
        ({"page_generators": (PageGenerator(export_id="e"),)}, {"scheduled": False, "step_ids": ("e",)}),
        ({"page_processors": (PageProcessor(import_id="i"),)}, {"step_ids": ("i",)}),
        ({"last_modified": Instant(5.0), "last_executed_at": Instant(6.0)}, {"last_modified": 5.0, "last_executed": 6}),
        ({}, {"last_modified": None, "last_executed": None}),
    ],
)
def test_a_row_becomes_facts(row: dict[str, Any], expected: dict[str, Any]) -> None:
    found = collected(flow(**row)).flows["f1"]
    assert {name: getattr(found, name) for name in expected} == expected


class TestTrigger:
    def test_a_flow_that_another_one_starts_is_chained(self) -> None:
        view = collected(flow("a", schedule=SCHEDULE, run_next_flow_ids=("b",)), flow("b"))
        assert {row.id: row.trigger for row in view.flows.values()} == {"a": "scheduled", "b": "chained"}

    def test_a_schedule_of_its_own_comes_before_the_chain(self) -> None:
        view = collected(flow("a", run_next_flow_ids=("b",)), flow("b", schedule=SCHEDULE))
        assert {row.id: row.trigger for row in view.flows.values()} == {"a": "on_demand", "b": "scheduled"}

    def test_a_flow_that_starts_itself_is_chained(self) -> None:
        assert collected(flow("a", run_next_flow_ids=("a",))).flows["a"].trigger == "chained"

    def test_a_chain_to_a_flow_that_does_not_exist_changes_nothing(self) -> None:
        assert set(collected(flow("a", run_next_flow_ids=("gone",))).flows) == {"a"}

    def test_a_flow_stays_chained_while_the_one_that_starts_it_is_not_listed(self) -> None:
        client = account(flow("a", run_next_flow_ids=("b",)), flow("b"))
        under_test = collector(client)
        client.collect(under_test)
        client.rows["flows"] = (flow("b"),)
        client.incomplete.add("flows")
        client.collect(under_test)
        assert view_of(client).flows["b"].trigger == "chained"
        client.incomplete.clear()
        client.collect(under_test)
        assert view_of(client).flows["b"].trigger == "on_demand"


class TestStandaloneFlows:
    def test_they_belong_to_an_integration_of_their_own(self) -> None:
        assert collected(flow("a", integration_id=None)).integrations == {"i1": "Shop to ERP", "none": STANDALONE_NAME}

    def test_it_does_not_exist_without_such_flows(self) -> None:
        assert collected(flow("a")).integrations == {"i1": "Shop to ERP"}

    def test_it_goes_with_the_last_of_them_even_when_integrations_are_incomplete(self) -> None:
        client = account(flow("a", integration_id=None))
        under_test = collector(client)
        client.collect(under_test)
        client.rows["flows"] = (flow("a"),)
        client.incomplete.add("integrations")
        client.collect(under_test)
        assert "none" not in view_of(client).integrations


class TestWhatIsNotListed:
    @pytest.fixture
    def client(self) -> ListingClient:
        return account(flow("a"), flow("b"), integrations=(SHOP, Integration(id="i2", name="Two")))

    @pytest.mark.parametrize("cut", ["flows", "integrations"])
    def test_an_incomplete_listing_deletes_nothing(self, client: ListingClient, cut: str) -> None:
        under_test = collector(client)
        client.collect(under_test)
        client.rows[cut] = client.rows[cut][:1]
        client.incomplete.add(cut)
        assert client.collect(under_test) is None
        view = view_of(client)
        assert (set(view.flows), set(view.integrations)) == ({"a", "b"}, {"i1", "i2"})

    @pytest.mark.parametrize(
        ("gone", "flows", "integrations"),
        [("flows", {"a"}, {"i1", "i2"}), ("integrations", {"a", "b"}, {"i1"})],
    )
    def test_a_complete_one_does(
        self, client: ListingClient, gone: str, flows: set[str], integrations: set[str]
    ) -> None:
        under_test = collector(client)
        client.collect(under_test)
        client.rows[gone] = client.rows[gone][:1]
        client.collect(under_test)
        view = view_of(client)
        assert (set(view.flows), set(view.integrations)) == (flows, integrations)

    @pytest.mark.parametrize(("call", "broken", "gone"), [("flows", "a", "b"), ("integrations", "i1", "i2")])
    def test_a_row_that_cannot_be_read_keeps_nothing_but_what_it_is_about(
        self, client: ListingClient, call: str, broken: str, gone: str
    ) -> None:
        under_test = collector(client)
        client.collect(under_test)
        new = flow("new") if call == "flows" else Integration(id="new")
        client.rows[call] = (*(row for row in client.rows[call] if row.id != gone), new)
        client.unread[call] = {broken}
        assert client.collect(under_test) is None
        assert set(getattr(view_of(client), call)) == {broken, "new"}

    def test_what_cannot_be_read_for_long_is_not_known_any_more(self, client: ListingClient) -> None:
        under_test = collector(client)
        client.collect(under_test)
        client.unread["flows"] = {"a"}
        client.clock.advance(600)
        client.collect(under_test)
        assert set(view_of(client).flows) == {"a", "b"}
        client.clock.advance(300)
        client.collect(under_test)
        assert set(view_of(client).flows) == {"b"}
        client.unread.clear()
        client.collect(under_test)
        assert set(view_of(client).flows) == {"a", "b"}

    def test_a_renamed_flow_keeps_its_id_in_an_incomplete_listing_too(self, client: ListingClient) -> None:
        under_test = collector(client)
        client.collect(under_test)
        client.rows["flows"] = (flow("a", name="new name"),)
        client.incomplete.add("flows")
        client.collect(under_test)
        assert {row.id: row.name for row in view_of(client).flows.values()} == {"a": "new name", "b": "b"}

    def test_a_first_incomplete_listing_is_published_as_far_as_it_goes(self) -> None:
        client = account(flow("a"))
        client.incomplete.add("flows")
        assert client.collect(collector(client)) is None
        assert set(view_of(client).flows) == {"a"}


class TestFailures:
    @pytest.mark.parametrize("call", ["integrations", "flows"])
    @pytest.mark.parametrize("error", [Forbidden("/v1/flows"), BadGateway("/v1/flows"), Timeout("/v1/flows")])
    def test_a_failed_listing_publishes_nothing(self, call: str, error: ApiError) -> None:
        client = account(flow("a"))
        client.failing[call] = error
        assert client.collect(collector(client)) is error
        assert "inventory" not in client.published.views

    @pytest.mark.parametrize("call", ["integrations", "flows"])
    def test_rows_that_stand_in_keep_their_age_and_count_as_a_failure(self, call: str) -> None:
        client = account(flow("a"))
        client.stale[call] = Timeout(f"/v1/{call}")
        client.fetched_at = {call: 1000.0}
        assert client.collect(collector(client)) is client.stale[call]
        assert client.published.at["inventory"] == 1000.0
        assert set(view_of(client).flows) == {"a"}

    @pytest.mark.parametrize("call", ["integrations", "flows"])
    def test_a_listing_of_which_no_row_could_be_read_is_a_failure(self, call: str) -> None:
        client = account(flow("a"))
        client.rows[call] = ()
        client.incomplete.add(call)
        assert isinstance(client.collect(collector(client)), UnexpectedShape)
        assert "inventory" not in client.published.views

    def test_it_is_as_old_as_its_older_listing(self) -> None:
        client = account(flow("a"))
        client.fetched_at = {"integrations": 2000.0, "flows": 1500.0}
        client.collect(collector(client))
        assert client.published.at["inventory"] == 1500.0


def test_an_empty_account_is_known_to_be_empty() -> None:
    assert collected(integrations=()) == InventoryView({}, {}, complete=True, listeners_known=True)


class TestFamilies:
    VIEW = InventoryView(
        {"i1": "Shop", "i2": "Empty"},
        {
            "a": FlowFacts("a", "Sale", "i1", True, True, "scheduled", (), 100.0, 200.0),
            "b": FlowFacts("b", "Stock", "i1", False, False, "chained"),
            "c": FlowFacts("c", "Lost", "i9", True, False, "on_demand"),
        },
    )

    def test_sample_lines(self) -> None:
        assert lines(built(inventory_block(), {"inventory": self.VIEW})) == [
            'integration_info{integration_id="i1",integration_name="Shop"} 1',
            'integration_info{integration_id="i2",integration_name="Empty"} 1',
            'flow_info{flow_id="a",flow_name="Sale",integration_id="i1",integration_name="Shop",trigger="scheduled"} 1',
            'flow_info{flow_id="b",flow_name="Stock",integration_id="i1",integration_name="Shop",trigger="chained"} 1',
            'flow_info{flow_id="c",flow_name="Lost",integration_id="i9",integration_name="i9",trigger="on_demand"} 1',
            'flow_enabled{flow_id="a"} 1',
            'flow_enabled{flow_id="b"} 0',
            'flow_enabled{flow_id="c"} 1',
            'flow_schedule_configured{flow_id="a"} 1',
            'flow_schedule_configured{flow_id="b"} 0',
            'flow_schedule_configured{flow_id="c"} 0',
            'flow_last_modified_timestamp_seconds{flow_id="a"} 100',
            'flow_last_executed_timestamp_seconds{flow_id="a"} 200',
            'integration_flows{integration_id="i1",state="enabled"} 1',
            'integration_flows{integration_id="i1",state="disabled"} 1',
            'integration_flows{integration_id="i2",state="enabled"} 0',
            'integration_flows{integration_id="i2",state="disabled"} 0',
            'integration_flows{integration_id="i9",state="enabled"} 1',
            'integration_flows{integration_id="i9",state="disabled"} 0',
        ]

    def test_flows_are_counted_once_each(self) -> None:
        counts = lines(built(inventory_block(), {"inventory": self.VIEW}), "integration_flows")
        assert sum(float(line.rsplit(" ", 1)[1]) for line in counts) == len(self.VIEW.flows)


def test_the_simulated_account_agrees() -> None:
    with simulated(flows=40) as world, kit(world.clock, base_url=world.simulator.url) as api:
        client = ListingClient(clock=world.clock)
        under_test = InventoryCollector(api.client, InventorySettings())
        assert client.collect(under_test) is None
        before = view_of(client)
        assert len(before.flows) == 40
        assert {row.integration_id for row in before.flows.values()} <= set(before.integrations)
        assert all(row.step_ids for row in before.flows.values())
        first, second, *_ = before.flows
        world.simulator.inject("flow_renamed", flow=first, name="Renamed")
        world.simulator.inject("flow_deleted", flow=second)
        world.clock.advance(300)
        assert client.collect(under_test) is None
        after = view_of(client)
        assert after.flows[first].name == "Renamed"
        assert set(before.flows) - set(after.flows) == {second}
