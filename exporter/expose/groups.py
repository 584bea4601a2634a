"""Rows rendered in groups: of ten thousand flows, those are rendered anew whose facts changed, and a few beside them.

A group holds what a hash of their ids throws together, about thirty rows, and is kept as compressed pieces until one of
its rows differs. Their number follows that of the rows, so that cost follows change at every size: fewer rows in a
group make more pieces, which compress worse, and more make more to do for each change. Facts that are the same objects
as before are not even looked at.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from exporter.changes import changed_keys
from exporter.collect.base import Each, Facts, Row
from exporter.expose.blocks import packed, render_families
from exporter.expose.families import Family, Scope
from exporter.expose.pieces import Piece, joined

Choose = Callable[[Iterable[Family]], Iterable[Family]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows, and what they were rendered to with this choice of families; None when they were not yet."""

    rows: Mapping[str, Row]
    choice: object = None
    pieces: Mapping[str, Piece] | None = None


class Groups:
    """The rows of one block as they were rendered last; used by one thread at a time."""

    def __init__(self, each: Each, scope: Scope) -> None:
        self._each = each
        self._scope = scope
        self._facts = Facts(())
        self._groups: Sequence[_Group] = (_Group({}),)
        self._joined: Mapping[str, Piece] = {}

    def rendered(self, facts: Facts, choice: object, choose: Choose) -> Mapping[str, Piece]:
        """The sample lines of the rows that `facts` make, by metric name.

        `choose` leaves out what is not shown; as long as `choice` is the same object, it leaves out the same. Raises
        ValueError for a series that is about no row, or about one of another group, and what `render_families` raises;
        then it is as if there had been no call. `facts` are not to be changed afterwards.
        """
        before = self._groups
        changed = self._regrouped(facts)
        groups = [self._rendered(group, choice, choose) for group in changed]
        if [group.pieces for group in groups] != [group.pieces for group in before]:
            self._joined = _joined([group.pieces for group in groups if group.pieces is not None])
        self._facts, self._groups = facts, groups
        return self._joined

    def _regrouped(self, facts: Facts) -> Sequence[_Group]:
        """The groups of now; those whose rows differ from before are not rendered."""
        groups = self._groups
        if len(groups) == 1:
            groups = [_changed(groups[0], rows_of(self._each, facts))]
        else:
            groups = _edited(groups, self._edits(facts))
        count = group_count(sum(len(group.rows) for group in groups), len(groups), self._each.together)
        if count == len(groups):
            return groups
        return [_Group(rows) for rows in grouped(rows_of(self._each, facts), count)]

    def _edits(self, facts: Facts) -> Mapping[str, Row | None]:
        """What may differ from before: rows by id, None for those that are gone."""
        before, row = self._facts, self._each.row
        if before.common is not facts.common and before.common != facts.common:
            gone = dict.fromkeys(key for group in self._groups for key in group.rows)
            return {**gone, **rows_of(self._each, facts)}
        keys = set(chain.from_iterable(map(changed_keys, before.by_id, facts.by_id)))
        known = {key: tuple(values.get(key) for values in facts.by_id) for key in keys}
        there = {key for values in facts.by_id for key in keys & values.keys()}
        return {key: row(values, facts.common) if key in there else None for key, values in known.items()}

    def _rendered(self, group: _Group, choice: object, choose: Choose) -> _Group:
        if group.pieces is not None and group.choice is choice:
            return group
        rows = group.rows
        families = choose(self._own(self._each.build(rows), rows)) if rows else ()
        return _Group(rows, choice, packed(render_families(families, self._scope)))

    def _own(self, families: Iterable[Family], rows: Mapping[str, Row]) -> Iterator[Family]:
        """The same families. Series of other rows would come again with the group of these."""
        for family in families:
            place = family.metric.labels.index(self._each.label)
            if not rows.keys() >= {key[place] for key in family.series}:
                raise ValueError(f"{family.metric.name} has a series of no row of its group")
            yield family


def rows_of(each: Each, facts: Facts) -> Mapping[str, Row]:
    """All rows by id, in the order of the facts."""
    row, by_id, common = each.row, facts.by_id, facts.common
    keys = dict.fromkeys(chain.from_iterable(by_id))
    made = ((key, row(tuple(values.get(key) for values in by_id), common)) for key in keys)
    return {key: each_row for key, each_row in made if each_row is not None}


def _edited(groups: Sequence[_Group], edits: Mapping[str, Row | None]) -> Sequence[_Group]:
    """The groups with some rows that may differ from before, in the order of their ids: whatever was before them."""
    edited, places = list(groups), _places(edits, len(groups))
    for place, keys in places.items():
        rows = {**groups[place].rows, **{key: edits[key] for key in keys}}
        edited[place] = _changed(groups[place], {key: row for key, row in sorted(rows.items()) if row is not None})
    return edited


def _changed(group: _Group, rows: Mapping[str, Row]) -> _Group:
    """The group with these rows. The newer of equal ones are kept: they are what the model holds too."""
    return replace(group, rows=rows) if rows == group.rows else _Group(rows)


def group_count(rows: int, before: int, together: int) -> int:
    """Into how many groups so many rows go; the number before stays as long as it fits more or less."""
    least, most = together // 4, 2 * together
    if before * least <= rows <= before * most:
        return before
    return 1 if rows <= most else 1 << (rows // together).bit_length() - 1


def grouped(rows: Mapping[str, Row], count: int) -> Sequence[Mapping[str, Row]]:
    """The rows in `count` groups: the same id always goes into the same one, and of many they are in their order."""
    if count == 1:
        return [rows]
    places = _places(rows, count)
    return [{key: rows[key] for key in sorted(places.get(place, ()))} for place in range(count)]


def _places(keys: Iterable[str], count: int) -> Mapping[int, Sequence[str]]:
    """The keys by the place of their group."""
    places: dict[int, list[str]] = {}
    for key in keys:
        places.setdefault(zlib.crc32(key.encode("utf-8", "surrogatepass")) % count, []).append(key)
    return places


def _joined(groups: Sequence[Mapping[str, Piece]]) -> Mapping[str, Piece]:
    names = dict.fromkeys(name for pieces in groups for name in pieces)
    return {name: joined([pieces[name] for pieces in groups if name in pieces]) for name in names}
