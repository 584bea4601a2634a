"""Desks with many accounts of which nothing is read, and what passes between them and Redis."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from exporter.collect.health import HealthView
from exporter.config.settings import Account, RedisSettings, Settings, TokenSource
from exporter.replicas.claim import Term
from exporter.replicas.desk import Desk
from exporter.replicas.lease import TICKS
from exporter.replicas.link import Call
from exporter.replicas.seat import Seat
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock
from tests.replicas.redis_server import RedisServer

LEASE = 12.0
TICK = LEASE / TICKS
NAMES = tuple(f"account-{number}" for number in range(12))


class Replica:
    """A desk with a seat for each account, which read nothing."""

    def __init__(self, url: str, clock: ManualClock, owner: str, names: tuple[str, ...] = NAMES, **redis: Any) -> None:
        settings = RedisSettings(url, lease=LEASE, **redis)
        now = lambda: int(clock.time() * 1000)  # noqa: E731 - the clock of Redis
        self.desk = Desk(settings, {"T": "token"}, clock, now=now, aside=lambda work: work(), owner=owner)
        accounts = tuple(Account(name, TokenSource(env="T"), "http://127.0.0.1:9", None) for name in names)
        self.seats = [Seat(account, Settings(accounts), self.desk.place) for account in accounts]

    def tick(self) -> None:
        self.desk.tick(self.seats)

    def led(self) -> set[str]:
        """Accounts that it refreshes."""
        return {seat.account.name for seat in self.seats if seat.leading}

    def close(self) -> None:
        """A clean end."""
        for seat in self.seats:
            seat.close()
        self.desk.close()


def ticks(clock: ManualClock, count: int, *replicas: Replica) -> None:
    for _ in range(count):
        clock.advance(TICK)
        for replica in replicas:
            replica.tick()


def cut_off(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it not reach Redis."""
    link = replica.desk.place.link

    def asked(*_: object) -> None:
        raise link._failed(Away("unreachable"))

    monkeypatch.setattr(link, "_answer", asked)


def read(seat: Seat, clock: ManualClock, *, up: bool = True) -> None:
    """Let a collector have read something new."""
    seat.runtime.model.publish("health", HealthView(up=up), clock.monotonic())


def meanwhile(
    replica: Replica,
    script: str,
    do: Callable[[Sequence[Call]], object],
    monkeypatch: pytest.MonkeyPatch,
    *,
    taken: bool = False,
) -> None:
    """Do something each time that `script` is sent: before Redis has it, or when it was `taken` and not yet told."""
    run_all = replica.desk.place.link.run_all

    def watched(calls: Sequence[Call], **how: Any) -> list[Any]:
        concerned = script in {call.script for call in calls}
        if concerned and not taken:
            do(calls)
        answers = run_all(calls, **how)
        if concerned and taken:
            do(calls)
        return answers

    monkeypatch.setattr(replica.desk.place.link, "run_all", watched)


def lasts(server: RedisServer, seat: Seat) -> int:
    """Until when the lease does, as Redis has it, in milliseconds."""
    return int(server.client.hget(seat.keys.lease, "until") or 0)


def term(seat: Seat) -> Term:
    """The term that it has."""
    assert seat._terms.term is not None
    return seat._terms.term


def sure(seat: Seat) -> float:
    """Until when the replica may be sure of it."""
    return term(seat).sure_until


def asked(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Has an entry for each answer of Redis that is waited for from now on."""
    link, found = replica.desk.place.link, list[object]()
    answer = link._answer

    def watched(ask: Any, *how: Any) -> Any:
        found.append(ask)
        return answer(ask, *how)

    monkeypatch.setattr(link, "_answer", watched)
    return found


def before(replica: Replica, script: str, do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something each time that `script` is to be run alone."""
    run = replica.desk.place.link.run

    def watched(each: str, *args: Any) -> Any:
        if each == script:
            do()
        return run(each, *args)

    monkeypatch.setattr(replica.desk.place.link, "run", watched)
