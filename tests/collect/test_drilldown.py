"""Steps and records are read only where something changed, within caps, and nobody starves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.api.errors import Forbidden, NotFound, ServerError
from exporter.config.settings import ErrorsSettings
from tests.clocks import EPOCH
from tests.collect.errors_kit import INTERVAL, ErrorsKit, record


@pytest.fixture
def kit() -> ErrorsKit:
    return ErrorsKit()


def flows_asked(kit: ErrorsKit) -> list[str]:
    return [call[0] for call in kit.client.calls_of("flow_errors")]


def steps_asked(kit: ErrorsKit) -> list[tuple[str, str]]:
    return [(call[0], call[1]) for call in kit.client.calls_of("step_errors")]


def many(count: int, **changes: int) -> ErrorsKit:
    """An account of `count` flows in one integration."""
    kit = ErrorsKit(ErrorsSettings(**changes))  # type: ignore[arg-type]  # only caps are changed
    kit.client.flow_homes = {f"flow-{number:03}": "int-1" for number in range(count)}
    kit.client.integration_ids = ["int-1"]
    return kit


def test_an_account_without_errors_is_not_drilled_into(kit: ErrorsKit) -> None:
    kit.collect()
    assert {call[0] for call in kit.client.calls} == {"flows", "integrations", "integration_errors"}


def test_a_flow_with_errors_is_read_once_while_nothing_changes(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    assert (flows_asked(kit), steps_asked(kit)) == (["flow-a"], [("flow-a", "imp-1")])
    assert kit.steps == {("flow-a", "imp-1"): 3}
    for _ in range(3):
        kit.next()
        assert (flows_asked(kit), steps_asked(kit)) == ([], [])
        assert kit.steps == {("flow-a", "imp-1"): 3}


def test_only_the_changed_step_of_a_changed_flow_is_read_again(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-a", "exp-1", 1)
    kit.raise_errors("flow-b", "imp-1", 1)
    kit.collect()
    kit.clock.advance(10)
    kit.raise_errors("flow-a", "exp-1", 1)
    kit.next()
    assert (flows_asked(kit), steps_asked(kit)) == (["flow-a"], [("flow-a", "exp-1")])
    assert kit.steps[("flow-a", "exp-1")] == 2


def test_a_new_error_in_place_of_a_resolved_one_is_noticed_by_its_instant(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 1)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.clock.advance(10)
    kit.raise_errors("flow-a", "imp-1", 1, code="OTHER_CODE")
    kit.next()
    assert steps_asked(kit) == [("flow-a", "imp-1")]
    assert kit.view.codes == {"OTHER_CODE": 1}


def test_a_step_used_by_two_flows_is_told_apart(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-c", "imp-1", 2)
    kit.collect()
    assert kit.steps == {("flow-a", "imp-1"): 3, ("flow-c", "imp-1"): 2}


@pytest.mark.parametrize("whole_flow", [True, False], ids=["flow-clears", "one-step-clears"])
def test_a_step_that_cleared_is_zero_for_one_interval_and_then_gone(whole_flow: bool, kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    if not whole_flow:
        kit.raise_errors("flow-a", "exp-1", 1)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    assert kit.steps[("flow-a", "imp-1")] == 0
    kit.next()
    assert ("flow-a", "imp-1") not in kit.steps


def test_a_step_that_errs_again_after_clearing_is_shown_with_its_number(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    kit.raise_errors("flow-a", "imp-1", 2)
    kit.next()
    assert kit.steps == {("flow-a", "imp-1"): 2}


def test_a_flow_that_cleared_and_erred_again_with_the_same_numbers_is_read_again(kit: ErrorsKit) -> None:
    kit.client.last_errors = False
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.next()
    assert flows_asked(kit) == ["flow-a"]


def test_an_incomplete_answer_of_a_flow_clears_no_step(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-a", "exp-1", 2)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.client.incomplete.add("flow_errors")
    kit.next()
    assert kit.steps == {("flow-a", "imp-1"): 3, ("flow-a", "exp-1"): 2}


def test_flows_and_steps_asked_per_run_are_capped_and_come_in_turn() -> None:
    kit = many(7, flows_per_run=3, steps_per_run=2)
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
    flows, steps = [], []
    for _ in range(4):
        kit.next()
        assert len(flows_asked(kit)) <= 3
        assert len(steps_asked(kit)) <= 2
        flows += flows_asked(kit)
        steps += [key[0] for key in steps_asked(kit)]
    assert flows == sorted(kit.client.flow_homes)
    assert steps == sorted(kit.client.flow_homes)[:7]


def test_flows_that_change_all_the_time_do_not_starve_the_others() -> None:
    kit = many(10, flows_per_run=2, steps_per_run=2)
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
    asked: set[str] = set()
    for _ in range(6):
        for noisy in ("flow-000", "flow-001", "flow-002"):
            kit.raise_errors(noisy, "imp-1", 1)
        kit.next()
        asked.update(flows_asked(kit))
    assert asked == set(kit.client.flow_homes)


def test_flows_that_fail_all_the_time_do_not_starve_the_others() -> None:
    kit = many(10, flows_per_run=5)
    bad = {"flow-000", "flow-001", "flow-002", "flow-003"}
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
    error = ServerError("/v1/flows/{flowId}/errors", status=500)
    kit.client.faults["flow_errors"] = lambda flow_id: error if flow_id in bad else None
    for _ in range(6):
        assert kit.next() is error
    assert {flow_id for flow_id, _ in kit.steps} == set(kit.client.flow_homes) - bad


def test_steps_that_fail_all_the_time_do_not_starve_the_others() -> None:
    kit = many(10, steps_per_run=5)
    bad = {"flow-000", "flow-001", "flow-002", "flow-003"}
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
    error = ServerError("/v1/flows/{flowId}/{stepId}/errors", status=500)
    kit.client.faults["step_errors"] = lambda flow_id, *_: error if flow_id in bad else None
    for _ in range(6):
        kit.next()
    assert kit.view.sampled_ratio == 0.6


def test_flows_that_cannot_be_read_do_not_keep_the_records_of_others_from_being_read() -> None:
    kit = many(4, flows_per_run=10, steps_per_run=1)
    kit.raise_errors("flow-000", "imp-1", 1)
    kit.raise_errors("flow-000", "exp-1", 1)
    kit.collect()
    for flow_id in ("flow-001", "flow-002", "flow-003"):
        kit.raise_errors(flow_id, "imp-1", 1)
    kit.client.always("flow_errors", ServerError("/v1/flows/{flowId}/errors", status=500))
    kit.next()
    assert len(flows_asked(kit)) == 3
    assert len(steps_asked(kit)) == 1


def noisy(steps: int, flows: int = 6, **changes: int) -> ErrorsKit:
    """An account in which all `steps` of flow-000 and one step of each other flow changed at the same time."""
    kit = many(flows, **changes)
    for number in range(steps):
        kit.raise_errors("flow-000", f"imp-{number:03}", 1)
    for flow_id in sorted(kit.client.flow_homes)[1:]:
        kit.raise_errors(flow_id, "imp-000", 1)
    return kit


def test_a_flow_with_two_hundred_changed_steps_delays_the_step_of_no_other_flow() -> None:
    kit = noisy(200, steps_per_run=10)
    kit.next()
    others = {f"flow-{number:03}" for number in range(1, 6)}
    assert {flow_id for flow_id, _ in steps_asked(kit)} == {"flow-000", *others}
    assert len(steps_asked(kit)) == 10
    kit.raise_errors("flow-003", "exp-1", 1)
    kit.next()
    assert ("flow-003", "exp-1") in steps_asked(kit)


def test_what_is_left_of_the_cap_goes_to_the_flow_with_many_steps_and_each_is_read_once() -> None:
    kit = noisy(30, steps_per_run=10)
    asked = []
    for _ in range(5):
        kit.next()
        asked += steps_asked(kit)
    assert len(asked) == len(set(asked)) == 35
    assert kit.view.sampled_ratio == 1.0


def test_a_flow_whose_many_steps_change_all_the_time_starves_nobody() -> None:
    kit = noisy(40, flows=12, steps_per_run=4)
    asked: set[str] = set()
    for _ in range(4):
        for number in range(40):
            kit.raise_errors("flow-000", f"imp-{number:03}", 1)
        kit.next()
        asked.update(flow_id for flow_id, _ in steps_asked(kit))
    assert asked == set(kit.client.flow_homes)


@pytest.mark.parametrize("passed", [INTERVAL, 86_400.0], ids=["minutes", "a-day"])
def test_nothing_below_the_roll_ups_is_asked_when_nothing_changed(passed: float) -> None:
    kit = noisy(20, steps_per_run=500)
    kit.collect()
    kit.next()
    for _ in range(3):
        kit.next(passed)
        assert {call[0] for call in kit.client.calls} == {
            "flows", "integrations", "integration_errors",
        }  # fmt: skip


def test_the_cost_of_a_run_follows_what_changed() -> None:
    kit = many(40, flows_per_run=500, steps_per_run=500)
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
        kit.raise_errors(flow_id, "exp-1", 1)
    kit.collect()
    costs = []
    for changed in (0, 1, 3, 10):
        kit.clock.advance(10)
        for flow_id in sorted(kit.client.flow_homes)[:changed]:
            kit.raise_errors(flow_id, "imp-1", 1)
        kit.next()
        costs.append((len(flows_asked(kit)), len(steps_asked(kit))))
    assert costs == [(0, 0), (1, 1), (3, 3), (10, 10)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=12),
    st.integers(1, 4),
    st.sets(st.integers(0, 9), max_size=2),
)
def test_whatever_changes_every_flow_with_errors_is_read_in_the_end(
    rounds: list[list[int]], cap: int, failing: set[int]
) -> None:
    kit = many(10, flows_per_run=cap, steps_per_run=10)
    bad = {f"flow-{number:03}" for number in failing}
    error = ServerError("/v1/flows/{flowId}/errors", status=500)
    kit.client.faults["flow_errors"] = lambda flow_id: error if flow_id in bad else None
    for changed in rounds:
        for number in changed:
            kit.raise_errors(f"flow-{number:03}", "imp-1", 1)
        kit.next()
    for _ in range(15):
        kit.next()
        assert len(flows_asked(kit)) <= cap
    told = {flow_id: number for (flow_id, _), number in kit.steps.items()}
    expected = {key[0]: len(held) for key, held in kit.client.open_errors.items() if key[0] not in bad}
    assert told == expected


def test_a_run_that_the_flow_calls_refuse_is_not_asked_on_and_on() -> None:
    kit = many(30)
    for flow_id in kit.client.flow_homes:
        kit.raise_errors(flow_id, "imp-1", 1)
    kit.client.always("flow_errors", Forbidden("/v1/flows/{flowId}/errors", status=403))
    refused = kit.collect()
    assert isinstance(refused, Forbidden)
    assert refused.partial
    assert len(flows_asked(kit)) == 3
    assert sum(kit.flows.values()) == 30


def test_numbers_of_steps_that_could_not_be_read_again_for_long_become_unknown(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-b", "imp-1", 1)
    kit.collect()
    kit.client.faults["flow_errors"] = lambda _: ServerError("/v1/flows/{flowId}/errors", status=500)
    kit.clock.advance(10)
    kit.raise_errors("flow-a", "imp-1", 1)
    for _ in range(3):
        kit.next()
    assert kit.steps == {("flow-a", "imp-1"): 3, ("flow-b", "imp-1"): 1}
    kit.next()
    assert kit.steps == {("flow-b", "imp-1"): 1}
    assert set(kit.view.oldest) == {"flow-b"}
    kit.client.faults.clear()
    kit.next()
    assert kit.steps == {("flow-a", "imp-1"): 4, ("flow-b", "imp-1"): 1}


def test_the_oldest_error_is_known_only_when_all_records_of_all_steps_were_read() -> None:
    kit = ErrorsKit(ErrorsSettings(pages_per_step=1))
    kit.client.record_page_size = 2
    kit.client.open_errors[("flow-a", "imp-1")] = [record("1", -50), record("2", -40)]
    kit.client.open_errors[("flow-a", "exp-1")] = [record("3", -90)]
    kit.client.open_errors[("flow-b", "imp-1")] = [record("4", -70), record("5", -60), record("6", -999)]
    kit.collect()
    assert kit.view.oldest == {"flow-a": EPOCH - 90}
    assert kit.client.calls_of("step_errors")[0][2] == 1


def test_a_record_without_an_instant_makes_the_oldest_unknown(kit: ErrorsKit) -> None:
    kit.client.open_errors[("flow-a", "imp-1")] = [record("1", -50), record("2", None)]
    kit.collect()
    assert kit.view.oldest == {}


def test_a_step_without_a_list_of_its_errors_keeps_its_number_and_is_not_asked_again(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.client.always("step_errors", NotFound("/v1/flows/{flowId}/{stepId}/errors", status=404))
    assert kit.collect() is None
    assert kit.steps == {("flow-a", "imp-1"): 3}
    assert (kit.view.codes, kit.view.sampled_ratio) == (None, 0.0)
    kit.next()
    assert steps_asked(kit) == []


def test_records_of_a_deleted_flow_are_not_asked_for(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.client.always("step_errors", ServerError("/v1/flows/{flowId}/{stepId}/errors", status=500))
    kit.collect()
    del kit.client.flow_homes["flow-a"]
    kit.next()
    assert steps_asked(kit) == []


def test_a_failing_step_is_asked_again_and_reported(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    error = ServerError("/v1/flows/{flowId}/{stepId}/errors", status=500)
    kit.client.always("step_errors", error)
    assert kit.collect() is error
    kit.client.faults.clear()
    assert kit.next() is None
    assert steps_asked(kit) == [("flow-a", "imp-1")]
    assert kit.view.sampled_ratio == 1.0


@pytest.mark.parametrize(("flow_id", "step_id"), [("flow-a", "../x"), ("a/b", "imp-1")], ids=["step", "flow"])
def test_an_id_that_cannot_stand_in_a_path_is_never_asked_for(flow_id: str, step_id: str, kit: ErrorsKit) -> None:
    kit.client.flow_homes[flow_id] = "int-1"
    kit.raise_errors(flow_id, step_id, 2)
    assert kit.collect() is None
    assert kit.flows[flow_id] == 2
    assert (flow_id not in flows_asked(kit)) or steps_asked(kit) == []


def test_a_scrape_that_comes_early_does_not_lose_the_zero_of_a_cleared_step(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 1)
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    kit.next(INTERVAL / 2)
    assert kit.steps == {("flow-a", "imp-1"): 0}
