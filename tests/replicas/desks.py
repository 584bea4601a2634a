"""Desks with many accounts of which nothing is read, and what passes between them and Redis."""

from typing import Any

import pytest

from exporter.config.settings import Account, RedisSettings, Settings, TokenSource
from exporter.replicas.desk import Desk
from exporter.replicas.lease import TICKS
from exporter.replicas.seat import Seat
from exporter.replicas.trouble import Away
from tests.clocks import ManualClock

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
