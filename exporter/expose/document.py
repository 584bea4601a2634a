"""The document that scrapers get: all accounts, or one of them, in one, joined and compressed once per change.

Any number of scrapers is served the same bytes object until something in it changes.
"""

import gzip
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.clock import Clock
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.render import Format, header
from exporter.expose.snapshot import RenderedBlock

GZIP_LEVEL = 5

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


@dataclass(frozen=True, slots=True)
class Body:
    """What a response carries. `encoding` is the Content-Encoding, None for plain bytes."""

    content: bytes
    content_type: str
    encoding: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    versions: tuple[tuple[int, ...], ...]
    body: Body


class Documents:
    """Documents of some sources, in their order. Thread-safe.

    Joining and compressing is done by one thread at a time, so `content` belongs on a worker thread, not
    on an event loop. One document is kept for each variant that was asked for lately, at most 8.
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
                self._keep(variant, _Kept(_versions(accounts), found))
            return found

    def _blocks(self, selection: Selection) -> tuple[Blocks, ...]:
        now = self._clock.monotonic()
        return tuple(_selected(source.current(now), selection) for source in self._sources)

    def _found(self, variant: tuple[Selection, Format, bool], accounts: tuple[Blocks, ...]) -> Body | None:
        kept = self._kept.get(variant)
        return kept.body if kept is not None and kept.versions == _versions(accounts) else None

    def _made(self, accounts: tuple[Blocks, ...], fmt: Format, *, compressed: bool) -> Body:
        content = join([block for blocks in accounts for block in blocks], fmt)
        if compressed:
            # Without a time in it, equal documents are equal bytes.
            content = gzip.compress(content, GZIP_LEVEL, mtime=0)
        return Body(content, fmt.content_type, "gzip" if compressed else None)

    def _keep(self, variant: tuple[Selection, Format, bool], kept: _Kept) -> None:
        self._kept.pop(variant, None)
        while len(self._kept) >= KEPT_DOCUMENTS:
            del self._kept[next(iter(self._kept))]
        self._kept[variant] = kept


def join(blocks: Collection[RenderedBlock], fmt: Format) -> bytes:
    """One document of all `blocks`, in the order of the catalogue, with one header for each family that has series."""
    return b"".join((*_pieces(blocks, fmt), fmt.end))


def _pieces(blocks: Collection[RenderedBlock], fmt: Format) -> Iterator[bytes]:
    for metric in CATALOGUE:
        texts = [block.lines[metric.name] for block in blocks if metric.name in block.lines]
        if texts:
            yield header(metric, fmt)
            yield from texts


def _selected(blocks: Blocks, selection: Selection) -> Blocks:
    return blocks if selection is None else tuple(block for block in blocks if block.collector in selection)


def _versions(accounts: tuple[Blocks, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(block.version for block in blocks) for blocks in accounts)
