"""The ground truth equals what the API serves, at one frozen instant and after hours and incidents."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.simulator.contract.account import DAY
from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import Account, Launch

Row = dict[str, Any]
FINISHED = {"completed", "failed", "canceled"}
HOUR = 3600.0
AGES = {"1h": 1, "24h": 24, "7d": 7 * 24, "25d": 25 * 24}


@pytest.fixture(scope="module", params=["at-start", "hours-later", "with-incidents"])
def lived(request: pytest.FixtureRequest, launch: Launch) -> Iterator[Account]:
    """An account at three points of its life; its clock stands still."""
    with launch(flows=36, seed=11, page_size=200, job_page_size=150, history_seconds=21_600.0) as account:
        if request.param != "at-start":
            account.advance(5 * HOUR)
            account.api.get("/v1/tokenInfo")
            account.advance(2 * HOUR + 1.234)
        if request.param == "with-incidents":
            flows = [
                flow for flow in account.api.rows("/v1/flows") if flow.get("schedule") and not flow.get("disabled")
            ]
            account.control.inject("error_storm", flow=flows[0]["_id"], count=321, classification="parse", code="STORM")
            account.control.inject("flow_disabled", flow=flows[1]["_id"])
            account.control.inject("resolve_errors", flow=flows[2]["_id"])
            account.control.inject("connection_offline", connection=account.api.rows("/v1/connections")[0]["_id"])
            account.advance(HOUR)
        yield account


@pytest.fixture(scope="module")
def truth(lived: Account) -> Row:
    return lived.control.truth()


@pytest.fixture(scope="module")
def parents(lived: Account) -> list[Row]:
    return lived.api.jobs(createdAt_gte="2020-01-01")


def test_truth_is_of_the_frozen_instant(lived: Account, truth: Row) -> None:
    assert truth["now"] == lived.control.now()


def test_flows_and_integrations_of_the_truth_are_those_of_the_lists(lived: Account, truth: Row) -> None:
    flows = {flow["_id"]: flow for flow in lived.api.rows("/v1/flows")}
    assert {row["id"] for row in truth["flows"] if not row.get("deleted")} == set(flows)
    for row in truth["flows"]:
        flow = flows[row["id"]]
        assert row["name"] == flow["name"]
        assert row["integration_id"] == flow.get("_integrationId", "none")
        assert row["enabled"] is not flow.get("disabled", False)
        assert (row["last_executed_at"] is None) == ("lastExecutedAt" not in flow)
        if row["last_executed_at"] is not None:
            assert row["last_executed_at"] == pytest.approx(instant(flow["lastExecutedAt"]), abs=0.001)
    listed = {row["_id"]: row["name"] for row in lived.api.rows("/v1/integrations")}
    assert {row["id"]: row["name"] for row in truth["integrations"] if not row["deleted"]} == listed


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_connections_of_the_truth_are_those_of_the_list(lived: Account, truth: Row) -> None:
    listed = {}
    for row in lived.api.rows("/v1/connections", fetchQueueSize="true"):
        queue = row.get("queueSize", sum(queue["size"] for queue in row.get("queues", [])))
        listed[row["_id"]] = (not row.get("offline", False), queue)
    assert {row["id"]: (row["online"], row["queue"]) for row in truth["connections"]} == listed


def _without_zeros(open_errors: dict[str, dict[str, Row]]) -> dict[str, dict[str, Row]]:
    kept = {flow: {step: row for step, row in steps.items() if row["count"]} for flow, steps in open_errors.items()}
    return {flow: steps for flow, steps in kept.items() if steps}


def _served_open_errors(api: Api) -> dict[str, dict[str, list[Row]]]:
    served: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for flow in api.rows("/v1/flows"):
        for row in (api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            if row["numError"]:
                served[flow["_id"]][row["_expOrImpId"]] = api.step_errors(flow["_id"], row["_expOrImpId"])
    return served


def test_open_errors_of_the_truth_are_the_served_records_by_step_class_source_and_code(
    lived: Account, truth: Row
) -> None:
    served = _served_open_errors(lived.api)
    expected = _without_zeros(truth["open_errors"])
    assert {flow: set(steps) for flow, steps in expected.items()} == {
        flow: set(steps) for flow, steps in served.items()
    }
    assert expected
    for flow_id, steps in expected.items():
        for step_id, row in steps.items():
            records = served[flow_id][step_id]
            assert row["count"] == len(records)
            stamps = [instant(record["occurredAt"]) for record in records]
            assert row["last"] == pytest.approx(max(stamps), abs=0.001)
            assert row["oldest"] == pytest.approx(min(stamps), abs=0.001)
            for key, name in (("by_source", "source"), ("by_code", "code")):
                assert row[key] == dict(Counter(record[name] for record in records))
            classes = Counter(record.get("classification") or "none" for record in records)
            assert _merged_none(row["by_classification"]) == dict(classes)
            assert row["older_than"] == {
                name: sum(truth["now"] - stamp > hours * HOUR for stamp in stamps) for name, hours in AGES.items()
            }
            purges = [instant(record["purgeAt"]) for record in records]
            assert row["expiring"] == sum(purge <= truth["now"] + 3 * DAY for purge in purges)
            assert row["unassigned"] == sum(not record["assignedTo"] for record in records)


def test_resolved_errors_of_the_truth_are_those_of_the_statistics_of_flows_that_ran(lived: Account, truth: Row) -> None:
    rows = lived.api.stats(time_gt=int((truth["now"] - 29 * DAY) * 1000), time_lte=int(truth["now"] * 1000))
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        home = row.get("_integrationId", "none")
        served[home].update(user=row["numResolvedByUser"], auto=row["numResolvedByAuto"])
    assert {home: +Counter(by) for home, by in truth["errors_resolved"].items()} == {
        home: by for home, counts in served.items() if (by := +counts)
    }
    assert served


def _merged_none(by_class: dict[str, int]) -> dict[str, int]:
    """An empty classification counts as `none` (contract 2), however the truth spells it."""
    merged: Counter[str] = Counter()
    for name, count in by_class.items():
        merged[name or "none"] += count
    return dict(merged)


def test_finished_runs_per_flow_and_status_are_those_of_all_pages_of_jobs(truth: Row, parents: list[Row]) -> None:
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for row in parents:
        if row["type"] == "flow" and row["status"] in FINISHED:
            served[row["_flowId"]][row["status"]] += 1
    expected = {flow: +Counter(counts) for flow, counts in truth["runs_finished"].items()}
    assert {flow: counts for flow, counts in expected.items() if counts} == dict(served)
    assert served


def test_finished_retries_per_flow_and_status_are_those_of_all_pages_of_jobs(truth: Row, parents: list[Row]) -> None:
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for row in parents:
        if row["type"] == "retry" and row["status"] in FINISHED:
            served[row["_flowId"]][row["status"]] += 1
    expected = {flow: +Counter(counts) for flow, counts in truth["retries_finished"].items()}
    assert {flow: counts for flow, counts in expected.items() if counts} == dict(served)
    assert served


def test_records_per_flow_are_the_sums_over_finished_runs(truth: Row, parents: list[Row]) -> None:
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for row in parents:
        if row["type"] == "flow" and row["status"] in FINISHED:
            for name, key in (("success", "numSuccess"), ("error", "numError"), ("ignored", "numIgnore")):
                served[row["_flowId"]][name] += row[key]
    expected = {flow: +Counter(counts) for flow, counts in truth["records"].items()}
    assert {flow: c for flow, c in expected.items() if c} == {flow: +c for flow, c in served.items() if +c}
    assert served


def test_active_runs_are_those_of_the_current_list(lived: Account, truth: Row) -> None:
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for row in lived.api.current():
        served[row["_flowId"]][row["status"]] += 1
    expected = {flow: +Counter(counts) for flow, counts in truth["active"].items()}
    assert {flow: counts for flow, counts in expected.items() if counts} == dict(served)
    assert served


def test_the_runs_of_the_truth_are_the_rows_of_the_list(lived: Account, parents: list[Row]) -> None:
    listed = {row["_id"]: row for row in lived.control.truth_runs(0, lived.control.now() + 1)}
    assert set(listed) == {row["_id"] for row in parents}
    for row in parents:
        for key in ("status", "type", "_flowId", "numError", "numSuccess"):
            assert listed[row["_id"]][key] == row[key]
        finished = listed[row["_id"]].get("finishedAt")
        assert (finished is not None) == (row["status"] in FINISHED)
        if finished is not None:
            assert finished == pytest.approx(instant(row["endedAt"]), abs=0.002)


def test_the_runs_of_the_truth_can_be_asked_by_window(lived: Account) -> None:
    now = lived.control.now()
    everything = lived.control.truth_runs(0, now + 1)
    middle = now - 3 * HOUR
    parts = lived.control.truth_runs(0, middle), lived.control.truth_runs(middle, now + 1)
    assert all(parts)
    assert {row["_id"] for part in parts for row in part} == {row["_id"] for row in everything}
    assert len(parts[0]) < len(everything)


def test_open_errors_of_a_run_follow_its_raised_and_resolved_ones_mostly(parents: list[Row]) -> None:
    rows = [row for row in parents if row["type"] == "flow" and row["numError"] and "numOpenError" in row]
    assert rows
    agreeing = sum(row["numOpenError"] == row["numError"] - row["numResolved"] for row in rows)
    assert agreeing >= 0.8 * len(rows)


def test_raised_errors_of_a_finished_run_never_change_while_resolved_ones_grow(launch: Launch) -> None:
    with launch(flows=36, seed=11) as account:
        before = {
            r["_id"]: r for r in account.api.jobs(type="flow", createdAt_gte="2020-01-01") if r["status"] in FINISHED
        }
        account.advance(DAY)
        after = {r["_id"]: r for r in account.api.jobs(type="flow", createdAt_gte="2020-01-01")}
        for identity, row in before.items():
            for key in ("numError", "numSuccess", "status", "createdAt", "endedAt", "startedAt"):
                assert after[identity].get(key) == row.get(key)
            assert after[identity]["numResolved"] >= row["numResolved"]
        assert any(after[identity]["numResolved"] > row["numResolved"] for identity, row in before.items())


def test_runs_are_purged_after_the_retention_but_still_counted_in_the_truth(launch: Launch) -> None:
    with launch(flows=4, history_seconds=HOUR, retention_seconds=2 * DAY, backlog=False) as account:
        old = [row["_id"] for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01")]
        finished = sum(sum(c.values()) for c in account.control.truth()["runs_finished"].values())
        assert old
        account.advance(3 * DAY)
        assert not set(old) & {row["_id"] for row in account.api.jobs(type="flow", createdAt_gte="2020-01-01")}
        assert account.api.call("GET", f"/v1/jobs/{old[0]}").status_code == 404
        assert sum(sum(c.values()) for c in account.control.truth()["runs_finished"].values()) > finished
