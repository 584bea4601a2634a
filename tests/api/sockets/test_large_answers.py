"""Bodies over the bound are given up early, whatever they claim about their size."""

import gzip
import tracemalloc
import zlib

import pytest

from exporter.api import errors
from tests.api.kit import Kit, failure_of
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, answering, response

BOUND = 256 * 1024
MIB = 1024 * 1024


def listing_failure(api: Kit) -> errors.ApiError:
    return failure_of(lambda kit: kit.client.integrations(kit.refresh(60.0)), api)


def padded(size: int) -> bytes:
    """A JSON list of exactly that size."""
    return b"[" + b" " * (size - 2) + b"]"


GZIP = "Content-Encoding: gzip"


@pytest.mark.parametrize("size", [BOUND - 1, BOUND])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_body_up_to_the_bound_is_read(serve: Serve, connect: Connect, size: int, compressed: bool) -> None:
    body = gzip.compress(padded(size)) if compressed else padded(size)
    api = connect(serve(answering(response(body, headers=(GZIP,) if compressed else ()))).url, size=BOUND)
    assert api.client.integrations(api.refresh()).complete
    assert api.count("celigo_api_response_bytes_total", "/v1/integrations") == size


@pytest.mark.parametrize("size", [BOUND + 1, 8 * BOUND])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_body_over_the_bound_is_too_large(serve: Serve, connect: Connect, size: int, compressed: bool) -> None:
    body = gzip.compress(padded(size)) if compressed else padded(size)
    api = connect(serve(answering(response(body, headers=(GZIP,) if compressed else ()))).url, size=BOUND, attempts=4)
    assert isinstance(listing_failure(api), errors.TooLarge)
    assert api.errors() == {"too_large": 1}
    assert api.last.requests == 1


@pytest.mark.parametrize("kind", ["gzip", "deflate", "gzip, gzip"])
def test_a_compressed_bomb_is_given_up_without_being_unpacked(serve: Serve, connect: Connect, kind: str) -> None:
    zeros = b" " * MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, 15 if kind == "deflate" else 31)
    bomb = b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush()
    if kind == "gzip, gzip":
        bomb = gzip.compress(bomb)
    api = connect(serve(answering(response(bomb, headers=(f"Content-Encoding: {kind}",)))).url, size=BOUND)
    tracemalloc.start()
    try:
        failure = listing_failure(api)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(failure, errors.TooLarge | errors.InvalidJson | errors.Truncated)
    assert peak < 64 * MIB
    assert kind == "gzip, gzip" or isinstance(failure, errors.TooLarge)


def test_an_endless_body_is_given_up_at_the_bound(serve: Serve, connect: Connect) -> None:
    sent = [0]

    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not connection.server.stopping.is_set():
            connection.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
            sent[0] += 4096

    api = connect(serve(converse).url, size=BOUND)
    assert isinstance(listing_failure(api), errors.TooLarge)
    # What the operating system's buffers took besides is not ours to bound.
    assert sent[0] < 64 * MIB


def test_a_declared_length_over_the_bound_is_not_waited_for(serve: Serve, connect: Connect) -> None:
    def converse(connection: Connection) -> None:
        connection.request()
        connection.send(response(padded(BOUND + 4096), length=10 * BOUND))
        connection.stay_silent()

    assert isinstance(listing_failure(connect(serve(converse).url, size=BOUND)), errors.TooLarge)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"this is not gzip", "gzip"),
        (gzip.compress(b"[]")[:10], "gzip"),
        (gzip.compress(b"[1,2,3]" * 1000)[:60], "gzip"),
        (b"\x01\x02\x03", "deflate"),
        (b"[]x", "br"),
        (b"\0\0", "no-such-encoding"),
    ],
    ids=["no gzip", "head of a gzip alone", "half a gzip", "no deflate", "brotli", "unknown"],
)
def test_a_body_that_cannot_be_unpacked_is_never_a_list(
    serve: Serve, connect: Connect, body: bytes, encoding: str
) -> None:
    api = connect(serve(answering(response(body, headers=(f"Content-Encoding: {encoding}",)))).url)
    assert isinstance(listing_failure(api), errors.InvalidJson | errors.Truncated)


def test_a_large_error_body_does_not_hide_the_status(serve: Serve, connect: Connect) -> None:
    api = connect(serve(answering(response(b"x" * (4 * BOUND), "503 Service Unavailable"))).url, size=BOUND)
    assert isinstance(listing_failure(api), errors.Unavailable | errors.TooLarge)


@pytest.mark.parametrize("status", ["302 Found", "401 No", "404 Not Found", "429 Slow", "500 Oh"])
def test_the_body_of_a_refusal_is_bounded_too(serve: Serve, connect: Connect, status: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * MIB) for _ in range(128)) + packer.flush()
    api = connect(serve(answering(response(bomb, status, (GZIP, "Location: /v1/flows")))).url, size=BOUND)
    tracemalloc.start()
    try:
        listing_failure(api)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * MIB
