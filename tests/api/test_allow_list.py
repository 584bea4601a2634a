"""Nothing but the contract's reading calls can be expressed, whatever a response puts into an id."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.endpoints import Call, Endpoint, is_id

READING_POSTS = {"/v1/jobs/current", "/v1/flows/runs/stats"}
FORBIDDEN_WORDS = (
    "ping",
    "token/",
    "display-token",
    "change-token",
    "cancel",
    "debug",
    "/run/",
    "signedURL",
    "diagnostics",
)
FLOW = "64b2e1d3c5f6a70023bc45d2"

NO_IDS = {
    "empty": "",
    "slash": "a/b",
    "parent": "..",
    "current": ".",
    "encoded slash": "a%2Fb",
    "encoded dot": "%2e%2e",
    "query": "a?b=c",
    "fragment": "a#b",
    "space": "a b",
    "newline": "abc\n",
    "carriage return": "abc\r\nX-Other: 1",
    "tab": "\tabc",
    "NUL": "a\0b",
    "semicolon": "a;b",
    "at": "user@host",
    "colon": "a:b",
    "backslash": "a\\b",
    "template": "{flowId}",
    "plus": "a+b",
    "not ascii": "abcdé",
    "digits that are not ascii": "٣٤",
    "fullwidth": "\uff41\uff42",
    "65 characters": "a" * 65,
}


def places(endpoint: Endpoint) -> int:
    return len(re.findall(r"\{", endpoint.value))


@pytest.mark.parametrize("endpoint", Endpoint)
def test_every_endpoint_reads_by_get_or_by_one_of_the_two_reading_posts(endpoint: Endpoint) -> None:
    assert endpoint.method == ("POST" if endpoint.value in READING_POSTS else "GET")


@pytest.mark.parametrize("endpoint", Endpoint)
def test_no_endpoint_pings_writes_or_returns_a_secret(endpoint: Endpoint) -> None:
    assert not [word for word in FORBIDDEN_WORDS if word in f"{endpoint.value}/"]


@pytest.mark.parametrize("endpoint", Endpoint)
def test_every_path_lies_under_v1_of_the_contract(endpoint: Endpoint) -> None:
    assert endpoint.path(*[FLOW] * places(endpoint)).startswith("/v1/")


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in Endpoint if places(endpoint)])
@pytest.mark.parametrize("given_id", NO_IDS.values(), ids=NO_IDS.keys())
def test_an_id_that_is_none_is_refused(endpoint: Endpoint, given_id: str) -> None:
    good = [FLOW] * (places(endpoint) - 1)
    for ids in ([given_id, *good], [*good, given_id]):
        with pytest.raises(ValueError, match="not an id"):
            endpoint.path(*ids)
        with pytest.raises(ValueError, match="not an id"):
            _ = Call(endpoint, tuple(ids)).path


@pytest.mark.parametrize(
    ("endpoint", "count"),
    [(endpoint, count) for endpoint in Endpoint for count in range(4) if count != places(endpoint)],
)
def test_the_wrong_number_of_ids_is_refused(endpoint: Endpoint, count: int) -> None:
    with pytest.raises(ValueError, match="ids"):
        endpoint.path(*[FLOW] * count)


@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS.keys())
def test_what_is_no_id_can_be_told_before_a_call_is_made(text: str) -> None:
    assert not is_id(text)


@pytest.mark.parametrize("text", [FLOW, "none", "a", "A-b_9", "a" * 64])
def test_what_is_an_id_can_be_told_before_a_call_is_made(text: str) -> None:
    assert is_id(text)
    assert Endpoint.JOB.path(text) == f"/v1/jobs/{text}"


def test_none_is_an_id_because_standalone_flows_have_it() -> None:
    assert Endpoint.INTEGRATION_ERRORS.path("none") == "/v1/integrations/none/errors"


def test_ids_fill_their_places_in_order() -> None:
    assert Endpoint.STEP_ERRORS.path("aa", "bb") == "/v1/flows/aa/bb/errors"


def test_the_error_about_a_bad_id_does_not_repeat_it() -> None:
    with pytest.raises(ValueError, match="not an id") as caught:
        Endpoint.JOB.path("someone@example.com")
    assert "someone" not in str(caught.value)


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_whatever_the_ids_hold_the_path_keeps_its_shape(ids: list[str]) -> None:
    try:
        path = Endpoint.STEP_ERRORS.path(*ids)
    except ValueError:
        return
    assert re.fullmatch(r"/v1/flows/[0-9A-Za-z_-]{1,64}/[0-9A-Za-z_-]{1,64}/errors", path)


@pytest.mark.parametrize("endpoint", Endpoint)
def test_two_endpoints_never_share_a_path_with_hex_ids(endpoint: Endpoint) -> None:
    path = endpoint.path(*[FLOW] * places(endpoint))
    assert [
        other for other in Endpoint if other.method == endpoint.method and other.path(*[FLOW] * places(other)) == path
    ] == [endpoint]
