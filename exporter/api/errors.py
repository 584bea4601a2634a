"""Failures of a call to integrator.io, as a small tree.

    ApiError
    ├── AuthError          the token is not good for this call
    │   ├── Unauthorized       401
    │   └── Forbidden          403
    ├── RequestError       the server refuses this request, repeating it changes nothing
    │   ├── BadRequest         400
    │   ├── NotFound           404
    │   ├── Conflict           409
    │   ├── Invalid            422
    │   ├── Redirected         3xx, never followed
    │   └── OtherStatus        any other status
    ├── RateLimited        429
    ├── ServerError        500 and every 5xx without a leaf of its own
    │   ├── BadGateway         502
    │   └── Unavailable        503
    ├── TransportError     no answer, or half of one
    │   ├── Timeout            connect, read, or the collector's deadline
    │   ├── DnsFailed
    │   ├── ConnectFailed      refused, unreachable, reset, proxy
    │   ├── TlsFailed
    │   └── Truncated          the body ended early
    └── PayloadError       an answer that cannot be used
        ├── InvalidJson
        ├── UnexpectedShape
        └── TooLarge

Every leaf has a `type`, the label value of `celigo_api_errors_total`. Messages name method, path template and
status; never a header, a query, a body or the server's own message (it may hold record content).
"""

from typing import ClassVar, Self


class ApiError(Exception):
    """A call failed. `endpoint` is the path template; `status` is None when no response arrived.

    `code` is the API's error code when it is one of the documented ones, else None.
    `retry_after` is what a 429 or 503 asked for, in seconds. `partial` is true when other calls of the same collector
    run succeeded.
    """

    type: ClassVar[str] = "other"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        endpoint: str,
        *,
        method: str = "GET",
        status: int | None = None,
        code: str | None = None,
        detail: str = "",
        retry_after: float | None = None,
        partial: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.method = method
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.partial = partial
        super().__init__(endpoint)

    def detached(self) -> Self:
        """The same failure without traceback and cause.

        For one that is kept or raised in several threads: the frames behind a traceback hold a request with its token
        and a body of many megabytes.
        """
        return type(self)(
            self.endpoint,
            method=self.method,
            status=self.status,
            code=self.code,
            detail=self.detail,
            retry_after=self.retry_after,
            partial=self.partial,
        )

    def among_successes(self) -> Self:
        """The same failure, marked as one of some calls of which others succeeded."""
        marked = self.detached()
        marked.partial = True
        marked.detail = "refused, while other calls of the collector are answered"
        return marked

    def __str__(self) -> str:
        parts = [f"{self.method} {self.endpoint}: {self.type}"]
        if self.status is not None:
            parts.append(f"(HTTP {self.status}{', ' + self.code if self.code else ''})")
        if self.detail:
            parts.append(f"- {self.detail}")
        return " ".join(parts)


class AuthError(ApiError):
    """The token is not good for this call."""


class Unauthorized(AuthError):
    """401: token missing, wrong, purged, or of another region or environment."""

    type = "unauthorized"


class Forbidden(AuthError):
    """403: the token's scope or the user's role does not reach this."""

    type = "forbidden"


class RequestError(ApiError):
    """The server refuses this request; repeating it changes nothing."""


class BadRequest(RequestError):
    """400: a filter is missing or wrong."""

    type = "bad_request"


class NotFound(RequestError):
    """404: unknown or purged id, or an endpoint this account does not have."""

    type = "not_found"


class Conflict(RequestError):
    """409: the resource is in use."""

    type = "conflict"


class Invalid(RequestError):
    """422: the request is well-formed but not valid."""

    type = "validation"


class Redirected(RequestError):
    """3xx: never followed, because the token would go along."""

    type = "redirect"


class OtherStatus(RequestError):
    """A status without a leaf of its own."""

    type = "other"


class RateLimited(ApiError):
    """429: the account's bucket is empty."""

    type = "rate_limited"
    retryable = True


class ServerError(ApiError):
    """500, and every 5xx without a leaf of its own."""

    type = "server_error"
    retryable = True


class BadGateway(ServerError):
    """502."""

    type = "bad_gateway"


class Unavailable(ServerError):
    """503."""

    type = "unavailable"


class TransportError(ApiError):
    """No answer, or half of one."""

    retryable = True


class Timeout(TransportError):
    """Connecting, reading, or the collector's own deadline took too long."""

    type = "timeout"


class DnsFailed(TransportError):
    """The host name could not be resolved."""

    type = "dns"


class ConnectFailed(TransportError):
    """Refused, unreachable, reset before an answer, or the proxy failed."""

    type = "connect"


class TlsFailed(TransportError):
    """The TLS handshake or the certificate check failed. Repeating it changes nothing."""

    type = "tls"
    retryable = False


class Truncated(TransportError):
    """The body ended before its declared length."""

    type = "truncated"


class PayloadError(ApiError):
    """An answer that cannot be used."""


class InvalidJson(PayloadError):
    """The body is no JSON."""

    type = "invalid_json"


class UnexpectedShape(PayloadError):
    """The body is JSON of another shape than the contract says."""

    type = "unexpected_shape"


class TooLarge(PayloadError):
    """The body is over the configured bound after decompression."""

    type = "too_large"


def leaves(root: type[ApiError] = ApiError) -> tuple[type[ApiError], ...]:
    """Every class that an error can be, the root's own subtree in order of definition."""
    own = [root] if "type" in root.__dict__ and root is not ApiError else []
    return (*own, *(leaf for child in root.__subclasses__() for leaf in leaves(child)))


ERROR_TYPES: tuple[str, ...] = tuple(leaf.type for leaf in leaves())
"""The closed enumeration of `celigo_api_errors_total{type}`."""
