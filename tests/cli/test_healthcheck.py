"""`healthcheck` tells a living exporter from everything else, in one line and the exit status."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter import healthcheck
from exporter.config.address import ListenAddress
from tests.cli.conftest import Call


@contextmanager
def answering(answer: bytes | None, host: str = "127.0.0.1") -> Iterator[tuple[ListenAddress, list[bytes]]]:
    """A server of one connection that sends `answer`, or waits if None; where it is, and what it was sent."""
    asked: list[bytes] = []
    done = threading.Event()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4096))
                if answer is None:
                    done.wait()
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield ListenAddress(host, listener.getsockname()[1]), asked
        finally:
            done.set()
            thread.join()


def line(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("status", "alive"),
    [("200 OK", True), ("401 Unauthorized", True), ("404 Not Found", False), ("500 No", False), ("302 Found", False)],
)
def test_only_who_answers_well_or_wants_a_password_is_alive(call: Call, status: str, alive: bool) -> None:
    with answering(line(status)) as (address, asked):
        ended = call("healthcheck", f"--web.listen-address=127.0.0.1:{address.port}", environ={})
    word = "healthy" if alive else "not healthy"
    assert (ended.status, ended.out) == (0 if alive else 1, f"{word}: /-/healthy answers {status[:3]}\n")
    assert asked[0].startswith(b"GET /-/healthy HTTP/1.1\r\n")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"x" * 100_000])
def test_what_is_no_http_is_not_healthy(call: Call, answer: bytes) -> None:
    with answering(answer) as (address, _):
        ended = call("healthcheck", f"--web.listen-address=127.0.0.1:{address.port}", environ={})
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith("not healthy: ")
    assert ended.out.count("\n") == 1


def test_nobody_there_is_not_healthy_and_the_reason_is_told(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ended = call("healthcheck", f"--web.listen-address=127.0.0.1:{port}", environ={})
    assert (ended.status, ended.out) == (1, "not healthy: Connection refused\n")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.05)
    with answering(None) as (address, _):
        assert healthcheck.ask(address) == healthcheck.Health(alive=False, seen="no answer within 0.05 s")


@pytest.mark.parametrize(("listens", "host"), [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_who_listens_everywhere_is_asked_over_the_loopback(listens: str, host: str) -> None:
    with answering(line("200 OK"), host) as (address, _):
        assert healthcheck.ask(ListenAddress(listens, address.port)).alive


def test_a_host_that_does_not_exist_is_said(call: Call) -> None:
    ended = call("healthcheck", "--web.listen-address=nosuch.invalid:1", environ={})
    assert (ended.status, ended.out) == (1, "not healthy: the host of the address is unknown\n")


def test_a_bad_address_is_a_mistake(call: Call) -> None:
    ended = call("healthcheck", "--web.listen-address=10940", environ={})
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
