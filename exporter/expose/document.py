"""The document that scrapers get: all accounts, or one of them, in one, joined once per change.

Any number of scrapers is served the same bytes object until something in it changes. It is joined of what is compressed
already. The plain text, twenty times as large, is unpacked for those who cannot read gzip, and kept only while somebody
holds it.
"""

import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from exporter.clock import Clock
from exporter.expose.blocks import RenderedBlock
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.pieces import Piece, gzipped, pack, plain
from exporter.expose.render import Format, header

KEPT_DOCUMENTS = 8
"""How many variants of a document are kept: formats, compressions, selections."""

Selection = frozenset[str] | None
"""Names of the collectors whose families are wanted; None means all."""

Blocks = tuple[RenderedBlock, ...]


class Source(Protocol):
    """Where blocks come from: one account, or the process; `exporter.expose.snapshot.AccountSnapshots` is one."""

    def current(self, now: float) -> Blocks:
        """What is known at monotonic instant `now`."""
        ...


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Body:
    """What a response carries, and holds for as long as it sends. `encoding` is the Content-Encoding, None for plain.

    A plain one is shared by those who ask while another one holds it.
    """

    content: bytes
    content_type: str
    encoding: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    versions: tuple[tuple[int, ...], ...]
    body: Callable[[], Body | None]
    """None once nobody holds it any more."""


class Documents:
    """Documents of some sources, in their order. Thread-safe.

    Joining and unpacking is done by one thread at a time, so `content` belongs on a worker thread, not on an event
    loop. One compressed document is kept for each variant that was asked for lately, at most 8.
    """

    def __init__(self, sources: Sequence[Source], clock: Clock) -> None:
        self._sources = tuple(sources)
        self._clock = clock
        self._kept: dict[tuple[Selection, Format, bool], _Kept] = {}
        self._lock = threading.Lock()  # guards changes of _kept, and is held while joining

    def content(self, selection: Selection, fmt: Format, *, compressed: bool) -> Body:
        """What is known now of the selected collectors; `OWN_COLLECTOR` selects what the exporter tells of itself."""
        variant = (selection, fmt, compressed)
        found = self._found(variant, self._blocks(selection))
        if found is not None:
            return found
        with self._lock:
            # Read again: while this thread waited, another one may have built the same or something newer.
            accounts = self._blocks(selection)
            found = self._found(variant, accounts)
            if found is None:
                found = self._made(accounts, fmt, compressed=compressed)
                self._keep(variant, accounts, found)
            return found

    def _blocks(self, selection: Selection) -> tuple[Blocks, ...]:
        now = self._clock.monotonic()
        return tuple(_selected(source.current(now), selection) for source in self._sources)

    def _found(self, variant: tuple[Selection, Format, bool], accounts: tuple[Blocks, ...]) -> Body | None:
        kept = self._kept.get(variant)
        return kept.body() if kept is not None and kept.versions == _versions(accounts) else None

    def _made(self, accounts: tuple[Blocks, ...], fmt: Format, *, compressed: bool) -> Body:
        made = join([block for blocks in accounts for block in blocks], fmt, compressed=compressed)
        return Body(made, fmt.content_type, "gzip" if compressed else None)

    def _keep(self, variant: tuple[Selection, Format, bool], accounts: tuple[Blocks, ...], body: Body) -> None:
        self._kept.pop(variant, None)
        while len(self._kept) >= KEPT_DOCUMENTS:
            del self._kept[next(iter(self._kept))]
        held: Callable[[], Body | None] = weakref.ref(body) if body.encoding is None else lambda: body
        self._kept[variant] = _Kept(_versions(accounts), held)


def join(blocks: Collection[RenderedBlock], fmt: Format, *, compressed: bool) -> bytes:
    """One document of all `blocks`, in the order of the catalogue, with one header for each family that has series."""
    return (gzipped if compressed else plain)(_pieces(blocks, fmt))


def _pieces(blocks: Collection[RenderedBlock], fmt: Format) -> Iterator[Piece]:
    headers = _headers(fmt)
    for metric in CATALOGUE:
        held = [block.lines[metric.name] for block in blocks if metric.name in block.lines]
        if held:
            yield headers[metric.name]
            yield from held
    yield pack(fmt.end)


@cache
def _headers(fmt: Format) -> Mapping[str, Piece]:
    return {metric.name: pack(header(metric, fmt)) for metric in CATALOGUE}


def _selected(blocks: Blocks, selection: Selection) -> Blocks:
    return blocks if selection is None else tuple(block for block in blocks if block.collector in selection)


def _versions(accounts: tuple[Blocks, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(block.version for block in blocks) for blocks in accounts)
