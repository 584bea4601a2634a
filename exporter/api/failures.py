"""From a status or a library's exception to one leaf of the error tree; no text of either goes along."""

import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import msgspec
import requests
from urllib3.exceptions import NameResolutionError

from exporter.api.endpoints import Endpoint
from exporter.api.errors import (
    ApiError,
    BadGateway,
    BadRequest,
    Conflict,
    ConnectFailed,
    DnsFailed,
    Forbidden,
    Invalid,
    NotFound,
    OtherStatus,
    RateLimited,
    Redirected,
    ServerError,
    Timeout,
    TlsFailed,
    Truncated,
    Unauthorized,
    Unavailable,
)
from exporter.api.retry import parse_retry_after

_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: RateLimited,
    502: BadGateway,
    503: Unavailable,
}

_YEAR_2200 = 7_258_118_400

_DOCUMENTED_CODES = frozenset(
    {
        "invalid_query", "invalid_query_params", "rate_limited", "rate_limit_exceeded", "access_restricted",
        "feature_not_enabled", "invalid_ref", "inactive_flow", "audit_not_supported", "unauthorized", "forbidden",
        "connection_timeout",
    }
)  # fmt: skip
"""Codes of contract 1.5 and the troubleshooting guide. Others may hold anything and are not kept."""


def status_error(
    response: requests.Response, body: bytes, endpoint: Endpoint, now: float, retry_after_max: float
) -> ApiError:
    """The error of a response that is no success.

    A `Retry-After` date is read by the server's own clock, so that a wrong clock here neither drops nor stretches it.
    """
    status = response.status_code
    at = server_time(response.headers.get("Date"))
    kind = _BY_STATUS.get(status) or (
        ServerError if 500 <= status < 600 else Redirected if 300 <= status < 400 else OtherStatus
    )
    return kind(
        endpoint.value,
        method=endpoint.method,
        status=status,
        code=documented_code(body),
        retry_after=parse_retry_after(response.headers.get("Retry-After"), now if at is None else at, retry_after_max),
    )


def server_time(date: str | None) -> float | None:
    """Unix seconds of a `Date` header; None when there is none that can be read, or none that can be now."""
    try:
        at = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return at if 0 <= at < _YEAR_2200 else None


def documented_code(body: bytes) -> str | None:
    """The error code of either envelope (contract 1.5), when it is a documented one."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(content, dict):
        return None
    items = content.get("errors")
    first = items[0] if isinstance(items, list) and items else content
    code = first.get("code") if isinstance(first, dict) else first
    return code if isinstance(code, str) and code in _DOCUMENTED_CODES else None


def transport_error(failure: BaseException, endpoint: Endpoint) -> ApiError:
    """The error of an attempt that got no whole response; the reason is searched along the chain of causes."""
    chain = list(_chain(failure))

    def error(kind: type[ApiError], detail: str = "") -> ApiError:
        return kind(endpoint.value, method=endpoint.method, detail=detail)

    if any(isinstance(each, NameResolutionError | socket.gaierror) for each in chain):
        return error(DnsFailed)
    if any(isinstance(each, ssl.SSLError | requests.exceptions.SSLError) for each in chain):
        return error(TlsFailed, _tls_detail(chain))
    if any(isinstance(each, requests.exceptions.ProxyError) for each in chain):
        return error(ConnectFailed, "the proxy failed")
    if any(isinstance(each, requests.exceptions.ConnectTimeout) for each in chain):
        return error(Timeout, "connecting took too long")
    if any(isinstance(each, requests.exceptions.Timeout | TimeoutError) for each in chain):
        return error(Timeout, "no answer in time")
    if any(isinstance(each, requests.exceptions.ChunkedEncodingError) for each in chain):
        return error(Truncated)
    return error(ConnectFailed)


def _tls_detail(chain: list[BaseException]) -> str:
    texts = " ".join(str(each) for each in chain if isinstance(each, ssl.SSLError)).lower()
    if "expired" in texts:
        return "certificate expired"
    if "not yet valid" in texts:
        return "certificate not yet valid"
    if "wrong_version_number" in texts or "wrong version number" in texts or "record layer failure" in texts:
        return "the port speaks no TLS"
    if "hostname mismatch" in texts or "ip address mismatch" in texts:
        return "certificate is for another host name"
    return "certificate not trusted" if "verify failed" in texts else "handshake failed"


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it wraps and what caused it, each once."""
    seen: set[int] = set()
    waiting = [failure]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        wrapped = (*each.args, getattr(each, "reason", None))
        waiting += [one for one in (*wrapped, each.__cause__, each.__context__) if isinstance(one, BaseException)]
