"""A real Prometheus whose every request passes a proxy, so that names of a cluster need not exist."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import yaml

from tests.e2e.processes import Prometheus

Series = tuple[tuple[str, str], ...]

_OF_TARGETS = {"job", "instance", "namespace", "service", "pod", "container"}

_PASSED_ON = ("Accept", "X-Prometheus-Scrape-Timeout-Seconds")


class Proxy:
    """Keeps every URL that it is asked for; asks `upstream` in place of all hosts, or answers with nothing.

    With a mapping, the upstream of a host is that of the first part of its name; without one, it is not there.
    """

    def __init__(self, upstream: str | Mapping[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.asked, upstream))
        self._thread = threading.Thread(target=self._server.serve_forever, name="proxy")
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(asked: list[str], upstream: str | Mapping[str, str] | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body, kind = 200 if upstream is None else 502, b"", "text/plain"
            at = urlsplit(self.path)
            held = upstream.get(str(at.hostname).partition(".")[0]) if isinstance(upstream, Mapping) else upstream
            if held is not None:
                headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
                answer = requests.get(f"{held}{at.path}?{at.query}", headers=headers, timeout=30)
                status, body, kind = answer.status_code, answer.content, answer.headers["Content-Type"]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: what was asked is kept."""

    return Handler


class Configured(Prometheus):
    """A Prometheus with these jobs, all of them through a proxy."""

    def __init__(self, binary: str, folder: Path, jobs: Sequence[dict[str, Any]], proxy: Proxy) -> None:
        super().__init__(binary, folder, [])
        through = [{**job, "proxy_url": proxy.url} for job in jobs]
        self.config = folder / "prometheus.yml"
        self.config.write_text(yaml.safe_dump({"scrape_configs": through}, allow_unicode=True), encoding="utf-8")

    def stored(self) -> Counter[Series]:
        """How often it has each series of the exporter, whatever target it is of."""
        return Counter(
            tuple(sorted((key, value) for key, value in labels.items() if key not in _OF_TARGETS))
            for labels, _ in self.query('{__name__=~"celigo_.+"}')
        )
