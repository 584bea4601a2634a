"""Positions of delta exports: asked for in turn, a few in each run, and kept until the flow is gone."""

from collections.abc import Sequence
from typing import Any

import pytest

from exporter.api.errors import BadGateway, Forbidden, NotFound, Timeout
from exporter.api.models import Flow, Integration, PageGenerator, Step
from exporter.collect.inventory import InventoryCollector
from exporter.collect.last_exports import LAST_EXPORTS_BLOCK, LastExportsView
from exporter.config.settings import InventorySettings
from tests.collect.blocks import built
from tests.collect.exposition import lines
from tests.collect.listing_client import ListingClient

PATH = "/v1/flows/{flowId}/lastExportDateTime"
DELTA, WHOLE = Step(id="delta", type="delta"), Step(id="whole")


def flow(flow_id: str, *generators: str, **more: Any) -> Flow:
    return Flow(id=flow_id, page_generators=tuple(PageGenerator(export_id=name) for name in generators), **more)


def account(*flows: Flow) -> ListingClient:
    rows: dict[str, Sequence[Any]] = {"integrations": (Integration(id="i1"),), "flows": flows}
    client = ListingClient(rows={**rows, "exports": (DELTA, WHOLE)})
    client.positions = {row.id: 1000.0 + number for number, row in enumerate(flows)}
    return client


def of_delta(count: int) -> ListingClient:
    return account(*(flow(f"f{number}", "delta") for number in range(count)))


def collector(client: ListingClient, per_run: int = 20, *, full: bool = True) -> InventoryCollector:
    return InventoryCollector(client, InventorySettings(last_exports_per_run=per_run), full=full)


def positions(client: ListingClient) -> dict[str, float]:
    view = client.published.views["last_exports"]
    assert isinstance(view, LastExportsView)
    return dict(view.flows)


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        (flow("f", "delta"), True),
        (flow("f", "delta", "whole"), True),
        (Flow(id="f", export_id="delta"), True),
        (flow("f", "delta", disabled=True), True),
        (flow("f", "whole", "delta"), False),
        (flow("f", "unheard-of"), False),
        (flow("f"), False),
    ],
    ids=["delta", "delta first", "legacy", "disabled", "delta second", "unknown export", "no export"],
)
def test_a_flow_that_begins_with_a_delta_export_is_asked_and_no_other(row: Flow, asked: bool) -> None:
    client = account(row)
    assert client.collect(collector(client)) is None
    assert client.asked_flows == (["f"] if asked else [])
    assert positions(client) == ({"f": 1000.0} if asked else {})


def test_nothing_is_asked_unless_everything_is_wanted() -> None:
    client = of_delta(2)
    client.collect(collector(client, full=False))
    assert client.asked_flows == []
    assert "last_exports" not in client.published.views


def test_nothing_is_asked_with_the_setting_at_zero() -> None:
    client = of_delta(2)
    client.collect(collector(client, 0))
    assert client.asked_flows == []
    assert positions(client) == {}


def test_every_flow_has_its_turn_and_what_was_told_before_stays() -> None:
    client = of_delta(5)
    under_test = collector(client, 2)
    known = []
    for _ in range(4):
        client.collect(under_test)
        known.append(set(positions(client)))
        client.clock.advance(300)
    assert known == [{"f0", "f1"}, {"f0", "f1", "f2", "f3"}, {"f0", "f1", "f2", "f3", "f4"}, set(client.positions)]
    assert client.asked_flows == ["f0", "f1", "f2", "f3", "f4", "f0", "f1", "f2"]


def test_a_position_that_moved_is_the_new_one() -> None:
    client = of_delta(1)
    under_test = collector(client)
    client.collect(under_test)
    client.positions["f0"] = 5000.0
    client.collect(under_test)
    assert positions(client) == {"f0": 5000.0}


@pytest.mark.parametrize("answer", ["none", "404"])
def test_a_flow_that_says_that_it_has_none_has_none_and_that_is_no_failure(answer: str) -> None:
    client = of_delta(2)
    under_test = collector(client)
    client.collect(under_test)
    del client.positions["f0"]
    if answer == "404":
        client.failing_flows["f0"] = NotFound(PATH, status=404)
    assert client.collect(under_test) is None
    assert positions(client) == {"f1": 1001.0}


def test_a_failure_keeps_the_position_and_is_told() -> None:
    client = of_delta(2)
    under_test = collector(client)
    client.collect(under_test)
    client.failing_flows["f0"] = BadGateway(PATH, status=502)
    client.positions["f1"] = 7000.0
    assert client.collect(under_test) is client.failing_flows["f0"]
    assert positions(client) == {"f0": 1000.0, "f1": 7000.0}
    assert set(client.published.views) == {"inventory", "steps", "last_exports"}


def test_a_refusal_does_not_switch_the_collector_off() -> None:
    client = of_delta(1)
    client.failing["last_export"] = Forbidden(PATH, status=403)
    failure = client.collect(collector(client))
    assert failure is not None
    assert failure.partial


def test_flows_that_fail_in_a_row_end_the_reading_and_do_not_hold_up_the_others() -> None:
    client = of_delta(6)
    client.failing_flows = {name: Timeout(PATH) for name in ("f0", "f1", "f2")}
    under_test = collector(client, 4)
    client.collect(under_test)
    assert client.asked_flows == ["f0", "f1", "f2"]
    client.collect(under_test)
    assert set(positions(client)) == {"f3", "f4", "f5"}


def test_the_position_of_a_flow_that_is_gone_goes() -> None:
    client = of_delta(2)
    under_test = collector(client)
    client.collect(under_test)
    client.rows["flows"] = client.rows["flows"][1:]
    client.collect(under_test)
    assert set(positions(client)) == {"f1"}


def test_the_position_of_a_flow_that_is_no_delta_flow_any_more_goes() -> None:
    client = of_delta(1)
    under_test = collector(client)
    client.collect(under_test)
    client.rows["exports"] = (Step(id="delta", type="once"),)
    client.clock.advance(300)
    client.collect(under_test)
    assert positions(client) == {}


@pytest.mark.parametrize("failing", ["exports", "flows"])
def test_lists_that_fail_keep_every_position_with_the_age_of_the_flows(failing: str) -> None:
    client = of_delta(1)
    under_test = collector(client)
    client.collect(under_test)
    began = client.clock.monotonic()
    client.clock.advance(300)
    client.failing[failing] = Timeout(f"/v1/{failing}")
    client.collect(under_test)
    assert positions(client) == {"f0": 1000.0}
    assert client.published.at["last_exports"] == (began if failing == "flows" else began + 300)


def test_an_id_that_is_none_is_not_asked_for() -> None:
    client = account(flow("../secrets", "delta"), flow("f", "delta"))
    client.collect(collector(client))
    assert client.asked_flows == ["f"]


def test_sample_lines() -> None:
    view = LastExportsView({"64b2": 1_788_080_400.0})
    assert lines(built(LAST_EXPORTS_BLOCK, {"last_exports": view})) == [
        'flow_last_export_timestamp_seconds{flow_id="64b2"} 1788080400'
    ]
