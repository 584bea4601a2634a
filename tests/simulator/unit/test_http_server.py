"""The server on a real socket: it serves many, misbehaves on demand, and leaves nothing behind."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from exporter.simulator.http_server import HttpServer
from exporter.simulator.messages import Request
from exporter.simulator.wire import Delivery, Reply

OK = Reply(200, (("Content-Type", "application/json"),), b"[1]")


@contextmanager
def serving(app: Callable[[Request], Reply], certificate: tuple[Path, Path] | None = None) -> Iterator[HttpServer]:
    server = HttpServer(app, "127.0.0.1", 0, certificate)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def connected(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, method: str = "GET", path: str = "/") -> tuple[int, bytes]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(cert, append=True)
    return cert, key


def test_a_connection_serves_several_requests() -> None:
    with serving(lambda _: OK) as server, connected(server) as connection:
        assert [ask(connection) for _ in range(3)] == [(200, b"[1]")] * 3


def test_the_app_sees_method_target_headers_and_body() -> None:
    seen: list[Request] = []

    def app(request: Request) -> Reply:
        seen.append(request)
        return OK

    with serving(app) as server, connected(server) as connection:
        connection.request("POST", "/a?b=c", b"body", {"X-Thing": "v", "Content-Type": "application/json"})
        connection.getresponse().read()
    (request,) = seen
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a", (("b", "c"),), b"body")
    assert request.headers["x-thing"] == "v"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE"])
def test_every_method_reaches_the_app(method: str) -> None:
    with serving(lambda request: Reply(200, body=request.method.encode())) as server, connected(server) as connection:
        assert ask(connection, method) == (200, method.encode())


@pytest.mark.parametrize(("method", "reply"), [("HEAD", OK), ("GET", Reply(204))], ids=["head", "no-content"])
def test_an_answer_without_body_leaves_the_connection_usable(method: str, reply: Reply) -> None:
    with serving(lambda _: reply) as server, connected(server) as connection:
        assert [ask(connection, method)[1] for _ in range(2)] == [b"", b""]


def test_a_truncated_answer_breaks_off() -> None:
    reply = Reply(200, body=b"[1,2", length=500, delivery="truncated")
    with (
        serving(lambda _: reply) as server,
        connected(server) as connection,
        pytest.raises(http.client.IncompleteRead) as caught,
    ):
        ask(connection)
    assert caught.value.partial == b"[1,2"


def test_a_reset_connection_gives_no_answer() -> None:
    with (
        serving(lambda _: Reply(0, delivery="reset")) as server,
        connected(server) as connection,
        pytest.raises(ConnectionError),
    ):
        ask(connection)


def test_blocks_are_sent_as_they_are_made() -> None:
    reply = Reply(200, blocks=lambda: iter([b"ab", b"cd"]), length=4)
    with serving(lambda _: reply) as server, connected(server) as connection:
        assert ask(connection) == (200, b"abcd")


def test_a_hanging_answer_ends_when_the_client_goes_away() -> None:
    begun = threading.Event()

    def app(request: Request) -> Reply:
        del request
        begun.set()
        return Reply(0, delivery="hang")

    before = set(threading.enumerate())
    with serving(app) as server:
        with connected(server) as connection:
            connection.request("GET", "/")
            assert begun.wait(20)
            (thread,) = [t for t in set(threading.enumerate()) - before if t.name == "simulator-connection"]
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("reply", [Reply(0, delivery="hang"), Reply(200, delay_seconds=600.0)], ids=["hang", "slow"])
def test_stopping_ends_answers_that_are_not_given_yet(reply: Reply) -> None:
    begun = threading.Event()

    def app(request: Request) -> Reply:
        del request
        begun.set()
        return reply

    before = set(threading.enumerate())
    with serving(app) as server, connected(server) as connection:
        connection.request("GET", "/")
        assert begun.wait(20)
        server.stop()
        assert set(threading.enumerate()) <= before


def test_stopping_closes_idle_connections_and_the_port() -> None:
    before = set(threading.enumerate())
    with serving(lambda _: OK) as server, connected(server) as connection:
        ask(connection)
        port = server.port
        server.stop()
        assert set(threading.enumerate()) <= before
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_server_that_was_never_started_can_be_stopped() -> None:
    server = HttpServer(lambda _: OK, "127.0.0.1", 0)
    server.stop()
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()


def test_a_mistake_of_the_app_is_a_500_and_not_a_cut_connection(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: Request) -> Reply:
        raise ZeroDivisionError(request.path)

    with serving(app) as server, connected(server) as connection:
        assert [ask(connection)[0] for _ in range(2)] == [500, 500]
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ],
    ids=["chunked", "too-large", "no-number"],
)
def test_a_body_of_unknown_or_monstrous_length_is_refused(head: bytes) -> None:
    with serving(lambda _: OK) as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(head)
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_rubbish_on_the_socket_does_not_hurt_the_server() -> None:
    with serving(lambda _: OK) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
            raw.sendall(b"\x16\x03\x01rubbish\r\n\r\n")
            assert raw.recv(100)
        with connected(server) as connection:
            assert ask(connection)[0] == 200


def test_many_connections_are_served_at_once() -> None:
    barrier = threading.Barrier(12)

    def app(request: Request) -> Reply:
        del request
        barrier.wait(20)
        return OK

    results: list[int] = []
    with serving(app) as server:

        def client() -> None:
            with connected(server) as connection:
                results.append(ask(connection)[0])

        threads = [threading.Thread(target=client) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert results == [200] * 12


def test_tls_serves_while_another_client_stays_silent(authority: trustme.CA, certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    before = set(threading.enumerate())
    with serving(lambda _: OK, certificate) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        with socket.create_connection(("127.0.0.1", server.port), timeout=20):
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
            assert ask(connection) == (200, b"[1]")
            server.stop()
            assert set(threading.enumerate()) <= before
            connection.close()


def test_a_client_that_does_not_trust_the_certificate_hurts_nobody(
    authority: trustme.CA, certificate: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(lambda _: OK, certificate) as server:
        distrusting = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20)
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(distrusting)
        distrusting.close()
        trusting = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        assert ask(trusting)[0] == 200
        trusting.close()


@pytest.mark.parametrize("delivery", ["reset", "truncated"])
def test_tls_connections_can_be_cut_too(
    delivery: Delivery, authority: trustme.CA, certificate: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(lambda _: Reply(200, body=b"[", length=90, delivery=delivery), certificate) as server:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(connection)
        connection.close()
