"""What a run looks like (contract 3.7, 3.8, 4): every kind of row is in the sample account, and its fields agree."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.simulator.contract.account import DAY, Sample
from tests.simulator.contract.client import Api

IN_PROGRESS = {"queued", "running", "retrying", "canceling"}
FINISHED = {"completed", "failed", "canceled"}
RETENTION = 30 * DAY
Row = dict[str, Any]


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture(scope="module")
def runs(api: Api) -> list[Row]:
    return api.jobs(type="flow", createdAt_gte="2020-01-01")


@pytest.fixture(scope="module")
def retries(api: Api) -> list[Row]:
    return api.jobs(type="retry", createdAt_gte="2020-01-01")


@pytest.fixture(scope="module")
def flows(api: Api) -> dict[str, Row]:
    return {flow["_id"]: flow for flow in api.rows("/v1/flows")}


def test_only_known_statuses_with_one_l_occur(runs: list[Row], retries: list[Row]) -> None:
    seen = {row["status"] for row in runs + retries}
    assert seen <= IN_PROGRESS | FINISHED
    assert seen >= {"queued", "running", "completed", "failed", "canceled"}


def test_queued_runs_have_no_start_and_runs_in_progress_no_end(runs: list[Row]) -> None:
    for row in runs:
        assert ("startedAt" not in row) or row["status"] != "queued"
        assert ("endedAt" in row) == (row["status"] in FINISHED)


def test_instants_of_a_run_are_in_order_and_not_in_the_future(runs: list[Row], sample: Sample) -> None:
    for row in runs:
        stamps = [instant(row[key]) for key in ("createdAt", "startedAt", "endedAt") if key in row]
        assert stamps == sorted(stamps)
        assert stamps[-1] <= sample.now + 0.001


def test_a_run_is_purged_thirty_days_after_its_creation(runs: list[Row]) -> None:
    for row in runs:
        assert instant(row["purgeAt"]) - instant(row["createdAt"]) == pytest.approx(RETENTION, abs=0.002)


def test_one_run_waits_in_the_queue_for_ten_days(runs: list[Row], sample: Sample) -> None:
    ages = [sample.now - instant(row["createdAt"]) for row in runs if row["status"] == "queued"]
    assert max(ages) >= 10 * DAY - 1


def test_counters_never_contradict_each_other_wildly(runs: list[Row]) -> None:
    for row in runs:
        assert row.get("numOpenError", 0) <= row["numError"]
        assert row["numPagesGenerated"] >= 0


def test_completed_does_not_mean_without_errors(runs: list[Row]) -> None:
    completed = [row for row in runs if row["status"] == "completed"]
    assert any(row["numError"] > 0 for row in completed)
    assert any(row["numError"] == 0 and row["numSuccess"] > 0 for row in completed)


def test_empty_runs_and_failed_runs_happen_but_are_few(runs: list[Row]) -> None:
    assert any(row["status"] == "completed" and row["numExport"] == 0 for row in runs)
    finished = [row for row in runs if row["status"] in FINISHED]
    failed = sum(row["status"] == "failed" for row in finished)
    assert 0 < failed < len(finished) * 0.1


def test_canceled_runs_name_who_canceled_and_others_do_not(runs: list[Row]) -> None:
    canceled = [row for row in runs if row["status"] == "canceled"]
    assert canceled
    for row in runs:
        assert bool(row.get("canceledBy")) == (row["status"] == "canceled")


def test_standalone_flows_have_rows_without_an_integration(runs: list[Row], flows: dict[str, Row]) -> None:
    assert any("_integrationId" not in row for row in runs)
    for row in runs:
        if row["_flowId"] in flows:
            assert row.get("_integrationId") == flows[row["_flowId"]].get("_integrationId")


def test_every_run_names_the_generator_that_made_it(runs: list[Row], flows: dict[str, Row]) -> None:
    for row in runs:
        flow = flows[row["_flowId"]]
        generators = {item["_exportId"] for item in flow.get("pageGenerators", [])} | {flow.get("_exportId")}
        assert row["_exportId"] in generators


def test_a_flow_with_several_generators_has_a_row_per_generator(runs: list[Row], flows: dict[str, Row]) -> None:
    several = [flow for flow in flows.values() if len(flow.get("pageGenerators", [])) > 1]
    ran = [{row["_exportId"] for row in runs if row["_flowId"] == flow["_id"]} for flow in several]
    assert any(len(exports) > 1 for exports in ran)


def test_the_last_execution_on_a_row_is_mostly_not_its_end(runs: list[Row]) -> None:
    ended = [row for row in runs if "endedAt" in row and "lastExecutedAt" in row]
    equal = sum(row["endedAt"] == row["lastExecutedAt"] for row in ended)
    assert equal < len(ended) / 2


def test_retry_jobs_are_parents_of_their_own_with_a_flow_and_a_step(retries: list[Row], runs: list[Row]) -> None:
    assert not {row["_id"] for row in retries} & {row["_id"] for row in runs}
    for row in retries:
        assert row["_flowId"]
        assert row.get("_exportId") or row.get("_importId")
        assert row["triggeredBy"]
        assert {"numSuccess", "numError", "numIgnore"} <= set(row)
    assert any(row["numResolved"] > 0 for row in retries)


def test_scheduled_runs_are_not_marked_as_triggered(runs: list[Row]) -> None:
    assert all("triggeredBy" not in row for row in runs)


def test_steps_of_a_run_have_counts_but_no_flow_and_add_up_to_the_parent(api: Api, runs: list[Row]) -> None:
    finished = [row for row in runs if row["status"] == "completed" and row["numSuccess"] > 0]
    for parent in finished[:15]:
        children = api.get(f"/v1/jobs/{parent['_id']}/family")["children"]
        for child in children:
            assert child["type"] in {"export", "import"}
            assert child.get("_exportId" if child["type"] == "export" else "_importId")
            assert child["_flowJobId"] == child["_parentJobId"] == parent["_id"]
            assert not {"_flowId", "_integrationId"} & set(child)
        assert parent["numSuccess"] == sum(child["numSuccess"] for child in children)
        assert parent["numError"] == sum(child["numError"] for child in children)
        assert parent["numIgnore"] == sum(child["numIgnore"] for child in children)


def test_the_family_is_the_parent_with_the_steps_the_list_gives(api: Api, sample: Sample) -> None:
    family = api.get(f"/v1/jobs/{sample.job_id}/family")
    children = family.pop("children")
    assert family == api.get(f"/v1/jobs/{sample.job_id}")
    listed = api.get("/v1/jobs", _flowJobId=sample.job_id)
    assert {row["_id"] for row in children} == {row["_id"] for row in listed}


def test_a_run_by_id_is_the_row_of_the_list(api: Api, runs: list[Row]) -> None:
    for row in runs[:10]:
        assert api.get(f"/v1/jobs/{row['_id']}") == row


def test_the_latest_runs_of_a_flow_are_the_newest_of_each_generator(
    api: Api, runs: list[Row], flows: dict[str, Row]
) -> None:
    for flow_id in list(flows)[:25]:
        own = [row for row in runs if row["_flowId"] == flow_id]
        newest: dict[str, str] = {}
        for row in own:
            newest[row["_exportId"]] = max(row["createdAt"], newest.get(row["_exportId"], ""))
        latest = api.get(f"/v1/flows/{flow_id}/jobs/latest") or []
        assert {row["_exportId"]: row["createdAt"] for row in latest} == newest


def test_current_is_exactly_the_parents_in_progress(api: Api) -> None:
    parents = api.jobs(createdAt_gte="2020-01-01")
    unfinished = {row["_id"]: row["status"] for row in parents if row["status"] in IN_PROGRESS}
    assert {row["_id"]: row["status"] for row in api.current()} == unfinished


@pytest.mark.parametrize("status", ["queued", "running"])
def test_current_obeys_its_status_list(status: str, api: Api) -> None:
    found = api.current(status=[status])
    assert {row["_id"] for row in found} == {row["_id"] for row in api.current() if row["status"] == status}
    assert found


def test_current_obeys_flow_and_integration_lists_and_none(api: Api) -> None:
    everything = api.current()
    flow = everything[0]["_flowId"]
    assert {row["_id"] for row in api.current(_flowIds=[flow])} == {
        r["_id"] for r in everything if r["_flowId"] == flow
    }
    home = next(row["_integrationId"] for row in everything if "_integrationId" in row)
    wanted = {row["_id"] for row in everything if row.get("_integrationId") in {home, None}}
    assert {row["_id"] for row in api.current(_integrationIds=[home, "none"])} == wanted


@pytest.mark.parametrize("path", ["/v1/jobs/current", "/v1/flows/runs/stats"])
def test_flows_together_with_integrations_are_400(path: str, api: Api, sample: Sample) -> None:
    body = {"_flowIds": [sample.flow_id], "_integrationIds": [sample.failing_integration]}
    response = api.call("POST", path, body=body)
    assert response.status_code == 400
    assert response.json()["errors"]


@pytest.mark.parametrize("path", ["/v1/jobs/{}", "/v1/jobs/{}/family", "/v1/flows/{}"])
@pytest.mark.parametrize("unknown", ["f" * 24, "none", "x", "current%20"])
def test_an_unknown_id_is_404_with_the_error_envelope(path: str, unknown: str, api: Api) -> None:
    response = api.raw("GET", path.format(unknown))
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"]


def test_statistics_of_the_whole_life_agree_with_all_finished_runs(api: Api, runs: list[Row], sample: Sample) -> None:
    rows = api.stats(time_gt=int((sample.now - RETENTION) * 1000), time_lte=int(sample.now * 1000))
    finished: dict[str, list[Row]] = {}
    for run in runs:
        if run["status"] in FINISHED:
            finished.setdefault(run["_flowId"], []).append(run)
    assert {row["_flowId"] for row in rows} == set(finished)
    for row in rows:
        own = finished[row["_flowId"]]
        assert row["numRuns"] == len(own)
        for key in ("numError", "numSuccess", "numIgnore"):
            assert row[key] == sum(run[key] for run in own)


def test_statistics_of_a_window_leave_out_runs_outside(api: Api, runs: list[Row], sample: Sample) -> None:
    begin = sample.now - DAY / 2
    rows = {
        row["_flowId"]: row["numRuns"] for row in api.stats(time_gt=int(begin * 1000), time_lte=int(sample.now * 1000))
    }
    assert rows
    # Which instant of a run counts is in no source; between "wholly inside" and "touches" all readings agree.
    finished = [run for run in runs if run["status"] in FINISHED]
    wholly = Counter(run["_flowId"] for run in finished if instant(run["createdAt"]) > begin)
    touching = Counter(run["_flowId"] for run in finished if instant(run["endedAt"]) > begin)
    for flow_id in set(wholly) | set(rows):
        assert wholly[flow_id] <= rows.get(flow_id, 0) <= touching[flow_id]


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_statistics_obey_their_status_list(status: str, api: Api, runs: list[Row], sample: Sample) -> None:
    window = {"time_gt": int((sample.now - RETENTION) * 1000), "time_lte": int(sample.now * 1000)}
    expected = Counter(run["_flowId"] for run in runs if run["status"] == status)
    assert {row["_flowId"]: row["numRuns"] for row in api.stats(**window, status=[status])} == dict(expected)


def test_statistics_obey_flow_and_integration_lists_and_none(api: Api, sample: Sample) -> None:
    everything = {row["_flowId"]: row for row in api.stats(**sample.last_day)}
    assert [row["_flowId"] for row in api.stats(**sample.last_day, _flowIds=[sample.flow_id])] == [sample.flow_id]
    wanted = [sample.failing_integration, "none"]
    found = {row["_flowId"] for row in api.stats(**sample.last_day, _integrationIds=wanted)}
    assert found == {key for key, row in everything.items() if row.get("_integrationId", "none") in wanted}


def test_the_mean_run_time_is_in_milliseconds(api: Api, runs: list[Row], sample: Sample) -> None:
    row = max(api.stats(**sample.last_day), key=lambda item: int(item["numRuns"]))
    own = [r for r in runs if r["_flowId"] == row["_flowId"] and "endedAt" in r and "startedAt" in r]
    mean = sum(instant(r["endedAt"]) - instant(r["startedAt"]) for r in own) / len(own) * 1000
    assert row["avgRuntime"] == pytest.approx(mean, rel=0.25)
