"""Breakdowns, codes and the sampled ratio: true as far as records were read, and absent where nothing is known."""

import pytest

from exporter.api.errors import ServerError
from exporter.config.settings import ErrorsSettings
from tests.collect.errors_kit import ErrorsKit


@pytest.fixture
def kit() -> ErrorsKit:
    return ErrorsKit()


def test_breakdowns_add_up_over_the_flows_of_an_integration(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3, classification="value", source="application")
    kit.raise_errors("flow-b", "imp-1", 2, classification="value", source="lookup")
    kit.raise_errors("flow-c", "imp-1", 1, classification="missing", source="mapping")
    kit.collect()
    assert kit.view.classifications == {"int-1": {"value": 5}, "int-2": {"missing": 1}}
    assert kit.view.sources == {"int-1": {"application": 3, "lookup": 2}, "int-2": {"mapping": 1}}


def test_an_integration_without_errors_has_known_breakdowns(kit: ErrorsKit) -> None:
    kit.collect()
    assert kit.view.classifications == {"int-1": {}, "int-2": {}}
    assert kit.view.codes == {}
    assert kit.view.sampled_ratio == 1.0


def test_breakdowns_are_absent_where_no_record_was_read(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.client.always("step_errors", ServerError("/v1/flows/{flowId}/{stepId}/errors", status=500))
    kit.collect()
    assert set(kit.view.classifications) == set(kit.view.sources) == {"int-2"}
    assert kit.view.codes is None
    assert kit.view.sampled_ratio == 0.0


def test_the_sampled_ratio_is_the_share_of_errors_whose_records_were_read() -> None:
    kit = ErrorsKit(ErrorsSettings(pages_per_step=1))
    kit.client.record_page_size = 10
    kit.raise_errors("flow-a", "imp-1", 30)
    kit.raise_errors("flow-b", "imp-1", 10)
    kit.collect()
    assert kit.view.sampled_ratio == 0.5
    assert sum(kit.view.classifications["int-1"].values()) == 20


def test_errors_that_went_away_do_not_push_the_ratio_over_one(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 30)
    kit.raise_errors("flow-b", "imp-1", 10)
    kit.collect()
    kit.client.open_errors[("flow-a", "imp-1")] = kit.client.open_errors[("flow-a", "imp-1")][:5]
    kit.client.always("flow_errors", ServerError("/v1/flows/{flowId}/errors", status=500))
    kit.next()
    assert kit.view.sampled_ratio == 1.0


def test_a_sample_counts_for_no_more_than_its_step_has_errors(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 30)
    kit.collect()
    kit.client.open_errors[("flow-a", "imp-1")] = kit.client.open_errors[("flow-a", "imp-1")][:5]
    kit.raise_errors("flow-a", "exp-1", 15)
    kit.client.always("step_errors", ServerError("/v1/flows/{flowId}/{stepId}/errors", status=500))
    kit.next()
    assert kit.view.sampled_ratio == 0.25


def test_errors_of_a_resolved_step_leave_the_breakdowns_at_once(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3, code="A")
    kit.raise_errors("flow-b", "imp-1", 2, code="B")
    kit.collect()
    kit.resolve("flow-a", "imp-1")
    kit.next()
    assert kit.view.codes == {"B": 2}
    assert kit.view.classifications["int-1"] == {"value": 2}


@pytest.mark.parametrize(("bound", "folded"), [(50, 0), (4, 0), (3, 1), (2, 2)])
def test_distinct_codes_are_bounded_for_the_whole_account(bound: int, folded: int) -> None:
    kit = ErrorsKit(ErrorsSettings(codes=bound))
    for number, flow_id in enumerate(("flow-a", "flow-b", "flow-c")):
        kit.raise_errors(flow_id, "imp-1", number + 1, code=f"C{number}")
    kit.raise_errors("flow-a", "exp-1", 4, code="C9")
    kit.collect()
    codes = kit.view.codes
    assert codes is not None
    assert sum(codes.values()) == 10
    assert len(codes) == min(4, bound + 1)
    assert kit.view.folded_codes == folded
    assert codes["C9"] == 4


def test_what_nothing_changed_in_is_the_very_same_in_view_after_view(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-c", "imp-1", 1)
    kit.collect()
    first = kit.view
    kit.published.history.clear()
    kit.next()
    assert len(kit.published.history) == 1
    for name in ("flows", "integrations", "steps", "flow_steps", "oldest", "classifications", "sources", "codes"):
        assert getattr(kit.view, name) is getattr(first, name), name


def test_flows_that_stayed_are_the_very_same_beside_one_that_changed(kit: ErrorsKit) -> None:
    kit.raise_errors("flow-a", "imp-1", 3)
    kit.raise_errors("flow-c", "imp-1", 1)
    kit.collect()
    first = kit.view
    kit.raise_errors("flow-a", "exp-1", 1)
    kit.next()
    assert kit.view.flow_steps == {"flow-a": (("imp-1", 3), ("exp-1", 1)), "flow-c": (("imp-1", 1),)}
    assert kit.view.flow_steps["flow-c"] is first.flow_steps["flow-c"]
    assert kit.view.flows["flow-c"] is first.flows["flow-c"]
    assert kit.view.classifications["int-2"] is first.classifications["int-2"]


def test_a_thousand_hostile_codes_make_no_more_labels_than_the_bound(kit: ErrorsKit) -> None:
    for number in range(1000):
        kit.raise_errors("flow-a", "imp-1", 1, code=f"SO-{number}")
    kit.collect()
    assert kit.view.codes is not None
    assert len(kit.view.codes) == 51
