"""The simulator as one object: in process, deterministic, clean at its end."""

import socket
import threading
from typing import Any

import pytest
import requests

from exporter.simulator import ManualTime, Simulator, SimulatorOptions, run
from tests.e2e.processes import free_port


def options(**changes: Any) -> SimulatorOptions:
    base = ManualTime(1_788_000_000.0)
    return SimulatorOptions(**{"flows": 12, "history_seconds": 600.0, "base_clock": base, **changes})


def fetched(simulator: Simulator, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {simulator.token}", "Connection": "close"}
    return requests.get(simulator.url + path, headers=headers, timeout=20)


def test_it_serves_within_with_and_not_after() -> None:
    with Simulator(options()) as simulator:
        assert fetched(simulator, "/v1/tokenInfo").status_code == 200
        url = simulator.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/v1/tokenInfo", timeout=5)


def test_it_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with Simulator(options()) as simulator:
        fetched(simulator, "/v1/flows")
    assert set(threading.enumerate()) <= before


def test_two_simulators_of_one_seed_answer_with_the_same_bytes_whatever_was_asked_before() -> None:
    with Simulator(options()) as first, Simulator(options()) as second:
        for path in ("/v1/audit", "/v1/tiles", "/v1/jobs?createdAt_gte=2020-01-01"):
            fetched(second, path)
        for path in ("/v1/flows", "/v1/jobs?type=flow&createdAt_gte=2020-01-01", "/v1/connections", "/v1/tiles"):
            assert fetched(first, path).content == fetched(second, path).content


def test_an_incident_in_process_is_seen_over_http_and_gone_after_lifting() -> None:
    with Simulator(options()) as simulator:
        number = simulator.inject("status", path="/v1/flows", status=503)
        assert fetched(simulator, "/v1/flows").status_code == 503
        simulator.lift(number)
        assert fetched(simulator, "/v1/flows").status_code == 200
        simulator.inject("html")
        simulator.lift_all()
        assert fetched(simulator, "/v1/flows").headers["Content-Type"].startswith("application/json")


def test_bad_incidents_are_value_errors() -> None:
    with Simulator(options()) as simulator, pytest.raises(ValueError, match="kind"):
        simulator.inject("earthquake")


def test_requests_and_truth_in_process_equal_those_of_the_control_api() -> None:
    with Simulator(options()) as simulator:
        fetched(simulator, "/v1/flows?include=name")
        answer = requests.get(simulator.control_url + "/requests", timeout=20).json()
        assert answer == {"total": 1, "requests": simulator.requests()}
        assert simulator.requests(since=1) == []
        assert requests.get(simulator.control_url + "/truth", timeout=20).json() == simulator.truth()
        rows = requests.get(simulator.control_url + "/truth/runs", timeout=20).json()["runs"]
        assert rows == simulator.runs()


def test_the_token_is_in_no_log_entry_and_no_representation() -> None:
    with Simulator(options(token="very-secret-token")) as simulator:
        fetched(simulator, "/v1/flows")
        shown = f"{simulator!r} {simulator.options!r} {simulator.requests()} {simulator.truth()}"
    assert "very-secret-token" not in shown


def test_a_taken_port_is_an_os_error_and_frees_the_other_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=r".+"):
            Simulator(options(control_port=port))
        with pytest.raises(OSError, match=r".+"):
            Simulator(options(port=port))


def test_run_serves_until_its_event_is_set() -> None:
    stop = threading.Event()
    port = free_port()
    thread = threading.Thread(target=run, args=(options(port=port), stop))
    thread.start()
    status = _first_answer(port)
    stop.set()
    thread.join(20)
    assert (status, thread.is_alive()) == (401, False)


def _first_answer(port: int) -> int:
    gate = threading.Event()
    for _ in range(400):
        try:
            return requests.get(f"http://127.0.0.1:{port}/v1/flows", timeout=20).status_code
        except requests.ConnectionError:
            gate.wait(0.02)
    raise AssertionError("the simulator did not start")


def test_requests_of_many_threads_all_succeed_while_time_moves() -> None:
    with Simulator(options(flows=24, bucket_size=100_000)) as simulator:
        barrier, statuses = threading.Barrier(8), list[int]()

        def client(number: int) -> None:
            barrier.wait()
            for _ in range(10):
                simulator.clock.advance(60)
                if number % 2:
                    simulator.lift(simulator.inject("flow_renamed", flow=_first_flow(simulator), name=f"n{number}"))
                path = "/v1/jobs?createdAt_gte=2020-01-01" if number % 3 else "/v1/tiles"
                statuses.append(fetched(simulator, path).status_code)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert statuses == [200] * 80


def _first_flow(simulator: Simulator) -> str:
    return simulator.engine.account.flows[0].id
