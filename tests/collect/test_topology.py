"""Flow -> step -> connection, how many flows depend on a connection, and what nothing uses or starts."""

from dataclasses import replace

import pytest

from exporter.collect.connections import ConnectionFacts, ConnectionsView
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.steps import StepFacts, StepType
from exporter.collect.topology import (
    FLOW_CONNECTIONS_BLOCK,
    ORPHANS_BLOCK,
    connection_flows_block,
    flow_connections,
    orphans,
)
from exporter.collect.triggers import Trigger
from tests.collect.blocks import built
from tests.collect.exposition import lines


def step(kind: StepType, connection: str = "") -> StepFacts:
    return StepFacts(kind, kind, "", connection)


def flow(flow_id: str, *steps: str, enabled: bool = True, trigger: Trigger = "scheduled") -> FlowFacts:
    return FlowFacts(flow_id, flow_id, "i1", enabled, trigger == "scheduled", trigger, steps)


def inventory(*flows: FlowFacts) -> InventoryView:
    return InventoryView({"i1": "Shop"}, {row.id: row for row in flows}, complete=True, listeners_known=True)


def listing(kind: StepType, complete: bool = True, **connections: str) -> StepListing:
    return StepListing({step_id: step(kind, connection) for step_id, connection in connections.items()}, complete)


def connections(*ids: str, complete: bool = True) -> ConnectionsView:
    return ConnectionsView({name: ConnectionFacts(name, name, "http", online=True) for name in ids}, complete)


FLOWS = inventory(flow("f1", "e1", "i1", "i2"), flow("f2", "e1", enabled=False), flow("f3", "hook", "gone"))
STEPS = StepsView(listing("export", e1="c1", hook="", e9="c9"), listing("import", i1="c2", i2="c1", i9=""))
CONNECTIONS = connections("c1", "c2", "c3", "c9")


class TestFlowConnections:
    def test_each_connection_that_a_step_uses_comes_once(self) -> None:
        assert list(flow_connections(FLOWS, STEPS)) == [("f1", "c1"), ("f1", "c2"), ("f2", "c1")]

    def test_sample_lines(self) -> None:
        assert lines(built(FLOW_CONNECTIONS_BLOCK, {"inventory": FLOWS, "steps": STEPS})) == [
            'flow_connection_info{flow_id="f1",connection_id="c1"} 1',
            'flow_connection_info{flow_id="f1",connection_id="c2"} 1',
            'flow_connection_info{flow_id="f2",connection_id="c1"} 1',
        ]

    def test_without_steps_nothing_is_known(self) -> None:
        assert lines(built(FLOW_CONNECTIONS_BLOCK, {"inventory": FLOWS, "steps": None})) == []

    def test_with_one_list_of_steps_what_follows_from_it_is_told(self) -> None:
        assert list(flow_connections(FLOWS, StepsView(imports=STEPS.imports))) == [("f1", "c2"), ("f1", "c1")]


class TestConnectionFlows:
    def build(self, **changes: object) -> list[str]:
        views = {"inventory": FLOWS, "steps": STEPS, "connections": CONNECTIONS, **changes}
        return lines(built(connection_flows_block(), views))

    def test_every_known_connection_has_both_states_and_an_unused_one_is_at_zero(self) -> None:
        assert self.build() == [
            'connection_flows{connection_id="c1",state="enabled"} 1',
            'connection_flows{connection_id="c1",state="disabled"} 1',
            'connection_flows{connection_id="c2",state="enabled"} 1',
            'connection_flows{connection_id="c2",state="disabled"} 0',
            'connection_flows{connection_id="c3",state="enabled"} 0',
            'connection_flows{connection_id="c3",state="disabled"} 0',
            'connection_flows{connection_id="c9",state="enabled"} 0',
            'connection_flows{connection_id="c9",state="disabled"} 0',
        ]

    def test_a_flow_with_several_steps_on_a_connection_counts_once(self) -> None:
        flows = inventory(flow("f1", "e1", "i2"))
        assert 'connection_flows{connection_id="c1",state="enabled"} 1' in self.build(inventory=flows)

    @pytest.mark.parametrize(
        "unknown",
        [
            {"inventory": None},
            {"steps": None},
            {"steps": replace(STEPS, exports=None)},
            {"steps": replace(STEPS, imports=None)},
        ],
        ids=["flows", "steps", "exports", "imports"],
    )
    def test_what_is_unknown_is_absent_and_not_zero(self, unknown: dict[str, object]) -> None:
        assert self.build(**unknown) == []


class TestOrphans:
    def test_what_no_flow_uses_is_counted_by_kind(self) -> None:
        assert orphans(FLOWS, STEPS, CONNECTIONS) == {"connection": 2, "export": 1, "import": 1, "flow": 0}

    def test_a_step_of_a_disabled_flow_is_used(self) -> None:
        flows = inventory(flow("f2", "e1", enabled=False))
        steps = StepsView(listing("export", e1="c1"), listing("import"))
        assert orphans(flows, steps, connections("c1")) == {"connection": 0, "export": 0, "import": 0, "flow": 0}

    @pytest.mark.parametrize(
        ("trigger", "enabled", "expected"),
        [
            ("on_demand", True, 1),
            ("on_demand", False, 0),
            ("scheduled", True, 0),
            ("listener", True, 0),
            ("chained", True, 0),
        ],
    )
    def test_an_enabled_flow_that_nothing_starts_is_one(self, trigger: Trigger, enabled: bool, expected: int) -> None:
        flows = inventory(flow("f", trigger=trigger, enabled=enabled))
        assert orphans(flows, None, None)["flow"] == expected

    @pytest.mark.parametrize(
        ("steps", "held", "known"),
        [
            (STEPS, CONNECTIONS, {"connection", "export", "import", "flow"}),
            (STEPS, None, {"export", "import", "flow"}),
            (STEPS, connections("c1", complete=False), {"export", "import", "flow"}),
            (replace(STEPS, exports=None), CONNECTIONS, {"import", "flow"}),
            (replace(STEPS, imports=None), CONNECTIONS, {"export", "flow"}),
            (replace(STEPS, exports=listing("export", False, e1="c1")), CONNECTIONS, {"import", "flow"}),
            (replace(STEPS, imports=listing("import", False, i1="c1")), CONNECTIONS, {"export", "flow"}),
            (None, CONNECTIONS, {"flow"}),
        ],
        ids=[
            "all",
            "no connections",
            "more connections",
            "no exports",
            "no imports",
            "more exports",
            "more imports",
            "no steps",
        ],
    )
    def test_only_what_follows_from_complete_lists_is_told(
        self, steps: StepsView | None, held: ConnectionsView | None, known: set[str]
    ) -> None:
        assert set(orphans(FLOWS, steps, held)) == known

    def test_when_there_may_be_more_flows_nothing_is_told(self) -> None:
        assert orphans(replace(FLOWS, complete=False), STEPS, CONNECTIONS) == {}

    def test_before_listeners_can_be_told_no_flow_is_one(self) -> None:
        assert "flow" not in orphans(replace(FLOWS, listeners_known=False), STEPS, CONNECTIONS)

    def test_sample_lines(self) -> None:
        views = {"inventory": FLOWS, "steps": STEPS, "connections": CONNECTIONS}
        assert lines(built(ORPHANS_BLOCK, views)) == [
            'orphaned_resources{kind="connection"} 2',
            'orphaned_resources{kind="export"} 1',
            'orphaned_resources{kind="import"} 1',
            'orphaned_resources{kind="flow"} 0',
        ]
