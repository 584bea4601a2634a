"""What the inventory collector reads of exports and imports, and what they tell of a flow's trigger."""

from collections.abc import Sequence
from typing import Any

import pytest

from exporter.api.errors import ApiError, BadGateway, Forbidden, Timeout, Unauthorized, UnexpectedShape
from exporter.api.models import Flow, Instant, Integration, PageGenerator, PageProcessor, Step
from exporter.collect.inventory import InventoryCollector, InventoryView
from exporter.collect.step_listings import KEPT_BY_CLIENT, StepsView
from exporter.collect.steps import StepFacts
from exporter.config.settings import InventorySettings
from tests.collect.listing_client import ListingClient

SCHEDULE = "? 0 8 ? * *"
HOOK = Step(id="hook", name="On orders", adaptor_type="WebhookExport", type="webhook")
POLL = Step(id="poll", name="Get orders", adaptor_type="HTTPExport", connection_id="c1", type="delta")
WRITE = Step(id="write", name="Create order", adaptor_type="HTTPImport", connection_id="c2", type="standard")


def flow(flow_id: str, *generators: str, **more: Any) -> Flow:
    return Flow(id=flow_id, page_generators=tuple(PageGenerator(export_id=name) for name in generators), **more)


def account(
    *flows: Flow, exports: tuple[Step, ...] = (HOOK, POLL), imports: tuple[Step, ...] = (WRITE,)
) -> ListingClient:
    rows: dict[str, Sequence[Any]] = {
        "integrations": (Integration(id="i1"),),
        "flows": flows,
        "exports": exports,
        "imports": imports,
    }
    return ListingClient(rows=rows)


def collector(client: ListingClient, **changes: Any) -> InventoryCollector:
    return InventoryCollector(client, InventorySettings(**changes))


def inventory(client: ListingClient) -> InventoryView:
    view = client.published.views["inventory"]
    assert isinstance(view, InventoryView)
    return view


def steps(client: ListingClient) -> StepsView:
    view = client.published.views["steps"]
    assert isinstance(view, StepsView)
    return view


def triggers(client: ListingClient) -> dict[str, str]:
    return {row.id: row.trigger for row in inventory(client).flows.values()}


class TestTrigger:
    @pytest.mark.parametrize(
        ("export", "expected"),
        [
            ({"adaptor_type": "WebhookExport"}, "listener"),
            ({"adaptor_type": "WebhookExport", "type": "webhook"}, "listener"),
            ({"adaptor_type": "HTTPExport", "type": "webhook"}, "listener"),
            ({"adaptor_type": "NetSuiteExport", "type": "distributed"}, "listener"),
            ({"adaptor_type": "SalesforceExport", "type": "distributed"}, "listener"),
            ({"adaptor_type": "AS2Export"}, "listener"),
            ({"adaptor_type": "HTTPExport"}, "on_demand"),
            ({"adaptor_type": "NetSuiteExport", "type": "delta"}, "on_demand"),
            ({"adaptor_type": "FTPExport", "type": "stream"}, "on_demand"),
            ({}, "on_demand"),
        ],
        ids=lambda value: ",".join(value.values()) if isinstance(value, dict) else value,
    )
    def test_an_export_that_is_sent_to_makes_a_listener(self, export: dict[str, str], expected: str) -> None:
        client = account(flow("f", "e"), exports=(Step(id="e", **export),))
        assert client.collect(collector(client)) is None
        assert triggers(client) == {"f": expected}

    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            (flow("f", "hook"), "listener"),
            (flow("f", "poll", "hook"), "listener"),
            (Flow(id="f", export_id="hook"), "listener"),
            (flow("f", "hook", schedule=SCHEDULE), "scheduled"),
            (flow("f", "unheard-of"), "on_demand"),
            (flow("f", "poll", page_processors=(PageProcessor(export_id="hook"),)), "on_demand"),
        ],
        ids=["generator", "second generator", "legacy", "schedule first", "unknown export", "lookup"],
    )
    def test_only_what_a_flow_begins_with_counts_and_only_without_a_schedule(self, row: Flow, expected: str) -> None:
        client = account(row)
        client.collect(collector(client))
        assert triggers(client) == {"f": expected}

    def test_a_listener_that_another_flow_starts_too_is_a_listener(self) -> None:
        client = account(flow("a", run_next_flow_ids=("b", "c")), flow("b", "hook"), flow("c", "poll"))
        client.collect(collector(client))
        assert triggers(client) == {"a": "on_demand", "b": "listener", "c": "chained"}


class TestTriggerWithoutExports:
    def test_before_exports_were_read_a_listener_cannot_be_told(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["exports"] = Timeout("/v1/exports")
        assert client.collect(collector(client)) is client.failing["exports"]
        assert triggers(client) == {"f": "on_demand"}
        assert not inventory(client).listeners_known

    def test_it_is_told_once_they_were(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["exports"] = Timeout("/v1/exports")
        under_test = collector(client)
        client.collect(under_test)
        client.failing.clear()
        assert client.collect(under_test) is None
        assert triggers(client) == {"f": "listener"}
        assert inventory(client).listeners_known

    @pytest.mark.parametrize("seconds", [300.0, 86_400.0])
    def test_it_does_not_flip_back_however_long_exports_fail(self, seconds: float) -> None:
        client = account(flow("f", "hook"))
        under_test = collector(client)
        client.collect(under_test)
        client.failing["exports"] = Timeout("/v1/exports")
        client.clock.advance(seconds)
        client.collect(under_test)
        assert triggers(client) == {"f": "listener"}

    def test_it_does_not_flip_back_when_its_export_cannot_be_read_any_more(self) -> None:
        client = account(flow("f", "hook"))
        under_test = collector(client)
        client.collect(under_test)
        client.unread["exports"] = {"hook"}
        for _ in range(30):
            client.clock.advance(3600)
            client.collect(under_test)
        assert triggers(client) == {"f": "listener"}

    def test_an_export_that_is_deleted_tells_nothing_any_more(self) -> None:
        client = account(flow("f", "hook"))
        under_test = collector(client)
        client.collect(under_test)
        client.rows["exports"] = (POLL,)
        client.clock.advance(300)
        client.collect(under_test)
        assert triggers(client) == {"f": "on_demand"}

    def test_exports_that_come_while_flows_fail_are_told_with_the_age_of_the_flows(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["exports"] = Timeout("/v1/exports")
        under_test = collector(client)
        client.collect(under_test)
        began = client.published.at["inventory"]
        client.failing = {"flows": Timeout("/v1/flows")}
        client.clock.advance(300)
        client.collect(under_test)
        assert triggers(client) == {"f": "listener"}
        assert client.published.at["inventory"] == began


class TestSteps:
    def test_they_are_published_by_kind_with_what_is_known_of_them(self) -> None:
        client = account(flow("f", "hook"))
        client.collect(collector(client))
        view = steps(client)
        assert view.exports is not None
        assert view.imports is not None
        assert view.exports.facts == {
            "hook": StepFacts("On orders", "export", "WebhookExport", "", "webhook"),
            "poll": StepFacts("Get orders", "export", "HTTPExport", "c1", "delta"),
        }
        assert view.imports.facts == {"write": StepFacts("Create order", "import", "HTTPImport", "c2")}
        assert (view.exports.complete, view.imports.complete) == (True, True)

    def test_they_are_as_old_as_the_older_of_their_lists_and_the_flows_are_not(self) -> None:
        client = account(flow("f", "hook"))
        client.fetched_at = {"exports": 9000.0, "imports": 8500.0}
        client.collect(collector(client))
        assert client.published.at["steps"] == 8500.0
        assert client.published.at["inventory"] == client.clock.monotonic()

    def test_the_same_lists_from_the_clients_cache_are_published_once(self) -> None:
        client = account(flow("f", "hook"))
        at = client.clock.monotonic()
        client.fetched_at = {"exports": at, "imports": at}
        under_test = collector(client)
        for _ in range(3):
            client.collect(under_test)
            client.clock.advance(300)
        assert client.published.count["steps"] == 1

    def test_flows_are_published_before_the_long_lists_are_asked_for(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["exports"] = Unauthorized("/v1/exports", status=401)
        client.failing["imports"] = Unauthorized("/v1/imports", status=401)
        client.collect(collector(client))
        assert set(client.published.views) == {"inventory"}
        assert client.refresh.requests == 3

    @pytest.mark.parametrize("error", [Forbidden("/v1/x", status=403), BadGateway("/v1/x"), Timeout("/v1/x")])
    @pytest.mark.parametrize(("failing", "kept"), [("exports", "imports"), ("imports", "exports")])
    def test_a_list_that_fails_costs_neither_flows_nor_the_other_list(
        self, failing: str, kept: str, error: ApiError
    ) -> None:
        client = account(flow("f", "hook"))
        client.failing[failing] = error
        failure = client.collect(collector(client))
        assert type(failure) is type(error)
        assert set(inventory(client).flows) == {"f"}
        assert getattr(steps(client), failing) is None
        assert getattr(steps(client), kept) is not None

    def test_a_refusal_of_steps_alone_does_not_switch_the_collector_off(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["exports"] = Forbidden("/v1/exports", status=403)
        failure = client.collect(collector(client))
        assert failure is not None
        assert failure.partial

    @pytest.mark.parametrize("listing", ["exports", "imports"])
    def test_a_list_of_which_no_row_could_be_read_is_a_failure(self, listing: str) -> None:
        client = account(flow("f", "hook"))
        client.rows[listing] = ()
        client.incomplete.add(listing)
        assert isinstance(client.collect(collector(client)), UnexpectedShape)
        assert getattr(steps(client), listing) is None

    def test_what_was_known_stays_as_long_as_its_age_allows_and_the_other_list_much_longer(self) -> None:
        client = account(flow("f", "hook"))
        under_test = collector(client)
        client.collect(under_test)
        began = client.clock.monotonic()
        client.failing["exports"] = Timeout("/v1/exports")
        lasting = KEPT_BY_CLIENT + under_test.settings.lasting_seconds
        client.clock.advance(lasting)
        client.collect(under_test)
        assert steps(client).exports is not None
        assert client.published.at["steps"] == began
        client.clock.advance(1)
        client.collect(under_test)
        assert steps(client).exports is None
        assert steps(client).imports is not None
        assert client.published.at["steps"] == client.clock.monotonic()

    def test_rows_that_stand_in_are_told_with_their_age_and_count_as_a_failure(self) -> None:
        client = account(flow("f", "hook"))
        client.stale["exports"] = Timeout("/v1/exports")
        client.fetched_at["exports"] = client.clock.monotonic() - 100
        assert client.collect(collector(client)) is client.stale["exports"]
        assert triggers(client) == {"f": "listener"}
        assert client.published.at["steps"] == client.clock.monotonic() - 100

    def test_an_incomplete_list_keeps_what_it_leaves_out_and_says_so(self) -> None:
        client = account(flow("f", "hook"))
        under_test = collector(client)
        client.collect(under_test)
        client.clock.advance(300)
        client.rows["exports"] = (POLL,)
        client.incomplete.add("exports")
        assert client.collect(under_test) is None
        listing = steps(client).exports
        assert listing is not None
        assert (set(listing.facts), listing.complete) == ({"hook", "poll"}, False)

    def test_flows_that_fail_cost_no_steps(self) -> None:
        client = account(flow("f", "hook"))
        client.failing["flows"] = Timeout("/v1/flows")
        assert client.collect(collector(client)) is client.failing["flows"]
        assert set(client.published.views) == {"steps"}

    @pytest.mark.parametrize(
        ("cut", "complete"), [("flows", False), ("integrations", True)], ids=["flows", "integrations"]
    )
    def test_the_inventory_says_whether_there_may_be_more_flows(self, cut: str, complete: bool) -> None:
        client = account(flow("f", "hook"))
        client.incomplete.add(cut)
        client.collect(collector(client))
        assert inventory(client).complete is complete


def test_facts_of_a_flow_name_what_it_begins_with() -> None:
    row = flow(
        "f", "poll", "hook", "poll", page_processors=(PageProcessor(import_id="write"),), last_modified=Instant(1)
    )
    client = account(row)
    client.collect(collector(client))
    facts = inventory(client).flows["f"]
    assert (facts.generator_ids, facts.step_ids) == (("poll", "hook"), ("poll", "hook", "write"))
