"""Whose a flow is: the first entry that matches, and what is exported of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.ownership import Ownership, ownership_blocks
from exporter.config.settings import Owner, OwnershipMatch
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import NEVER
from exporter.serve.demo import OWNERSHIP
from tests.collect.blocks import built
from tests.collect.exposition import lines

NAMES = {"i1": "Shop to ERP"}


def flow(flow_id: str = "f1", name: str = "Orders", home: str = "i1") -> FlowFacts:
    return FlowFacts(flow_id, name, home, True, False, "on_demand")


def by_flow(flow_id: str, team: str = "team") -> Owner:
    return Owner(OwnershipMatch(flow=flow_id), team)


def by_name(pattern: str, team: str = "team") -> Owner:
    return Owner(OwnershipMatch(name=pattern), team)


def by_integration(wanted: str, team: str = "team") -> Owner:
    return Owner(OwnershipMatch(integration=wanted), team)


@pytest.mark.parametrize(
    ("owner", "subject", "expected"),
    [
        (by_flow("f1"), flow(), True),
        (by_flow("Orders"), flow(), True),
        (by_flow("Ord.*"), flow(), False),
        (by_name("Ord.*"), flow(), True),
        (by_name("Ord"), flow(), False),
        (by_name(".*"), flow(name="Two\nlines"), True),
        (by_integration("i1"), flow(), True),
        (by_integration("Shop to ERP"), flow(), True),
        (by_integration("Shop.*"), flow(), False),
        (by_integration("i2"), flow(home="i2"), True),
        (by_integration("none"), flow(home="none"), True),
        (by_integration("Standalone flows"), flow(home="none"), True),
        (by_integration("f1"), flow(), False),
    ],
    ids=[
        "id", "exact-name", "no-pattern-over-exact-names", "pattern", "part-of-a-name", "line-end", "integration-id",
        "integration-name", "no-pattern-over-integrations", "integration-without-name", "standalone",
        "standalone-by-name", "flow-id",
    ],
)  # fmt: skip
def test_a_flow_is_matched_by_its_id_its_whole_name_or_its_integration(
    owner: Owner, subject: FlowFacts, *, expected: bool
) -> None:
    assert (Ownership([owner]).owner_of(subject, NAMES) is owner) is expected


def test_the_first_entry_that_matches_is_the_flows_only_one() -> None:
    entries = [by_name("O.*", "a"), by_flow("f1", "b"), by_integration("i1", "c")]
    for turn in range(3):
        turned = entries[turn:] + entries[:turn]
        assert Ownership(turned).owner_of(flow(), NAMES) is turned[0]
        assert Ownership(turned).owner_of(flow(), NAMES) is turned[0]


def test_what_the_first_entry_does_not_say_is_not_taken_from_a_later_one() -> None:
    first = Owner(OwnershipMatch(flow="f1"), "a")
    later = Owner(OwnershipMatch(integration="i1"), "b", "gold", 60.0, 90.0)
    assert Ownership([first, later]).silence_of(flow(), NAMES) is None


@pytest.mark.parametrize(
    ("flow_id", "expected"), [("f1", 90.0), ("f2", None), ("f3", None)], ids=["said", "unsaid", "nobodys"]
)
def test_silence_is_that_of_the_flows_entry(flow_id: str, expected: float | None) -> None:
    entries = [Owner(OwnershipMatch(flow="f1"), silence=90.0), by_flow("f2")]
    assert Ownership(entries).silence_of(flow(flow_id), NAMES) == expected


ENTRIES = st.sampled_from(
    [*map(by_flow, ("f1", "f2")), *map(by_name, ("O.*", "Refunds")), *map(by_integration, ("i1", "Shop to ERP"))]
)
FLOWS = st.builds(flow, *map(st.sampled_from, (["f1", "f2", "f3"], ["Orders", "Refunds"], ["i1", "i2"])))


@given(st.lists(ENTRIES, max_size=6), FLOWS)
def test_the_place_in_the_list_decides_whatever_the_kinds_of_entries(entries: list[Owner], subject: FlowFacts) -> None:
    alone = [owner for owner in entries if Ownership([owner]).owner_of(subject, NAMES)]
    found = Ownership(entries).owner_of(subject, NAMES)
    assert found == (alone[0] if alone else None)


def exported(entries: list[Owner]) -> list[str]:
    view = InventoryView(NAMES, {"f1": flow("f1"), "f2": flow("f2", "Refunds", "none")})
    entries_block, _ = ownership_blocks(Ownership(entries))
    return lines(built(entries_block, {"inventory": view}))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([Owner(OwnershipMatch(flow="f1"), "a", "gold")], ['flow_owner_info{flow_id="f1",team="a",tier="gold"} 1']),
        ([Owner(OwnershipMatch(flow="f1"), tier="gold")], ['flow_owner_info{flow_id="f1",team="",tier="gold"} 1']),
        ([Owner(OwnershipMatch(flow="f1"), freshness=60.0)], ['flow_slo_freshness_seconds{flow_id="f1",tier=""} 60']),
        ([Owner(OwnershipMatch(flow="f1"), silence=60.0)], []),
        ([by_flow("f9")], []),
        (
            [Owner(OwnershipMatch(name=".*"), "a", "b", 60.0)],
            [
                'flow_owner_info{flow_id="f1",team="a",tier="b"} 1',
                'flow_owner_info{flow_id="f2",team="a",tier="b"} 1',
                'flow_slo_freshness_seconds{flow_id="f1",tier="b"} 60',
                'flow_slo_freshness_seconds{flow_id="f2",tier="b"} 60',
            ],
        ),
    ],
    ids=["team-and-tier", "tier-alone", "freshness-alone", "silence-alone", "no-such-flow", "all-flows"],
)
def test_what_is_known_of_an_owner_is_exported(entries: list[Owner], expected: list[str]) -> None:
    assert exported(entries) == expected


def delivered(entries: list[Owner], histories: dict[str, FlowHistory]) -> list[str]:
    view = InventoryView(NAMES, {"f1": flow("f1"), "f2": flow("f2", "Refunds", "none")})
    runs = FinishedRunsView({}, {}, True, {}, histories)
    _, deliveries = ownership_blocks(Ownership(entries))
    return lines(built(deliveries, {"inventory": view, "finished_runs": runs}))


def test_a_flow_with_an_objective_tells_its_newest_delivery_and_others_do_not() -> None:
    histories = {name: FlowHistory(delivery=1000.0) for name in ("f1", "f2")}
    entries = [Owner(OwnershipMatch(flow="f1"), freshness=60.0), Owner(OwnershipMatch(name=".*"), "a")]
    assert delivered(entries, histories) == ['flow_last_delivery_timestamp_seconds{flow_id="f1"} 1000']


def test_no_delivery_is_told_while_the_flows_are_unknown() -> None:
    runs = FinishedRunsView({}, {}, True, {}, {"f1": FlowHistory(delivery=1000.0)})
    _, deliveries = ownership_blocks(Ownership([Owner(OwnershipMatch(flow="f1"), freshness=60.0)]))
    assert deliveries.inputs[0] == "finished_runs"
    assert lines(built(deliveries, {"finished_runs": runs, "inventory": None})) == []


@pytest.mark.parametrize("histories", [{}, {"f1": FlowHistory()}, {"f1": FlowHistory(success=NEVER)}])
def test_no_delivery_is_told_while_none_is_known(histories: dict[str, FlowHistory]) -> None:
    assert delivered([Owner(OwnershipMatch(flow="f1"), freshness=60.0)], histories) == []


def test_the_sample_teams_of_the_demo_share_the_sample_flows_out() -> None:
    names = ["Shopify invoices → SFTP bank", "HubSpot leads → Salesforce (wholesale)", "EDI van orders → Stripe", "x"]
    ownership = Ownership(OWNERSHIP)
    owners = [ownership.owner_of(flow(name=name), NAMES) for name in names]
    assert [owner.team if owner else None for owner in owners] == ["finance", "service", "commerce", None]
