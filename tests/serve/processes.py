"""`celigo-exporter serve` as a process before an upstream, and requests to it that wait."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection

from tests.e2e.processes import EXPORTER, Program, free_port
from tests.serve.rig import SCRAPE_TIMEOUT, TOKEN, Raw
from tests.serve.upstream import SMALL, Upstream


class Serving(Program):
    """`celigo-exporter serve` on free ports, before an upstream."""

    def __init__(self, upstream: Upstream, *flags: str, port: int | None = None) -> None:
        self.port = port or free_port()
        super().__init__([*EXPORTER, "serve", f"--web.listen-address=127.0.0.1:{self.port}", *flags], environ(upstream))
        self.url = f"http://127.0.0.1:{self.port}"

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; exit status and seconds until then."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - started

    def request(self, path: str, headers: Mapping[str, str]) -> "Request":
        """Send a request from a thread of its own."""
        return Request(self.port, path, headers)


class Request:
    """A request under way."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", path, headers=dict(headers))
        self._answer: Raw | Exception | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def answer(self) -> Raw | Exception:
        """What came."""
        self._thread.join(60)
        assert self._answer is not None
        return self._answer

    def _read(self) -> None:
        try:
            response = self._connection.getresponse()
            self._answer = Raw(response.status, dict(response.getheaders()), response.read())
        except Exception as failure:  # handed to the test
            self._answer = failure
        finally:
            self._connection.close()


def environ(upstream: Upstream) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CELIGO_")}
    return {**kept, "CELIGO_API_TOKEN": TOKEN, "CELIGO_BASE_URL": upstream.url}


@contextmanager
def serving(*held: str, flags: Sequence[str] = ()) -> Iterator[tuple[Serving, Upstream]]:
    """An exporter that answers, whose requests to the paths `held` hang."""
    with Upstream(SMALL) as upstream:
        for path in held:
            upstream.hold(path)
        with Serving(upstream, *flags) as running:
            running.answering(f"{running.url}/-/healthy")
            for path in held:
                upstream.arrived(path)
            yield running, upstream


def read(running: Serving, path: str) -> str:
    """The body of an answer that does not wait long."""
    answer = running.request(path, {SCRAPE_TIMEOUT: "1"}).answer()
    assert isinstance(answer, Raw), answer
    return answer.body.decode()
