"""How serving ends: whoever waits is answered, nobody is waited for long, and the log has no traceback."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.processes import until
from tests.serve.processes import Request, Serving, read, serving
from tests.serve.rig import SCRAPE_TIMEOUT, TOKEN, Raw, rig
from tests.serve.upstream import SMALL, Upstream

WITHIN = 30.0
"""Seconds that an end may take on a slow machine: far less than what hangs or waits here would take by itself."""

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


class TestProcess:
    @SIGNALS
    def test_a_signal_ends_it_with_status_0_and_a_clean_log(self, number: signal.Signals) -> None:
        with serving() as (running, _):
            status, seconds = running.end(number)
            assert (status, running.stdout()) == (0, "")
            assert seconds < WITHIN
            assert "Traceback" not in running.stderr()
            assert TOKEN not in running.stderr()

    @SIGNALS
    def test_a_scrape_that_waits_is_answered_with_what_is_there(self, number: signal.Signals) -> None:
        with serving("/v1/connections") as (running, _):
            until(lambda: "celigo_up{" in read(running, "/metrics?collect[]=health"), "the first values")
            # Long enough never to end by itself.
            waiting = running.request("/metrics?collect[]=health&collect[]=connections", {SCRAPE_TIMEOUT: "100"})
            until_it_waits(running)
            status, seconds = running.end(number)
            answer = waiting.answer()
            assert isinstance(answer, Raw), answer
            assert answer.status == 200
            assert b"celigo_up{" in answer.body
            assert status == 0
            assert seconds < WITHIN
            assert "Traceback" not in running.stderr()

    def test_connections_that_are_open_and_idle_are_not_waited_for(self) -> None:
        with serving() as (running, _), ExitStack() as stack:
            for sent in (b"", b"GET /metr", b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"):
                idle = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=60))
                idle.sendall(sent)
            assert "healthy" in read(running, "/-/healthy")
            status, seconds = running.end(signal.SIGTERM)
            assert status == 0
            assert seconds < WITHIN

    def test_an_api_that_hangs_in_every_call_is_not_waited_for(self) -> None:
        with serving("/v1/tokenInfo", "/v1/connections", "/v1/integrations", "/v1/jobs/current") as (running, _):
            status, seconds = running.end(signal.SIGTERM)
            assert status == 0
            assert seconds < WITHIN
            assert "Traceback" not in running.stderr()

    def test_a_second_signal_changes_nothing(self) -> None:
        with serving("/v1/connections") as (running, _):
            assert running.process is not None
            running.process.send_signal(signal.SIGTERM)
            status, seconds = running.end(signal.SIGTERM)
            assert status == 0
            assert seconds < WITHIN

    def test_a_signal_right_after_the_start_is_not_lost(self) -> None:
        """Handlers are there from before the first line that tells where it listens."""
        with Upstream(SMALL) as upstream, Serving(upstream) as running:
            until(lambda: "msg=listening" in running.stderr() and running.running(), "the first log line")
            status, seconds = running.end(signal.SIGTERM)
            # Between the log line and the handlers the default is in force, and there is nothing to finish yet.
            assert status in (0, -signal.SIGTERM)
            assert seconds < WITHIN

    def test_after_the_end_the_port_is_free_again(self) -> None:
        with serving() as (running, upstream):
            running.end(signal.SIGTERM)
            with Serving(upstream, port=running.port) as again:
                again.answering(f"{running.url}/-/healthy")


def until_it_waits(running: Serving) -> None:
    """A later request on the same event loop was answered, so the earlier one is being waited for."""
    assert "healthy" in read(running, "/-/healthy")


class TestLargeResponse:
    """A document larger than what the kernel takes in, so that its end depends on the reader."""

    FLOWS = 8000

    @contextmanager
    def unread(self) -> Iterator[tuple[Serving, socket.socket]]:
        """An exporter, and a connection to it with a document under way of which only the head was read."""
        many = [{"_id": f"f{number}", "name": "x" * 800, "_integrationId": "i1"} for number in range(self.FLOWS)]
        with Upstream({**SMALL, "/v1/flows": many}) as upstream, Serving(upstream) as running, ExitStack() as stack:
            running.answering(f"{running.url}/-/healthy")
            until(lambda: f'flow_id="f{self.FLOWS - 1}"' in read(running, "/metrics?collect[]=inventory"), "the flows")
            reader = stack.enter_context(socket.socket())
            reader.settimeout(60)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", running.port))
            reader.sendall(b"GET /metrics?collect[]=inventory HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.recv(15) == b"HTTP/1.1 200 OK"
            yield running, reader

    def test_it_is_finished_for_a_reader_that_goes_on(self) -> None:
        with self.unread() as (running, reader):
            assert running.process is not None
            running.process.send_signal(signal.SIGTERM)
            received = b"".join(iter(lambda: reader.recv(1 << 20), b""))
            assert received.endswith(b"\n")
            head, _, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            assert len(body) == int(length.group(1)) > 5_000_000
            assert running.process.wait(60) == 0

    def test_a_reader_that_does_not_go_on_is_not_waited_for(self) -> None:
        with self.unread() as (running, _):
            status, seconds = running.end(signal.SIGTERM)
            assert status == 0
            assert seconds < WITHIN
            assert "Traceback" not in running.stderr()


class TestInProcess:
    def test_stopping_answers_every_scrape_that_waits(self) -> None:
        with rig() as exporter:
            exporter.upstream.hold("/v1/connections")
            query = "/metrics?collect[]=connections"
            waiting = [Request(exporter.port, query, {SCRAPE_TIMEOUT: "100"}) for _ in range(20)]
            exporter.upstream.arrived("/v1/connections")
            exporter.fleet.stop()
            answers = [each.answer() for each in waiting]
            assert [each.status for each in answers if isinstance(each, Raw)] == [200] * 20

    def test_after_stopping_a_scrape_asks_nothing_and_serves_what_is_known(self) -> None:
        with rig() as exporter:
            exporter.scrape()
            exporter.idle()
            exporter.fleet.stop()
            exporter.clock.advance(120)
            asked = exporter.upstream.total
            assert "celigo_up{" in exporter.scrape()
            assert exporter.upstream.total == asked

    def test_many_accounts_that_hang_are_closed_together(self) -> None:
        paths = ("/v1/tokenInfo", "/v1/integrations", "/v1/connections", "/v1/jobs/current")
        with rig(accounts=10) as exporter:
            for each in exporter.upstreams:
                for path in paths:
                    each.hold(path)
            exporter.fleet.trigger()
            for each in exporter.upstreams:
                for path in paths:
                    each.arrived(path)
            started = time.monotonic()
            exporter.fleet.close()
            # 2 s for all of them, and much time for a slow machine; one after the other would take 16 s.
            assert time.monotonic() - started < 10
