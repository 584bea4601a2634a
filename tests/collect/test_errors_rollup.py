"""Open errors of every flow and integration, from one roll-up per integration."""

import pytest

from exporter.api.errors import (
    ApiError,
    ConnectFailed,
    Forbidden,
    NotFound,
    ServerError,
    Unauthorized,
    UnexpectedShape,
)
from exporter.config.settings import ErrorsSettings
from tests.clocks import EPOCH
from tests.collect.errors_kit import INTERVAL, ErrorsKit


@pytest.fixture
def kit() -> ErrorsKit:
    return ErrorsKit()


def asked(kit: ErrorsKit) -> list[str]:
    return [call[0] for call in kit.client.calls_of("integration_errors")]


def failing(kit: ErrorsKit, *integrations: str, error: ApiError | None = None) -> ApiError:
    raised = error or ServerError("/v1/integrations/{integrationId}/errors", status=500)
    kit.client.faults["integration_errors"] = lambda name: raised if name in integrations else None
    return raised


def test_flows_without_a_row_have_no_open_errors(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    assert kit.collect() is None
    assert kit.flows == {"flow-a": 3, "flow-b": 0, "flow-c": 0}
    assert kit.view.integrations == {"int-1": 3, "int-2": 0}


def test_the_errors_of_all_steps_and_flows_add_up(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-a", "exp-1", 2)
    kit.raise_errors("flow-b", "imp-1", 4)
    kit.collect()
    assert kit.flows == {"flow-a": 5, "flow-b": 4, "flow-c": 0}
    assert kit.view.integrations == {"int-1": 9, "int-2": 0}


def test_a_flow_that_vanishes_from_the_roll_up_is_at_zero_and_keeps_its_last_error(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    assert kit.flows["flow-a"] == 0
    assert kit.view.flows["flow-a"].last_error_at == EPOCH


def test_a_flow_that_vanishes_from_an_incomplete_roll_up_keeps_its_number(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-b", "imp-1", 1)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.client.incomplete.add("integration_errors")
    kit.next()
    assert kit.flows["flow-a"] == 3


def test_a_flow_whose_count_cannot_be_read_keeps_it_until_it_is_stale_and_holds_no_other_one(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-b", "imp-1", 1)
    kit.raise_errors("flow-c", "imp-1", 1)
    kit.raise_errors("flow-d", "imp-1", 1)
    kit.client.flow_homes["flow-d"] = "int-1"
    kit.collect()
    kit.resolve("flow-b", "imp-1")
    kit.client.unread["integration_errors"] = {"flow-a"}
    kit.next()
    assert kit.flows == {"flow-a": 3, "flow-b": 0, "flow-c": 1, "flow-d": 1}
    assert kit.view.integrations["int-1"] == 4
    kit.next()
    kit.next()
    assert kit.flows == {"flow-b": 0, "flow-c": 1, "flow-d": 1}
    assert kit.view.integrations == {"int-2": 1}
    assert all(flow_id != "flow-a" for flow_id, _ in kit.view.steps)
    kit.client.unread.clear()
    kit.next()
    assert kit.flows["flow-a"] == 3
    assert kit.view.integrations["int-1"] == 4


def test_a_flow_of_which_only_the_id_can_be_read_exists_and_makes_no_integration_empty(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-c", "imp-1", 2)
    kit.client.unread["flows"] = {"flow-c"}
    kit.collect()
    assert "int-2" not in kit.view.integrations
    kit.client.unread.clear()
    kit.next()
    assert kit.view.integrations["int-2"] == 2


def test_no_total_is_told_of_an_integration_with_a_flow_of_unknown_number(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-c", "imp-1", 3)
    kit.client.incomplete.add("integration_errors")
    kit.collect()
    assert kit.flows == {"flow-a": 3, "flow-c": 3}
    assert kit.view.integrations == {"int-2": 3}


def test_an_answer_without_any_count_is_no_answer(kit: ErrorsKit) -> None:
    kit.client.incomplete.add("integration_errors")
    assert isinstance(kit.collect(), UnexpectedShape)
    assert "open_errors" not in kit.published.views


def test_only_integrations_with_flows_are_asked(kit: ErrorsKit) -> None:
    kit.client.integration_ids.append("int-empty")
    kit.collect()
    assert asked(kit) == ["int-1", "int-2"]
    assert kit.view.integrations["int-empty"] == 0


def test_flows_outside_any_integration_are_asked_for_as_none(kit: ErrorsKit) -> None:
    kit.client.flow_homes["alone"] = None
    kit.raise_errors("alone", "imp-1", 2)
    kit.collect()
    assert asked(kit) == ["int-1", "int-2", "none"]
    assert kit.view.integrations["none"] == 2


def test_an_account_without_flows_is_known_to_have_no_errors(kit: ErrorsKit) -> None:
    kit.client.flow_homes, kit.client.integration_ids = {}, []
    assert kit.collect() is None
    assert (kit.flows, kit.view.integrations, kit.view.sampled_ratio) == ({}, {}, 1.0)


def test_a_failing_integration_keeps_its_numbers_and_does_not_touch_the_others(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    error = failing(kit, "int-1")
    kit.raise_errors("flow-a", "imp-1", 1)
    kit.raise_errors("flow-c", "imp-1", 2)
    assert kit.next() is error
    assert kit.flows == {"flow-a": 3, "flow-b": 0, "flow-c": 2}


def test_numbers_of_a_failing_integration_vanish_when_they_are_stale(kit: ErrorsKit) -> None:
    kit.collect()
    failing(kit, "int-1")
    for _ in range(2):
        kit.next()
    assert set(kit.flows) == {"flow-a", "flow-b", "flow-c"}
    kit.next()
    assert set(kit.flows) == {"flow-c"}
    assert set(kit.view.integrations) == {"int-2"}
    kit.client.faults.clear()
    kit.next()
    assert set(kit.flows) == {"flow-a", "flow-b", "flow-c"}


def test_an_integration_never_read_is_absent_rather_than_zero(kit: ErrorsKit) -> None:
    failing(kit, "int-1")
    kit.collect()
    assert kit.flows == {"flow-c": 0}
    assert kit.view.integrations == {"int-2": 0}


def test_nothing_is_published_when_no_roll_up_could_be_read(kit: ErrorsKit) -> None:
    kit.collect()
    published = kit.published.count["open_errors"]
    error = failing(kit, "int-1", "int-2")
    assert kit.next() is error
    assert kit.published.count["open_errors"] == published


def test_a_refused_integration_fails_the_run_and_all_of_them_are_a_refusal(kit: ErrorsKit) -> None:
    error = failing(kit, "int-1", error=Forbidden("/v1", status=403))
    refused = kit.collect()
    assert isinstance(refused, Forbidden)
    assert refused.partial
    failing(kit, "int-1", "int-2", error=error)
    assert kit.next() is error


def test_an_integration_deleted_meanwhile_is_no_failure_but_an_endpoint_nobody_has_is(kit: ErrorsKit) -> None:
    error = failing(kit, "int-1", error=NotFound("/v1", status=404))
    assert kit.collect() is None
    failing(kit, "int-1", "int-2", error=error)
    assert kit.next() is error


def test_a_dead_token_is_tried_once(kit: ErrorsKit) -> None:
    kit.client.always("flows", Unauthorized("/v1/flows", status=401))
    assert isinstance(kit.collect(), Unauthorized)
    assert [call[0] for call in kit.client.calls] == ["flows"]


def test_a_dead_host_is_tried_once(kit: ErrorsKit) -> None:
    failing(kit, "int-1", "int-2", error=ConnectFailed("/v1"))
    kit.collect()
    assert asked(kit) == ["int-1"]


def test_without_a_list_of_flows_the_newest_one_is_used_and_the_failure_reported(kit: ErrorsKit) -> None:
    kit.collect()
    kit.client.always("flows", ServerError("/v1/flows", status=500))
    kit.raise_errors("flow-a", "imp-1", 1)
    assert isinstance(kit.next(), ServerError)
    assert kit.flows["flow-a"] == 1


def test_integrations_that_keep_failing_do_not_starve_the_others() -> None:
    kit = ErrorsKit()
    kit.client.flow_homes = {f"flow-{number}": f"int-{number}" for number in range(8)}
    kit.client.integration_ids = [f"int-{number}" for number in range(8)]
    failing(kit, "int-0", "int-1", "int-2")
    seen: set[str] = set()
    for _ in range(4):
        kit.next()
        seen.update(asked(kit))
    assert seen == set(kit.client.integration_ids)


def test_a_run_cut_by_its_deadline_goes_on_with_the_next_integration() -> None:
    kit = ErrorsKit(ErrorsSettings(timeout=30.0))
    kit.client.flow_homes = {f"flow-{number}": f"int-{number}" for number in range(8)}
    kit.client.integration_ids = [f"int-{number}" for number in range(8)]

    def slow(_: str) -> None:
        kit.clock.advance(10)

    kit.client.faults["integration_errors"] = slow
    order: list[str] = []
    for _ in range(3):
        kit.collect()
        order += asked(kit)
    assert order == [f"int-{number % 8}" for number in range(9)]


def test_a_deleted_flow_loses_its_errors(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    del kit.client.flow_homes["flow-a"]
    kit.next()
    assert set(kit.flows) == {"flow-b", "flow-c"}
    assert kit.view.integrations == {"int-1": 0, "int-2": 0}
    assert kit.steps == {}


def lagging(kit: ErrorsKit, flow_id: str) -> None:
    """Let the roll-up of int-1 go on listing a flow that the inventory does not have."""
    listed = dict(kit.client.flow_homes)
    listed.pop(flow_id, None)
    kit.client.listed_homes = listed


def test_a_deleted_flow_stays_away_while_the_roll_up_still_lists_it(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    lagging(kit, "flow-a")
    for _ in range(3):
        kit.next()
        assert set(kit.flows) == {"flow-b", "flow-c"}


def test_a_flow_newer_than_the_inventory_is_shown_at_once_and_stays(kit: ErrorsKit) -> None:
    kit.collect()
    kit.client.flow_homes["flow-new"] = "int-1"
    lagging(kit, "flow-new")
    kit.raise_errors("flow-new", "imp-1", 2)
    kit.next()
    assert kit.flows["flow-new"] == 2
    kit.client.listed_homes = None
    kit.next()
    assert kit.flows["flow-new"] == 2


def test_a_new_flow_is_not_forgotten_while_the_inventory_comes_from_the_cache(kit: ErrorsKit) -> None:
    kit.collect()
    kit.client.cached_since = kit.clock.monotonic()
    kit.client.flow_homes["flow-new"] = "int-1"
    lagging(kit, "flow-new")
    kit.raise_errors("flow-new", "imp-1", 2)
    kit.next()
    failing(kit, "int-1")
    kit.next(100)
    assert kit.flows["flow-new"] == 2


def test_an_integration_is_not_taken_for_empty_by_an_incomplete_list_of_flows(kit: ErrorsKit) -> None:
    kit.client.flow_homes = {"flow-a": "int-1"}
    kit.client.incomplete.add("flows")
    kit.collect()
    assert kit.view.integrations == {"int-1": 0}


def test_failing_roll_ups_do_not_keep_the_others_from_being_drilled_into(kit: ErrorsKit) -> None:
    kit.client.flow_homes = {f"flow-{number}": f"int-{number}" for number in range(4)}
    kit.client.integration_ids = [f"int-{number}" for number in range(4)]
    kit.raise_errors("flow-0", "imp-1", 2)
    failing(kit, "int-1", "int-2", "int-3")
    kit.collect()
    assert kit.steps == {("flow-0", "imp-1"): 2}


def test_a_deleted_flow_is_gone_from_everything_published_after(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    del kit.client.flow_homes["flow-a"]
    kit.published.history.clear()
    kit.next()
    assert kit.published.history
    assert all(view.steps == {} and "flow-a" not in view.flows for view in kit.published.history)


def test_a_flow_that_comes_back_is_read_again(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    del kit.client.flow_homes["flow-a"]
    kit.next()
    kit.client.flow_homes["flow-a"] = "int-1"
    kit.next()
    assert kit.flows["flow-a"] == 3
    assert kit.steps == {("flow-a", "imp-1"): 3}


def test_a_flow_deleted_right_after_it_cleared_leaves_no_zero_behind(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    del kit.client.flow_homes["flow-a"]
    kit.next(100)
    assert kit.steps == {}


def test_a_stranger_that_a_later_inventory_does_not_have_either_was_deleted(kit: ErrorsKit) -> None:
    kit.client.flow_homes["ghost"] = "int-1"
    lagging(kit, "ghost")
    kit.raise_errors("ghost", "imp-1", 2)
    kit.collect()
    assert "ghost" in kit.flows
    kit.next()
    assert "ghost" not in kit.flows


def test_a_moved_flow_takes_its_errors_along(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    kit.client.flow_homes["flow-a"] = "int-2"
    kit.next()
    assert kit.flows["flow-a"] == 3
    assert kit.view.integrations == {"int-1": 0, "int-2": 3}


def test_a_moved_flow_is_not_counted_twice_while_the_inventory_lags(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-c", "imp-1", 3)
    kit.collect()
    kit.client.listed_homes = dict(kit.client.flow_homes)
    kit.client.flow_homes["flow-c"] = "int-1"
    kit.next()
    assert kit.view.integrations == {"int-1": 3, "int-2": 0}


def test_a_deleted_integration_disappears(kit: ErrorsKit) -> None:
    kit.collect()
    kit.client.integration_ids = ["int-2"]
    kit.client.flow_homes = {"flow-c": "int-2"}
    kit.next()
    assert set(kit.view.integrations) == {"int-2"}
    assert asked(kit) == ["int-2"]


def test_the_roll_ups_are_published_before_the_slower_reading(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    seen: list[dict[str, int]] = []
    kit.client.faults["flow_errors"] = lambda _: seen.append(dict(kit.flows))
    kit.collect()
    assert seen == [{"flow-a": 3, "flow-b": 0, "flow-c": 0}]


def test_the_view_is_as_old_as_its_newest_roll_up(kit: ErrorsKit) -> None:
    kit.collect()
    first = kit.published.at["open_errors"]
    kit.next()
    assert kit.published.at["open_errors"] == first + INTERVAL


@pytest.mark.parametrize("name", ["../flows", "a b", ""])
def test_an_integration_id_that_cannot_stand_in_a_path_is_never_asked_for(name: str, kit: ErrorsKit) -> None:
    kit.client.integration_ids.append(name)
    kit.client.flow_homes["odd"] = name or None
    kit.collect()
    assert name not in asked(kit)
