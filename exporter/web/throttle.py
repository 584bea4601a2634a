"""Guessing of passwords, slowed down address by address: nobody elsewhere waits for it."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from exporter.clock import Clock

FREE_ATTEMPTS = 3
"""Wrong passwords of one address that cost no wait: slips of the keyboard."""

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0
"""The wait after the first one that is no slip; it doubles with each further one."""

FORGET_SECONDS = 900.0
"""After so long without a wrong password an address is as good as any other."""

ADDRESSES = 4096
"""More addresses than so many are not remembered; the oldest are forgotten first."""


@dataclass(slots=True)
class _Record:
    failures: int
    at: float


class Throttle:
    """Remembers wrong passwords by address. Belongs to one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_seconds(self, peer: str) -> float:
        """How long until the next attempt of `peer` is looked at; 0 for now."""
        record = self._records.get(peer)
        if record is None:
            return 0.0
        return max(0.0, record.at + _delay(record.failures) - self._clock.monotonic())

    def failed(self, peer: str) -> None:
        """A password of `peer` was wrong."""
        now = self._clock.monotonic()
        record = self._records.pop(peer, None)
        known = record.failures if record is not None and now - record.at < FORGET_SECONDS else 0
        self._records[peer] = _Record(known + 1, now)
        while len(self._records) > ADDRESSES:
            self._records.popitem(last=False)


def _delay(failures: int) -> float:
    if failures <= FREE_ATTEMPTS:
        return 0.0
    # The exponent is bounded: a float has an end.
    return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - FREE_ATTEMPTS - 1, 16))


def peer_of(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which one subscriber has alone."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
