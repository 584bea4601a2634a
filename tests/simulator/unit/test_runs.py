"""Job rows: what is absent when, what moves, what adds up."""

from typing import Any

import pytest

from exporter.simulator.runs import Run
from exporter.simulator.timestamps import iso
from tests.simulator.unit.build import DAY, HOUR, MINUTE, START, flow, plan, run, step

RETENTION = 30 * DAY


def row(of: Run, now_ms: int = START) -> dict[str, object]:
    return of.row(now_ms, RETENTION)


def count(content: dict[str, object], key: str) -> int:
    value = content[key]
    assert isinstance(value, int)
    return value


def running(**changes: Any) -> Run:
    built = run(plan=plan(records=100, ignored=2, errors=((step(2).id, 4),)), **changes)
    built.status, built.started_ms = "running", START + 1000
    return built


def ended(status: str = "completed", **changes: Any) -> Run:
    built = running(**changes)
    built.settle(plan(records=100, ignored=2, errors=((step(2).id, 4),), status=status), START + MINUTE)
    return built


def test_a_queued_run_has_neither_start_nor_end() -> None:
    content = row(run())
    assert content["status"] == "queued"
    assert not {"startedAt", "endedAt", "lastExecutedAt"} & set(content)
    assert (content["numExport"], content["numSuccess"], content["numPagesGenerated"]) == (0, 0, 0)


def test_a_running_run_has_a_start_and_no_end() -> None:
    content = row(running(), START + 2000)
    assert content["startedAt"] == iso(START + 1000)
    assert "endedAt" not in content


def test_the_counters_of_a_running_run_only_grow_and_end_below_the_final_ones() -> None:
    of, final = running(), ended()
    steps = [row(of, START + 1000 + share * 600) for share in range(0, 101, 10)]
    for key in ("numExport", "numSuccess", "numPagesGenerated", "numPagesProcessed", "numError", "numIgnore"):
        values = [count(content, key) for content in steps]
        assert values == sorted(values)
    last = row(final)
    for key in ("numExport", "numSuccess", "numPagesGenerated"):
        assert count(steps[-1], key) <= count(last, key)
    assert steps[0]["numExport"] == 0
    assert steps[5]["numExport"] != steps[2]["numExport"]


def test_reading_runs_ahead_of_processing() -> None:
    content = row(running(), START + 1000 + 48_000)
    assert content["doneExporting"] is True
    assert content["numSuccess"] != row(ended())["numSuccess"]


def test_a_finished_parent_sums_over_all_steps() -> None:
    content = row(ended())
    assert content["numSuccess"] == 100 + (100 - 4 - 2)
    assert (content["numError"], content["numIgnore"], content["numExport"]) == (4, 2, 100)
    assert content["numPagesProcessed"] == 0


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_finished_run_has_its_status_and_an_end(status: str) -> None:
    content = row(ended(status))
    assert (content["status"], content["endedAt"]) == (status, iso(START + MINUTE))


def test_only_canceled_runs_name_who_canceled() -> None:
    of = running()
    of.settle(plan(status="canceled", canceled_by="system"), START + MINUTE)
    assert row(of)["canceledBy"] == "system"
    assert str(row(of)["lastExecutedAt"]) < str(row(of)["endedAt"])
    assert "canceledBy" not in row(ended())


@pytest.mark.parametrize(("first", "present"), [("8", True), ("f", True), ("0", False)])
def test_some_rows_lack_the_open_count(*, first: str, present: bool) -> None:
    of = ended(id=first * 2 + "a" * 20 + "00")
    of.num_resolved = 1
    content = row(of)
    assert ("numOpenError" in content) is present
    if present:
        assert content["numOpenError"] == 3


def test_a_standalone_flow_has_no_integration_key() -> None:
    assert "_integrationId" not in row(run())
    assert row(run(integration_id="b" * 24))["_integrationId"] == "b" * 24


def test_purge_time_is_creation_plus_retention() -> None:
    assert row(run())["purgeAt"] == iso(START + RETENTION)


def test_a_stuck_run_shows_the_same_counters_for_ever() -> None:
    of = running()
    of.stuck_share = 0.3
    early, late = row(of, START + 2000), row(of, START + 9 * HOUR)
    assert early == late


def test_children_have_no_flow_and_sum_to_their_parent() -> None:
    of = ended()
    children = of.children(START + HOUR, RETENTION)
    assert [child["type"] for child in children] == ["export", "import"]
    assert all(not {"_flowId", "_integrationId"} & set(child) for child in children)
    assert {child["_flowJobId"] for child in children} == {of.id}
    for key in ("numSuccess", "numError", "numIgnore"):
        assert sum(count(child, key) for child in children) == row(of)[key]


def test_child_ids_differ_from_the_parents_and_from_each_other() -> None:
    of = ended()
    ids = [child["_id"] for child in of.children(START, RETENTION)]
    assert len({of.id, *ids}) == 3
    assert all(len(str(identity)) == 24 for identity in ids)


def test_a_queued_run_and_a_retry_have_no_children() -> None:
    assert run().children(START, RETENTION) == []
    assert ended(kind="retry").children(START, RETENTION) == []


def test_a_retry_names_its_step_and_who_started_it() -> None:
    of = run(kind="retry", step_id=step(2).id, step_kind="import", triggered_by="autopilot")
    of.started_ms = START + 1000
    of.end_retry(resolved=5, failed=2, now_ms=START + MINUTE)
    content = row(of)
    assert (content["_importId"], content["triggeredBy"]) == (step(2).id, "autopilot")
    assert (content["numSuccess"], content["numError"], content["numResolved"]) == (5, 2, 5)
    assert "numOpenError" not in content


def test_runs_of_several_generators_share_a_group() -> None:
    of = flow()
    assert row(run(of, group="g1"))["flowExecutionGroupId"] == "g1"
    assert "flowExecutionGroupId" not in row(run(of))
