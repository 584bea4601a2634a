"""Requests and answers free of sockets."""

import pytest

from exporter.simulator.messages import NOTHING, Answer, Refused, Request, bare, envelope, json_body


def test_a_target_is_split_into_path_and_query() -> None:
    request = Request.of("GET", "/v1/flows?include=a,b&x=&x=1&y=%20z")
    assert request.path == "/v1/flows"
    assert request.query == (("include", "a,b"), ("x", ""), ("x", "1"), ("y", " z"))
    assert (request.get("x"), request.get_all("x"), request.get("nothing")) == ("", ["", "1"], None)


@pytest.mark.parametrize(
    ("target", "more", "expected"),
    [
        ("/v1/flows", {}, "/v1/flows"),
        ("/v1/flows", {"after": "c"}, "/v1/flows?after=c"),
        ("/v1/flows?after=a&limit=2", {"after": "b"}, "/v1/flows?limit=2&after=b"),
    ],
)
def test_a_target_is_written_with_parameters_replaced(target: str, more: dict[str, str], expected: str) -> None:
    assert Request.of("GET", target).target(**more) == expected


def test_parameters_can_be_left_out() -> None:
    assert Request.of("GET", "/x?a=1&b=2&a=3").without("a").query == (("b", "2"),)


def test_null_is_a_content_and_nothing_is_none() -> None:
    assert Answer(200, None).encoded() == b"null"
    assert Answer(204).encoded() == b""
    assert Answer(204).content is NOTHING


def test_the_two_error_shapes() -> None:
    assert envelope(400, "c", "m").content == {"errors": [{"code": "c", "message": "m"}]}
    assert bare(401, "Unauthorized").content == {"message": "Unauthorized"}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", b"{}", {}),
        ("application/json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("APPLICATION/JSON", b"", {}),
        (None, b"  ", {}),
    ],
    ids=["empty-object", "charset", "no-body", "no-type"],
)
def test_a_json_body_is_read(kind: str | None, body: bytes, expected: object) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert json_body(Request("POST", "/", headers=headers, body=body)) == expected


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=1", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b"null", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[" * 100_000, 400),
    ],
    ids=["text", "form", "cut", "list", "null", "no-utf8", "deep"],
)
def test_another_body_is_refused(kind: str, body: bytes, status: int) -> None:
    with pytest.raises(Refused) as caught:
        json_body(Request("POST", "/", headers={"content-type": kind}, body=body))
    assert caught.value.answer.status == status
