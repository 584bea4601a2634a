"""`celigo-exporter metrics`: one collection, no server."""

import threading
from collections.abc import Mapping

from exporter.clock import Clock
from exporter.config.settings import Settings
from exporter.expose.render import Format
from exporter.serve.fleet import Fleet

_LOOK_SECONDS = 0.1
_LEASES = 3
"""For how many leases to wait until an account that replicas share is read here or there."""


def collect_once(settings: Settings, environ: Mapping[str, str], clock: Clock) -> bytes:
    """Run every collector of every account once and render what they found, in the text format.

    Each run ends by its own deadline at the latest. Of accounts that replicas share and another one reads, it is what
    that one published. Raises ConfigError when a token cannot be read.
    """
    with Fleet(settings, environ, clock) as fleet, fleet.attending():
        _wait_for_seats(fleet, clock)
        for future in fleet.trigger():
            future.result()
        fleet.roster.freshen()
        return fleet.roster.content(None, Format.TEXT, compressed=False).content


def _wait_for_seats(fleet: Fleet, clock: Clock) -> None:
    """Until each shared account is either read here or told of by another replica, or nobody knows."""
    if (redis := fleet.settings.state.redis) is None:
        return
    end = clock.monotonic() + _LEASES * redis.lease
    while not all(seat.leading or seat.ready for seat in fleet.roster.seats) and clock.monotonic() < end:
        clock.wait(threading.Event(), _LOOK_SECONDS)
