"""A small HTTP/1.1 server that can also misbehave.

Built on the standard library's threading server and not on an ASGI one, because the
simulator has to do to a connection what no well-behaved framework allows: reset it,
announce more bytes than it sends, or never answer. One thread per connection, TLS
handshakes included, so that one silent client holds up nobody.
"""

import http.client
import logging
import select
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from exporter.simulator.messages import Request, envelope
from exporter.simulator.wire import Reply, plain_reply

App = Callable[[Request], Reply]

_log = logging.getLogger(__name__)
_BODY_LIMIT = 8 * 1024 * 1024
_HANDSHAKE_SECONDS = 10.0
_HANG_CHECK_SECONDS = 0.1
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05
_LINGER_NONE = struct.pack("ii", 1, 0)


class HttpServer:
    """Serves one app on one port, from `start` to `stop`."""

    def __init__(self, app: App, host: str, port: int, certificate: tuple[Path, Path] | None = None) -> None:
        self._listener = _Listener(app, host, port, _tls_context(certificate))
        self._scheme = "https" if certificate else "http"
        self._thread = threading.Thread(target=self._serve, name="simulator-http", daemon=True)

    @property
    def port(self) -> int:
        """The port that is really bound."""
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        host = str(self._listener.server_address[0])
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join(_STOP_SECONDS)
        self._listener.close_all(_STOP_SECONDS)

    def _serve(self) -> None:
        self._listener.serve_forever(poll_interval=_POLL_SECONDS)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: App, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.app = app
        self.tls = tls
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Connection)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Serve a connection in a thread of its own."""
        assert isinstance(request, socket.socket)  # noqa: S101 - a TCP server hands out nothing else
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="simulator-connection", daemon=True
        )
        self.track(request, thread)
        thread.start()

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection that is done."""
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(threading.current_thread(), None)

    def track(self, connection: socket.socket, thread: threading.Thread) -> None:
        """Note which socket a thread serves; a TLS handshake replaces the plain one."""
        with self._lock:
            self._open[thread] = connection

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that went away; they are none of our business."""
        del request, client_address

    def close_all(self, seconds: float) -> None:
        """Cut every open connection and wait up to `seconds` for each thread."""
        self.stopping.set()
        with self._lock:
            still_open = list(self._open.items())
        for _, connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread, _ in still_open:
            thread.join(seconds)
        self.server_close()


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self._secured(self.server.tls)
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            if self.server.tls is not None:
                self.request.close()

    def _secured(self, tls: ssl.SSLContext) -> ssl.SSLSocket:
        secured = tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        self.server.track(secured, threading.current_thread())
        try:
            secured.settimeout(_HANDSHAKE_SECONDS)
            secured.do_handshake()
            secured.settimeout(None)
        except OSError:
            secured.close()
            raise
        return secured

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            self._send(plain_reply(envelope(413, "too_large", "The body is too large or has no length.")), close=True)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = self.server.app(Request.of(self.command, self.path, headers, body))
        except Exception:
            # A mistake of the simulator's own must not look like a cut connection.
            _log.exception("the simulator failed on a request")
            reply = plain_reply(envelope(500, "simulator_error", "The simulator itself failed."))
        if reply.delay_seconds:
            self.server.stopping.wait(reply.delay_seconds)
        self._deliver(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names the base class looks up
    do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = _answer  # noqa: N815 - as above

    def _deliver(self, reply: Reply) -> None:
        if reply.delivery == "hang":
            self._hang()
        if reply.delivery in ("hang", "reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
            self.close_connection = True
            self.connection.close()
            return
        self._send(reply, close=reply.delivery == "truncated")

    def _hang(self) -> None:
        while not self.server.stopping.wait(_HANG_CHECK_SECONDS):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable:
                # Either the client closed or it talks on; both end the silence.
                return

    def _send(self, reply: Reply, *, close: bool) -> None:
        if close:
            self.close_connection = True
        lines = [f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if reply.status != 204:
            lines.append(f"Content-Length: {reply.content_length}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")
        if self.command == "HEAD" or reply.status == 204:
            self.wfile.write(head)
        elif reply.blocks is None:
            self.wfile.write(head + reply.body)
        else:
            self.wfile.write(head)
            for block in reply.blocks():
                self.wfile.write(block)

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return None
        text = self.headers.get("Content-Length", "0")
        if not text.isdigit() or int(text) > _BODY_LIMIT:
            return None
        return self.rfile.read(int(text))


def _tls_context(certificate: tuple[Path, Path] | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context
