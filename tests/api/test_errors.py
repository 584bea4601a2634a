"""The tree of failures: closed, documented, and unable to carry what must not be seen."""

import re

import pytest

from exporter.api import errors
from exporter.api.errors import ERROR_TYPES, ApiError, leaves

METRIC_TYPES = (
    "unauthorized",
    "forbidden",
    "not_found",
    "bad_request",
    "conflict",
    "validation",
    "rate_limited",
    "server_error",
    "bad_gateway",
    "unavailable",
    "timeout",
    "dns",
    "connect",
    "tls",
    "truncated",
    "invalid_json",
    "unexpected_shape",
    "too_large",
    "redirect",
    "other",
)
"""The enumeration of `celigo_api_errors_total{type}`, written down a second time."""

RETRIED = {
    "rate_limited",
    "server_error",
    "bad_gateway",
    "unavailable",
    "timeout",
    "dns",
    "connect",
    "truncated",
}


def test_the_types_are_those_of_the_metric() -> None:
    assert sorted(ERROR_TYPES) == sorted(METRIC_TYPES)


def test_no_two_leaves_share_a_type() -> None:
    assert len({leaf.type for leaf in leaves()}) == len(leaves())


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.type)
def test_only_the_named_failures_are_worth_a_retry(leaf: type[ApiError]) -> None:
    assert leaf.retryable is (leaf.type in RETRIED)


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.type)
def test_a_leaf_says_method_template_type_and_status(leaf: type[ApiError]) -> None:
    text = str(leaf("/v1/flows/{flowId}/errors", method="GET", status=418))
    assert text == f"GET /v1/flows/{{flowId}}/errors: {leaf.type} (HTTP 418)"


def test_code_and_detail_are_said_when_known() -> None:
    error = errors.BadRequest("/v1/jobs", status=400, code="invalid_query", detail="asked without a window")
    assert str(error) == "GET /v1/jobs: bad_request (HTTP 400, invalid_query) - asked without a window"


def test_without_a_response_no_status_is_made_up() -> None:
    assert str(errors.DnsFailed("/v1/tokenInfo")) == "GET /v1/tokenInfo: dns"


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.type)
def test_every_leaf_stands_in_the_drawing(leaf: type[ApiError]) -> None:
    assert re.search(rf"── {leaf.__name__}\b", errors.__doc__ or "")


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.type)
def test_the_repr_holds_no_more_than_the_template(leaf: type[ApiError]) -> None:
    assert repr(leaf("/v1/flows", detail="d", code="c", status=500)) == f"{leaf.__name__}('/v1/flows')"
