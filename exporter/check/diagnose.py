"""From a failure to its cause and what to do: the troubleshooting guide, applied to exactly one case.

Pure: an error and what is known about the account in, two sentences out. No text from the API is repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.api.errors import ApiError
from exporter.config.settings import Account


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a check failed and what a person does about it."""

    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the error.

    `accepted_by` is the other region whose tokenInfo accepted the token, if any; it means something only when the
    regions were `asked`. `now` and `clock_skew` are seconds;
    skew is positive when the local clock is ahead. `proxy` is true when a proxy variable is set for the host.
    """

    account: Account
    now: float
    accepted_by: str | None = None
    asked: bool = False
    clock_skew: float | None = None
    proxy: bool = False


def diagnose(error: ApiError, about: Circumstances) -> Diagnosis:
    """Cause and remedy of one failed check. Every `ApiError.type` has an answer of its own."""
    return _ADVICE[error.type](error, about)


def token_place(account: Account) -> str:
    """Where a person finds the token's setting: the file or the variable, never its value."""
    return f"file {account.token.file}" if account.token.file else f"variable {account.token.env}"


def _unauthorized(_: ApiError, about: Circumstances) -> Diagnosis:
    account = about.account
    if about.accepted_by:
        return Diagnosis(
            f"wrong region: the token is refused by {account.region} but accepted by {about.accepted_by}",
            f"set the region to {about.accepted_by} (region: {about.accepted_by} in the file, or CELIGO_REGION)",
        )
    if account.token_expires is not None and account.token_expires <= about.now:
        return Diagnosis(
            "expired token: its configured token_expires has passed, and a token purges itself at that time",
            f"create a new full-access API token in integrator.io and put it into {token_place(account)}",
        )
    where = "" if account.region is None or not about.asked else " (no other region accepts it either)"
    return Diagnosis(
        f"the token is wrong, expired, revoked or of another environment{where}",
        f"compare the token in {token_place(account)} with integrator.io > Resources > API tokens: not regenerated, "
        "not disabled, not past its auto-purge age, of the same environment (production tokens do not work on sandbox)",
    )


def _forbidden(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        "missing scope: the token is valid, but its scope or its user's role does not reach this",
        f"use a full-access token in {token_place(about.account)} (a custom token cannot list an account), and check "
        "that its user may at least monitor every integration",
    )


def _rate_limited(error: ApiError, about: Circumstances) -> Diagnosis:
    wait = "" if error.retry_after is None else f"; it asks to wait {error.retry_after:.0f} s"
    rate = about.account.rate_limit.requests_per_second
    return Diagnosis(
        f"rate limit: the account's request budget is used up, and it is shared with all its API users{wait}",
        f"find what else calls the API with this account; lower rate_limit.requests_per_second (now {rate:g}) or "
        "lengthen the collectors' intervals if it is the exporter",
    )


def _timeout(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"no answer in time from {host(about)}: network, firewall that drops packets, or a slow API",
        f"check that outbound HTTPS to {host(about)} is allowed{_proxy_hint(about)}; if the API is only slow, raise "
        "limits.read_timeout",
    )


def _dns(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"DNS: the name {host(about)} cannot be resolved",
        f"check the spelling of the region or base_url and DNS resolution on this machine (getent hosts {host(about)})",
    )


def _connect(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"firewall or network: the connection to {host(about)} is refused, unreachable or reset",
        f"allow outbound HTTPS to {host(about)}{_proxy_hint(about)}",
    )


def _tls(error: ApiError, about: Circumstances) -> Diagnosis:
    detail = error.detail
    if "expired" in detail or "not yet valid" in detail:
        return Diagnosis(
            f"certificate: the one that {host(about)} shows is outside its validity for this machine's clock",
            "check that the system clock is right (timedatectl); then update the CA certificates",
        )
    if "no TLS" in detail:
        return Diagnosis(
            f"{host(about)} does not speak TLS on this port",
            "check the port of base_url; something between may answer in plain HTTP",
        )
    return Diagnosis(
        f"certificate: the one that {host(about)} shows is not trusted here",
        "update the CA certificates; behind a proxy that inspects TLS, point REQUESTS_CA_BUNDLE at a bundle with its "
        "CA. Verification cannot be switched off",
    )


def _server(error: ApiError, _: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"integrator.io itself fails (HTTP {error.status})",
        "retry later; if it lasts, look at Celigo's status page and open a ticket with the time and the request id",
    )


def _payload(error: ApiError, about: Circumstances) -> Diagnosis:
    if error.type == "too_large":
        return Diagnosis(
            "the answer is over limits.response_bytes after decompression",
            "raise limits.response_bytes; if it is no list of this account, check base_url",
        )
    if error.type == "invalid_json":
        return Diagnosis(
            f"what {host(about)} answers is no JSON: a proxy, a login page, or not the API",
            f"check base_url{_proxy_hint(about)}",
        )
    return Diagnosis(
        "the answer is JSON of an unexpected data format",
        "check that base_url is the API's; else the API changed: report the endpoint and this version",
    )


def _truncated(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        "truncated response: the body ended early",
        f"check what cuts long answers between here and {host(about)}{_proxy_hint(about)}; the exporter already reads "
        "page by page and asks for the wanted fields alone",
    )


def _not_found(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        "not found: the account does not have this endpoint, or base_url is not the API's",
        f"check base_url ({host(about)}); paths start with /v1 and are appended by the exporter",
    )


def _redirect(_: ApiError, about: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"{host(about)} redirects elsewhere, and a redirect is never followed because the token would go along",
        "set base_url to the API's own host",
    )


def _request(error: ApiError, _: Circumstances) -> Diagnosis:
    return Diagnosis(
        f"the API refuses this request (HTTP {error.status})",
        "retry; if it lasts, the API changed: report the endpoint, the status and this version",
    )


def host(about: Circumstances) -> str:
    """Host and port of the account's API."""
    return about.account.host


def _proxy_hint(about: Circumstances) -> str:
    return ", and that the proxy in HTTPS_PROXY lets it through" if about.proxy else ""


_ADVICE: dict[str, Callable[[ApiError, Circumstances], Diagnosis]] = {
    "unauthorized": _unauthorized,
    "forbidden": _forbidden,
    "rate_limited": _rate_limited,
    "timeout": _timeout,
    "dns": _dns,
    "connect": _connect,
    "tls": _tls,
    "server_error": _server,
    "bad_gateway": _server,
    "unavailable": _server,
    "invalid_json": _payload,
    "unexpected_shape": _payload,
    "too_large": _payload,
    "truncated": _truncated,
    "not_found": _not_found,
    "redirect": _redirect,
    "bad_request": _request,
    "conflict": _request,
    "validation": _request,
    "other": _request,
}
