"""Open and resolved errors (contract 3.3, 3.5, 3.6, 3.18, 4): the rollups agree, the enumerations are all met."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.simulator.contract.account import Sample, step_ids
from tests.simulator.contract.client import Api

Row = dict[str, Any]
GUIDE_CODES = {"FIELD_VALIDATION_ERROR", "DUPLICATE_RECORD", "CONNECTION_ERROR", "LOOKUP_NOT_FOUND"}
UNKNOWN = "f" * 24


@pytest.fixture(scope="module")
def flows(api: Api) -> list[Row]:
    return api.rows("/v1/flows")


@pytest.fixture(scope="module")
def per_step(api: Api, flows: list[Row]) -> dict[tuple[str, str], Row]:
    """The count row of each step with open errors."""
    found = {}
    for flow in flows:
        for row in (api.get(f"/v1/flows/{flow['_id']}/errors") or {}).get("flowErrors", []):
            found[flow["_id"], row["_expOrImpId"]] = row
    return found


@pytest.fixture(scope="module")
def records(api: Api, per_step: dict[tuple[str, str], Row]) -> dict[tuple[str, str], list[Row]]:
    """All open records of each step with open errors."""
    return {key: api.step_errors(*key) for key, row in per_step.items() if row["numError"]}


@pytest.fixture(scope="module")
def every(records: dict[tuple[str, str], list[Row]]) -> list[Row]:
    return [record for found in records.values() for record in found]


def test_the_sample_account_has_open_errors_on_exports_and_imports(
    api: Api, per_step: dict[tuple[str, str], Row]
) -> None:
    failing = {step for _, step in per_step}
    assert failing & {row["_id"] for row in api.rows("/v1/exports")}
    assert failing & {row["_id"] for row in api.rows("/v1/imports")}


def test_step_counts_equal_the_records(
    per_step: dict[tuple[str, str], Row], records: dict[tuple[str, str], list[Row]]
) -> None:
    for key, row in per_step.items():
        assert row["numError"] == len(records.get(key, []))
        if row["numError"]:
            assert row["lastErrorAt"] == max(record["occurredAt"] for record in records[key])


def test_steps_without_a_count_row_have_no_records(
    api: Api, flows: list[Row], per_step: dict[tuple[str, str], Row]
) -> None:
    quiet = [
        (flow["_id"], step) for flow in flows[:30] for step in step_ids(flow) if (flow["_id"], step) not in per_step
    ]
    assert quiet
    for flow_id, step_id in quiet:
        assert api.call("GET", f"/v1/flows/{flow_id}/{step_id}/errors").status_code == 204


def _flow_totals(per_step: dict[tuple[str, str], Row]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (flow_id, _), row in per_step.items():
        totals[flow_id] += row["numError"]
    return totals


def test_integration_counts_equal_the_sum_of_the_steps(
    api: Api, flows: list[Row], per_step: dict[tuple[str, str], Row]
) -> None:
    totals = _flow_totals(per_step)
    homes = [row["_id"] for row in api.rows("/v1/integrations")]
    counted: Counter[str] = Counter()
    for home in [*homes, "none"]:
        for row in api.get(f"/v1/integrations/{home}/errors") or []:
            flow = next(flow for flow in flows if flow["_id"] == row["_flowId"])
            assert flow.get("_integrationId", "none") == home
            counted[row["_flowId"]] += row["numError"]
    assert +counted == +totals


def test_tiles_equal_the_sum_of_the_flows(api: Api, flows: list[Row], per_step: dict[tuple[str, str], Row]) -> None:
    totals = _flow_totals(per_step)
    tiles = {tile["_integrationId"]: tile for tile in api.get("/v1/tiles")}
    assert set(tiles) == {row["_id"] for row in api.rows("/v1/integrations")} | {"none"}
    for home, tile in tiles.items():
        own = [flow["_id"] for flow in flows if flow.get("_integrationId", "none") == home]
        assert tile["numError"] == sum(totals[flow_id] for flow_id in own)
        assert tile["numFlows"] == len(own)


def test_statistics_name_all_open_errors_of_a_flow_whatever_their_age(
    api: Api, per_step: dict[tuple[str, str], Row], sample: Sample
) -> None:
    totals = _flow_totals(per_step)
    for row in api.stats(**{**sample.last_day, "time_gt": int((sample.now - 3600) * 1000)}):
        assert row.get("numOpenError", 0) == totals[row["_flowId"]]


def test_error_ids_are_unique_within_flow_and_step(records: dict[tuple[str, str], list[Row]]) -> None:
    for found in records.values():
        assert len({record["errorId"] for record in found}) == len(found)


def test_an_open_record_has_happened_and_is_not_purged_yet(every: list[Row], sample: Sample) -> None:
    for record in every:
        occurred, purged = (datetime.fromisoformat(record[key]).timestamp() for key in ("occurredAt", "purgeAt"))
        assert occurred <= sample.now + 0.001 < purged
        assert "resolvedAt" not in record


def test_the_four_codes_of_the_guide_and_many_others_occur(every: list[Row]) -> None:
    codes = {str(record.get("code", "")) for record in every}
    assert codes >= GUIDE_CODES | {"422"}
    assert len(codes) >= 10


def test_known_unknown_and_missing_classifications_occur(every: list[Row]) -> None:
    known = {"connection", "duplicate", "intermittent", "missing", "parse", "value"}
    seen = {record.get("classification") or "" for record in every}
    assert len(seen & known) >= 5
    assert "" in seen
    listed = known | {"", "governance", "none", "rate_limit", "too_large"}
    assert seen - listed


def test_known_and_unknown_sources_occur(every: list[Row]) -> None:
    seen = {record["source"] for record in every}
    assert len(seen) >= 4
    assert seen & {"application", "connection", "mapping", "lookup"}


def test_messages_hold_something_that_looks_personal(every: list[Row]) -> None:
    assert any("@" in record["message"] for record in every)


def test_some_records_are_assigned_by_id_or_as_an_object_and_most_to_nobody(every: list[Row]) -> None:
    assigned = [record["assignedTo"] for record in every]
    assert {type(value) for value in assigned if value} == {str, dict}
    assert sum(not value for value in assigned) > len(assigned) / 2


def test_some_records_are_retriable_and_some_are_not(every: list[Row]) -> None:
    assert {record["retriable"] for record in every} == {True, False}
    assert any("traceKey" in record for record in every)


@pytest.mark.parametrize("name", ["source", "classification"])
def test_a_repeated_filter_gives_the_union(name: str, api: Api, records: dict[tuple[str, str], list[Row]]) -> None:
    key, found = max(records.items(), key=lambda item: len({record.get(name) for record in item[1]}))
    values = sorted({record[name] for record in found if record.get(name)})[:2]
    assert len(values) == 2
    wanted = {record["errorId"] for record in found if record.get(name) in values}
    assert {record["errorId"] for record in api.step_errors(*key, **{name: values})} == wanted
    only = {record["errorId"] for record in found if record.get(name) == values[0]}
    assert {record["errorId"] for record in api.step_errors(*key, **{name: values[0]})} == only


def test_the_time_window_gives_the_records_inside(api: Api, records: dict[tuple[str, str], list[Row]]) -> None:
    key, found = max(records.items(), key=lambda item: len({record["occurredAt"] for record in item[1]}))
    middle = sorted(record["occurredAt"] for record in found)[len(found) // 2]
    later = {record["errorId"] for record in api.step_errors(*key, occurredAt_gte=middle)}
    earlier = {record["errorId"] for record in api.step_errors(*key, occurredAt_lte=middle)}
    assert later == {record["errorId"] for record in found if record["occurredAt"] >= middle}
    assert earlier == {record["errorId"] for record in found if record["occurredAt"] <= middle}


def test_the_run_filter_gives_the_records_of_that_run(api: Api, records: dict[tuple[str, str], list[Row]]) -> None:
    key, found = next((key, found) for key, found in records.items() if any(r.get("_flowJobId") for r in found))
    run = next(record["_flowJobId"] for record in found if record.get("_flowJobId"))
    wanted = {record["errorId"] for record in found if record.get("_flowJobId") == run}
    assert {record["errorId"] for record in api.step_errors(*key, _flowJobId=run)} == wanted


def test_resolved_records_say_when_and_by_whom_and_are_not_open(api: Api, sample: Sample) -> None:
    path = f"/v1/flows/{sample.resolved_flow}/{sample.resolved_step}"
    resolved = [row for page in api.body_pages("GET", f"{path}/resolved") for row in page["resolved"]]
    assert all(row["resolvedAt"] and row["resolvedBy"] for row in resolved)
    assert all(row["occurredAt"] <= row["resolvedAt"] for row in resolved)
    still_open = {row["errorId"] for row in api.step_errors(sample.resolved_flow, sample.resolved_step)}
    assert not still_open & {row["errorId"] for row in resolved}
    middle = sorted(row["resolvedAt"] for row in resolved)[len(resolved) // 2]
    later = [
        row
        for page in api.body_pages("GET", f"{path}/resolved", params={"resolvedAt_gte": middle})
        for row in page["resolved"]
    ]
    assert {row["errorId"] for row in later} == {row["errorId"] for row in resolved if row["resolvedAt"] >= middle}


@pytest.mark.parametrize("sub", ["errors", "resolved"])
def test_a_step_of_another_flow_or_of_none_is_404(sub: str, api: Api, sample: Sample) -> None:
    for flow_id, step_id in ((UNKNOWN, sample.failing_step), (sample.failing_flow, UNKNOWN)):
        response = api.call("GET", f"/v1/flows/{flow_id}/{step_id}/{sub}")
        assert response.status_code == 404
        assert response.json()["errors"]


@pytest.mark.parametrize("kind", ["exports", "imports"])
def test_the_error_path_of_third_parties_with_a_kind_segment_is_404(kind: str, api: Api, sample: Sample) -> None:
    path = f"/v1/flows/{sample.failing_flow}/{kind}/{sample.failing_step}/errors"
    assert api.raw("GET", path).status_code == 404


def test_an_unknown_integration_has_no_error_list(api: Api) -> None:
    assert api.call("GET", f"/v1/integrations/{UNKNOWN}/errors").status_code == 404


def test_open_and_raised_errors_are_different_numbers(api: Api, per_step: dict[tuple[str, str], Row]) -> None:
    raised: Counter[str] = Counter()
    for run in api.jobs(type="flow", createdAt_gte="2020-01-01"):
        raised[run["_flowId"]] += run["numError"]
    assert any(raised[flow_id] != count for flow_id, count in _flow_totals(per_step).items())
