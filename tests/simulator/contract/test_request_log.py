"""The request log: what a client really asked, without anything secret."""

import json

import pytest

from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import TOKEN, Account


def test_each_request_is_logged_once_in_order_with_its_parts(account: Account) -> None:
    flow = account.api.get("/v1/flows")[0]["_id"]
    account.control.raw("DELETE", "/requests")
    account.api.get("/v1/tokenInfo")
    account.api.get(f"/v1/flows/{flow}", include="name")
    account.api.call("POST", "/v1/jobs/current", body={})
    account.api.raw("GET", "/v1/nothing")
    rows = account.control.requests_log()
    assert [(row["method"], row["path"], row["status"]) for row in rows] == [
        ("GET", "/v1/tokenInfo", 200),
        ("GET", f"/v1/flows/{flow}", 200),
        ("POST", "/v1/jobs/current", 200),
        ("GET", "/v1/nothing", 404),
    ]
    assert [row["template"] for row in rows[:3]] == ["/v1/tokenInfo", "/v1/flows/{flowId}", "/v1/jobs/current"]
    assert [row["seq"] for row in rows] == sorted({row["seq"] for row in rows})
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_only_the_keys_of_a_query_are_logged(account: Account) -> None:
    account.control.raw("DELETE", "/requests")
    account.api.get("/v1/jobs", createdAt_gte="2020-01-01", type="flow")
    (row,) = account.control.requests_log()
    assert sorted(row["query"]) == ["createdAt_gte", "type"]
    assert "2020-01-01" not in json.dumps(row)


def test_refused_requests_are_marked_and_no_token_is_kept(account: Account) -> None:
    account.control.raw("DELETE", "/requests")
    account.api.get("/v1/tokenInfo")
    with Api(account.simulator.url, "a-wrong-token") as stranger:
        stranger.raw("GET", "/v1/tokenInfo")
    rows = account.control.requests_log()
    assert [(row["authorized"], row["status"]) for row in rows] == [(True, 200), (False, 401)]
    text = account.control.raw("GET", "/requests").text
    assert TOKEN not in text
    assert "a-wrong-token" not in text


@pytest.mark.parametrize(
    ("kind", "status"), [("status", 503), ("rate_limited", 429), ("forbidden", 403), ("html", 200)]
)
def test_a_faulty_answer_is_logged_with_its_status(kind: str, status: int, account: Account) -> None:
    options = {"status": 503} if kind == "status" else {}
    account.control.inject(kind, path="/v1/flows", **options)
    account.control.raw("DELETE", "/requests")
    account.api.raw("GET", "/v1/flows")
    assert [row["status"] for row in account.control.requests_log()] == [status]


def test_since_gives_what_came_later(account: Account) -> None:
    account.api.get("/v1/tokenInfo")
    last = account.control.requests_log()[-1]["seq"]
    assert account.control.requests_log(since=last) == []
    account.api.get("/v1/flows")
    assert [row["path"] for row in account.control.requests_log(since=last)] == ["/v1/flows"]


def test_the_total_counts_and_clearing_empties(account: Account) -> None:
    account.control.raw("DELETE", "/requests")
    for _ in range(3):
        account.api.get("/v1/tokenInfo")
    answer = account.control.get("/requests")
    assert len(answer["requests"]) == 3
    assert answer["total"] >= 3
    assert account.control.raw("DELETE", "/requests").status_code in {200, 204}
    assert account.control.requests_log() == []


def test_control_requests_are_not_in_the_log(account: Account) -> None:
    account.control.raw("DELETE", "/requests")
    account.control.time()
    account.control.truth()
    assert account.control.requests_log() == []


def test_the_simulator_in_process_gives_the_same_log_and_truth(account: Account) -> None:
    account.api.get("/v1/tokenInfo")
    assert list(account.simulator.requests())
    assert account.simulator.truth()["open_errors"] == account.control.truth()["open_errors"]
