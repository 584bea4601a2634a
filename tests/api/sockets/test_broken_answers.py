"""Answers that never come, come slowly, end early or are no HTTP."""

import time
from collections.abc import Callable

import pytest

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError
from tests.api.kit import CALLS, Kit, failure_of
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, answering, response

TOO_LONG_SECONDS = 30.0
"""No test may take so long; what a missing timeout would lead to."""

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def token_failure(api: Kit) -> ApiError:
    return failure_of(CALLS[Endpoint.TOKEN_INFO], api)


def timed(api: Kit, seconds: float) -> tuple[ApiError, float]:
    started = time.monotonic()
    failure = failure_of(lambda kit: kit.client.integrations(kit.refresh(seconds)), api)
    return failure, time.monotonic() - started


def test_a_server_that_never_answers_is_a_timeout(serve: Serve, connect: Connect) -> None:
    server = serve(lambda connection: connection.stay_silent())
    failure, seconds = timed(connect(server.url, read=0.2), 60.0)
    assert isinstance(failure, errors.Timeout)
    assert seconds < TOO_LONG_SECONDS


def test_a_server_that_never_answers_ends_with_the_deadline(serve: Serve, connect: Connect) -> None:
    server = serve(lambda connection: connection.stay_silent())
    failure, seconds = timed(connect(server.url, read=60.0, attempts=9), 0.4)
    assert isinstance(failure, errors.Timeout)
    assert 0.3 <= seconds < TOO_LONG_SECONDS
    assert server.connections == 1


def test_a_silent_tls_handshake_is_a_timeout(serve: Serve, connect: Connect) -> None:
    server = serve(lambda connection: connection.stay_silent())
    failure, seconds = timed(connect(server.url.replace("http:", "https:"), read=0.3), 1.0)
    assert isinstance(failure, errors.Timeout)
    assert seconds < TOO_LONG_SECONDS


def test_a_dripping_body_ends_with_the_deadline(serve: Serve, connect: Connect) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(response(b"", length=10**6))
        connection.drip(b" " * 10**6)

    failure, seconds = timed(connect(serve(converse).url, read=5.0), 0.5)
    assert isinstance(failure, errors.Timeout)
    assert seconds < TOO_LONG_SECONDS


@pytest.mark.parametrize("status", ["302 Found", "400 Bad Request", "500 Oh"])
def test_the_dripping_body_of_a_refusal_ends_with_the_deadline(serve: Serve, connect: Connect, status: str) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(response(b"", status, ("Location: /v1/flows",), length=10**6))
        connection.drip(b" " * 10**6)

    _, seconds = timed(connect(serve(converse).url, read=5.0), 0.5)
    assert seconds < TOO_LONG_SECONDS


def test_dripping_chunks_end_with_the_deadline(serve: Serve, connect: Connect) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED)
        connection.drip(b"1\r\n \r\n" * 10**5)

    failure, seconds = timed(connect(serve(converse).url, read=5.0), 0.5)
    assert isinstance(failure, errors.Timeout)
    assert seconds < TOO_LONG_SECONDS


def truncated_by_length(connection: Connection) -> None:
    connection.request()
    connection.send(response(b'[{"_id":"a"', length=500))


def truncated_chunk(connection: Connection) -> None:
    connection.request()
    connection.send(CHUNKED + b'20\r\n[{"_id":"a"')


def missing_last_chunk(connection: Connection) -> None:
    connection.request()
    connection.send(CHUNKED + b"2\r\n[]\r\n")


def reset_in_the_body(connection: Connection) -> None:
    connection.request()
    connection.send(response(b'[{"_id":"a"', length=500))
    connection.reset()


@pytest.mark.parametrize("converse", [truncated_by_length, truncated_chunk, missing_last_chunk, reset_in_the_body])
def test_a_body_that_ends_early_is_truncated_never_a_shorter_list(
    serve: Serve, connect: Connect, converse: Callable[[Connection], None]
) -> None:
    failure, _ = timed(connect(serve(converse).url), 60.0)
    assert isinstance(failure, errors.Truncated)


def test_a_body_that_looks_whole_but_is_declared_longer_is_truncated(serve: Serve, connect: Connect) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(response(b"[]", length=3))

    failure, _ = timed(connect(serve(converse).url), 60.0)
    assert isinstance(failure, errors.Truncated)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50",
    ],
    ids=range(6),
)
def test_an_answer_cut_in_its_head_is_never_an_empty_list(serve: Serve, connect: Connect, head: bytes) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(head)

    failure, _ = timed(connect(serve(converse).url), 60.0)
    assert isinstance(failure, errors.TransportError)


def test_a_truncated_answer_is_asked_for_again(serve: Serve, connect: Connect) -> None:
    turn = iter([truncated_by_length, truncated_chunk, answering(response(b"[]"))])
    server = serve(lambda connection: next(turn)(connection))
    api = connect(server.url, attempts=4)
    assert api.client.integrations(api.refresh()).complete
    assert api.errors() == {"truncated": 2}
    assert len(server.requests) == 3


def close_at_once(_: Connection) -> None:
    return


def reset_at_once(connection: Connection) -> None:
    connection.reset()


def close_after_the_request(connection: Connection) -> None:
    connection.request()


def reset_after_the_request(connection: Connection) -> None:
    connection.request()
    connection.reset()


@pytest.mark.parametrize("converse", [close_at_once, reset_at_once, close_after_the_request, reset_after_the_request])
def test_a_connection_lost_before_an_answer_is_a_failed_connection(
    serve: Serve, connect: Connect, converse: Callable[[Connection], None]
) -> None:
    failure = token_failure(connect(serve(converse).url))
    assert isinstance(failure, errors.ConnectFailed)
    assert failure.status is None


NOT_HTTP = {
    "banner": b"220 mail.example ESMTP\r\n",
    "text": b"hello\r\n\r\n",
    "bad status": b"HTTP/1.1 abc OK\r\n\r\n",
    "huge status": b"HTTP/1.1 99999 OK\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "endless header": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n[]",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 500 + b"\r\n[]",
    "bad chunk size": CHUNKED + b"zz\r\n[]\r\n0\r\n\r\n",
    "negative chunk size": CHUNKED + b"-5\r\n[]\r\n0\r\n\r\n",
    "bytes": bytes(range(256)),
    "header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
}


@pytest.mark.parametrize("content", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_no_http_is_a_leaf_of_the_tree(serve: Serve, connect: Connect, content: bytes) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(content)

    failure = token_failure(connect(serve(converse).url, read=2.0))
    assert isinstance(failure, errors.TransportError | errors.PayloadError | errors.OtherStatus)


ODD_BUT_GOOD = {
    "HTTP 1.0 until the connection closes": b"HTTP/1.0 200 OK\r\n\r\n[]",
    "no length, closed in the end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[]",
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"[]"),
    "chunks of one byte": CHUNKED + b"1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
    "chunks with extensions and trailers": CHUNKED + b"2;x=y\r\n[]\r\n0\r\nX-T: 1\r\n\r\n",
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n[]",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "text as type": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]",
}


@pytest.mark.parametrize("content", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD.keys())
def test_an_unusual_but_correct_answer_is_read(serve: Serve, connect: Connect, content: bytes) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(content)

    api = connect(serve(converse).url)
    listing = api.client.integrations(api.refresh())
    assert (listing.rows, listing.complete) == ((), True)
