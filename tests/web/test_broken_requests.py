"""A request that breaks off into nonsense costs its connection, and not a page of the log."""

import logging
import socket

import pytest

from tests.serve.rig import rig

BEGUN = b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [(BEGUN + b"5\r\nlonger than that\r\n",), (BEGUN, b"no length\r\n"), (BEGUN, b"5\r\nhello\r\n", b"\xff\r\n")],
    ids=["together", "behind it", "later"],
)
def test_nonsense_after_the_headers_ends_the_connection_quietly(
    parts: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with rig() as exporter, caplog.at_level(logging.INFO):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", exporter.port), timeout=30) as client:
                send(client, parts)
                assert read_to_the_end(client).count(b"HTTP/1.1 ") <= 1
        assert exporter.get("/-/healthy").status_code == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def send(client: socket.socket, parts: tuple[bytes, ...]) -> None:
    """All of them, or those before the server has closed."""
    try:
        for part in parts:
            client.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        return


def read_to_the_end(client: socket.socket) -> bytes:
    held = b""
    try:
        while part := client.recv(65536):
            held += part
    except ConnectionResetError:
        pass
    return held
