"""The wire without sockets ends every call as a real one does, and only virtual time passes on it."""

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from exporter.api.errors import ApiError
from exporter.api.token import TokenProvider
from exporter.clock import Clock
from exporter.config.settings import Limits, TokenSource
from exporter.simulator.messages import Request
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from exporter.simulator.wire import Reply
from tests.api.kit import Ask, Kit, kit
from tests.clocks import EPOCH
from tests.simulation.clock import VirtualClock
from tests.simulation.wire import InProcess, SimulatorFailed, in_process

ONCE = Limits(attempts=1)
IMPATIENT = Limits(attempts=1, read_timeout=0.3)
SMALL = Limits(attempts=1, response_bytes=200_000)


@dataclass
class Side:
    """One simulator, its clock, and a client of it."""

    simulator: Simulator
    clock: VirtualClock
    kit: Kit


def account(clock: VirtualClock, **options: Any) -> Simulator:
    """A small account in virtual time, equal for equal options."""
    settings: dict[str, Any] = {"flows": 12, "history_seconds": 7200.0, "page_size": 5, "job_page_size": 9, **options}
    return Simulator(SimulatorOptions(base_clock=clock.true, monotonic=clock.monotonic, **settings))


@contextmanager
def client(simulator: Simulator, clock: Clock, limits: Limits) -> Iterator[Kit]:
    """A client that holds the simulator's token."""
    token = TokenProvider(TokenSource(env="ACME_TOKEN"), {"ACME_TOKEN": simulator.token}, clock)
    with kit(clock, base_url=simulator.url, limits=limits, token=token) as made:
        yield made


@contextmanager
def real(limits: Limits = ONCE) -> Iterator[Side]:
    """A side that talks through sockets of this machine."""
    clock = VirtualClock()
    with account(clock) as simulator, client(simulator, clock, limits) as made:
        yield Side(simulator, clock, made)


@contextmanager
def virtual(
    limits: Limits = ONCE, before: Callable[[requests.PreparedRequest], None] | None = None, **options: Any
) -> Iterator[Side]:
    """A side that talks in process."""
    clock = VirtualClock()
    with ExitStack() as closing:
        simulator = account(clock, **options)
        closing.callback(simulator.stop)
        closing.enter_context(in_process(simulator, clock, before))
        yield Side(simulator, clock, closing.enter_context(client(simulator, clock, limits)))


ASKS: Mapping[str, Ask] = {
    "flows": lambda kit: kit.client.flows(kit.refresh()).rows,
    "jobs": lambda kit: [
        page.rows for page in kit.client.job_pages(kit.refresh(), kind="flow", created_gte=EPOCH - 7200.0)
    ],
    "current jobs": lambda kit: kit.client.current_jobs(kit.refresh()).rows,
    "token": lambda kit: kit.client.token_info(kit.refresh()),
}
"""A GET paged by the Link header, a GET paged by time, a POST, and a single object."""


def outcome(ask: Ask, side: Side) -> object:
    """What a call ends in: its rows, or all that its failure says."""
    try:
        return ask(side.kit)
    except ApiError as error:
        return (type(error), error.status, error.code, error.retry_after, error.detail, error.endpoint, str(error))


def outcomes(side: Side) -> tuple[object, ...]:
    """What all calls end in, what was counted on the way, and what the client's log of requests shows of it."""
    ends = [outcome(ask, side) for ask in ASKS.values()]
    return (*ends, side.kit.errors(), [(row["path"], row["status"]) for row in side.simulator.requests()])


def failures(side: Side) -> set[type[ApiError] | None]:
    """The classes in which the calls end; None where rows came."""
    ends = [outcome(ask, side) for ask in ASKS.values()]
    return {end[0] if isinstance(end, tuple) and end and isinstance(end[0], type) else None for end in ends}


FAULTS = [
    pytest.param(ONCE, {"kind": "status", "status": 500}, id="500"),
    pytest.param(ONCE, {"kind": "status", "status": 503}, id="503"),
    pytest.param(ONCE, {"kind": "status", "status": 502, "body": "html"}, id="502 page"),
    pytest.param(ONCE, {"kind": "status", "status": 404, "body": "message"}, id="404 bare"),
    pytest.param(ONCE, {"kind": "status", "status": 204}, id="204"),
    pytest.param(ONCE, {"kind": "rate_limited", "retry_after": 17}, id="429"),
    pytest.param(ONCE, {"kind": "rate_limited", "retry_after": 90, "http_date": True}, id="429 until a date"),
    pytest.param(ONCE, {"kind": "unauthorized"}, id="401"),
    pytest.param(ONCE, {"kind": "forbidden"}, id="403"),
    pytest.param(ONCE, {"kind": "html"}, id="html"),
    pytest.param(ONCE, {"kind": "empty_body"}, id="empty body"),
    pytest.param(ONCE, {"kind": "redirect"}, id="redirect"),
    pytest.param(ONCE, {"kind": "redirect", "location": "https://weiß.example/ł"}, id="redirect, no ASCII"),
    pytest.param(ONCE, {"kind": "reset"}, id="reset"),
    pytest.param(ONCE, {"kind": "truncated"}, id="truncated"),
    pytest.param(IMPATIENT, {"kind": "hang"}, id="hang"),
    pytest.param(IMPATIENT, {"kind": "slow", "seconds": 5.0}, id="slower than the read timeout"),
    pytest.param(ONCE, {"kind": "slow", "seconds": 0.05}, id="slow"),
    pytest.param(ONCE, {"kind": "invalid_json"}, id="invalid json"),
    pytest.param(ONCE, {"kind": "wrong_shape"}, id="wrong shape"),
    pytest.param(ONCE, {"kind": "null_list"}, id="null list"),
    pytest.param(ONCE, {"kind": "missing_ids"}, id="missing ids"),
    pytest.param(ONCE, {"kind": "wrong_types"}, id="wrong types"),
    pytest.param(ONCE, {"kind": "bad_dates"}, id="bad dates"),
    pytest.param(ONCE, {"kind": "numbers_as_strings"}, id="numbers as strings"),
    pytest.param(ONCE, {"kind": "loop"}, id="loop"),
    pytest.param(SMALL, {"kind": "huge", "bytes": 150_000}, id="large, in blocks"),
    pytest.param(SMALL, {"kind": "huge", "bytes": 200_001}, id="too large, in blocks"),
    pytest.param(SMALL, {"kind": "gzip_bomb", "bytes": 150_000}, id="packed"),
    pytest.param(SMALL, {"kind": "gzip_bomb", "bytes": 900_000}, id="packed and too large"),
]


@pytest.mark.parametrize(("limits", "fault"), FAULTS)
def test_a_fault_ends_every_call_as_it_does_over_a_socket(limits: Limits, fault: dict[str, Any]) -> None:
    with real(limits) as other, virtual(limits) as side:
        for each in (other, side):
            # A slow answer takes time on one side only, and in that time other runs would begin there.
            each.simulator.clock.freeze()
            each.simulator.inject(**fault)
        assert outcomes(side) == outcomes(other)


def test_without_a_fault_rows_are_those_that_come_over_a_socket() -> None:
    with real() as other, virtual() as side:
        expected = outcomes(other)
        assert outcomes(side) == expected
        assert all(expected[: len(ASKS)]), "calls that bring nothing prove nothing"
        assert len(side.simulator.requests()) > len(ASKS), "no listing had a second page"


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"kind": "reset"}, "ConnectFailed"),
        ({"kind": "truncated"}, "Truncated"),
        ({"kind": "hang"}, "Timeout"),
        ({"kind": "slow", "seconds": 21.0}, "Timeout"),
        ({"kind": "invalid_json"}, "InvalidJson"),
        ({"kind": "redirect"}, "Redirected"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["kind"],
)
def test_each_bad_delivery_has_its_own_class(fault: dict[str, Any], name: str) -> None:
    with virtual() as side:
        side.simulator.inject(**fault)
        assert {failure and failure.__name__ for failure in failures(side)} == {name}


def test_a_failure_that_passes_is_retried_as_over_a_socket() -> None:
    with real(Limits()) as other, virtual(Limits()) as side:
        for each in (other, side):
            each.simulator.inject("reset", path="/v1/flows", count=1)
            each.simulator.inject("status", path="/v1/jobs/current", status=503, count=1)
        assert outcomes(side) == outcomes(other)
        assert side.kit.errors() == {"connect": 1, "unavailable": 1}
        assert side.clock.true() == other.clock.true() > EPOCH


@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize("path", ["/v1/flows?limit=3", "/v1/nowhere", "/v1/tokenInfo"])
def test_an_answer_is_the_real_one_header_by_header(path: str, compress: bool) -> None:
    def seen(simulator: Simulator) -> tuple[int, str, list[tuple[str, str]], bytes, str]:
        headers = {"Authorization": f"Bearer {simulator.token}", "Accept-Encoding": "gzip" if compress else "identity"}
        with requests.Session() as session, session.get(simulator.url + path, headers=headers, timeout=20) as response:
            shown = sorted((name, text.replace(simulator.url, "")) for name, text in response.headers.items())
            return response.status_code, response.reason, shown, response.content, response.url[len(simulator.url) :]

    with account(VirtualClock(), flows=40, page_size=100) as other:
        expected = seen(other)
    with virtual(flows=40, page_size=100) as side:
        assert seen(side.simulator) == expected
    assert {"Date", "Content-Length", "X-Request-Id"} <= {name for name, _ in expected[2]}


@pytest.mark.parametrize(
    ("fault", "passed"),
    [
        ({"kind": "hang"}, 20.0),
        ({"kind": "slow", "seconds": 3600.0}, 20.0),
        ({"kind": "slow", "seconds": 20.0}, 20.0),
        ({"kind": "slow", "seconds": 7.5}, 7.5),
        ({"kind": "reset"}, 0.0),
        ({"kind": "forbidden"}, 0.0),
    ],
    ids=["silence", "slow beyond the timeout", "slow to the timeout", "slow", "reset", "refused"],
)
def test_what_an_answer_takes_passes_in_virtual_time(fault: dict[str, Any], passed: float) -> None:
    with virtual() as side:
        side.simulator.inject(**fault)
        outcome(ASKS["token"], side)
        assert (side.clock.true(), side.clock.monotonic()) == (EPOCH + passed, VirtualClock().monotonic() + passed)


def test_a_silent_server_holds_a_call_no_longer_than_its_deadline() -> None:
    with virtual() as side:
        side.simulator.inject("hang")
        with pytest.raises(ApiError, match="no answer in time"):
            side.kit.client.current_jobs(side.kit.refresh(seconds=2.0))
        assert side.clock.true() == EPOCH + 2.0


def test_a_silence_that_nothing_ends_is_refused() -> None:
    with virtual() as side, requests.Session() as session:
        side.simulator.inject("hang")
        with pytest.raises(ValueError, match="time passes"):
            session.get(side.simulator.url + "/v1/flows", timeout=None)


def test_a_week_of_requests_needs_no_real_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def real_wait(*_: object) -> bool:
        raise AssertionError("somebody really waits")

    with virtual(compress=False, flows=3) as side:
        monkeypatch.setattr(threading.Event, "wait", real_wait)
        monkeypatch.setattr("time.sleep", real_wait)
        while side.clock.true() < EPOCH + 7 * 86_400.0:
            ASKS["current jobs"](side.kit)
            side.clock.wait(threading.Event(), 3600.0)
        monkeypatch.undo()
        assert len(side.simulator.requests()) >= 7 * 24


def test_a_thousand_requests_are_made_and_answered() -> None:
    with virtual(compress=False) as side:
        for _ in range(1000):
            ASKS["current jobs"](side.kit)
            side.clock.advance(1.0)
        answered = [row["status"] for row in side.simulator.requests()]
        assert len(answered) >= 1000
        assert set(answered) == {200}


class Killed(BaseException):
    """The end of the exporter's process."""


def test_a_kill_before_an_answer_leaves_the_client_unharmed_and_reaches_no_server() -> None:
    seen: list[tuple[str | None, str]] = []

    def before(request: requests.PreparedRequest) -> None:
        seen.append((request.method, request.path_url.partition("?")[0]))
        if len(seen) == 2:
            raise Killed

    with virtual(Limits(), before) as side:
        ASKS["token"](side.kit)
        with pytest.raises(Killed) as killed:
            ASKS["current jobs"](side.kit)
        assert (killed.value.__cause__, killed.value.__context__) == (None, None)
        assert seen == [("GET", "/v1/tokenInfo"), ("POST", "/v1/jobs/current")]
        assert len(side.simulator.requests()) == 1


@pytest.mark.parametrize("mistake", [ValueError("odd"), OSError("odd"), KeyError("odd")], ids=lambda each: repr(each))
def test_a_mistake_of_the_simulator_is_no_lost_connection(mistake: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: Request) -> Reply:
        del request
        raise mistake

    with virtual() as side:
        monkeypatch.setattr(side.simulator._api._listener, "app", broken)
        with in_process(side.simulator, side.clock), pytest.raises(SimulatorFailed):
            ASKS["token"](side.kit)


def test_only_the_simulators_own_address_is_short_cut() -> None:
    with real() as other, virtual() as side:
        ASKS["token"](other.kit)
        ASKS["token"](side.kit)
        assert [len(each.simulator.requests()) for each in (other, side)] == [1, 1]
        with requests.Session() as session:
            assert isinstance(session.get_adapter(side.simulator.url + "/v1/flows"), InProcess)
            assert not isinstance(session.get_adapter(side.simulator.url + "1/v1/flows"), InProcess)


def test_two_accounts_are_reached_side_by_side() -> None:
    with virtual(seed=1) as one, virtual(seed=2) as two:
        assert ASKS["flows"](one.kit) != ASKS["flows"](two.kit)
        assert one.simulator.requests()[0]["path"] == two.simulator.requests()[0]["path"] == "/v1/flows"


def test_afterwards_sessions_are_what_they_were() -> None:
    usual, usual_proxies = requests.Session.get_adapter, requests.sessions.get_environ_proxies
    with virtual():
        assert requests.Session.get_adapter is not usual
        assert requests.sessions.get_environ_proxies is not usual_proxies
    with pytest.raises(ZeroDivisionError), virtual():
        1 / 0  # noqa: B018 - it fails, that is all
    assert requests.Session.get_adapter is usual
    assert requests.sessions.get_environ_proxies is usual_proxies


def test_proxies_of_the_environment_stand_between_others_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with virtual() as side:
        ASKS["token"](side.kit)
        assert requests.sessions.get_environ_proxies("http://api.example/")["http"] == "http://127.0.0.1:9"


def test_a_simulator_that_was_never_started_leaves_no_port_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with virtual() as side:
            ASKS["token"](side.kit)
            ports = [side.simulator._api.port, side.simulator._control.port]
        for port in ports:
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/", timeout=5)
