"""The snapshot of an account as it lies in Redis: blocks that never change under names of their own, and their list.

The pieces are stored as they are served, compressed; no replica compresses or renders what another one has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from exporter.expose.blocks import RenderedBlock
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.pieces import Piece

NEVER = 0
"""The instant of what does not expire."""

_KNOWN = frozenset(metric.name for metric in CATALOGUE)

_Lines = dict[str, tuple[bytes, int, int, int]]
_Content = tuple[str, float, _Lines]
_Index = tuple[int, list[tuple[str, str, int]]]


@dataclass(frozen=True, slots=True)
class Published:
    """A block: its name in Redis, which of the account's blocks it is, and until when it holds.

    `expires` is milliseconds by the clock of Redis, `NEVER` for what holds until it is replaced. The version of `block`
    is this replica's own.
    """

    key: str
    slot: str
    expires: int
    block: RenderedBlock

    def holds(self, now: int) -> bool:
        """Whether it may be served at `now`."""
        return self.expires == NEVER or now < self.expires


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All blocks in their order; each snapshot has a version that no other one of the account ever had.

    `at` is when it was made, milliseconds by the clock of Redis.
    """

    version: str = ""
    blocks: tuple[Published, ...] = ()
    at: int = 0


def snapshot(answer: Sequence[bytes], known: Snapshot, versions: Iterator[int]) -> Snapshot:
    """The snapshot that `FETCH` brought, with the blocks that were known already.

    Raises ValueError for what nobody published.
    """
    if not answer:
        return known
    version, listed, *fields = answer
    fetched = dict(zip((key.decode() for key in fields[::2]), fields[1::2], strict=True))
    held = {each.key: each.block for each in known.blocks}
    try:
        at, index = msgspec.msgpack.decode(listed, type=_Index)
        blocks = tuple(
            Published(key, slot, expires, held[key] if key in held else _block(fetched[key], versions))
            for key, slot, expires in index
        )
    except (msgspec.MsgspecError, KeyError) as error:
        raise ValueError("a snapshot that is none") from error
    return Snapshot(version.decode(), blocks, at)


def _block(content: bytes, versions: Iterator[int]) -> RenderedBlock:
    collector, built_at, lines = msgspec.msgpack.decode(content, type=_Content)
    # What a newer version of this exporter tells besides has no place in the document of this one.
    pieces = {name: Piece(*values) for name, values in lines.items() if name in _KNOWN}
    return RenderedBlock(collector, next(versions), pieces, built_at)


def arguments(before: Snapshot, after: Snapshot, image: Mapping[str, bytes], *, whole: bool) -> list[Any]:
    """What `PUBLISH` takes behind the owner's name; `whole` replaces whatever is there."""
    kept = frozenset() if whole else frozenset(each.key for each in before.blocks)
    new = [each for each in after.blocks if each.key not in kept]
    gone = kept - {each.key for each in after.blocks}
    return [
        after.version,
        "*" if whole else before.version,
        _index(after),
        len(new),
        *(value for each in new for value in (each.key, _content(each.block))),
        len(image),
        *(value for pair in image.items() for value in pair),
        *sorted(gone),
    ]


def _index(after: Snapshot) -> bytes:
    return msgspec.msgpack.encode((after.at, [(each.key, each.slot, each.expires) for each in after.blocks]))


def _content(block: RenderedBlock) -> bytes:
    lines = {name: (piece.data, piece.crc, piece.length, piece.lines) for name, piece in block.lines.items()}
    return msgspec.msgpack.encode((block.collector, block.built_at, lines))
