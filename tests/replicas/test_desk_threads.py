"""The threads of a desk: leases are kept by one of them whatever the other one waits for, and both end."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from exporter.replicas.desk_threads import WOKEN_SECONDS, DeskThreads
from exporter.replicas.scripts import PUBLISH
from tests.clocks import ManualClock
from tests.e2e.processes import free_port, until
from tests.replicas.desks import LEASE, NAMES, Replica, lasts, meanwhile, sure
from tests.replicas.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("reads_nothing")


class Hanging:
    """Whoever publishes waits until it is `freed`."""

    def __init__(self) -> None:
        self.freed = threading.Event()
        self.hangs = threading.Event()

    def __call__(self, _: object) -> None:
        self.hangs.set()
        self.freed.wait(120)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    held = Hanging()
    yield held
    held.freed.set()


def live(replica: Replica, body: Callable[[], object]) -> None:
    """Do something while the threads of a replica run. Fails when they do not end afterwards."""
    before, failures = set(threading.enumerate()), list[BaseException]()

    def lived() -> None:
        try:
            with DeskThreads(replica.desk, lambda: replica.seats):
                body()
        except BaseException as failure:
            failures.append(failure)

    life = threading.Thread(target=lived, daemon=True)
    life.start()
    life.join(180)
    for failure in failures:
        raise failure
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize("taken", [False, True])
def test_leases_are_kept_while_what_is_published_hangs(
    server: RedisServer, clock: ManualClock, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    one = Replica(server.url, clock, "a")
    meanwhile(one, PUBLISH, hanging, monkeypatch, taken=taken)

    def kept() -> list[float]:
        return [*(lasts(server, seat) / 1000 for seat in one.seats), *map(sure, one.seats)]

    def grown(before: list[float]) -> bool:
        return all(now - was > 2 * LEASE for now, was in zip(kept(), before, strict=True))

    def body() -> None:
        try:
            until(lambda: hanging.hangs.is_set() and one.led() == set(NAMES), "all are led, and something hangs")
            until(partial(grown, kept()), "leases go on, in Redis and here")
            assert one.led() == set(NAMES)
            assert not any(seat.ready for seat in one.seats), "it still hangs"
        finally:
            hanging.freed.set()
        until(lambda: all(seat.ready for seat in one.seats), "it is published then")

    live(one, body)


def test_a_wish_waits_for_no_tick(server: RedisServer) -> None:
    clock = ManualClock(participants=0)
    one = Replica(server.url, clock, "a")

    def body() -> None:
        until(lambda: clock.waiting, "it was there")
        clock.advance(WOKEN_SECONDS)
        one.seats[0].asked = True
        one.desk.place.wake()
        until(lambda: not one.seats[0].asked, "Redis knows the wish")

    live(one, body)


@pytest.mark.parametrize("away", [False, True])
def test_both_end_with_the_exporter_also_without_redis(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    clock, exchanged = ManualClock(participants=0), threading.Event()
    one = Replica(f"redis://127.0.0.1:{free_port()}/0" if away else server.url, clock, "a")
    exchange = one.desk.exchange

    def watched() -> None:
        exchange()
        exchanged.set()

    monkeypatch.setattr(one.desk, "exchange", watched)
    live(one, lambda: until(lambda: exchanged.is_set() and clock.waiting, "both wait for more"))
    assert one.desk.place.link.trouble == ("unreachable" if away else None)


def woken(replica: Replica) -> bool:
    """Let the next tick come at once."""
    replica.desk.woken.set()
    return True


@pytest.mark.parametrize("part", ["attend", "exchange"])
def test_a_bug_ends_no_thread_and_is_told_without_its_text(
    server: RedisServer,
    clock: ManualClock,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, calls = Replica(server.url, clock, "a"), list[str]()
    work: Callable[..., None] = getattr(one.desk, part)

    def failing(*args: object) -> None:
        calls.append(part)
        if len(calls) < 3:
            raise KeyError("secret of a record")
        work(*args)

    monkeypatch.setattr(one.desk, part, failing)
    with DeskThreads(one.desk, lambda: one.seats):
        until(lambda: woken(one) and len(calls) >= 3, "it is tried again")
        until(lambda: woken(one) and one.led() == set(NAMES), "all are led")
    told = [record for record in caplog.records if record.getMessage() == "looking after the accounts has a bug"]
    assert len(told) == 2
    assert "secret of a record" not in caplog.text
