"""Requests of one client that are under way at the same time."""

import threading
from collections.abc import Callable

import pytest

from exporter.api.endpoints import Endpoint
from tests.api.kit import INTEGRATION, LISTS, Ask, Kit
from tests.api.sockets.conftest import Connect, Serve
from tests.api.sockets.server import Connection, Conversation, response


class Held:
    """Holds back the answer to one path until `open` is set; answers all others at once."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.asked = threading.Event()
        self.open = threading.Event()

    def converse(self, connection: Connection) -> None:
        while (request := connection.request()) is not None:
            if request.split()[1].split(b"?")[0] == self.path:
                self.asked.set()
                while not self.open.wait(0.02):
                    if connection.server.stopping.is_set():
                        return
            connection.send(response(b"[]"))


def in_thread(ask: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=ask)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "quick",
    [LISTS[Endpoint.FLOWS], LISTS[Endpoint.CONNECTIONS], LISTS[Endpoint.INTEGRATION_ERRORS]],
    ids=["kept listing", "listing", "per integration"],
)
def test_a_slow_listing_holds_up_no_other(serve: Serve, connect: Connect, quick: Ask) -> None:
    held = Held(b"/v1/integrations")
    api = connect(serve(held.converse).url)
    slow = in_thread(lambda: api.client.integrations(api.refresh()))
    assert held.asked.wait(30)
    assert quick(api).rows == ()
    assert slow.is_alive()
    held.open.set()
    slow.join(30)


def test_errors_of_one_integration_do_not_wait_for_those_of_another(serve: Serve, connect: Connect) -> None:
    held = Held(b"/v1/integrations/none/errors")
    api = connect(serve(held.converse).url)
    slow = in_thread(lambda: api.client.integration_errors(api.refresh(), "none"))
    assert held.asked.wait(30)
    assert api.client.integration_errors(api.refresh(), INTEGRATION).rows == ()
    held.open.set()
    slow.join(30)


def test_reading_the_own_numbers_does_not_wait_for_a_request(serve: Serve, connect: Connect) -> None:
    held = Held(b"/v1/integrations")
    api: Kit = connect(serve(held.converse).url)
    slow = in_thread(lambda: api.client.integrations(api.refresh()))
    assert held.asked.wait(30)
    api.telemetry.series("celigo_api_requests_total")
    api.telemetry.outcomes()
    api.client.server_now()
    assert slow.is_alive()
    held.open.set()
    slow.join(30)


def test_many_threads_get_their_own_answers(serve: Serve, connect: Connect) -> None:
    def echo(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            integration = request.split()[1].split(b"/")[3]
            connection.send(response(b'[{"_flowId":"' + integration + b'","numError":1}]'))

    conversation: Conversation = echo
    api = connect(serve(conversation).url)
    mixed: list[str] = []

    def worker(name: str) -> None:
        for _ in range(20):
            rows = api.client.integration_errors(api.refresh(), name).rows
            if [row.flow_id for row in rows] != [name]:
                mixed.append(name)

    threads = [threading.Thread(target=worker, args=(f"integration-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert mixed == []
    assert api.count("celigo_api_requests_total", "/v1/integrations/{integrationId}/errors", "GET", "200") == 120
