"""A real Prometheus scrapes over TLS with certificate and password, whatever other clients do or leave undone."""

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.processes import Demo, Prometheus, until
from tests.web.places import HASH, PASSWORD, authority, furnish, written
from tests.web.test_clients import basic

SECONDS = 120.0 if os.environ.get("PROVE") else 25.0
INTERVAL = "10s"
"""Also the scrape's timeout, in which a slow machine has to answer as well."""

SILENT = 1000 if os.environ.get("PROVE") else 200
SLOW = 50

WEB = f"""\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example]
  min_version: TLS13
http_server_config: {{headers: {{X-Frame-Options: deny}}}}
basic_auth_users: {{prometheus: {HASH}}}
"""


def access(folder: Path, password: str = PASSWORD, certificate: str = "client") -> str:
    """How Prometheus gets in."""
    return (
        "    scheme: https\n"
        f"    basic_auth: {{username: prometheus, password: {password}}}\n"
        "    tls_config:\n"
        f"      ca_file: {folder / 'ca.crt'}\n"
        f"      cert_file: {folder / certificate}.crt\n"
        f"      key_file: {folder / certificate}.key\n"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = furnish(tmp_path_factory.mktemp("access"))
    for name, host in (("client", "prometheus.example"), ("stranger", "other.example")):
        pair = authority().issue_cert(host)
        (place / f"{name}.crt").write_bytes(pair.cert_chain_pems[0].bytes())
        (place / f"{name}.key").write_bytes(pair.private_key_pem.bytes())
    return place


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[Demo]:
    """The demo behind TLS, client certificates and passwords."""
    with Demo(f"--web.config.file={written(folder, WEB)}", "--flows=200", "--log.level=info") as demo:
        until(lambda: demo.running() and ready(demo, folder), "the demo is ready", 180)
        yield demo


def session(folder: Path) -> requests.Session:
    """A client that may get in."""
    found = requests.Session()
    found.trust_env = False  # or a bundle of the environment comes before what is said here
    found.verify = str(folder / "ca.crt")
    found.cert = (str(folder / "client.crt"), str(folder / "client.key"))
    found.auth = ("prometheus", PASSWORD)
    return found


def ready(demo: Demo, folder: Path) -> bool:
    with session(folder) as client, contextlib.suppress(requests.RequestException):
        return client.get(f"https://localhost:{demo.port}/-/ready", timeout=10).status_code == 200
    return False


def refusals(demo: Demo, folder: Path) -> dict[str, int]:
    with session(folder) as client:
        text = client.get(f"https://localhost:{demo.port}/metrics?collect[]=exporter", timeout=30).text
    lines = [line for line in text.splitlines() if line.startswith("celigo_exporter_web_refusals_total{")]
    return {line.split('"')[1]: int(float(line.rsplit(" ", 1)[1])) for line in lines}


class Crowd:
    """Clients that wait: silent ones, which come again as soon as they are closed, and slow readers."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.opened = self.closed = 0
        self._port = port
        self._context = context
        self._stop = threading.Event()
        self._silent: list[socket.socket] = []
        self._slow: list[socket.socket] = []
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Crowd":
        for _ in range(SLOW):
            self._slow.append(self._slow_reader())
        self._fill()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for each in (*self._silent, *self._slow):
            each.close()

    def _connected(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self._port))
        return connection

    def _slow_reader(self) -> socket.socket:
        """Asks for the metrics and reads a few bytes."""
        spoken = self._context.wrap_socket(self._connected(), server_hostname="localhost")
        header = basic("prometheus", PASSWORD)["Authorization"]
        spoken.sendall(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\n\r\n".encode())
        assert spoken.recv(16).startswith(b"HTTP/1.1 200")
        return spoken

    def _fill(self) -> None:
        while len(self._silent) < SILENT:
            self._silent.append(self._connected())
            self.opened += 1

    def _go_on(self) -> None:
        poll = select.poll()
        while not self._stop.wait(0.2):
            for each in self._silent:
                poll.register(each, select.POLLIN)
            closed = {number for number, _ in poll.poll(0)}
            for each in self._silent:
                poll.unregister(each)
            gone = [each for each in self._silent if each.fileno() in closed]
            self.closed += len(gone)
            self._silent = [each for each in self._silent if each not in gone]
            for each in gone:
                each.close()
            self._fill()


def test_prometheus_scrapes_while_hundreds_say_nothing_and_dozens_do_not_read(
    guarded: Demo, prometheus_binary: str, folder: Path, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    target = [f"localhost:{guarded.port}"]
    with (
        Crowd(guarded.port, context) as crowd,
        Prometheus(prometheus_binary, tmp_path, target, INTERVAL, access=access(folder)) as prometheus,
    ):
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: prometheus.query("celigo_up"), "the first scrape")
        end = time.monotonic() + SECONDS
        errors: set[str] = set()
        while time.monotonic() < end:
            errors.update(str(each["lastError"]) for each in prometheus.targets())
            time.sleep(0.5)
        assert errors == {""}
        assert [value for _, value in prometheus.query("min_over_time(up[10m])")] == [1.0]
        (_, scrapes), *_ = prometheus.query("count_over_time(up[10m])")
        (_, slowest), *_ = prometheus.query("max_over_time(scrape_duration_seconds[10m])")
    counts = refusals(guarded, folder)
    print(
        f"{scrapes:.0f} scrapes, none failed, the slowest took {slowest:.2f} s; {SILENT} silent clients opened "
        f"{crowd.opened} connections, {crowd.closed} of them were closed; {SLOW} slow readers; refused: "
        f"{ {reason: count for reason, count in counts.items() if count} }"
    )
    assert scrapes >= 2
    assert crowd.closed > 0
    assert counts["handshake_timeout"] + counts["too_many_connections"] > 0
    assert "Traceback" not in guarded.stderr()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "wrong"}, "401"),
        ({"certificate": "stranger"}, ""),
    ],
    ids=["password", "certificate"],
)
def test_prometheus_with_a_wrong_password_or_certificate_gets_nothing(
    guarded: Demo, prometheus_binary: str, folder: Path, tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    target = [f"localhost:{guarded.port}"]
    with Prometheus(prometheus_binary, tmp_path, target, access=access(folder, **wrong)) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: prometheus.query("up"), "the first scrape")
        assert [value for _, value in prometheus.query("max_over_time(up[10m])")] == [0.0]
        assert prometheus.query("celigo_up") == []
        until(lambda: any(str(each["lastError"]) for each in prometheus.targets()), "the reason")
        assert all(said in str(each["lastError"]) for each in prometheus.targets())
    counts = refusals(guarded, folder)
    assert counts["wrong_credentials" if "password" in wrong else "client_name"] > 0


def test_a_certificate_is_renewed_while_prometheus_scrapes(
    guarded: Demo, prometheus_binary: str, folder: Path, tmp_path: Path
) -> None:
    with Prometheus(prometheus_binary, tmp_path, [f"localhost:{guarded.port}"], access=access(folder)) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: prometheus.query("celigo_up"), "the first scrape")
        pair = authority().issue_cert("localhost")
        (folder / "server.crt").write_bytes(pair.cert_chain_pems[0].bytes())
        (folder / "server.key").write_bytes(pair.private_key_pem.bytes())
        name = "celigo_exporter_web_config_last_reload_success_timestamp_seconds"
        with session(folder) as client:
            client.get(f"https://localhost:{guarded.port}/-/healthy", timeout=30)
        until(lambda: prometheus.query(f"changes({name}[10m]) > 0"), "Prometheus sees the reload")
        assert [value for _, value in prometheus.query("min_over_time(up[10m])")] == [1.0]
        assert [value for _, value in prometheus.query("celigo_exporter_web_config_last_reload_successful")] == [1.0]
    assert "the web configuration was read again" in guarded.stderr()
