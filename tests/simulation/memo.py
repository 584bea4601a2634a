"""Lines that did not change since the last rendering, remembered: most of a simulated week would be spent in them.

Only the harness does this; `test_memo.py` holds it to the renderer byte by byte.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from exporter.expose import render, snapshot
from exporter.expose.families import Family, Scope, Series, Value

Held = dict[tuple[str, ...], tuple[Value, bytes]]


class RememberedLines:
    """Stands in for `exporter.expose.render.lines`."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Scope | None], Held] = {}
        self._whole: dict[tuple[str, Scope | None], tuple[Series, bytes]] = {}

    def __call__(self, family: Family, scope: Scope | None) -> bytes:
        """The lines of a family; only those of new values are rendered."""
        place = (family.metric.name, scope)
        before, lines = self._whole.get(place, ({}, b""))
        if before == family.series and list(before) == list(family.series):
            return lines
        held = self._held.get(place, {})
        changed = {key: value for key, value in family.series.items() if key not in held or held[key][0] != value}
        rendered: Held = {
            key: (value, render.lines(Family(family.metric, {key: value}), scope)) for key, value in changed.items()
        }
        kept = {key: rendered[key] if key in rendered else held[key] for key in family.series}
        self._held[place] = kept
        lines = b"".join([line for _, line in kept.values()])
        self._whole[place] = (family.series, lines)
        return lines


@contextmanager
def remembered_lines() -> Iterator[None]:
    """Inside, snapshots render only what changed."""
    with mock.patch.object(snapshot, "lines", RememberedLines()):
        yield
