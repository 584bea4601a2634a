"""Filters save calls: what is not shown is not asked for, and what is shown stays complete."""

import pytest

from exporter.api.errors import ServerError
from exporter.config.settings import ErrorsSettings, Filters, FlowFilter
from tests.collect.errors_kit import ErrorsKit


def kit_of(**changes: object) -> ErrorsKit:
    """`flow-a` and `flow-b` in `int-1`, `flow-c` in `int-2`, each with an open error; names are ids."""
    kit = ErrorsKit(filters=Filters(**changes))  # type: ignore[arg-type]  # passed through
    for flow_id in ("flow-a", "flow-b", "flow-c"):
        kit.raise_errors(flow_id, "imp-1", 1)
    return kit


def of_flows(*include: str) -> ErrorsKit:
    return kit_of(flows=FlowFilter(include))


def rolled_up(kit: ErrorsKit) -> list[str]:
    return [call[0] for call in kit.client.calls_of("integration_errors")]


def drilled(kit: ErrorsKit) -> list[str]:
    return [call[0] for call in kit.client.calls_of("flow_errors")]


def test_without_filters_everything_is_asked_and_the_listings_are_read_once() -> None:
    kit = kit_of()
    kit.collect()
    assert (rolled_up(kit), drilled(kit)) == (["int-1", "int-2"], ["flow-a", "flow-b", "flow-c"])
    assert len(kit.client.calls_of("flows")) == 1


def test_only_integrations_that_are_shown_are_rolled_up() -> None:
    kit = kit_of(integrations=("int-2",))
    assert kit.collect() is None
    assert (rolled_up(kit), drilled(kit)) == (["int-2"], ["flow-c"])
    assert kit.view.integrations == {"int-2": 1}


def test_a_shown_integration_is_rolled_up_though_none_of_its_flows_is_shown() -> None:
    kit = of_flows("flow-c")
    kit.collect()
    assert rolled_up(kit) == ["int-1", "int-2"]
    assert kit.view.integrations == {"int-1": 2, "int-2": 1}


def test_only_flows_that_are_shown_are_drilled_into() -> None:
    kit = of_flows("flow-[ac]")
    kit.collect()
    assert drilled(kit) == ["flow-a", "flow-c"]
    assert set(kit.steps) == {("flow-a", "imp-1"), ("flow-c", "imp-1")}


def test_the_sampled_ratio_says_how_much_of_what_was_counted_was_read() -> None:
    kit = of_flows("flow-[ac]")
    kit.collect()
    assert kit.view.sampled_ratio == pytest.approx(2 / 3)


def test_flows_that_are_not_shown_take_no_turn_of_those_that_are() -> None:
    kit = ErrorsKit(ErrorsSettings(flows_per_run=1), Filters(flows=FlowFilter(("flow-c",))))
    for flow_id in ("flow-a", "flow-b", "flow-c"):
        kit.raise_errors(flow_id, "imp-1", 1)
    kit.collect()
    assert drilled(kit) == ["flow-c"]


def test_nothing_shown_means_nothing_asked_and_nothing_told() -> None:
    kit = kit_of(integrations=("nowhere",))
    assert kit.collect() is None
    assert (rolled_up(kit), drilled(kit), kit.published.views) == ([], [], {})


def test_a_flow_that_moves_into_a_shown_integration_is_asked_about_at_the_next_run() -> None:
    kit = kit_of(integrations=("int-2",))
    kit.collect()
    kit.client.flow_homes["flow-a"] = "int-2"
    kit.next()
    assert drilled(kit) == ["flow-a"]
    assert kit.view.integrations == {"int-2": 2}


def test_a_flow_that_leaves_takes_its_steps_with_it() -> None:
    kit = kit_of(integrations=("int-2",))
    kit.collect()
    kit.client.flow_homes["flow-c"] = "int-1"
    kit.client.flow_homes["flow-b"] = "int-2"
    kit.next()
    assert set(kit.steps) == {("flow-b", "imp-1")}


@pytest.mark.parametrize("listing", ["flows", "integrations"])
def test_while_a_listing_fails_what_was_chosen_before_is_asked(listing: str) -> None:
    kit = kit_of(integrations=("int-2",))
    kit.collect()
    kit.client.always(listing, ServerError("/v1/flows", status=500))
    assert isinstance(kit.next(), ServerError)
    assert rolled_up(kit) == ["int-2"]


def test_an_incomplete_listing_takes_no_flow_out_of_the_choice() -> None:
    kit = kit_of(integrations=("int-2",))
    kit.collect()
    kit.client.listed_homes = {"flow-a": "int-1"}
    kit.client.incomplete.add("flows")
    kit.raise_errors("flow-c", "imp-1", 1)
    kit.next()
    assert drilled(kit) == ["flow-c"]


def test_without_a_drill_down_no_step_is_asked_for_and_none_is_named() -> None:
    kit = ErrorsKit(ErrorsSettings(flows_per_run=0, steps_per_run=0))
    kit.raise_errors("flow-a", "imp-1", 3)
    for _ in range(3):
        kit.next()
        assert {call[0] for call in kit.client.calls} == {"flows", "integrations", "integration_errors"}
    assert kit.flows == {"flow-a": 3, "flow-b": 0, "flow-c": 0}
    assert kit.steps == {}
