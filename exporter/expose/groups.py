"""Rows rendered in groups: of ten thousand flows, those are rendered anew whose facts changed, and a few beside them.

A group holds what a hash of their ids throws together, about thirty rows, and is kept as compressed pieces until one of
its rows differs. Their number follows that of the rows, so that cost follows change at every size.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.collect.base import Each, Row
from exporter.expose.blocks import packed, render_families
from exporter.expose.families import Family, Scope
from exporter.expose.pieces import Piece, joined

_GROUP_ROWS = 32
"""Rows of a group, about: fewer make more pieces, which compress worse; more make more to do for each change."""

_MOST_ROWS, _LEAST_ROWS = 2 * _GROUP_ROWS, _GROUP_ROWS // 4


@dataclass(frozen=True, slots=True)
class _Group:
    """Rendered rows, all of them with the same choice of families."""

    rows: Mapping[str, Row]
    choice: object
    pieces: Mapping[str, Piece]


class Groups:
    """The rows of one block as they were rendered last; used by one thread at a time."""

    def __init__(self, each: Each, scope: Scope) -> None:
        self._each = each
        self._scope = scope
        self._groups: list[_Group | None] = [None]

    def rendered(
        self, rows: Mapping[str, Row], choice: object, choose: Callable[[Iterable[Family]], Iterable[Family]]
    ) -> dict[str, Piece]:
        """The sample lines of all `rows` by metric name.

        `choose` leaves out what is not shown; as long as `choice` is the same object, it leaves out the same. Raises
        ValueError for a series that is about no row, or about one of another group, and what `render_families` raises.
        """
        count = group_count(len(rows), len(self._groups))
        if count != len(self._groups):
            self._groups = [None] * count
        for place, held in enumerate(grouped(rows, count)):
            self._groups[place] = self._renewed(self._groups[place], held, choice, choose)
        return _joined([group.pieces for group in self._groups if group is not None])

    def _renewed(
        self,
        before: _Group | None,
        rows: Mapping[str, Row],
        choice: object,
        choose: Callable[[Iterable[Family]], Iterable[Family]],
    ) -> _Group:
        if before is not None and before.choice is choice and before.rows == rows:
            # The newer of equal rows is kept: it is what the model holds too.
            return _Group(rows, choice, before.pieces)
        families = choose(self._own(self._each.build(rows), rows)) if rows else ()
        texts = render_families(families, self._scope)
        return _Group(rows, choice, packed(texts))

    def _own(self, families: Iterable[Family], rows: Mapping[str, Row]) -> Iterator[Family]:
        """The same families. Series of other rows would come again with the group of these."""
        for family in families:
            place = family.metric.labels.index(self._each.label)
            if not rows.keys() >= {key[place] for key in family.series}:
                raise ValueError(f"{family.metric.name} has a series of no row of its group")
            yield family


def group_count(rows: int, before: int) -> int:
    """Into how many groups so many rows go; the number before stays as long as it fits more or less."""
    if before * _LEAST_ROWS <= rows <= before * _MOST_ROWS:
        return before
    return 1 if rows <= _MOST_ROWS else 1 << (rows // _GROUP_ROWS).bit_length() - 1


def grouped(rows: Mapping[str, Row], count: int) -> Sequence[Mapping[str, Row]]:
    """The rows in `count` groups: the same id always goes into the same one."""
    if count == 1:
        return [rows]
    groups: list[dict[str, Row]] = [{} for _ in range(count)]
    for name, row in rows.items():
        groups[zlib.crc32(name.encode("utf-8", "surrogatepass")) % count][name] = row
    return groups


def _joined(groups: Sequence[Mapping[str, Piece]]) -> dict[str, Piece]:
    names = dict.fromkeys(name for pieces in groups for name in pieces)
    return {name: joined([pieces[name] for pieces in groups if name in pieces]) for name in names}
