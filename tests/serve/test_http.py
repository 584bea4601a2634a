"""The HTTP side over real sockets: formats, methods, paths, and clients that misbehave."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.serve.fleet import SELECTABLE
from tests.serve.rig import Rig, rig

DOCUMENTS = ("/metrics?", "/probe?account=account-0&")
"""All accounts and one: whatever holds for one document holds for the other."""

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture(scope="module")
def exporter() -> Iterator[Rig]:
    with rig() as running:
        running.idle()
        yield running


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8", b"\n"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8", b"\n"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8", b"# EOF\n"),
        ("nonsense;;;q=x", "text/plain; version=0.0.4; charset=utf-8", b"\n"),
    ],
)
def test_the_format_is_negotiated(
    exporter: Rig, document: str, accept: str | None, content_type: str, end: bytes
) -> None:
    answer = exporter.raw("GET", document, {} if accept is None else {"Accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(content_type)
    assert answer.body.endswith(end)
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_gzip_is_sent_when_asked_for_and_only_then(exporter: Rig, document: str) -> None:
    query = f"{document}collect[]=inventory"
    plain = exporter.raw("GET", query)
    packed = exporter.raw("GET", query, {"Accept-Encoding": "gzip"})
    refused = exporter.raw("GET", query, {"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == refused.body


@pytest.mark.parametrize(
    "path", [*(f"{each}collect[]=health" for each in DOCUMENTS), "/sd", "/-/healthy", "/-/ready", "/"]
)
def test_head_tells_what_get_would_without_a_body(exporter: Rig, path: str) -> None:
    got, told = exporter.raw("GET", path), exporter.raw("HEAD", path)
    assert (told.status, told.body) == (200, b"")
    assert told.headers["content-type"] == got.headers["content-type"]
    assert told.headers["content-length"] == str(len(got.body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/metrics", "/probe?account=account-0", "/sd", "/-/healthy", "/-/ready", "/"])
def test_other_methods_are_405_with_what_is_allowed(exporter: Rig, method: str, path: str) -> None:
    answer = exporter.raw(method, path)
    assert answer.status == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path",
    ["/nope", "/metrics/", "/metricsx", "/probe/?account=account-0", "/sd/", "/-/", "//metrics", "/%00", "/../etc"],
)
def test_other_paths_are_404_and_never_a_redirect(exporter: Rig, path: str) -> None:
    answer = exporter.raw("GET", path)
    assert answer.status == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize(
    "query",
    [
        "collect[]=nosuch",
        "exclude[]=nosuch",
        "collect[]=",
        "collect[]=jobs&exclude[]=jobs",
        "collect=jobs",
        "collect[]=%3Cscript%3E",
        "collect[]=%00%0a%0d",
    ],
)
def test_a_bad_selection_is_400_with_the_list_and_starts_nothing(exporter: Rig, document: str, query: str) -> None:
    exporter.clock.advance(1000)
    before = exporter.upstream.total
    answer = exporter.raw("GET", f"{document}{query}")
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.body.count(b"\n") == 1
    assert b"<script>" not in answer.body or answer.headers["x-content-type-options"] == "nosniff"
    assert exporter.upstream.total == before


@pytest.mark.parametrize("name", SELECTABLE)
def test_a_selection_serves_only_its_collector(exporter: Rig, name: str) -> None:
    chosen = families(exporter.scrape(f"?collect[]={name}"))
    others = families(exporter.scrape(f"?exclude[]={name}"))
    exporter.idle()
    assert chosen or name not in TELLING
    assert not chosen & others


def test_a_collector_that_only_feeds_others_serves_nothing_by_itself(exporter: Rig) -> None:
    assert families(exporter.scrape("?collect[]=history")) == set()
    exporter.idle()


TELLING = frozenset({"health", "inventory", "jobs", "errors", "connections", "agents", "governance", "exporter"})
"""What has families of this account, of which nothing is scheduled."""


def families(text: str) -> set[str]:
    return {family.name for family in parse_text(text)}


def test_a_selection_asks_only_for_what_it_serves(exporter: Rig) -> None:
    exporter.idle()
    exporter.clock.advance(1000)
    before = {path: exporter.upstream.count(path) for path in ("/v1/connections", "/v1/jobs/current", "/v1/flows")}
    exporter.scrape("?collect[]=connections")
    assert exporter.upstream.count("/v1/connections") == before["/v1/connections"] + 1
    assert exporter.upstream.count("/v1/jobs/current") == before["/v1/jobs/current"]
    exporter.idle()


def test_no_response_tells_which_server_it_is(exporter: Rig) -> None:
    assert "server" not in exporter.raw("GET", "/-/healthy").headers


def test_one_connection_serves_many_requests(exporter: Rig) -> None:
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=30) as connection:
        reader = connection.makefile("rb")
        for _ in range(20):
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.readline().startswith(b"HTTP/1.1 200")
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            reader.read(length)
        reader.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Huge: " + b"a" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        b"GET\r\n\r\n",
        b"\x00" * 1000,
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ],
    ids=["huge header", "tls hello", "no target", "zeros", "negative length"],
)
def test_garbage_gets_no_success_and_hurts_nobody(exporter: Rig, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=30) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except OSError:
            answer = b""
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert exporter.raw("GET", "/-/healthy").status == 200


def test_silent_and_half_sent_connections_block_nobody(exporter: Rig) -> None:
    with ExitStack() as stack:
        for number in range(100):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port), timeout=30))
            if number % 2:
                silent.sendall(b"GET /metrics HTT")
        assert exporter.raw("GET", "/-/healthy").status == 200
        assert exporter.scrape("?collect[]=exporter")


def test_readers_that_do_not_read_block_nobody(exporter: Rig) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            lazy = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port), timeout=30))
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            lazy.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        assert exporter.scrape("?collect[]=exporter")


def test_many_scrapers_at_once_cause_one_refresh_and_get_the_same(exporter: Rig) -> None:
    exporter.idle()
    exporter.clock.advance(1000)
    before = exporter.upstream.count("/v1/connections")
    barrier, bodies, lock = threading.Barrier(50), set(), threading.Lock()

    def scrape() -> None:
        barrier.wait(60)
        body = exporter.raw("GET", "/metrics?collect[]=connections&collect[]=inventory").body
        with lock:
            bodies.add(body)

    threads = [threading.Thread(target=scrape) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert exporter.upstream.count("/v1/connections") == before + 1
    assert len(bodies) == 1
