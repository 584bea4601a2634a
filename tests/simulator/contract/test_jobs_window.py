"""`GET /v1/jobs` (contract 3.7): the needed filter, the time cursor, what each filter means."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.simulator.contract.account import Sample
from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import JOB_PAGE_SIZE, Launch

EVER = "2020-01-01"
PARENT_FILTERS = ["_integrationId", "_flowId", "_exportId", "_importId", "_flowJobId"]
UNKNOWN = "f" * 24


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture(scope="module")
def runs(api: Api) -> list[dict[str, Any]]:
    return api.jobs(type="flow", createdAt_gte=EVER)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"type": "flow"},
        {"type": "retry", "status": "failed"},
        {"status": "running"},
        {"limit": "10"},
        {"flow_id": UNKNOWN},
        {"integrationId": UNKNOWN},
        {"startedAt_gte": EVER},
        {"numError_gte": "1"},
        {"type": "import", "createdAt_gte": EVER},
        {"type": "export", "_integrationId": UNKNOWN},
        {"type": "import", "status": "running"},
    ],
    ids=lambda params: "&".join(params) or "none",
)
def test_jobs_without_a_needed_filter_are_400_invalid_query(params: dict[str, str], api: Api) -> None:
    response = api.call("GET", "/v1/jobs", params=params)
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "invalid_query"
    assert response.json()["errors"][0]["message"]


@pytest.mark.parametrize("name", PARENT_FILTERS)
def test_each_id_filter_alone_is_enough(name: str, api: Api) -> None:
    assert api.call("GET", "/v1/jobs", params={name: UNKNOWN}).status_code in {200, 204}


@pytest.mark.parametrize("name", ["createdAt_gte", "createdAt_lte"])
def test_each_end_of_the_creation_window_alone_is_enough(name: str, api: Api) -> None:
    assert api.call("GET", "/v1/jobs", params={name: EVER}).status_code in {200, 204}


def test_a_page_has_at_most_the_configured_rows_and_the_first_is_full(api: Api) -> None:
    sizes = [len(page) for page in api.job_pages(type="flow", createdAt_gte=EVER)]
    assert len(sizes) > 5
    assert set(sizes[:-1]) == {JOB_PAGE_SIZE}
    assert sizes[-1] <= JOB_PAGE_SIZE


def test_an_unconfigured_page_stops_at_1001_rows(launch: Launch) -> None:
    with launch(flows=60, history_seconds=86_400, job_page_size=None) as account:
        assert len(account.api.get("/v1/jobs", type="flow", createdAt_gte=EVER)) == 1001


def test_rows_come_newest_first_within_and_across_pages(api: Api) -> None:
    stamps = [row["createdAt"] for page in api.job_pages(type="flow", createdAt_gte=EVER) for row in page]
    assert all(first >= second for first, second in pairwise(stamps))


def test_several_rows_share_a_millisecond(runs: list[dict[str, Any]]) -> None:
    assert max(Counter(row["createdAt"] for row in runs).values()) >= 2


def test_a_page_border_falls_between_rows_of_one_millisecond_so_that_minus_one_loses_rows(
    api: Api, runs: list[dict[str, Any]]
) -> None:
    found: dict[str, Any] = {}
    params: dict[str, Any] = {"type": "flow", "createdAt_gte": EVER}
    while page := api.get("/v1/jobs", **params) or []:
        found.update({row["_id"]: row for row in page})
        params["createdAt_lte"] = int(instant(page[-1]["createdAt"]) * 1000 + 0.5) - 1
    assert set(found) < {row["_id"] for row in runs}


def test_the_unchanged_cursor_with_deduplication_loses_nothing(launch: Launch) -> None:
    with launch(job_page_size=20) as small, launch(job_page_size=100_000) as whole:
        paged = {row["_id"] for row in small.api.jobs(type="flow", createdAt_gte=EVER)}
        at_once = [row["_id"] for row in whole.api.get("/v1/jobs", type="flow", createdAt_gte=EVER)]
        assert len(at_once) == len(set(at_once))
        assert paged == set(at_once)


@pytest.mark.parametrize("name", ["limit", "page", "offset"])
def test_limit_page_and_offset_are_ignored(name: str, api: Api) -> None:
    plain = api.get("/v1/jobs", type="flow", createdAt_gte=EVER)
    assert api.get("/v1/jobs", type="flow", createdAt_gte=EVER, **{name: 1}) == plain


def test_unknown_parameters_are_ignored(api: Api) -> None:
    plain = api.get("/v1/jobs", type="flow", createdAt_gte=EVER)
    assert api.get("/v1/jobs", type="flow", createdAt_gte=EVER, flow_id=UNKNOWN, fields="x") == plain


def _forms(stamp: str) -> dict[str, str]:
    """One instant in the forms the API takes; the plain date is another instant and has a test of its own."""
    return {
        "iso-milliseconds": stamp,
        "iso-seconds": stamp[:19] + "Z",
        "epoch-milliseconds": str(int(instant(stamp) * 1000 + 0.5)),
    }


@pytest.mark.parametrize("form", ["iso-milliseconds", "iso-seconds", "epoch-milliseconds"])
@pytest.mark.parametrize("end", ["gte", "lte"])
def test_the_creation_window_includes_its_ends_in_each_form(
    form: str, end: str, api: Api, runs: list[dict[str, Any]]
) -> None:
    text = _forms(runs[len(runs) // 2]["createdAt"])[form]
    border = instant(text) if not text.isdigit() else int(text) / 1000
    inside = {
        r["_id"]
        for r in runs
        if (instant(r["createdAt"]) >= border if end == "gte" else instant(r["createdAt"]) <= border)
    }
    assert {row["_id"] for row in api.jobs(type="flow", **{f"createdAt_{end}": text})} == inside
    assert 0 < len(inside) < len(runs)


def test_a_plain_date_is_midnight_utc(api: Api, runs: list[dict[str, Any]]) -> None:
    day = runs[0]["createdAt"][:10]
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    expected = {row["_id"] for row in runs if instant(row["createdAt"]) >= midnight}
    assert {row["_id"] for row in api.jobs(type="flow", createdAt_gte=day)} == expected
    assert 0 < len(expected) < len(runs)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-45", "", "2026-08-29T99:00:00Z"])
def test_an_unreadable_instant_is_a_400(text: str, api: Api) -> None:
    assert api.call("GET", "/v1/jobs", params={"createdAt_gte": text or "x"}).status_code == 400


def test_a_plain_date_with_an_error_filter_and_an_integration_is_refused(api: Api, sample: Sample) -> None:
    params = {"_integrationId": sample.failing_integration, "numError_gte": 1}
    assert api.call("GET", "/v1/jobs", params={**params, "createdAt_gte": EVER}).status_code == 400
    full = f"{EVER}T00:00:00.000Z"
    assert api.call("GET", "/v1/jobs", params={**params, "createdAt_gte": full}).status_code == 200


@pytest.mark.parametrize("status", ["queued", "running", "completed", "failed", "canceled"])
def test_the_status_filter_gives_exactly_the_runs_of_that_status(
    status: str, api: Api, runs: list[dict[str, Any]]
) -> None:
    expected = {row["_id"] for row in runs if row["status"] == status}
    assert expected
    assert {row["_id"] for row in api.jobs(type="flow", status=status, createdAt_gte=EVER)} == expected


@pytest.mark.parametrize("name", ["_integrationId", "_flowId", "_exportId"])
def test_an_id_filter_gives_exactly_the_runs_with_that_id(name: str, api: Api, runs: list[dict[str, Any]]) -> None:
    wanted = next(row[name] for row in runs if name in row)
    expected = {row["_id"] for row in runs if row.get(name) == wanted}
    assert {row["_id"] for row in api.jobs(type="flow", **{name: wanted})} == expected


def test_the_error_filter_gives_exactly_the_runs_with_errors(api: Api, runs: list[dict[str, Any]]) -> None:
    expected = {row["_id"] for row in runs if row["numError"] >= 1}
    assert 0 < len(expected) < len(runs)
    assert {row["_id"] for row in api.jobs(type="flow", createdAt_gte=f"{EVER}T00:00:00Z", numError_gte=1)} == expected


def test_the_start_window_leaves_out_runs_that_never_started(api: Api, runs: list[dict[str, Any]]) -> None:
    started = {row["_id"] for row in runs if "startedAt" in row}
    assert len(started) < len(runs)
    assert {row["_id"] for row in api.jobs(type="flow", createdAt_gte=EVER, startedAt_gte=EVER)} == started


def test_without_a_type_all_parents_and_no_step_comes(api: Api, runs: list[dict[str, Any]]) -> None:
    everything = api.jobs(createdAt_gte=EVER)
    assert {row["type"] for row in everything} >= {"flow", "retry"}
    assert {row["type"] for row in everything} <= {"flow", "retry", "bulk_retry"}
    assert {row["_id"] for row in runs} <= {row["_id"] for row in everything}


def test_a_run_id_without_a_type_gives_the_steps_of_that_run(api: Api, sample: Sample) -> None:
    steps = api.get("/v1/jobs", _flowJobId=sample.job_id)
    assert {row["type"] for row in steps} <= {"export", "import"}
    assert all(row["_flowJobId"] == sample.job_id for row in steps)
    for kind in ("export", "import"):
        only = api.get("/v1/jobs", _flowJobId=sample.job_id, type=kind) or []
        assert {row["_id"] for row in only} == {row["_id"] for row in steps if row["type"] == kind}


@pytest.mark.parametrize("job_type", ["flow", "retry"])
def test_the_type_filter_gives_one_type(job_type: str, api: Api) -> None:
    assert {row["type"] for row in api.jobs(type=job_type, createdAt_gte=EVER)} == {job_type}
