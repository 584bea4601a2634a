"""What exists, from listings that may be incomplete."""

from dataclasses import replace

import pytest

from exporter.api.listing import Listing
from exporter.api.models import Flow, Integration
from exporter.api.refresh import Refresh
from exporter.collect.coverage import Coverage, Covered
from exporter.collect.known import Known, KnownObjects, known
from tests.clocks import ManualClock
from tests.collect.fake_client import FakeClient

BEFORE = Known({"flow-1": "int-1", "flow-2": "none"}, frozenset({"int-1", "int-2", "none"}), complete=True, at=10.0)


def listings(
    homes: dict[str, str | None], ids: list[str], *, flows: bool = True, integrations: bool = True
) -> tuple[Listing[Flow], Listing[Integration]]:
    flow_rows = tuple(Flow(id=flow_id, integration_id=home) for flow_id, home in homes.items())
    return (
        Listing(flow_rows, flows, 20.0),
        Listing(tuple(Integration(id=name) for name in ids), integrations, 15.0),
    )


def test_complete_listings_replace_what_was_known() -> None:
    now = known(*listings({"flow-3": "int-3"}, ["int-3"]), BEFORE)
    assert now == Known({"flow-3": "int-3"}, frozenset({"int-3"}), complete=True, at=15.0, names={"flow-3": "flow-3"})


def test_a_flow_keeps_its_name_while_it_is_not_listed() -> None:
    named = Flow(id="flow-1", name="Orders"), Flow(id="flow-2")
    flows, integrations = listings({}, ["int-1"], flows=False)
    before = known(replace(flows, rows=named), integrations, None)
    assert before.names == {"flow-1": "Orders", "flow-2": "flow-2"}
    now = known(replace(flows, rows=(Flow(id="flow-2", name="Stock"),)), integrations, before)
    assert now.names == {"flow-1": "Orders", "flow-2": "Stock"}


def test_what_an_incomplete_list_of_flows_leaves_out_still_exists() -> None:
    now = known(*listings({"flow-1": "int-2"}, ["int-1", "int-2"], flows=False), BEFORE)
    assert now.flows == {"flow-1": "int-2", "flow-2": "none"}
    assert now.integrations == {"int-1", "int-2", "none"}
    assert not now.complete


def test_what_an_incomplete_list_of_integrations_leaves_out_still_exists() -> None:
    now = known(*listings({"flow-1": "int-1"}, ["int-1"], integrations=False), BEFORE)
    assert now.integrations == {"int-1", "int-2"}
    assert not now.complete


def test_a_row_that_cannot_be_read_tells_that_its_flow_exists_and_keeps_no_other_one() -> None:
    flows, integrations = listings({}, ["int-1"])
    now = known(replace(flows, unread=frozenset({"flow-1", "flow-9"})), integrations, BEFORE)
    assert now.flows == {"flow-1": "int-1"}
    assert now.homeless == {"flow-9"}
    assert ("flow-1" in now, "flow-9" in now, "flow-2" in now) == (True, True, False)
    assert now.complete


def test_a_row_that_cannot_be_read_tells_that_its_integration_exists() -> None:
    flows, integrations = listings({"flow-1": "int-1"}, ["int-1"])
    now = known(flows, replace(integrations, unread=frozenset({"int-7"})), BEFORE)
    assert now.integrations == {"int-1", "int-7"}
    assert now.complete


def test_every_integration_that_was_ever_listed_is_remembered() -> None:
    client = FakeClient(ManualClock(), flow_homes={"flow-1": None}, integration_ids=["int-1"])
    objects, refresh = KnownObjects(client), Refresh(client.clock, 1e9)
    assert objects.integrations_ever == frozenset()
    objects.read(refresh)
    client.flow_homes, client.integration_ids = {}, ["int-2"]
    assert objects.read(refresh).integrations == {"int-2"}
    assert objects.integrations_ever == {"int-1", "none", "int-2"}


@pytest.mark.parametrize(("home", "expected"), [(None, {"int-1", "none"}), ("int-1", {"int-1"})])
def test_flows_outside_any_integration_have_a_home_of_their_own(home: str | None, expected: set[str]) -> None:
    assert known(*listings({"flow-1": home}, ["int-1"]), None).integrations == expected


def test_coverage_of_all_is_that_of_the_least_read() -> None:
    coverage = Coverage()
    assert coverage.of_all(["a"]) is None
    coverage.integration_read("a", Covered(100.0, 1.0))
    assert coverage.of_all(["a", "b"]) is None
    coverage.integration_read("b", Covered(90.0, 2.0))
    assert coverage.of_all(["a", "b"]) == Covered(90.0, 1.0)
    assert coverage.newest == 2.0


def test_the_newest_reading_of_an_integration_counts_whichever_way_it_was_read() -> None:
    coverage = Coverage()
    coverage.integration_read("a", Covered(100.0, 1.0))
    coverage.account_read(Covered(110.0, 2.0))
    assert coverage.of("a") == coverage.of("never") == Covered(110.0, 2.0)
    coverage.integration_read("a", Covered(120.0, 3.0))
    assert coverage.of("a") == Covered(120.0, 3.0)


def test_nothing_read_is_nothing_covered() -> None:
    assert Coverage().newest is None
    assert Coverage().of("a") is None
    assert Coverage().of_all([]) is None


def test_flows_that_stayed_as_they_were_are_the_very_same_mapping_in_the_next_answer() -> None:
    flows, integrations = listings({"flow-1": "int-1", "flow-2": None}, ["int-1"])
    first = known(flows, integrations, None)
    later = known(replace(flows, fetched_at=30.0), replace(integrations, fetched_at=30.0), first)
    assert later.at == 30.0
    assert later.flows is first.flows
    assert later.names is first.names


class Listed:
    """A client that answers with these listings."""

    def __init__(self, flows: Listing[Flow], integrations: Listing[Integration]) -> None:
        self.listed = (flows, integrations)

    def flows(self, _: Refresh) -> Listing[Flow]:
        return self.listed[0]

    def integrations(self, _: Refresh) -> Listing[Integration]:
        return self.listed[1]


class TestLaterListings:
    FLOWS, INTEGRATIONS = listings({"flow-1": "int-1", "flow-2": None}, ["int-1"])

    def read(self, *later: tuple[Listing[Flow], Listing[Integration]]) -> list[Known]:
        client = Listed(self.FLOWS, self.INTEGRATIONS)
        objects, refresh = KnownObjects(client), Refresh(ManualClock(), 1e9)
        found = [objects.read(refresh)]
        for client.listed in later:
            found.append(objects.read(refresh))
        return found

    def test_the_same_rows_read_later_are_known_as_of_then_and_nothing_is_made_anew(self) -> None:
        first, later = self.read((replace(self.FLOWS, fetched_at=50.0), replace(self.INTEGRATIONS, fetched_at=60.0)))
        assert (first.at, later.at) == (15.0, 50.0)
        assert later == replace(first, at=50.0)
        assert later.flows is first.flows
        assert later.names is first.names

    def test_the_same_listings_are_the_same_knowledge(self) -> None:
        first, later = self.read((self.FLOWS, self.INTEGRATIONS))
        assert later is first

    def test_the_same_rows_of_a_listing_that_is_not_complete_any_more_tell_so(self) -> None:
        _, later, again = self.read(
            (replace(self.FLOWS, complete=False), self.INTEGRATIONS), (self.FLOWS, self.INTEGRATIONS)
        )
        assert (later.complete, again.complete) == (False, True)

    def test_the_same_rows_beside_one_that_cannot_be_read_tell_so(self) -> None:
        _, later = self.read((replace(self.FLOWS, unread=frozenset({"flow-9"})), self.INTEGRATIONS))
        assert later.homeless == {"flow-9"}

    def test_other_rows_of_one_listing_are_taken_over(self) -> None:
        _, later = self.read((self.FLOWS, replace(self.INTEGRATIONS, rows=(Integration(id="int-2"),))))
        assert later.integrations == {"int-2", "none"}
