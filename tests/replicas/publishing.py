"""Accounts whose blocks tests make themselves, and what is sent of them to Redis."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import pytest

from exporter.account import AccountRuntime
from exporter.collect.runner import CollectorStatus
from exporter.expose.blocks import RenderedBlock
from exporter.expose.pieces import pack
from exporter.expose.snapshot import Served, Slot
from exporter.image import Image, LiveImage
from exporter.replicas.keys import Keys
from exporter.replicas.link import Call, Link
from exporter.replicas.offers import Offer, publish
from exporter.replicas.publisher import Publisher
from exporter.replicas.scripts import ACQUIRE
from tests.clocks import ManualClock


class Runtime:
    """As much of an account at run time as a publisher looks at."""

    def __init__(self) -> None:
        self.blocks: dict[str, tuple[RenderedBlock, float]] = {}
        self.errors_version = 0
        self.made: list[str] = []
        self._versions = 0

    def show(self, slot: str, value: float, until: float = math.inf) -> None:
        """Let a block be another one."""
        self._versions += 1
        text = f'celigo_up{{account="acme"}} {value}\n'.encode()
        self.blocks[slot] = (RenderedBlock("health", self._versions, {"celigo_up": pack(text)}, 1000.0 + value), until)

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        del now
        return self.served.blocks

    @property
    def served(self) -> Served:
        slots = tuple(Slot(name, until) for name, (_, until) in self.blocks.items())
        return Served(tuple(block for block, _ in self.blocks.values()), slots=slots)

    def statuses(self) -> Mapping[str, CollectorStatus]:
        return {"errors": CollectorStatus("errors", 300.0, version=self.errors_version)}

    def image(self, parts: Collection[str], now: int) -> Image:
        self.made.extend(parts)
        return Image(LiveImage(at=now), positions={})


class Replica:
    """A publisher with its runtime."""

    def __init__(self, link: Link, keys: Keys, clock: ManualClock, owner: str) -> None:
        self.link, self.keys, self.owner = link, keys, owner
        self.runtime = Runtime()
        self.saved = True
        self.publisher = Publisher(link, keys, owner, clock)

    def lead(self) -> None:
        """Begin a term."""
        assert self.link.run(ACQUIRE, [self.keys.lease], [self.owner, self.link.stamp(), 15_000])
        self.publisher.inherit()
        self.publisher.begin(cast("AccountRuntime", self.runtime))

    def publish(self, *, alone: bool = False) -> bool:
        """Publish what is new; whether the lease is its own."""
        return not publish(self.link, [self.offer(alone=alone)])

    def offer(self, *, alone: bool = False) -> Offer:
        """What it may have to publish."""
        runtime = cast("AccountRuntime", self.runtime)
        return Offer(self.keys.account, self.publisher, runtime, lambda: self.saved, alone)

    def told(self) -> dict[str, float]:
        """What is served, by slot."""
        current = self.publisher.current()
        return {
            each.slot: float(each.block.lines["celigo_up"].text.split()[-1])
            for each in self.publisher.served.blocks
            if each.block in current
        }


def published(accounts: Sequence[Replica], *, alone: bool = False) -> list[str]:
    """Publish what is new of all; the accounts whose lease is another replica's."""
    lost = publish(accounts[0].link, [each.offer(alone=alone) for each in accounts])
    return [offer.account for offer in lost]


def show(accounts: Sequence[Replica], value: float) -> None:
    """Let there be something new of each."""
    for each in accounts:
        each.runtime.show("health", value)


def told(accounts: Sequence[Replica]) -> list[float | None]:
    """What is served of each."""
    return [each.told().get("health") for each in accounts]


def elsewhere(link: Link, accounts: Sequence[Replica], clock: ManualClock) -> list[float | None]:
    """What another replica serves of each."""
    others = [Replica(link, each.keys, clock, "b") for each in accounts]
    for other in others:
        other.publisher.inherit()
    return told(others)


def watched(link: Link, monkeypatch: pytest.MonkeyPatch) -> list[list[Call]]:
    """What is sent together from now on, each time."""
    sent: list[list[Call]] = []
    run_all = link.run_all

    def watch(calls: Sequence[Call]) -> list[Any]:
        if calls:
            sent.append(list(calls))
        return run_all(calls)

    monkeypatch.setattr(link, "run_all", watch)
    return sent
