"""Who may ask, and how refusals look (contract 1.2, 1.5)."""

import pytest

from tests.simulator.contract.client import Api, judge
from tests.simulator.contract.conftest import TOKEN, Account

ENDPOINTS = [
    ("GET", "/v1/tokenInfo"),
    ("GET", "/v1/flows"),
    ("GET", "/v1/jobs?createdAt_gte=2020-01-01"),
    ("POST", "/v1/jobs/current"),
    ("POST", "/v1/flows/runs/stats"),
    ("GET", "/v1/tiles"),
]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"])
@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=lambda value: str(value).partition("?")[0])
def test_anything_but_the_bearer_token_is_401_with_a_bare_message(
    method: str, path: str, header: str | None, world: Account
) -> None:
    with Api(world.simulator.url, None) as stranger:
        headers = {} if header is None else {"Authorization": header}
        response = stranger.raw(method, path, body={} if method == "POST" else None, headers=headers)
    judge(response, method, path.partition("?")[0])
    assert response.status_code == 401
    assert response.json() == {"message": "Unauthorized"}


def test_the_token_is_never_echoed(world: Account) -> None:
    with Api(world.simulator.url, "seen-nowhere") as stranger:
        response = stranger.raw("GET", "/v1/flows")
    assert "seen-nowhere" not in response.text + str(response.headers)


def test_the_id_of_the_user_and_the_scope_come_without_a_name(api: Api) -> None:
    answer = api.get("/v1/tokenInfo")
    assert set(answer) <= {"_userId", "scope"}


@pytest.mark.parametrize("path", ["/v1/flows", "/v1/tokenInfo", "/v1/jobs/current"])
@pytest.mark.parametrize("fault", ["forbidden", "unauthorized"])
def test_refusals_by_scope_carry_a_bare_message(fault: str, path: str, account: Account) -> None:
    account.control.inject(fault, path=path)
    method = "POST" if path.endswith("current") else "GET"
    response = account.api.call(method, path, body={} if method == "POST" else None)
    assert response.status_code == (403 if fault == "forbidden" else 401)
    assert response.json() == {"message": "Forbidden" if fault == "forbidden" else "Unauthorized"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
@pytest.mark.parametrize(
    "path", ["/v1/tokenInfo", "/v1/flows", "/v1/connections", "/v1/jobs", "/v1/tiles", "/v1/agents"]
)
def test_writing_methods_are_405(method: str, path: str, api: Api) -> None:
    assert api.raw(method, path, body={}).status_code == 405


@pytest.mark.parametrize("path", ["/v1/jobs/current", "/v1/flows/runs/stats"])
def test_a_reading_post_asked_without_a_next_page_by_get_is_refused(path: str, api: Api) -> None:
    assert api.raw("GET", path).status_code in {404, 405}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/flows", "/v1/connections/x/debuglog"])
def test_a_path_that_does_not_exist_is_404(path: str, api: Api) -> None:
    assert api.raw("GET", path).status_code == 404


@pytest.mark.parametrize("suffix", ["ping", "debug", "display-token"])
def test_no_call_with_side_effects_or_secrets_is_offered(suffix: str, api: Api) -> None:
    kind = "agents" if suffix == "display-token" else "connections"
    some = api.get(f"/v1/{kind}")[0]["_id"]
    for method in ("GET", "POST"):
        assert api.raw(method, f"/v1/{kind}/{some}/{suffix}").status_code in {404, 405}


@pytest.mark.parametrize("path", ["/v1/jobs/current", "/v1/flows/runs/stats"])
@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [
        (b"<a/>", "application/xml", {415}),
        (b"a=b", "application/x-www-form-urlencoded", {415}),
        (b"{", "application/json", {400}),
        (b"[]", "application/json", {400}),
        (b"null", "application/json", {400}),
        (b'"x"', "application/json", {400}),
        (b"\xff\xfe", "application/json", {400}),
    ],
    ids=["xml", "form", "cut", "array", "null", "string", "not-utf8"],
)
def test_a_body_that_is_no_json_object_is_refused(
    path: str, sent: bytes, kind: str, status: set[int], api: Api
) -> None:
    response = api.raw("POST", path, data=sent, headers={"Content-Type": kind})
    assert response.status_code in status
    assert response.json()["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {"status": "running"},
        {"status": ["finished"]},
        {"_flowIds": "x"},
        {"_integrationIds": [1]},
        {"_flowIds": {"a": 1}},
    ],
    ids=["status-text", "status-unknown", "ids-text", "ids-numbers", "ids-object"],
)
@pytest.mark.parametrize("path", ["/v1/jobs/current", "/v1/flows/runs/stats"])
def test_a_body_with_wrong_types_is_no_server_error(path: str, body: object, api: Api) -> None:
    assert api.call("POST", path, body=body).status_code in {200, 204, 400}


@pytest.mark.parametrize("key", ["time_gt", "time_lte"])
@pytest.mark.parametrize("value", ['"x"', "null", "[]", "1e400", "-1", "1.5"])
def test_a_window_that_is_no_instant_is_no_server_error(key: str, value: str, api: Api) -> None:
    response = api.raw(
        "POST",
        "/v1/flows/runs/stats",
        data=f'{{"{key}": {value}}}',
        headers={"Content-Type": "application/json"},
    )
    judge(response, "POST", "/v1/flows/runs/stats")
    assert response.status_code in {200, 204, 400}
