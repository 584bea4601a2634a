"""How serving starts: what is asked before the first scrape, and what is said when it cannot start."""

import re
import subprocess
from http.client import HTTPConnection

from tests.e2e.processes import EXPORTER, free_port, until
from tests.serve.processes import Serving, environ, read, serving
from tests.serve.upstream import Upstream


class TestTakenPort:
    def test_it_is_one_line_and_status_2(self) -> None:
        with serving() as (running, upstream):
            second = subprocess.run(
                [*EXPORTER, "serve", f"--web.listen-address=127.0.0.1:{running.port}"],
                env=environ(upstream),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (second.returncode, second.stdout) == (2, "")
            assert second.stderr.count("\n") == 1
            assert f"cannot listen on 127.0.0.1:{running.port}: Address already in use" in second.stderr

    def test_nothing_was_asked_of_the_api_by_the_one_that_failed(self) -> None:
        with serving() as (running, upstream):
            asked = upstream.count("/v1/tokenInfo")
            command = [*EXPORTER, "serve", f"--web.listen-address=127.0.0.1:{running.port}"]
            subprocess.run(command, env=environ(upstream), capture_output=True, timeout=60, check=False)
            assert upstream.count("/v1/tokenInfo") == asked


class TestStart:
    def test_one_collection_is_started_without_a_scrape_and_no_second(self) -> None:
        with serving() as (running, upstream):
            until(lambda: running.running() and "ready" in read(running, "/-/ready"), "ready")
            for path in ("/v1/tokenInfo", "/v1/connections", "/v1/flows", "/v1/jobs/current"):
                upstream.arrived(path)
                assert upstream.count(path) == 1

    def test_several_addresses_serve_the_same(self) -> None:
        port = free_port("::1")
        with serving(flags=[f"--web.listen-address=[::1]:{port}"]) as (running, _):
            other = HTTPConnection("::1", port, timeout=60)
            other.request("GET", "/-/healthy")
            assert other.getresponse().read() == read(running, "/-/healthy").encode()
            other.close()

    def test_it_starts_and_serves_while_the_api_is_away(self) -> None:
        with Upstream() as gone:
            pass
        with Serving(gone) as running:
            running.answering(f"{running.url}/-/ready")
            until(lambda: re.search(r"^celigo_up\{.*\} 0\.0$", read(running, "/metrics"), re.MULTILINE), "down")
