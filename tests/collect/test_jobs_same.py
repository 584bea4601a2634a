"""What did not change of finished runs is the same object: nobody looks for a change where there is none."""

import pytest

from exporter.changes import changed_keys
from tests.collect.jobs_kit import JobsKit
from tests.ledger.rows import FLOW, INTEGRATION


@pytest.fixture
def kit() -> JobsKit:
    kit = JobsKit()
    kit.client.flow_homes = {FLOW: INTEGRATION, "idle": INTEGRATION, "other": INTEGRATION}
    return kit


def test_a_reading_of_nothing_new_publishes_the_very_mappings_of_before(kit: JobsKit) -> None:
    kit.collect()
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    before = kit.runs
    kit.next()
    assert kit.runs is not before
    assert kit.runs.flows is before.flows
    assert kit.runs.integrations is before.integrations
    assert kit.runs.histories is before.histories


def test_after_a_run_only_its_flow_has_another_tally(kit: JobsKit) -> None:
    kit.collect()
    before = kit.runs
    kit.clock.advance(30)
    kit.finish("a")
    kit.next()
    assert changed_keys(before.flows, kit.runs.flows) == {FLOW}
    assert before.flows[FLOW].runs == (0, 0, 0)
