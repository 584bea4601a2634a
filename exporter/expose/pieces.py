"""Text that is compressed once and put together as often as a document is wanted.

A gzip document is a header, some pieces as they are, an end, and the checksum of it all, which follows from those of
the pieces. So making a document costs a copy of its compressed bytes, however much text it stands for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from isal import isal_zlib
from isal.igzip_lib import IsalError

LEVEL = 1
"""Of ISA-L, whose levels go to 3: as small as zlib's level 5 for sample lines, and ten times as fast."""

_RAW = -15
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, no system: equal documents are equal bytes."""

_LAST_BLOCK = b"\x03\x00"
"""An empty block that says that nothing follows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of text, packed.

    `data` are deflate blocks (RFC 1951), none of them the last, that end with a full flush: on a byte's boundary, and
    without looking back beyond their own beginning. So the data of pieces, one after the other in any order, is that
    of their texts one after the other. Whatever keeps or sends a piece does so with these four values and no other.

    `crc` is the CRC-32 of the text, `length` its bytes, `lines` its lines. An empty text has no data.
    """

    data: bytes
    crc: int
    length: int
    lines: int

    @property
    def text(self) -> bytes:
        """The text, unpacked anew each time."""
        return plain((self,))


EMPTY = Piece(b"", 0, 0, 0)


def pack(text: bytes) -> Piece:
    """Compress whole lines."""
    if not text:
        return EMPTY
    packer = isal_zlib.compressobj(LEVEL, wbits=_RAW)
    data = packer.compress(text) + packer.flush(isal_zlib.Z_FULL_FLUSH)
    return Piece(data, isal_zlib.crc32(text), len(text), text.count(b"\n"))


def joined(pieces: Iterable[Piece]) -> Piece:
    """One piece whose text is that of `pieces`, one after the other."""
    held = tuple(pieces)
    if len(held) == 1:
        return held[0]
    crc = length = lines = 0
    for piece in held:
        crc = isal_zlib.crc32_combine(crc, piece.crc, piece.length)
        length += piece.length
        lines += piece.lines
    return Piece(b"".join([piece.data for piece in held]), crc, length, lines)


def gzipped(pieces: Iterable[Piece]) -> bytes:
    """One gzip member (RFC 1952) that holds the texts of `pieces`; any reader of gzip reads it."""
    held = tuple(pieces)
    crc = length = 0
    for piece in held:
        crc = isal_zlib.crc32_combine(crc, piece.crc, piece.length)
        length += piece.length
    trailer = crc.to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little")
    return b"".join([_GZIP_HEADER, *(piece.data for piece in held), _LAST_BLOCK, trailer])


def plain(pieces: Iterable[Piece]) -> bytes:
    """The texts of `pieces`, one after the other. Raises ValueError when what is in them is not what was packed."""
    return b"".join([_unpacked(piece) for piece in pieces if piece.length])


def _unpacked(piece: Piece) -> bytes:
    try:
        text = isal_zlib.decompressobj(_RAW).decompress(piece.data, piece.length + 1)
    except IsalError:  # type: ignore[misc]  # its stubs take the class for an instance
        raise ValueError("a piece cannot be unpacked") from None
    if len(text) != piece.length or isal_zlib.crc32(text) != piece.crc:
        raise ValueError("a piece does not hold what its checksum says")
    return text
