"""Start programs, wait until they answer, end them by their own handle."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import requests

T = TypeVar("T")
EXPORTER = (sys.executable, "-m", "exporter")

_KEPT_PORTS: deque[socket.socket] = deque()
_MOST_KEPT_PORTS = 64
"""More than any test needs at once, and few beside the files that a process may have open."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody else is given, for a program of ours to listen on; until then connections are refused.

    It stays bound here. Linux lets those listen all the same who name it and set SO_REUSEADDR, as the exporter, its
    simulator and Prometheus do, and gives it to no process that asks for any port, which other tests do all the time.
    """
    kept = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((host, 0))
    _KEPT_PORTS.append(kept)
    if len(_KEPT_PORTS) > _MOST_KEPT_PORTS:
        _KEPT_PORTS.popleft().close()
    return int(kept.getsockname()[1])


def until(condition: Callable[[], T | None], what: str, seconds: float = 90.0) -> T:
    """Ask `condition` again and again until it gives something true; fail after a generous while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def answers(url: str) -> bool:
    """True when `url` answers 200."""
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


class Program:
    """A running program; leaving the block ends it with SIGTERM, and with SIGKILL if that is ignored."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        self._command, self._folder = list(command), folder
        self._environ = dict(environ) if environ is not None else None
        self._files: list[IO[bytes]] = [tempfile.TemporaryFile("a+b") for _ in range(2)]  # noqa: SIM115 - closed in stop()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
            env=self._environ,
            cwd=self._folder,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            print(f"--- stderr of {self._command[:4]}\n{self.stderr()[-4000:]}")
        self.terminate()
        for file in self._files:
            file.close()

    def terminate(self) -> tuple[int, float]:
        """End it with SIGTERM; the exit status and the seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode, time.monotonic() - started

    def running(self) -> bool:
        """True until it ended; raises when it ended by itself."""
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self._command[:4]} ended with {status}: {self.stderr()[-2000:]}"
        return True

    def answering(self, url: str) -> Self:
        """Wait until `url` answers 200."""
        until(lambda: self.running() and answers(url), f"{url} answers")
        return self

    def stdout(self) -> str:
        """What it wrote to standard output so far."""
        return self._read(0)

    def stderr(self) -> str:
        """What it wrote to standard error so far."""
        return self._read(1)

    def _read(self, number: int) -> str:
        file = self._files[number]
        position = file.tell()
        file.seek(0)
        text = file.read().decode(errors="replace")
        file.seek(position)
        return text


class Demo(Program):
    """`celigo-exporter demo` on free ports."""

    def __init__(self, *flags: str) -> None:
        self.port, self.api_port, self.control_port = free_port(), free_port(), free_port()
        super().__init__(
            [
                *EXPORTER,
                "demo",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--listen=127.0.0.1:{self.api_port}",
                f"--control=127.0.0.1:{self.control_port}",
                *flags,
            ]
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"

    def control(self, method: str, path: str, **body: object) -> object:
        """One call of the simulator's control API; its JSON answer."""
        answer = requests.request(method, self.control_url + path, json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Prometheus(Program):
    """A real Prometheus in its own folder that scrapes `targets`, evaluates rules and tells Alertmanagers.

    `access` are lines of the scrape configuration that say how it gets in; `jobs` is a whole list of scrape
    configurations in place of the one of `targets`.
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        targets: Sequence[str],
        interval: str = "2s",
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        flags: Sequence[str] = (),
        access: str = "",
        jobs: Sequence[Mapping[str, object]] = (),
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.yml"
        one = f"  - job_name: celigo\n{access}    static_configs: [{{targets: [{', '.join(targets)}]}}]\n"
        listed = "".join(f"  - {json.dumps(job)}\n" for job in jobs) or one
        config.write_text(
            f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
            f"rule_files: [{', '.join(str(path) for path in rules)}]\n"
            f"alerting: {{alertmanagers: [static_configs: [targets: [{', '.join(alertmanagers)}]]]}}\n"
            f"scrape_configs:\n{listed}"
        )
        super().__init__(
            [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
                *flags,
            ]
        )

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """An instant query: label sets and values."""
        params: dict[str, str] = {"query": expression}
        if at is not None:
            params["time"] = repr(at)
        answer = requests.get(f"{self.url}/api/v1/query", params=params, timeout=30).json()
        assert answer["status"] == "success", answer
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    def targets(self) -> list[dict[str, object]]:
        """The state of its scrape targets."""
        answer = requests.get(f"{self.url}/api/v1/targets", timeout=30).json()
        found: list[dict[str, object]] = answer["data"]["activeTargets"]
        return found
