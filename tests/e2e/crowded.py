"""Many accounts for one exporter: most of them well, some whose API never answers, some that are always throttled."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.processes import EXPORTER, Program, free_port

TOKEN = "demo-token"
SIMULATORS = 8
"""Accounts that are simulated, at most; the exporter's are read from them in turn."""

RETRY_AFTER = 30


@dataclass(frozen=True)
class Crowd:
    """How many accounts there are of each sort, how large the good ones are, and what may be asked of each.

    `rate` is requests a second and at once, `patience` how long an answer is waited for; None for the defaults.
    """

    good: int
    hanging: int
    throttled: int
    flows: int = 50
    rate: tuple[int, int] | None = None
    patience: int | None = None

    def names(self, sort: str) -> list[str]:
        """The names of the accounts of a sort."""
        return [f"{sort}-{number:03}" for number in range(getattr(self, sort))]


class Silence:
    """Accepts connections, reads what comes, and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self._open)

    def __enter__(self) -> "Silence":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        for each in (*self._open, self._listener):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._open.append(self._listener.accept()[0])


class _Throttling(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"errors":[{"code":"rate_limit_exceeded","message":"Too many requests."}]}'
        self.send_response(429)
        self.send_header("Retry-After", str(RETRY_AFTER))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        return


class _Throttler(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_: object) -> None:
        """The exporter is gone, which is how every test ends."""


@contextmanager
def throttling() -> Iterator[str]:
    """An API that refuses everything for a while; its URL."""
    server = _Throttler(("127.0.0.1", 0), _Throttling)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


class Crowded(Program):
    """A real exporter of all accounts of a crowd, and everything that it reads."""

    def __init__(self, crowd: Crowd, folder: Path, collectors: dict[str, dict[str, object]]) -> None:
        self.crowd = crowd
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "celigo.yml"
        self._state = folder / "state.db"
        self._collectors = collectors
        self._stack = ExitStack()
        super().__init__(
            [*EXPORTER, f"--config.file={self.config}", f"--web.listen-address=127.0.0.1:{self.port}"],
            {"T": TOKEN},
        )

    def __enter__(self) -> "Crowded":
        options = {"flows": self.crowd.flows, "bucket_size": 100_000, "bucket_rate": 100_000.0}
        number = min(SIMULATORS, 1 + self.crowd.good // 20)
        good = [Simulator(SimulatorOptions(seed=seed, **options)) for seed in range(number)]  # type: ignore[arg-type]
        for each in good:
            self._stack.enter_context(each)
        places = {
            "good": [each.url for each in good],
            "hanging": [self._stack.enter_context(Silence()).url],
            "throttled": [self._stack.enter_context(throttling())],
        }
        rate = self.crowd.rate
        limit = {} if rate is None else {"rate_limit": {"requests_per_second": rate[0], "burst": rate[1]}}
        accounts: list[dict[str, Any]] = [
            {"name": name, "token_env": "T", "base_url": urls[number % len(urls)], **limit}
            for sort, urls in places.items()
            for number, name in enumerate(self.crowd.names(sort))
        ]
        # Those that misbehave are spread among the others.
        accounts.sort(key=lambda account: account["name"][-3:])
        content: dict[str, Any] = {"accounts": accounts, "state": {"path": str(self._state)}}
        content["collectors"] = self._collectors
        if self.crowd.patience is not None:
            seconds = f"{self.crowd.patience}s"
            content["limits"] = {"read_timeout": seconds}
            content["collectors"] = {name: {**each, "timeout": seconds} for name, each in self._collectors.items()}
        self.config.write_text(yaml.safe_dump(content))
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type]
        self._stack.close()

    def status(self, field: str) -> int:
        """A number of /proc/PID/status; sizes are in KiB."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))

    @property
    def cpu_seconds(self) -> float:
        """CPU that it took so far."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    @property
    def files(self) -> int:
        """Open files and sockets."""
        assert self.process is not None
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))
