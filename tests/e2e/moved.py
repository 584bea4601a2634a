"""The exporter as a real process whose time is moved on from outside: months of it over real sockets, at no waiting.

    with Moved(folder, settings) as exporter:
        exporter.advance(60)
        exporter.scrape()

Everything but the clock is that of `celigo-exporter serve`. Its log lines and its end are as everywhere; its time is
moved on at a port of its own, which costs it a thread and a socket that are there from the beginning. Time moves only
while nothing is read: to a run under way it would look like an API that hangs.
"""

import os
import socket
import sys
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from weakref import WeakSet

import requests

from exporter import logs
from exporter.collect.gate import Gate, Task
from exporter.collect.workers import Executor
from exporter.config.load import load_settings
from exporter.config.settings import Web
from exporter.serve import roster
from exporter.serve.server import serve
from tests.e2e.clock import SkippingClock
from tests.e2e.processes import Program, free_port

TOKEN = "demo-token"  # what a simulated account takes
_LEAK = "/leak"
_LEAKED_BYTES = 256 * 1024
RENDERING = 600
"""Seconds more in which the answer to a scrape has to be there; a machine may be busy with others."""

PATIENCE = 300
"""Seconds that a scrape may take, and that it tells the exporter; so it sees everything that it made due."""


class Moved(Program):
    """Use it in `with`; `settings` is the text of its file."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.port, self._control = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "celigo.yml"
        config.write_text(settings, encoding="utf-8")
        command = [sys.executable, "-m", "tests.e2e.moved", str(config), str(self.port), str(self._control)]
        super().__init__(command, {**os.environ, "TOKEN": TOKEN})

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.process is not None
        return self.process.pid

    def advance(self, seconds: float) -> None:
        """Move its time on."""
        requests.post(f"http://127.0.0.1:{self._control}/{seconds}", timeout=PATIENCE + 30).raise_for_status()

    def plant_leak(self) -> None:
        """Let it lose something each time that time is moved on, from now on."""
        requests.post(f"http://127.0.0.1:{self._control}{_LEAK}", timeout=30).raise_for_status()

    def scrape(self) -> bytes:
        """The document after everything that is due was read."""
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(PATIENCE)}
        answer = requests.get(f"{self.url}/metrics", headers=headers, timeout=PATIENCE + RENDERING)
        answer.raise_for_status()
        return answer.content


class Leak:
    """Once planted, each move of time leaves behind memory, a thread, a socket and a file."""

    def __init__(self) -> None:
        self.planted = False
        self._kept: list[object] = []

    def grow(self) -> None:
        """Leave one more of each behind."""
        if self.planted:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            self._kept += [bytearray(b"x" * _LEAKED_BYTES), socket.socket(), os.open(os.devnull, os.O_RDONLY)]


class WatchedGate(Gate):
    """Knows the runs that are under way."""

    under_way: ClassVar[WeakSet[Future[None]]] = WeakSet()

    def submit(
        self,
        owner: Hashable,
        rank: int,
        executor: Executor,
        task: Task,
        lost: Callable[[Exception], None] = lambda _: None,
    ) -> Future[None]:
        """See `Gate.submit`."""
        future = super().submit(owner, rank, executor, task, lost)
        self.under_way.add(future)
        return future

    @classmethod
    def wait(cls) -> None:
        """Until all have ended, or it takes too long."""
        wait([future for future in list(cls.under_way) if not future.done()], PATIENCE)


def main(config: str, port: int, control: int) -> int:
    """The process itself."""
    clock = SkippingClock()
    leak = Leak()

    class Control(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path == _LEAK:
                leak.planted = True
            else:
                WatchedGate.wait()
                clock.advance(float(self.path[1:]))
                leak.grow()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    logs.configure("warning", "logfmt", clock=clock)
    threading.Thread(target=HTTPServer(("127.0.0.1", control), Control).serve_forever, daemon=True).start()
    roster.Gate = WatchedGate  # type: ignore[attr-defined]
    settings = load_settings(config, os.environ, Web(listen_addresses=(f"127.0.0.1:{port}",)))
    return serve(settings, os.environ, clock)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
