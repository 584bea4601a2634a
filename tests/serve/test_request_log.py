"""Each request to the exporter has an id, and at debug a line; libraries speak in the same form."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import pytest

from tests.e2e.processes import until
from tests.logs.written import Written, written
from tests.serve.rig import Rig, rig


@pytest.fixture(scope="module")
def log() -> Iterator[Written]:
    with written() as into:
        yield into


@pytest.fixture(scope="module")
def exporter(log: Written) -> Iterator[Rig]:
    del log  # before the exporter
    with rig() as running:
        running.idle()
        yield running


def answered(log: Written, request_id: str) -> list[dict[str, object]]:
    return [line for line in log.lines("a request was answered") if line["request_id"] == request_id]


@pytest.mark.parametrize("path", ["/metrics?collect[]=health", "/-/healthy", "/", "/nothing", "/metrics?collect[]=x"])
def test_every_answer_carries_an_id_of_its_own(exporter: Rig, path: str) -> None:
    first, second = exporter.raw("GET", path), exporter.raw("GET", path)
    assert len(first.headers["x-request-id"]) == 12
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_the_caller_s_id_is_kept(exporter: Rig, log: Written) -> None:
    answer = exporter.raw("GET", "/-/healthy", {"X-Request-Id": "trace-7.A"})
    assert answer.headers["x-request-id"] == "trace-7.A"
    until(lambda: answered(log, "trace-7.A"), "the line")


@pytest.mark.parametrize("text", ["x" * 65, "a b", "a\x1b[31m", "a;b", "\xe9", "<script>"])
def test_an_id_that_is_not_well_formed_is_replaced(exporter: Rig, text: str, log: Written) -> None:
    answer = exporter.raw("GET", "/-/healthy", {"X-Request-Id": text})
    assert len(answer.headers["x-request-id"]) == 12
    assert not answered(log, text)


def test_the_line_of_a_request_tells_path_status_and_size_and_no_query(exporter: Rig, log: Written) -> None:
    answer = exporter.raw("GET", "/metrics?collect[]=health", {"X-Request-Id": "scrape-1"})
    (line,) = until(lambda: answered(log, "scrape-1"), "the line")
    assert (line["path"], line["method"], line["status"]) == ("/metrics", "GET", 200)
    assert line["body_bytes"] == len(answer.body)
    assert (line["level"], line["client"]) == ("debug", "127.0.0.1")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/token-in-the-path", 404), ("BREW", "/metrics", 405), ("PUT", "/", 405)]
)
def test_what_is_not_ours_is_called_other(exporter: Rig, log: Written, method: str, path: str, status: int) -> None:
    name = f"odd-{method}-{status}"
    exporter.raw(method, path, {"X-Request-Id": name})
    (line,) = until(lambda: answered(log, name), "the line")
    assert line["status"] == status
    assert "other" in (line["path"], line["method"])
    assert "token-in-the-path" not in log.stream.getvalue()


def test_what_a_scrape_started_is_found_by_its_id_and_each_run_by_its_own(exporter: Rig, log: Written) -> None:
    exporter.clock.advance(3600)
    exporter.raw("GET", "/metrics", {"X-Request-Id": "scrape-2"})
    exporter.idle()
    runs = [line for line in log.lines("a collector's run ended") if line.get("request_id") == "scrape-2"]
    assert {line["collector"] for line in runs} >= {"health", "inventory", "connections"}
    assert {line["account"] for line in runs} == {"account-0"}
    for run in runs:
        sent = [line for line in log.lines("a request was sent") if line["run_id"] == run["run_id"]]
        assert len(sent) == run["requests_count"]
        assert {(line["request_id"], line["collector"]) for line in sent} <= {("scrape-2", run["collector"])}


def test_what_is_no_http_is_told_by_the_library_in_our_form(exporter: Rig, log: Written) -> None:
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=60) as client:
        client.sendall(b"\x16\x03\x01 level=error msg=forged\r\n\r\n")
        client.recv(1000)
    (line,) = until(lambda: log.lines("Invalid HTTP request received."), "the line")
    assert (line["level"], line["logger"]) == ("warning", "uvicorn.error")


def test_an_exception_of_a_task_is_told_without_its_text(log: Written) -> None:
    async def fails() -> None:
        raise ValueError("jane.roe@example.com")

    async def forgets() -> None:
        task = asyncio.get_running_loop().create_task(fails())
        await asyncio.sleep(0)
        del task

    asyncio.run(forgets())
    (line,) = [line for line in log.lines() if line["logger"] == "asyncio" and line["level"] == "error"]
    assert (line["msg"], line["exception"]) == ("Task exception was never retrieved", "ValueError")
    assert "jane.roe" not in log.stream.getvalue()


def test_at_info_a_scrape_writes_nothing() -> None:
    with written("info") as quiet, rig() as running:
        for _ in range(3):
            running.scrape()
        assert quiet.lines() == []
        assert not logging.getLogger("exporter").isEnabledFor(logging.DEBUG)
