"""Clients that say nothing, say it slowly, or do not listen: each meets its end, and nobody else notices."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import until
from tests.web.places import authority, written
from tests.web.rig import BODY, Served, closed_by_server, quick, served

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@pytest.fixture
def tls(folder: Path) -> Path:
    return written(folder, TLS)


class TestSilence:
    def test_a_connection_without_a_word_is_closed(self) -> None:
        with served(limits=quick(headers=0.3)) as server, server.connect() as client:
            assert closed_by_server(client)
            until(lambda: server.counted("header_timeout") == 1, "it is counted")

    def test_a_tls_connection_without_a_word_is_closed(self, tls: Path) -> None:
        with served(tls, quick(handshake=0.3)) as server, server.connect() as client:
            assert closed_by_server(client)
            until(lambda: server.counted("handshake_timeout") == 1, "it is counted")

    def test_a_handshake_that_stops_half_way_is_closed(self, tls: Path) -> None:
        with served(tls, quick(handshake=0.3)) as server, server.connect() as client:
            client.sendall(b"\x16\x03\x01\x02\x00\x01")
            assert closed_by_server(client)
            until(lambda: server.counted("handshake_timeout") == 1, "it is counted")

    def test_silence_after_the_handshake_is_closed(self, tls: Path) -> None:
        with served(tls, quick(headers=0.3)) as server, server.connect() as plain:
            with trusting().wrap_socket(plain, server_hostname="localhost") as client:
                assert closed_by_server(client)
            until(lambda: server.counted("header_timeout") == 1, "it is counted")

    def test_a_header_that_comes_byte_by_byte_has_the_same_time_in_all(self) -> None:
        with served(limits=quick(headers=0.5)) as server, server.connect() as client:
            began = time.monotonic()
            with contextlib.suppress(OSError):
                for byte in REQUEST * 1000:
                    client.sendall(bytes([byte]))
                    time.sleep(0.02)
                    if time.monotonic() - began > 30:
                        break
            assert time.monotonic() - began < 30
            until(lambda: server.counted("header_timeout") == 1, "it is counted")

    def test_a_connection_that_is_kept_open_is_closed_in_the_end(self) -> None:
        with served(limits=quick(idle=1)) as server, server.connect() as client:
            client.sendall(REQUEST + b"\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            assert closed_by_server(client)
            assert server.counted("header_timeout") == 0

    def test_a_second_request_that_is_never_finished_is_closed(self) -> None:
        with served(limits=quick(headers=0.3)) as server, server.connect() as client:
            client.sendall(REQUEST + b"\r\n" + REQUEST)
            assert closed_by_server(client)
            until(lambda: server.counted("header_timeout") == 1, "it is counted")

    def test_a_port_that_is_only_opened_and_closed_counts_as_nothing(self, tls: Path) -> None:
        with served(tls) as server:
            server.connect().close()
            assert server.get(context=trusting()).status == 200
            assert set(server.front.tally.counts().values()) == {0}


class TestSlowReaders:
    @pytest.mark.parametrize("ask_twice", [False, True])
    def test_an_answer_that_is_not_read_is_given_up(self, ask_twice: bool) -> None:
        with served(limits=quick(write=0.5)) as server, server.connect() as client:
            client.sendall((REQUEST.replace(b"/ ", b"/large ") + b"\r\n") * (2 if ask_twice else 1))
            until(lambda: server.counted("write_timeout") == 1, "it is given up")
            assert closed_by_server(client)

    def test_so_is_one_over_tls(self, tls: Path) -> None:
        with (
            served(tls, quick(write=0.5)) as server,
            server.connect() as plain,
            trusting().wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(REQUEST.replace(b"/ ", b"/large ") + b"\r\n")
            until(lambda: server.counted("write_timeout") == 1, "it is given up")
            assert closed_by_server(client)

    def test_many_answers_on_one_connection_that_are_read_are_not_given_up(self) -> None:
        """The time is that of one answer, not of all."""
        with served(limits=quick(write=1.0)) as server, server.connect() as client:
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                client.sendall(REQUEST.replace(b"/ ", b"/large ") + b"\r\n")
                time.sleep(0.1)
                received = b""
                while len(received) < len(BODY):
                    more = client.recv(1 << 20)
                    assert more
                    received += more
            assert server.counted("write_timeout") == 0

    def test_an_answer_that_nobody_reads_costs_no_copy_of_it(self) -> None:
        with served() as server:
            clients = [server.connect() for _ in range(20)]
            try:
                for client in clients:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    client.sendall(REQUEST.replace(b"/ ", b"/large ") + b"\r\n")
                assert server.get().status == 200
                held = [each.transport.get_write_buffer_size() for each in server.protocols()]
                assert max(held) < 300_000
            finally:
                for client in clients:
                    client.close()


class TestNonsense:
    def test_plain_http_on_a_tls_port_is_told_so(self, tls: Path, caplog: pytest.LogCaptureFixture) -> None:
        with served(tls) as server:
            answer = server.get()
            assert (answer.status, answer.body) == (400, b"this port speaks HTTPS\n")
            until(lambda: server.counted("plain_http") == 1, "it is counted")
        assert not [record for record in caplog.records if record.exc_info]

    @pytest.mark.parametrize("sent", [b"\x00" * 100, b"\x16\x03\x01\x00\x05junk!", b"\x80\x2e\x01\x00\x02"])
    def test_what_is_no_tls_is_closed_without_a_word_in_the_log(
        self, tls: Path, sent: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        with served(tls) as server:
            with server.connect() as client:
                client.sendall(sent)
                assert closed_by_server(client)
            until(lambda: server.counted("handshake") == 1, "it is counted")
        assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]

    def test_tls_on_a_plain_port_is_refused(self) -> None:
        with served() as server, server.connect() as plain, pytest.raises(ssl.SSLError):
            trusting().wrap_socket(plain, server_hostname="localhost")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    @pytest.mark.parametrize("header", [{"Content-Length": "1000000000"}, {"Transfer-Encoding": "chunked"}])
    def test_a_body_is_refused_before_it_is_read(self, method: str, header: dict[str, str]) -> None:
        with served() as server:
            answer = server.get(method=method, headers=header)
            assert answer.status == 413
            assert answer.headers["connection"] == "close"
            assert server.counted("body") == 1

    @pytest.mark.parametrize("length", ["0", "00"])
    def test_an_empty_body_is_none(self, length: str) -> None:
        with served() as server:
            assert server.get(method="POST", headers={"Content-Length": length}).status == 200

    def test_headers_without_end_are_refused(self) -> None:
        with served() as server, server.connect() as client:
            client.sendall(REQUEST)
            with contextlib.suppress(OSError):
                for _ in range(2000):
                    client.sendall(b"X-Header: " + b"a" * 100 + b"\r\n")
            assert closed_by_server(client)
            assert server.counted("bad_request") == 1


class TestMany:
    def test_the_one_that_waits_longest_gives_way(self) -> None:
        with served(limits=quick(connections=3, per_peer=3)) as server:
            first = server.connect()
            until(lambda: len(server.protocols()) == 1, "the first is there")
            others = [server.connect() for _ in range(2)]
            until(lambda: len(server.protocols()) == 3, "all are there")
            assert server.get().status == 200
            assert closed_by_server(first)
            assert server.counted("too_many_connections") == 1
            for each in (first, *others):
                each.close()

    def test_a_server_that_is_full_of_silent_clients_answers(self, tls: Path) -> None:
        with served(tls, quick(connections=8, per_peer=8)) as server, silent(server, 100):
            for _ in range(20):
                assert server.get(context=trusting()).status == 200
            assert server.counted("too_many_connections") >= 92

    def test_requests_of_many_at_once_are_all_answered(self, tls: Path) -> None:
        with served(tls) as server:
            statuses: list[int] = []
            threads = [
                threading.Thread(target=lambda: statuses.append(server.get("/large", trusting()).status))
                for _ in range(20)
            ]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            assert statuses == [200] * 20


class TestEnd:
    @pytest.mark.parametrize("path", ["/", "/large"])
    def test_nobody_who_waits_or_does_not_read_delays_the_end(
        self, tls: Path, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with served(tls) as server:
            half = server.connect()
            half.sendall(b"\x16\x03\x01")
            client = trusting().wrap_socket(server.connect(), server_hostname="localhost")
            client.sendall(REQUEST.replace(b"/ ", path.encode() + b" ") + b"\r\n")
            assert client.recv(100)
            began = time.monotonic()
        assert time.monotonic() - began < 20
        assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
        half.close()
        client.close()


@contextlib.contextmanager
def silent(server: Served, count: int) -> Iterator[None]:
    """So many clients that open a connection and say nothing."""
    clients = [server.connect() for _ in range(count)]
    try:
        yield
    finally:
        for each in clients:
            each.close()
