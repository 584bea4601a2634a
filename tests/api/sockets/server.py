"""A server whose every byte a test decides: each connection is a conversation written by the test."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

_POLL_SECONDS = 0.02
OK_TOKEN = b'{"_userId":"5f1a2b3c4d5e6f7081920a01","scope":"*"}'


def response(
    body: bytes = OK_TOKEN, status: str = "200 OK", headers: tuple[str, ...] = (), *, length: int | None = None
) -> bytes:
    """An HTTP/1.1 answer; `length` declares another length than the body has."""
    declared = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {declared}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection:
    """One accepted connection, seen from the server."""

    def __init__(self, server: "RawServer", sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self._received = b""

    def request(self) -> bytes | None:
        """The next request, head and body; None when the other side closed instead."""
        while b"\r\n\r\n" not in self._received:
            if not self._receive():
                return None
        head, _, rest = self._received.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(rest) < length:
            if not self._receive():
                return None
            rest = self._received.partition(b"\r\n\r\n")[2]
        self._received = rest[length:]
        request = head + b"\r\n\r\n" + rest[:length]
        self.server.requests.append(request)
        return request

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(content)

    def drip(self, content: bytes) -> None:
        """Send a byte at a time, fast enough to defeat any timeout between two bytes, until the client has enough."""
        for byte in content:
            if self.server.stopping.wait(_POLL_SECONDS):
                return
            self.send(bytes([byte]))

    def stay_silent(self) -> None:
        """Say nothing until the client leaves or the test ends."""
        while self._receive():
            pass

    def reset(self) -> None:
        """Close with a reset instead of a farewell."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _receive(self) -> bool:
        while not self.server.stopping.is_set():
            try:
                content = self.sock.recv(65536)
            except TimeoutError:
                continue
            self._received += content
            return bool(content)
        return False


Conversation = Callable[[Connection], None]


def answering(*answers: bytes) -> Conversation:
    """Answer requests in turn, the last answer again and again, on each connection."""

    def converse(connection: Connection) -> None:
        number = 0
        while connection.request() is not None:
            connection.send(answers[min(number, len(answers) - 1)])
            number += 1

    return converse


class RawServer:
    """Listens on 127.0.0.1; a thread for each connection; all of them ended by `close`."""

    def __init__(self, converse: Conversation, tls: ssl.SSLContext | None = None) -> None:
        self.stopping = threading.Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self.farewells = 0
        self._converse = converse
        self._tls = tls
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_SECONDS)
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name="raw-server")
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Base URL of this server."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End all conversations and wait for their threads."""
        self.stopping.set()
        self._acceptor.join(30)
        for thread in self._threads:
            thread.join(30)
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,), name="raw-connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        # A client that leaves in the middle of a conversation is what many tests are about.
        with suppress(OSError), sock:
            sock.settimeout(_POLL_SECONDS if self._tls is None else 5)
            if self._tls is None:
                self._talk(sock)
            else:
                with self._tls.wrap_socket(sock, server_side=True) as wrapped:
                    wrapped.settimeout(_POLL_SECONDS)
                    self._talk(wrapped)
        with self._lock:
            self.farewells += 1

    def _talk(self, sock: socket.socket) -> None:
        self._converse(Connection(self, sock))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def header(request: bytes, name: str) -> str | None:
    """The value of a request's header, None when it was not sent."""
    for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.decode("latin-1").lower() == name.lower():
            return value.strip().decode("latin-1")
    return None
