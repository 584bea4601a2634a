"""What must not be seen is in no error, traceback or log line, however a call fails."""

import json
import logging
import traceback

import pytest
import requests
import requests_mock

from exporter.api.endpoints import Endpoint
from tests.api.kit import BASE, CALLS, TOKEN, Ask, Kit, failure_of, kit

SPOKEN = "Customer Jane Roe <jane.roe@example.com> owes 4711"
TRACE_KEY = "SO-10045-private"
RECORD = json.dumps(
    {
        "errors": [{"code": "invalid_ref", "message": SPOKEN, "traceKey": TRACE_KEY, "field": SPOKEN}],
        "message": SPOKEN,
        "error": SPOKEN,
        "nextPageURL": f"/v1/flows?after={TRACE_KEY}",
    }
)
HIDDEN = (TOKEN, "Jane Roe", "jane.roe", "4711", TRACE_KEY, "Bearer")


def shown(error: BaseException) -> str:
    """Everything that Python would print about an error, causes included."""
    chain: list[BaseException] = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(inner)
    texts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    return "\n".join([*texts, *(repr(link) for link in chain)])


def seen(text: str) -> list[str]:
    return [hidden for hidden in HIDDEN if hidden in text]


@pytest.mark.parametrize(("endpoint", "ask"), CALLS.items(), ids=[endpoint.name for endpoint in CALLS])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503])
def test_no_failed_answer_shows_what_it_held(
    api: Kit, http: requests_mock.Mocker, caplog: pytest.LogCaptureFixture, endpoint: Endpoint, ask: Ask, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    text = RECORD if status != 200 else f'"{SPOKEN}"'
    headers = {"Location": f"https://evil.example/{TRACE_KEY}", "Set-Cookie": f"s={TRACE_KEY}", "X-Echo": TOKEN}
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=status, text=text, headers=headers)
    error = failure_of(ask, api)
    assert error.endpoint == endpoint.value
    assert seen(shown(error)) == []
    assert seen(caplog.text) == []


@pytest.mark.parametrize(
    "raised",
    [
        requests.ConnectionError(f"cannot reach /v1/flows?trace={TRACE_KEY} with Bearer {TOKEN}"),
        requests.exceptions.InvalidHeader(f"Bearer {TOKEN}"),
        requests.exceptions.SSLError(f"bad {TOKEN}"),
        requests.ReadTimeout(f"Bearer {TOKEN}"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_the_library_s_own_text_is_not_repeated(
    http: requests_mock.Mocker, caplog: pytest.LogCaptureFixture, raised: Exception
) -> None:
    caplog.set_level(logging.DEBUG)
    with kit() as api:
        http.get(f"{BASE}/v1/tokenInfo", exc=raised)
        error = failure_of(CALLS[Endpoint.TOKEN_INFO], api)
    assert seen(str(error) + repr(error) + repr(vars(error))) == []
    assert seen(caplog.text) == []


def test_a_successful_exchange_logs_no_body_and_no_header_value(
    api: Kit, http: requests_mock.Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    row = {"_id": "a" * 24, "name": SPOKEN, "message": SPOKEN}
    http.get(f"{BASE}/v1/integrations", json=[row], headers={"X-Trace": TRACE_KEY})
    CALLS[Endpoint.INTEGRATIONS](api)
    assert seen(caplog.text) == []
    assert [record for record in caplog.records if record.name.startswith("exporter")]


def test_the_query_of_a_request_is_not_logged(
    api: Kit, http: requests_mock.Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="exporter")
    link = {"Link": f'<{BASE}/v1/integrations?after={TRACE_KEY}>; rel="next"'}
    http.get(f"{BASE}/v1/integrations", [{"json": [], "headers": link}, {"json": []}])
    CALLS[Endpoint.INTEGRATIONS](api)
    assert http.call_count == 2
    assert TRACE_KEY not in caplog.text


def test_the_token_goes_out_in_the_authorization_header_alone(api: Kit, http: requests_mock.Mocker) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, json={"jobs": []})
    CALLS[Endpoint.JOBS_CURRENT](api)
    request = http.request_history[0]
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in request.url
    assert TOKEN not in (request.text or "")
    assert [name for name, value in request.headers.items() if TOKEN in str(value)] == ["Authorization"]


def test_neither_client_nor_its_parts_show_the_token(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(f"{BASE}/v1/integrations", json=[])
    CALLS[Endpoint.INTEGRATIONS](api)
    assert TOKEN not in repr(api) + repr(api.client) + str(vars(api))
