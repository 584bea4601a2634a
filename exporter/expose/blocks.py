"""Rendered families: what is made of views, kept, and joined to documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Family, Scope, Series
from exporter.expose.pieces import Piece, pack
from exporter.expose.render import lines

OWN_COLLECTOR = "exporter"
"""The name under which a scrape selects what the exporter tells about itself."""

_KNOWN = frozenset(CATALOGUE)


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """Sample lines by metric name, the same in both formats; a metric without series has no entry.

    Whatever knows these values has the block: it needs nothing that it was made of. `version` differs from that of
    every other block of the account. `built_at` is Unix seconds.
    """

    collector: str
    version: int
    lines: Mapping[str, Piece]
    built_at: float

    @property
    def series(self) -> Mapping[str, int]:
        """How many series each metric has."""
        return {name: piece.lines for name, piece in self.lines.items()}

    @property
    def size(self) -> int:
        """Series of all its metrics."""
        return sum(piece.lines for piece in self.lines.values())


def render_block(
    collector: str, version: int, families: Iterable[Family], scope: Scope | None, built_at: float
) -> RenderedBlock:
    """Render `families`; those without series are left out.

    Raises ValueError for a metric that is not in the catalogue or comes twice, and what `render.lines` raises.
    """
    return RenderedBlock(collector, version, packed(render_families(families, scope)), built_at)


def packed(texts: Mapping[str, bytes]) -> dict[str, Piece]:
    """The texts that are not empty, compressed."""
    return {name: pack(text) for name, text in texts.items() if text}


def render_families(families: Iterable[Family], scope: Scope | None) -> dict[str, bytes]:
    """Sample lines by metric name; raises as `render_block` does."""
    rendered: dict[str, bytes] = {}
    for family in families:
        name = family.metric.name
        if family.metric not in _KNOWN:
            raise ValueError(f"{name} is not in the catalogue")
        if name in rendered:
            raise ValueError(f"{name} comes twice in one block")
        rendered[name] = lines(family, scope)
    return rendered


class RememberedFamilies:
    """Families that are made often and change seldom: only those whose series differ are rendered and packed anew.

    Used by one thread at a time.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[Series, Piece | None]] = {}

    def rendered(self, families: Iterable[Family], scope: Scope) -> dict[str, Piece]:
        """Pieces by metric name; those of the same scope as before. Raises as `render_families` does."""
        held: dict[str, tuple[Series, Piece | None]] = {}
        for family in families:
            name = family.metric.name
            if name in held:
                raise ValueError(f"{name} comes twice in one block")
            before = self._held.get(name)
            if before is not None and before[0] == family.series:
                held[name] = before
            else:
                held[name] = (dict(family.series), packed(render_families([family], scope)).get(name))
        self._held = held
        return {name: piece for name, (_, piece) in held.items() if piece is not None}
