"""`diagnose` gives each failure its own cause and the guide's remedy for exactly that case."""

import pytest

from exporter.api.errors import ERROR_TYPES, ApiError, Forbidden, RateLimited, TlsFailed, Unauthorized, leaves
from exporter.check.diagnose import Circumstances, diagnose
from exporter.config.settings import Account, RateLimit, TokenSource

NOW = 1_790_000_000.0
ACCOUNT = Account("acme", TokenSource(env="ACME_TOKEN"))


def about(**known: object) -> Circumstances:
    return Circumstances(ACCOUNT, NOW, **known)  # type: ignore[arg-type]  # one literal per call below


def error(kind: type[ApiError], status: int | None = None, detail: str = "") -> ApiError:
    return kind("/v1/flows", status=status, detail=detail)


CASES = [
    pytest.param("unauthorized", 401, ("expired", "revoked"), ("ACME_TOKEN", "sandbox"), id="bad token"),
    pytest.param("forbidden", 403, ("missing scope",), ("full-access", "ACME_TOKEN"), id="missing scope"),
    pytest.param("not_found", 404, ("not found",), ("base_url",), id="not found"),
    pytest.param("bad_request", 400, ("HTTP 400",), ("report",), id="bad request"),
    pytest.param("conflict", 409, ("HTTP 409",), ("report",), id="conflict"),
    pytest.param("validation", 422, ("HTTP 422",), ("report",), id="validation"),
    pytest.param("rate_limited", 429, ("rate limit", "shared"), ("requests_per_second",), id="rate limit"),
    pytest.param("server_error", 500, ("HTTP 500",), ("retry later",), id="server error"),
    pytest.param("bad_gateway", 502, ("HTTP 502",), ("retry later",), id="bad gateway"),
    pytest.param("unavailable", 503, ("HTTP 503",), ("retry later",), id="unavailable"),
    pytest.param("timeout", None, ("no answer",), ("outbound HTTPS", "api.integrator.io"), id="timeout"),
    pytest.param("dns", None, ("DNS", "api.integrator.io"), ("getent hosts",), id="dns"),
    pytest.param("connect", None, ("firewall",), ("outbound HTTPS",), id="connect"),
    pytest.param("tls", None, ("not trusted",), ("CA certificates", "REQUESTS_CA_BUNDLE"), id="certificate"),
    pytest.param("truncated", 200, ("truncated",), ("cuts long answers",), id="truncated"),
    pytest.param("invalid_json", 200, ("no JSON",), ("base_url",), id="no json"),
    pytest.param("unexpected_shape", 200, ("data format",), ("version",), id="shape"),
    pytest.param("too_large", 200, ("response_bytes",), ("raise",), id="too large"),
    pytest.param("redirect", 302, ("redirects",), ("base_url",), id="redirect"),
    pytest.param("other", 418, ("HTTP 418",), ("report",), id="any other status"),
]


@pytest.mark.parametrize(("kind", "status", "in_cause", "in_remedy"), CASES)
def test_each_failure_has_its_own_cause_and_remedy(
    kind: str, status: int | None, in_cause: tuple[str, ...], in_remedy: tuple[str, ...]
) -> None:
    leaf = next(leaf for leaf in leaves() if leaf.type == kind)
    advice = diagnose(error(leaf, status), about())
    assert all(words in advice.cause for words in in_cause), advice
    assert all(words in advice.remedy for words in in_remedy), advice


def test_no_error_type_is_without_a_case_above() -> None:
    assert {case.values[0] for case in CASES} == set(ERROR_TYPES)


def test_another_region_that_accepts_the_token_is_named() -> None:
    advice = diagnose(error(Unauthorized, 401), about(accepted_by="eu"))
    assert "wrong region" in advice.cause
    assert "refused by us but accepted by eu" in advice.cause
    assert "region: eu" in advice.remedy


def test_a_token_past_its_configured_expiry_is_called_expired() -> None:
    account = Account("acme", TokenSource(file="/run/secrets/acme"), token_expires=NOW - 1)
    advice = diagnose(error(Unauthorized, 401), Circumstances(account, NOW))
    assert advice.cause.startswith("expired token")
    assert "/run/secrets/acme" in advice.remedy


def test_a_token_before_its_configured_expiry_is_not_called_expired() -> None:
    account = Account("acme", TokenSource(file="/run/secrets/acme"), token_expires=NOW + 1)
    assert not diagnose(error(Unauthorized, 401), Circumstances(account, NOW)).cause.startswith("expired")


def test_that_others_refuse_too_is_claimed_only_when_they_were_asked() -> None:
    elsewhere = Account("acme", TokenSource(env="T"), base_url="https://proxy.example", region=None)
    assert "no other region" not in diagnose(error(Unauthorized, 401), Circumstances(elsewhere, NOW, asked=True)).cause
    assert "no other region" not in diagnose(error(Unauthorized, 401), about()).cause
    assert "no other region" in diagnose(error(Unauthorized, 401), about(asked=True)).cause


def test_rate_limit_tells_how_long_to_wait_and_the_rate_in_force() -> None:
    account = Account("acme", TokenSource(env="T"), rate_limit=RateLimit(2.5, 10))
    limited = RateLimited("/v1/jobs", status=429, retry_after=30.0)
    advice = diagnose(limited, Circumstances(account, NOW))
    assert "wait 30 s" in advice.cause
    assert "now 2.5" in advice.remedy


@pytest.mark.parametrize(
    ("detail", "in_cause", "in_remedy"),
    [
        pytest.param("certificate expired", "validity", "system clock", id="expired"),
        pytest.param("certificate not yet valid", "validity", "system clock", id="not yet valid"),
        pytest.param("the port speaks no TLS", "does not speak TLS", "port of base_url", id="plain HTTP port"),
        pytest.param("certificate not trusted", "not trusted", "CA certificates", id="unknown issuer"),
    ],
)
def test_tls_failures_are_told_apart(detail: str, in_cause: str, in_remedy: str) -> None:
    advice = diagnose(error(TlsFailed, detail=detail), about())
    assert in_cause in advice.cause
    assert in_remedy in advice.remedy


def test_nobody_is_ever_told_to_switch_verification_off() -> None:
    advice = diagnose(error(TlsFailed, detail="certificate not trusted"), about())
    assert "cannot be switched off" in advice.remedy


@pytest.mark.parametrize("kind", ["timeout", "connect", "invalid_json", "truncated"])
def test_the_proxy_is_mentioned_only_when_one_is_set(kind: str) -> None:
    leaf = next(leaf for leaf in leaves() if leaf.type == kind)
    assert "proxy in HTTPS_PROXY" in diagnose(error(leaf), about(proxy=True)).remedy
    assert "proxy in HTTPS_PROXY" not in diagnose(error(leaf), about()).remedy


def test_a_forbidden_remedy_names_the_file_when_the_token_is_in_one() -> None:
    account = Account("acme", TokenSource(file="/run/secrets/acme"))
    assert "file /run/secrets/acme" in diagnose(error(Forbidden, 403), Circumstances(account, NOW)).remedy
