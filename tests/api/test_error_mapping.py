"""Every way to fail becomes exactly one leaf of the error tree."""

import http.client
import json
import socket
import ssl
from typing import Any

import pytest
import requests
import requests_mock
import urllib3

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from tests.api.kit import BASE, CALLS, Ask, Kit, failure_of, kit

INTEGRATIONS = f"{BASE}/v1/integrations"

STATUSES: dict[int, type[ApiError]] = {
    300: errors.Redirected,
    301: errors.Redirected,
    302: errors.Redirected,
    303: errors.Redirected,
    304: errors.Redirected,
    307: errors.Redirected,
    308: errors.Redirected,
    400: errors.BadRequest,
    401: errors.Unauthorized,
    402: errors.OtherStatus,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.OtherStatus,
    409: errors.Conflict,
    410: errors.OtherStatus,
    415: errors.OtherStatus,
    418: errors.OtherStatus,
    422: errors.Invalid,
    429: errors.RateLimited,
    451: errors.OtherStatus,
    500: errors.ServerError,
    501: errors.ServerError,
    502: errors.BadGateway,
    503: errors.Unavailable,
    504: errors.ServerError,
    507: errors.ServerError,
    520: errors.ServerError,
    599: errors.ServerError,
    206: errors.OtherStatus,
    600: errors.OtherStatus,
    999: errors.OtherStatus,
}


@pytest.mark.parametrize(("status", "leaf"), STATUSES.items())
def test_each_status_has_its_leaf(api: Kit, http: requests_mock.Mocker, status: int, leaf: type[ApiError]) -> None:
    http.get(INTEGRATIONS, status_code=status, text="[]", headers={"Location": "https://evil.example/"})
    error = failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    assert type(error) is leaf
    assert (error.status, error.endpoint, error.method) == (status, "/v1/integrations", "GET")
    assert set(api.errors()) == {leaf.type}


@pytest.mark.parametrize(("endpoint", "ask"), CALLS.items(), ids=[endpoint.name for endpoint in CALLS])
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_each_call_fails_with_its_own_template(
    api: Kit, http: requests_mock.Mocker, endpoint: Endpoint, ask: Ask, status: int
) -> None:
    http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=status, json={"message": "no"})
    error = failure_of(ask, api)
    assert type(error) is STATUSES[status]
    assert (error.endpoint, error.method, error.status) == (endpoint.value, endpoint.method, status)


BODIES: dict[str, tuple[str, str | None]] = {
    "envelope": ('{"errors":[{"code":"invalid_query","message":"m"}]}', "invalid_query"),
    "envelope with a field": (
        '{"errors":[{"code":"invalid_query_params","message":"m","field":"f"}]}',
        "invalid_query_params",
    ),
    "short envelope": ('{"message":"Unauthorized"}', None),
    "bare code": ('{"code":"access_restricted"}', "access_restricted"),
    "error text": ('{"error":"m"}', None),
    "strings": ('{"errors":["m"]}', None),
    "empty array": ('{"errors":[]}', None),
    "null": ('{"errors":null}', None),
    "object": ('{"errors":{"code":"invalid_ref"}}', None),
    "numeric code": ('{"errors":[{"code":7}]}', None),
    "a code nobody documented": ('{"errors":[{"code":"someone@example.com"}]}', None),
    "a list as code": ('{"errors":[{"code":["invalid_query"]}]}', None),
    "no JSON": ("<html>proxy</html>", None),
    "empty": ("", None),
    "array": ("[1]", None),
    "number": ("1", None),
    "deep": ("[" * 50_000, None),
    "second entry": ('{"errors":[{"message":"m"},{"code":"invalid_query"}]}', None),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("status", [400, 403, 422])
def test_both_envelopes_are_read_for_documented_codes_only(
    api: Kit, http: requests_mock.Mocker, status: int, body: tuple[str, str | None]
) -> None:
    text, code = body
    http.get(INTEGRATIONS, status_code=status, text=text)
    error = failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    assert type(error) is STATUSES[status]
    if body is not BODIES["object"] and body is not BODIES["second entry"]:
        assert error.code == code
    else:  # the contract shows neither shape: nothing may depend on the code then
        assert error.code in (None, "invalid_ref", "invalid_query")


@pytest.mark.parametrize(
    "code",
    ["rate_limited", "rate_limit_exceeded", "feature_not_enabled", "inactive_flow", "audit_not_supported"],
)
def test_documented_codes_are_kept(api: Kit, http: requests_mock.Mocker, code: str) -> None:
    http.get(INTEGRATIONS, status_code=422, text=json.dumps({"errors": [{"code": code, "message": "m"}]}))
    assert failure_of(CALLS[Endpoint.INTEGRATIONS], api).code == code


@pytest.mark.parametrize("code", ["rate_limited", "rate_limit_exceeded", "something_new"])
def test_throttling_is_known_by_the_status_never_by_the_code(api: Kit, http: requests_mock.Mocker, code: str) -> None:
    http.get(INTEGRATIONS, status_code=400, text=json.dumps({"errors": [{"code": code}]}))
    assert isinstance(failure_of(CALLS[Endpoint.INTEGRATIONS], api), errors.BadRequest)


POOL: Any = urllib3.HTTPConnectionPool("api.integrator.io")
CONNECTION: Any = urllib3.connection.HTTPConnection("api.integrator.io")


def exhausted(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(POOL, "/v1/integrations?secret=1", reason)


FAILURES: dict[str, tuple[Exception, type[ApiError]]] = {
    "connect timeout": (requests.ConnectTimeout(), errors.Timeout),
    "read timeout": (requests.ReadTimeout(), errors.Timeout),
    "bare socket timeout": (TimeoutError("timed out"), errors.Timeout),
    "name": (
        requests.ConnectionError(
            exhausted(urllib3.exceptions.NameResolutionError("host", CONNECTION, socket.gaierror(-2, "unknown")))
        ),
        errors.DnsFailed,
    ),
    "refused": (
        requests.ConnectionError(exhausted(urllib3.exceptions.NewConnectionError(CONNECTION, "refused"))),
        errors.ConnectFailed,
    ),
    "reset before an answer": (
        requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset"))),
        errors.ConnectFailed,
    ),
    "closed before an answer": (
        requests.ConnectionError(
            urllib3.exceptions.ProtocolError("aborted", http.client.RemoteDisconnected("closed without response"))
        ),
        errors.ConnectFailed,
    ),
    "proxy": (requests.exceptions.ProxyError(exhausted(OSError("tunnel failed"))), errors.ConnectFailed),
    "certificate": (
        requests.exceptions.SSLError(
            exhausted(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed")))
        ),
        errors.TlsFailed,
    ),
    "bare TLS error": (ssl.SSLError(1, "wrong version number"), errors.TlsFailed),
    "body ended early": (
        requests.exceptions.ChunkedEncodingError(
            urllib3.exceptions.ProtocolError("broken", urllib3.exceptions.IncompleteRead(5, 10))
        ),
        errors.Truncated,
    ),
    "bare reset": (ConnectionResetError(104, "reset"), errors.ConnectFailed),
    "bare refusal": (ConnectionRefusedError(111, "refused"), errors.ConnectFailed),
}


@pytest.mark.parametrize(("raised", "leaf"), FAILURES.values(), ids=FAILURES.keys())
def test_each_failure_without_an_answer_has_its_leaf(
    api: Kit, http: requests_mock.Mocker, raised: Exception, leaf: type[ApiError]
) -> None:
    http.get(INTEGRATIONS, exc=raised)
    error = failure_of(CALLS[Endpoint.INTEGRATIONS], api)
    assert type(error) is leaf
    assert error.status is None
    assert api.count("celigo_api_requests_total", "/v1/integrations", "GET", "none") == api.last.requests


def subclasses(root: type[Exception]) -> list[type[Exception]]:
    return sorted(
        {root, *(deeper for child in root.__subclasses__() for deeper in subclasses(child))}, key=lambda c: c.__name__
    )


def made(kind: type[Exception]) -> Exception:
    """An exception of that class, whatever its constructor wants."""
    failure = kind.__new__(kind)
    failure.args = ("made by a test",)
    return failure


REQUESTS_EXCEPTIONS = [
    kind for kind in subclasses(requests.RequestException) if kind.__module__ == "requests.exceptions"
]
URLLIB3_EXCEPTIONS = [
    kind for kind in subclasses(urllib3.exceptions.HTTPError) if kind.__module__ == "urllib3.exceptions"
]


@pytest.mark.parametrize("kind", REQUESTS_EXCEPTIONS + URLLIB3_EXCEPTIONS, ids=lambda kind: kind.__qualname__)
def test_every_exception_of_the_libraries_becomes_a_leaf(http: requests_mock.Mocker, kind: type[Exception]) -> None:
    with kit() as api:
        http.get(INTEGRATIONS, exc=made(kind))
        assert failure_of(CALLS[Endpoint.INTEGRATIONS], api).type in errors.ERROR_TYPES


class BreakingBody:
    """A body that gives a beginning, then fails."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        self.parts = [b'[{"_id":"a"']
        self.closed = False

    def read(self, *_: object) -> bytes:
        if self.parts:
            return self.parts.pop()
        raise self.failure

    read1 = read

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("raised", "leaf"),
    [
        (http.client.IncompleteRead(b"", 10), errors.Truncated),
        (ConnectionResetError(104, "reset"), errors.Truncated),
        (TimeoutError("timed out"), errors.Timeout),
    ],
    ids=["ended early", "reset", "silent"],
)
def test_each_failure_inside_a_body_has_its_leaf(
    http: requests_mock.Mocker, raised: Exception, leaf: type[ApiError]
) -> None:
    with kit() as api:
        http.get(INTEGRATIONS, [{"body": BreakingBody(raised)} for _ in range(4)])
        assert type(failure_of(CALLS[Endpoint.INTEGRATIONS], api)) is leaf


@pytest.mark.parametrize("status", [429, 503])
def test_what_retry_after_asked_for_is_kept_in_the_error(http: requests_mock.Mocker, status: int) -> None:
    with kit() as api:
        http.get(INTEGRATIONS, status_code=status, headers={"Retry-After": "17"})
        assert failure_of(CALLS[Endpoint.INTEGRATIONS], api).retry_after == 17.0


def test_a_bug_is_not_dressed_up_as_a_failure_of_the_api(api: Kit, http: requests_mock.Mocker) -> None:
    http.get(INTEGRATIONS, exc=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        CALLS[Endpoint.INTEGRATIONS](api)
