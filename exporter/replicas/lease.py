"""Who refreshes an account: what Redis says of its lease, and when another replica may take it."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.replicas.trouble import Away

TICKS = 6
"""How often in the time of a lease a replica looks after it."""

PATIENCE = 2
"""For how many of these a replica leaves a free lease to the one that it belongs to."""

LOST_LEASES = 2
"""For how many leases it leaves an account of which Redis lost something to the one that knows it all: who takes it too
soon begins counters anew or at less, and the other one may only have been slow to notice."""

LOST = LOST_LEASES * TICKS
"""The same in looks."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What `ATTEND` told. Instants are milliseconds by the clock of Redis.

    `newest` is the name of the newest change of the ledger, `served` the version of the snapshot, both empty when there
    is none. `wanted`: somebody was scraped since the owner looked last.
    """

    owner: str
    until: int
    term: int
    newest: str
    served: str
    wanted: bool
    at: int

    @classmethod
    def of(cls, answer: Sequence[bytes | int] | Away) -> "Lease":
        """Read the answer of the script. Raises Away for what is none."""
        if isinstance(answer, Away):
            raise answer
        try:
            return cls._read(answer)
        except ValueError:
            raise Away("corrupt") from None

    @classmethod
    def _read(cls, answer: Sequence[bytes | int]) -> "Lease":
        owner, until, term, newest, served, wanted, at = answer
        texts = [each.decode() if isinstance(each, bytes) else str(each) for each in (owner, newest, served)]
        return cls(texts[0], int(until), int(term), texts[1], texts[2], bool(wanted), int(at))

    @property
    def free(self) -> bool:
        """Whether nobody has it, or the one who had it has not been heard of for too long."""
        return self.owner == "" or self.until <= self.at


class Patience:
    """Whether this replica may take a free lease now; used by one thread at a time.

    The replica that the account belongs to takes it at once. The others leave it a little time, and leave the same to
    the one that had it, should Redis have lost something: it still knows the counters.
    """

    def __init__(self, clock: Clock, tick: float) -> None:
        self._clock = clock
        self._tick = tick
        self._since: float | None = None

    def may_take(self, lease: Lease, *, mine: bool, lost: bool) -> bool:
        """`mine`: the account belongs to this replica. `lost`: Redis does not have what this replica serves of it."""
        if not lease.free:
            self._since = None
            return False
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        ticks = (LOST if lost else 0) + (0 if mine else PATIENCE)
        return now - self._since >= ticks * self._tick


def home(account: str, replicas: Collection[str]) -> str:
    """The replica that an account belongs to, of those that are there; few accounts move when one comes or goes."""
    return max(replicas, key=lambda name: hashlib.sha256(f"{name}\n{account}".encode()).digest())
