"""The lease of one account as this replica takes and leaves it, and the term that it has with it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis

from exporter.image import Image, unpacked
from exporter.replicas.keys import Keys
from exporter.replicas.ledger import RedisLedger
from exporter.replicas.place import Place
from exporter.replicas.scripts import ACQUIRE, RELEASE
from exporter.replicas.trouble import Away


@dataclass(slots=True)
class Term:
    """A time in which this replica has the lease; before `sure_until` (monotonic) nobody else can have it.

    `halted`: nothing is asked any more, because Redis cannot tell whose the lease is.
    """

    number: int
    store: RedisLedger
    sure_until: float
    halted: bool = False


class Claim:
    """What Redis has of the right to an account. Thread-safe."""

    def __init__(self, place: Place, keys: Keys) -> None:
        self._place = place
        self._keys = keys

    def take(self) -> int:
        """Take the lease: the number of the term, 0 when another replica has it. Raises Away."""
        return self._acquired()

    def take_again(self, newest: str) -> int | None:
        """The same, for one who takes the change called `newest` for the newest; None when it no longer is."""
        number = self._acquired(newest)
        return None if number < 0 else number

    def leave(self) -> None:
        """Let another replica have it at once. Raises nothing: left alone, it runs out."""
        with suppress(Away):
            self._place.link.run(RELEASE, [self._keys.lease], [self._place.owner])

    def image(self) -> Image:
        """What the leading replica before left. Raises Away."""
        return unpacked(self._place.link.asked(self._parts))

    def _acquired(self, *newest: str) -> int:
        link, keys = self._place.link, [self._keys.lease, self._keys.ledger]
        lease = int(self._place.lease * 1000)
        return int(link.run(ACQUIRE, keys, [self._place.owner, link.stamp(), lease, *newest]))

    def _parts(self, client: redis.Redis) -> dict[str, bytes]:
        held: Any = client.hgetall(self._keys.image)
        return {name.decode("utf-8", "replace"): part for name, part in held.items()}
