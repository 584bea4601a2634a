"""Which of several exporters, or of several Prometheus servers, an account belongs to: by its name alone.

Nobody has to be asked: whoever knows the name and the number of shards comes to the same answer, on every machine and
in every version. An account that comes or goes moves no other one, and one shard more moves only the accounts that the
new one gets, about 1 of `count + 1`. It is a consistent hash that jumps: the shard of an account is followed from one
shard upwards, and each step says at which number of shards the account moves next.
"""

import hashlib
import re
from dataclasses import dataclass

SHARDS = 1000
"""Shards, at most: far more than anybody runs."""

_PATTERN = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_STEPS = 1 << 64


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `index`, from 0, of `count`."""

    index: int
    count: int

    def holds(self, name: str) -> bool:
        """Whether the account called `name` is in this shard."""
        return shard_of(name, self.count) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """`0/3` as a value. Raises ValueError with what is expected."""
    found = _PATTERN.fullmatch(text)
    index, count = (int(part) for part in found.groups()) if found else (0, 0)
    if not index < count <= SHARDS:
        raise ValueError(f"expected I/N with I from 0 to N-1 and N from 1 to {SHARDS}, such as 0/3")
    return Shard(index, count)


def shard_of(name: str, count: int) -> int:
    """The shard, from 0, of the account called `name` when there are `count` of them."""
    place, moves_at = 0, 0
    while moves_at < count:
        place = moves_at
        moves_at = (place + 1) * _STEPS // (_drawn(name, place) + 1)
    return place


def _drawn(name: str, place: int) -> int:
    """A number below `_STEPS` that is always the same for a name at a place, and looks random."""
    digest = hashlib.sha256(f"{place}:{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
