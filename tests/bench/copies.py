"""Servers beside which the exporter is measured, each as a process of its own.

    python -m tests.bench.copies bare FILE PORT      # the same bytes, compressed already, by the same server
    python -m tests.bench.copies library FILE PORT   # the same families, by prometheus-client's own server

The third, the Go Pushgateway, is Debian's, and is given the document as anybody pushes one.
"""

import gzip
import re
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import uvicorn
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.expose.render import Format
from exporter.serve.server import uvicorn_config
from tests.e2e.processes import Program, free_port, until

START_SECONDS = 600
KEPT_SECONDS = 300
"""A connection is kept while the slower ones have their turn."""

PUSHGATEWAY = "prometheus-pushgateway"
_OWN = re.compile(rb"^(?:# (?:HELP|TYPE) )?(?:process|python|go)_")
"""Families that every process has of itself; those of a Pushgateway are its own."""


@contextmanager
def bare(compressed: bytes, folder: Path) -> Iterator[str]:
    """Address of a server that answers with these bytes."""
    with _served("bare", compressed, folder) as url:
        yield url


@contextmanager
def library(document: bytes, folder: Path) -> Iterator[str]:
    """Address of prometheus-client's server with the families of the document."""
    with _served("library", document, folder) as url:
        yield url


@contextmanager
def pushgateway(document: bytes, folder: Path) -> Iterator[str]:
    """Address of a Pushgateway that was given the document; LookupError when it is not installed."""
    binary = shutil.which(PUSHGATEWAY)
    if binary is None:
        raise LookupError(f"{PUSHGATEWAY} is not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Program([binary, f"--web.listen-address=127.0.0.1:{port}"], folder=folder) as program:
        program.answering(f"{url}/-/ready")
        body = b"\n".join(line for line in document.splitlines() if not _OWN.match(line)) + b"\n"
        pushed = requests.put(f"{url}/metrics/job/celigo", data=body, timeout=300)
        if pushed.status_code != 200:
            raise RuntimeError(f"the Pushgateway refused the document: {pushed.text[:300]}")
        yield f"{url}/metrics"


@contextmanager
def _served(kind: str, content: bytes, folder: Path) -> Iterator[str]:
    port, file = free_port(), folder / kind
    file.write_bytes(content)
    url = f"http://127.0.0.1:{port}/metrics"
    with Program([sys.executable, "-m", "tests.bench.copies", kind, str(file), str(port)]) as program:
        # A whole answer may take the library longer than anybody waits who only asks whether it is there.
        until(lambda: program.running() and _listening(port), f"{kind} listens", START_SECONDS)
        yield url


def _listening(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


class Ready(Collector):
    """Families that are made already: the most that a program with prometheus-client could spare itself."""

    def __init__(self, document: bytes) -> None:
        self._families = list(parse_text(document.decode()))

    def collect(self) -> Iterator[Metric]:
        """The families."""
        return iter(self._families)


def serve_bare(content: bytes, port: int) -> None:
    """Answer every request with the same object."""
    headers = {"Content-Type": Format.TEXT.content_type, "Content-Encoding": "gzip", "Vary": "Accept, Accept-Encoding"}

    async def answer(_: Request) -> Response:
        return Response(content, headers=headers)

    config = uvicorn_config(Starlette(routes=[Route("/metrics", answer, methods=["GET"])]))
    config.host, config.port = "127.0.0.1", port
    config.timeout_keep_alive = KEPT_SECONDS
    uvicorn.Server(config).run()


def serve_library(document: bytes, port: int) -> None:
    """As its manual says."""
    registry = CollectorRegistry()
    registry.register(Ready(document))
    start_http_server(port, "127.0.0.1", registry)
    threading.Event().wait()


def main(kind: str, file: str, port: int) -> None:
    """One of the two processes."""
    content = Path(file).read_bytes()
    serve = {"bare": serve_bare, "library": serve_library}[kind]
    serve(content, port)


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """A body as text, however it came."""
    return gzip.decompress(body) if encoding == "gzip" else body


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
