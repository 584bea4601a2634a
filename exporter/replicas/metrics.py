"""What a replica tells about itself (metric catalogue, section 1). It differs from replica to replica.

celigo_exporter_replicas 3
celigo_exporter_replica_accounts 67
celigo_exporter_replica_terms_total 70
celigo_exporter_replica_leading{account="acme",environment="production"} 1
"""

import itertools
import threading

from exporter.clock import Clock
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock, render_block
from exporter.expose.catalogue import own
from exporter.expose.families import Family, Scope
from exporter.replicas.desk import Desk, Standing

_State = tuple[int, tuple[Standing, ...]]


class ReplicaBlocks:
    """A block for the replica and one for each account, rendered anew when something changed. Thread-safe."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._versions = itertools.count(1)
        self._kept: tuple[_State, tuple[RenderedBlock, ...]] | None = None
        self._lock = threading.Lock()  # guards _kept

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """The blocks as of now."""
        del now
        state = (self._desk.replicas, self._desk.standing)
        with self._lock:
            if self._kept is None or self._kept[0] != state:
                blocks = (self._block(_families(*state), None), *map(self._of, state[1]))
                self._kept = (state, blocks)
            return self._kept[1]

    def _of(self, seat: Standing) -> RenderedBlock:
        leading = Family(own.EXPORTER_REPLICA_LEADING, {(): float(seat.leading)})
        return self._block([leading], Scope(seat.account, seat.environment))

    def _block(self, families: list[Family], scope: Scope | None) -> RenderedBlock:
        return render_block(OWN_COLLECTOR, next(self._versions), families, scope, self._clock.time())


def _families(count: int, seats: tuple[Standing, ...]) -> list[Family]:
    return [
        Family(own.EXPORTER_REPLICAS, {(): float(count)}),
        Family(own.EXPORTER_REPLICA_ACCOUNTS, {(): float(sum(seat.leading for seat in seats))}),
        Family(own.EXPORTER_REPLICA_TERMS_TOTAL, {(): float(sum(seat.terms for seat in seats))}),
    ]
