"""An HTTP server that keeps what is posted to it, and lets a test wait for it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Letter:
    """One request: its path and its JSON body, and when it came."""

    path: str
    body: Any
    at: float


class Inbox:
    """Answers 200 to every POST of JSON on a port of its own."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._changed = threading.Condition()
        """Guards the letters and tells of new ones."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.deliver = self._deliver
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="inbox", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def first(self, wanted: Callable[[Letter], bool], what: str, seconds: float = 60.0) -> Letter:
        """The first letter that is wanted; fails when none arrives in time."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for letter in self._letters:
                    if wanted(letter):
                        return letter
                left = end - time.monotonic()
                assert left > 0, f"{what}: not within {seconds:.0f} s; arrived: {self._letters}"
                self._changed.wait(left)

    def letters(self) -> list[Letter]:
        """What has arrived so far."""
        with self._changed:
            return list(self._letters)

    def _deliver(self, letter: Letter) -> None:
        with self._changed:
            self._letters.append(letter)
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    deliver: Callable[[Letter], None]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Keep the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.deliver(Letter(self.path, json.loads(body), time.time()))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Nothing is printed."""
