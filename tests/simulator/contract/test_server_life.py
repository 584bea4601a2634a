"""The server itself: two ports, starting, stopping, TLS, compression, many clients at once."""

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.simulator.contract.client import Api
from tests.simulator.contract.conftest import TOKEN, Account, Launch

IN_PROGRESS = {"queued", "running", "retrying", "canceling"}


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def test_it_listens_on_the_loopback_on_two_ports_of_its_own(account: Account) -> None:
    urls = account.simulator.url, account.simulator.control_url
    assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}
    assert _port(urls[0]) != _port(urls[1])


def test_several_simulators_live_side_by_side(launch: Launch) -> None:
    with launch(flows=3, seed=1) as first, launch(flows=5, seed=2) as second:
        assert len(first.api.rows("/v1/flows")) == 3
        assert len(second.api.rows("/v1/flows")) == 5


def test_after_the_end_both_ports_are_closed_and_no_thread_is_left(launch: Launch) -> None:
    before = set(threading.enumerate())
    with launch() as account:
        account.api.get("/v1/tokenInfo")
        ports = [_port(account.simulator.url), _port(account.simulator.control_url)]
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert set(threading.enumerate()) <= before


def test_stopping_twice_is_harmless() -> None:
    simulator = Simulator(SimulatorOptions(flows=1, history_seconds=0))
    simulator.start()
    simulator.stop()
    simulator.stop()


def test_the_token_is_the_configured_one(launch: Launch) -> None:
    with launch(token="another") as account:
        assert account.api.raw("GET", "/v1/tokenInfo").status_code == 401
        with Api(account.simulator.url, "another") as other:
            assert other.call("GET", "/v1/tokenInfo").status_code == 200


def test_the_token_is_in_no_representation() -> None:
    assert TOKEN not in repr(SimulatorOptions(token=TOKEN))
    with Simulator(SimulatorOptions(flows=1, history_seconds=0, token=TOKEN)) as simulator:
        assert TOKEN not in repr(simulator)


def test_answers_are_compressed_for_those_who_accept_it_and_are_the_same(account: Account) -> None:
    plain = account.api.raw("GET", "/v1/flows", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    with account.api.raw("GET", "/v1/flows", headers={"Accept-Encoding": "gzip"}, stream=True) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content


def test_a_connection_is_kept_alive_over_many_requests(account: Account) -> None:
    with socket.create_connection(("127.0.0.1", _port(account.simulator.url)), timeout=10) as wire:
        for _ in range(3):
            request = f"GET /v1/tokenInfo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            wire.sendall(request.encode())
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent", [b"\r\n\r\n", b"NONSENSE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_garbage_on_the_wire_does_not_disturb_others(sent: bytes, account: Account) -> None:
    with socket.create_connection(("127.0.0.1", _port(account.simulator.url)), timeout=10) as wire:
        wire.sendall(sent)
        assert account.api.call("GET", "/v1/tokenInfo").status_code == 200


def test_a_client_that_sends_nothing_does_not_hold_up_others(account: Account) -> None:
    with socket.create_connection(("127.0.0.1", _port(account.simulator.url)), timeout=10):
        assert account.api.call("GET", "/v1/tokenInfo").status_code == 200


def _ask_while_it_changes(url: str, barrier: threading.Barrier) -> list[str]:
    """What one client found wrong in its answers; the answers are checked by hand, judging them all would take long."""
    wrong = []
    with Api(url, TOKEN) as api:
        barrier.wait(timeout=60)
        for _ in range(15):
            answer = api.raw("POST", "/v1/jobs/current", body={})
            ids = [row["_id"] for row in answer.json()["jobs"]] if answer.status_code == 200 else []
            listed = api.raw("GET", "/v1/jobs", params={"type": "flow", "createdAt_gte": "2020-01-01"}).json()
            stamps = [row["createdAt"] for row in listed]
            wrong += ["a run twice"] if len(ids) != len(set(ids)) else []
            wrong += ["out of order"] if stamps != sorted(stamps, reverse=True) else []
            wrong += [row["_id"] for row in listed if ("endedAt" in row) == (row["status"] in IN_PROGRESS)]
    return wrong


def test_many_clients_at_once_get_whole_answers_while_time_moves(launch: Launch) -> None:
    with launch(flows=12, history_seconds=600.0) as account, ThreadPoolExecutor(6) as pool:
        barrier = threading.Barrier(7)
        asked = [pool.submit(_ask_while_it_changes, account.simulator.url, barrier) for _ in range(6)]
        barrier.wait(timeout=60)
        for _ in range(20):
            account.advance(30)
        assert [future.result(timeout=120) for future in asked] == [[]] * 6


def test_with_a_certificate_it_speaks_tls_only(launch: Launch, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key, trust = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(trust))
    with launch(flows=2, tls_cert=cert, tls_key=key) as account:
        assert account.simulator.url.startswith("https://")
        assert account.api.raw("GET", "/v1/tokenInfo", verify=str(trust)).status_code == 200
        with Api(account.simulator.url, TOKEN) as distrustful, pytest.raises(requests.exceptions.SSLError):
            distrustful.raw("GET", "/v1/tokenInfo")
        with (
            Api(account.simulator.url.replace("https", "http"), TOKEN) as plain,
            pytest.raises(requests.ConnectionError),
        ):
            plain.raw("GET", "/v1/tokenInfo")


def test_incidents_can_be_injected_and_lifted_in_process(account: Account) -> None:
    number = account.simulator.inject("status", path="/v1/flows", status=503)
    assert account.api.raw("GET", "/v1/flows").status_code == 503
    assert [row["id"] for row in account.control.incidents()] == [number]
    account.simulator.lift(number)
    assert account.api.call("GET", "/v1/flows").status_code == 200
