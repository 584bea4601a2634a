"""Connections: reaching the host, reusing what is open, closing what is not needed."""

import threading
import time
from collections.abc import Callable

import pytest

from exporter.api import errors
from exporter.api.endpoints import Endpoint
from exporter.api.transport import KEPT_SESSIONS
from tests.api.kit import CALLS, TOKEN, Kit, failure_of, kit
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, answering, header, response
from tests.e2e.processes import free_port

UNKNOWN_HOST = "http://celigo-exporter-test.invalid"


def token_failure(api: Kit) -> errors.ApiError:
    return failure_of(CALLS[Endpoint.TOKEN_INFO], api)


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_is_a_failed_connection(connect: Connect, scheme: str) -> None:
    assert isinstance(token_failure(connect(f"{scheme}://127.0.0.1:{free_port()}")), errors.ConnectFailed)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_unknown_host_is_a_dns_failure(connect: Connect, scheme: str) -> None:
    failure = token_failure(connect(UNKNOWN_HOST.replace("http:", f"{scheme}:")))
    assert isinstance(failure, errors.DnsFailed)
    assert "invalid" not in str(failure)


def test_a_host_that_comes_up_is_reached_by_a_retry(serve: Serve, connect: Connect) -> None:
    turn = iter([lambda connection: connection.reset(), answering(response())])
    api = connect(serve(lambda connection: next(turn)(connection)).url, attempts=3)
    assert api.client.token_info(api.refresh()).scope == "*"
    assert api.errors() == {"connect": 1}


def test_calls_of_one_thread_share_one_connection(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response()))
    api = connect(server.url)
    for _ in range(6):
        api.client.token_info(api.refresh())
    assert (server.connections, len(server.requests)) == (1, 6)


@pytest.mark.parametrize("status", ["204 No Content", "400 Bad Request", "404 Not Found", "500 Oh"])
def test_a_failed_call_does_not_cost_the_connection(serve: Serve, connect: Connect, status: str) -> None:
    body = b"" if status.startswith("204") else b'{"message":"no"}'
    server = serve(answering(response(body, status), response(body, status), response(b"[]")))
    api = connect(server.url)
    for number in ("a", "b", "c"):
        try:
            api.client.integration_errors(api.refresh(), number)
        except errors.ApiError:
            continue
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("threads", [2, KEPT_SESSIONS])
def test_threads_need_no_more_connections_than_they_are(serve: Serve, connect: Connect, threads: int) -> None:
    server = serve(answering(response()))
    api = connect(server.url)
    barrier = threading.Barrier(threads)
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            for _ in range(4):
                barrier.wait(30)
                api.client.token_info(api.refresh())
        except BaseException as failure:
            failures.append(failure)

    workers = [threading.Thread(target=worker) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    assert failures == []
    assert server.connections <= threads
    assert len(server.requests) == 4 * threads


def test_closing_the_client_closes_the_connections_of_all_threads(serve: Serve) -> None:
    server = serve(answering(response()))
    with kit(base_url=server.url) as api:
        for _ in range(3):
            worker = threading.Thread(target=lambda: api.client.token_info(api.refresh()))
            worker.start()
            worker.join(30)
        api.client.token_info(api.refresh())
        assert len(server.requests) == 4
    until(lambda: server.farewells == server.connections)


def test_closing_twice_does_no_harm(serve: Serve) -> None:
    server = serve(answering(response()))
    with kit(base_url=server.url) as api:
        api.client.token_info(api.refresh())
        api.client.close()
    api.client.close()


def test_a_connection_closed_between_two_calls_is_opened_again(serve: Serve, connect: Connect) -> None:
    def one_answer(connection: Connection) -> None:
        connection.request()
        connection.send(response())

    server = serve(one_answer)
    api = connect(server.url, attempts=2)
    for number in range(1, 4):
        assert api.client.token_info(api.refresh()).scope == "*"
        until(lambda number=number: server.farewells == number)  # type: ignore[misc]  # a default binds it now
    assert server.connections == 3


def test_a_connection_reset_by_the_second_request_is_a_retry(serve: Serve, connect: Connect) -> None:
    def one_answer_then_reset(connection: Connection) -> None:
        connection.request()
        connection.send(response())
        if connection.request() is not None:
            connection.reset()

    server = serve(one_answer_then_reset)
    api = connect(server.url, attempts=2)
    api.client.token_info(api.refresh())
    assert api.client.token_info(api.refresh()).scope == "*"
    assert api.errors() == {"connect": 1}
    assert (server.connections, len(server.requests)) == (2, 3)


def test_what_a_request_says_about_itself(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response()))
    api = connect(server.url)
    api.client.token_info(api.refresh())
    (request,) = server.requests
    assert request.startswith(b"GET /v1/tokenInfo HTTP/1.1\r\n")
    assert header(request, "Authorization") == f"Bearer {TOKEN}"
    assert (header(request, "User-Agent") or "").startswith("celigo-exporter/")
    assert "gzip" in (header(request, "Accept-Encoding") or "")
    assert header(request, "Host") == server.url.removeprefix("http://")
    assert request.endswith(b"\r\n\r\n")


def test_the_reading_post_carries_its_body(serve: Serve, connect: Connect) -> None:
    server = serve(answering(response(b'{"jobs":[]}')))
    api = connect(server.url)
    api.client.current_jobs(api.refresh())
    (request,) = server.requests
    assert request.startswith(b"POST /v1/jobs/current HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n{}")
