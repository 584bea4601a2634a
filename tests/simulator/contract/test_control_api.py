"""The control API refuses bad input with one clear line and never breaks."""

from typing import Any

import pytest

from tests.simulator.contract.conftest import TOKEN, Account, Launch

KINDS = [
    *("status", "unauthorized", "forbidden", "rate_limited", "slow", "hang", "truncated", "reset", "invalid_json"),
    *("html", "empty_body", "wrong_shape", "null_list", "missing_ids", "wrong_types", "bad_dates"),
    *("numbers_as_strings", "huge", "gzip_bomb", "redirect", "loop", "late_rows", "duplicated_rows"),
    *("shuffled_rows", "run_vanished"),
    *("token_revoked", "token_expired", "connection_offline", "connection_online", "agent_offline", "agent_online"),
    *("flow_disabled", "flow_enabled", "schedule_stopped", "schedule_late", "flow_rescheduled"),
    *("run_stuck", "error_storm", "resolve_errors"),
    *("flow_deleted", "flow_renamed", "flow_moved", "integration_deleted", "integration_renamed"),
    *("connection_deleted", "flow_run_now"),
]
TARGETED = {
    "connection_offline": "connection",
    "connection_deleted": "connection",
    "agent_offline": "agent",
    "flow_disabled": "flow",
    "run_stuck": "flow",
    "run_vanished": "flow",
    "error_storm": "flow",
    "flow_deleted": "flow",
    "flow_renamed": "flow",
    "integration_deleted": "integration",
}
UNKNOWN = "f" * 24


@pytest.fixture(scope="module")
def shared(launch: Launch) -> Any:
    """One account for all refusals: none of them may change it."""
    with launch(history_seconds=0) as account:
        yield account


def refusal(account: Account, method: str, path: str, **more: Any) -> str:
    """The one line of a 400."""
    response = account.control.raw(method, path, **more)
    assert response.status_code == 400, (response.status_code, response.text[:200])
    answer = response.json()
    assert set(answer) == {"error"}
    line: str = answer["error"]
    assert line
    assert "\n" not in line
    assert "Traceback" not in line
    return line


def test_the_first_page_names_what_exists_here(shared: Account) -> None:
    text = shared.control.raw("GET", "/").text
    for word in ("/incidents", "/time", "/truth", "/requests"):
        assert word in text


def test_an_unknown_kind_is_refused_and_every_known_kind_is_named(shared: Account) -> None:
    line = refusal(shared, "POST", "/incidents", json={"kind": "earthquake"})
    missing = [kind for kind in KINDS if kind not in line]
    assert not missing


@pytest.mark.parametrize("path", ["/incidents", "/time"])
@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(path: str, sent: bytes, shared: Account) -> None:
    refusal(shared, "POST", path, data=sent, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": None},
        {"kind": 3},
        {"kind": ["status"]},
        {"kind": "status", "path": "/v1/flows"},
        {"kind": "status", "path": "/v1/flows", "status": "500"},
        {"kind": "status", "path": "/v1/flows", "status": 99},
        {"kind": "status", "path": "/v1/flows", "status": 1000},
        {"kind": "status", "path": "/v1/nothing", "status": 500},
        {"kind": "status", "path": 5, "status": 500},
        {"kind": "status", "path": "*", "status": 500, "count": 0},
        {"kind": "status", "path": "*", "status": 500, "count": "2"},
        {"kind": "status", "path": "*", "status": 500, "probability": 1.5},
        {"kind": "status", "path": "*", "status": 500, "probability": "x"},
        {"kind": "status", "path": "*", "status": 500, "body": "poem"},
        {"kind": "status", "path": "*", "status": 500, "colour": "red"},
        {"kind": "slow", "path": "*", "seconds": -1},
        {"kind": "slow", "path": "*", "seconds": "x"},
        {"kind": "huge", "path": "*", "bytes": -5},
        {"kind": "gzip_bomb", "path": "*", "bytes": "many"},
        {"kind": "rate_limited", "path": "*", "retry_after": -1},
    ],
    ids=lambda body: ",".join(f"{key}={value}" for key, value in body.items())[:60] or "nothing",
)
def test_an_incident_that_makes_no_sense_is_refused(body: dict[str, Any], shared: Account) -> None:
    refusal(shared, "POST", "/incidents", json=body)
    assert shared.control.incidents() == []


@pytest.mark.parametrize(("kind", "target"), TARGETED.items())
@pytest.mark.parametrize("identity", [UNKNOWN, "", None, 5, "missing"])
def test_a_target_that_does_not_exist_is_refused(kind: str, target: str, identity: object, shared: Account) -> None:
    body: dict[str, Any] = (
        {"kind": kind, "name": "X", "count": 3} if kind in {"flow_renamed", "error_storm"} else {"kind": kind}
    )
    if kind == "flow_renamed":
        del body["count"]
    if kind == "error_storm":
        del body["name"]
    refusal(shared, "POST", "/incidents", json=body if identity == "missing" else {**body, target: identity})
    assert shared.control.incidents() == []


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"speed": -1},
        {"speed": "fast"},
        {"speed": None},
        {"advance": -5},
        {"advance": "1h"},
        {"frozen": "yes"},
        {"frozen": 1},
        {"now": 5},
        {"speed": True},
    ],
    ids=str,
)
def test_a_change_of_time_that_makes_no_sense_is_refused_and_changes_nothing(
    change: dict[str, Any], shared: Account
) -> None:
    before = shared.control.time()
    refusal(shared, "POST", "/time", json=change)
    assert shared.control.time() == before


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("key", ["speed", "advance"])
def test_a_number_that_is_not_finite_is_refused(number: str, key: str, shared: Account) -> None:
    data = f'{{"{key}": {number}}}'.encode()
    refusal(shared, "POST", "/time", data=data, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/requests", {"since": "x"}),
        ("/truth/runs", {"since": "x", "until": "5"}),
        ("/truth/runs", {"since": "5", "until": "x"}),
        ("/truth/runs", {"since": "nan", "until": "5"}),
    ],
)
def test_a_query_that_is_no_number_is_refused(path: str, query: dict[str, str], shared: Account) -> None:
    refusal(shared, "GET", path, params=query)


@pytest.mark.parametrize("path", ["/nothing", "/incidents/99999", "/v1/flows", "/truth/nothing"])
def test_what_does_not_exist_is_404(path: str, shared: Account) -> None:
    method = "DELETE" if path.startswith("/incidents") else "GET"
    response = shared.control.raw(method, path)
    assert response.status_code == 404
    assert response.json()["error"]


def test_an_incident_id_that_is_no_number_is_refused(shared: Account) -> None:
    assert shared.control.raw("DELETE", "/incidents/x").status_code in {400, 404}


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/time"), ("DELETE", "/time"), ("POST", "/truth"), ("PATCH", "/incidents")]
)
def test_a_wrong_method_is_405(method: str, path: str, shared: Account) -> None:
    assert shared.control.raw(method, path).status_code == 405


def test_the_control_api_is_not_on_the_api_port(shared: Account) -> None:
    for path in ("/time", "/truth", "/incidents", "/requests"):
        assert shared.api.raw("GET", path).status_code == 404


def test_no_control_answer_holds_the_token(shared: Account) -> None:
    shared.api.call("GET", "/v1/tokenInfo")
    for path in ("/", "/time", "/truth", "/incidents", "/requests", "/truth/runs?since=0&until=2000000000"):
        assert TOKEN not in shared.control.raw("GET", path).text


def test_a_lifted_incident_cannot_be_lifted_again(account: Account) -> None:
    incident = account.control.inject("status", path="*", status=500)
    account.control.lift(incident)
    assert account.control.raw("DELETE", f"/incidents/{incident}").status_code == 404


def test_incident_ids_are_never_given_twice(account: Account) -> None:
    first = account.control.inject("html", path="*")
    account.control.lift(first)
    assert account.control.inject("html", path="*") != first
