"""The families of one account, rendered once per change and kept until something they are made of changes.

A block is rebuilt when one of its views says something else or became stale or the filters chose otherwise, and at no
other time. A block whose build fails is left out and counted, and the others are served all the same. When the account
has more series than it may, whole families are left out of the blocks.
"""

import itertools
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from exporter.bugs import bug_fields
from exporter.clock import Clock
from exporter.collect.base import Block
from exporter.collect.inventory import InventoryView
from exporter.collect.model import AccountModel
from exporter.expose.blocks import OWN_COLLECTOR, RememberedFamilies, RenderedBlock, packed, render_families
from exporter.expose.cap import SeriesCap
from exporter.expose.families import Family, Scope
from exporter.expose.groups import Groups
from exporter.expose.pieces import Piece
from exporter.expose.selection import NOTHING, Extent, Selector, Shown, in_profile

_log = logging.getLogger(__name__)
_EVERYTHING = Extent()


class OwnFamilies(Protocol):
    """What the exporter tells about one account besides the account's own blocks."""

    def state(
        self, blocks: Sequence[RenderedBlock], failures: Mapping[str, int], left_out: Mapping[str, int]
    ) -> object:
        """Everything the families are made of; as long as it stays equal, they do.

        `failures` are failed builds by collector, `left_out` series by family that were too many.
        """
        ...

    def families(self, state: object) -> Iterable[Family]:
        """The families of a state."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """Which of the account's blocks one is, and until which monotonic instant it would be the same."""

    name: str
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Served:
    """What was told last. `missing` are the families that are left out now, since they would be too many.

    `left_out` counts series that were, `failures` builds of blocks that failed, by family and by collector. `slots` has
    an entry for each of `blocks`.
    """

    blocks: tuple[RenderedBlock, ...] = ()
    missing: frozenset[str] = frozenset()
    left_out: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A block as it was built from `state`, of `views` by part; None when building failed."""

    state: Any
    block: RenderedBlock | None
    views: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _BuiltBlock:
    """A block, where it is served, and the part without which it is not."""

    part: str
    slot: Slot
    block: RenderedBlock


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """A block without the families `names`."""

    names: frozenset[str]
    block: RenderedBlock


class AccountSnapshots:
    """Rendered blocks of one account. Thread-safe; builds are done by one thread at a time.

    Whoever publishes a view has the blocks built, so that a scrape finds them ready. One that comes while they are
    built is told what was built before, and waits only when that is nothing at all.

    `own` adds a block about the exporter itself, which is made from the others and comes last. `extent` says how much
    there is to see. What `before` counted goes on.
    """

    def __init__(
        self,
        scope: Scope,
        model: AccountModel,
        blocks: Sequence[Block],
        clock: Clock,
        own: OwnFamilies | None = None,
        extent: Extent = _EVERYTHING,
        before: "AccountSnapshots | None" = None,
    ) -> None:
        self._scope = scope
        self._model = model
        self._profile = extent.profile
        self._blocks = tuple(block for block in blocks if in_profile(block.tier, extent.profile))
        self._selector = Selector(extent.filters) if extent.filters.active else None
        self._cap = None if extent.series is None else SeriesCap(extent.series)
        self._clock = clock
        self._own = own
        self._kept: dict[str, _Kept] = {}
        self._groups: dict[tuple[str, str], Groups] = {}
        self._kept_own: _Kept | None = None
        self._own_families = RememberedFamilies()
        self._selected: tuple[int | None, Shown] = (None, NOTHING)
        self._trimmed: dict[int, _Trimmed] = {}
        self._missing: frozenset[str] = frozenset()
        self._left_out: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._newest = Served()
        self._built_blocks: tuple[_BuiltBlock, ...] | None = None
        self._building = threading.Lock()  # guards what is built, and is held while building
        self._lock = threading.RLock()  # guards everything else that changes
        if before is not None:
            with before._lock:
                self._left_out, self._failures = before._left_out.copy(), before._failures.copy()

    @property
    def newest(self) -> Served:
        """What `current` told last, however old; of nothing before its first call. Waits for nobody."""
        return self._newest

    def build(self, now: float) -> None:
        """Build the blocks that something changed in as of monotonic instant `now`."""
        with self._building:
            self._build(now)

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """What is known at monotonic instant `now`: the blocks in their order, those with nothing to say left out."""
        if self._building.acquire(blocking=self._built_blocks is None):
            try:
                self._build(now)
            finally:
                self._building.release()
        with self._lock:
            # What was built before may have become stale meanwhile.
            built = self._built_blocks or ()
            held = [each for each in built if self._model.reading(each.part, now) is not None]
            known = [each.block for each in held]
            missing = self._missing
            served = self._fitting(known, 0) if self._own is None else self._with_own(self._own, known)
            if self._missing != missing:
                self._tell()
            slots = [each.slot for each in held]
            if len(served) > len(slots):
                slots.append(Slot(OWN_COLLECTOR))
            self._newest = Served(served, self._missing, dict(self._left_out), dict(self._failures), tuple(slots))
            return served

    def _build(self, now: float) -> None:
        shown = None if self._selector is None else self._shown(self._selector, now)
        held = [(block, self._until(block), self._block(block, shown, now)) for block in self._blocks]
        self._built_blocks = tuple(
            _BuiltBlock(block.inputs[0], Slot(block.name, until), rendered)
            for block, until, rendered in held
            if rendered is not None
        )

    def _until(self, block: Block) -> float:
        return min(self._model.lasts_until(part) for part in block.inputs)

    def _with_own(self, own: OwnFamilies, known: Sequence[RenderedBlock]) -> tuple[RenderedBlock, ...]:
        """What fits beside the own block, and the own block, whose size depends on what is left out of the others."""
        size = _size(self._kept_own)
        while True:
            served = self._fitting(known, size)
            block = self._own_block(own, served)
            if _size(self._kept_own) <= size:
                return served if block is None else (*served, block)
            size = _size(self._kept_own)

    def _shown(self, selector: Selector, now: float) -> Shown:
        """What the filters let through of the newest inventory; the same object until that changes."""
        reading = self._model.reading("inventory", now)
        version, shown = self._selected
        if reading is None:
            self._selected = (None, NOTHING)
        elif reading.version != version:
            view: InventoryView = reading.view
            chosen = selector.shown(view)
            self._selected = (reading.version, shown if chosen == shown else chosen)
        return self._selected[1]

    def _block(self, block: Block, shown: Shown | None, now: float) -> RenderedBlock | None:
        readings = {part: self._model.reading(part, now) for part in block.inputs}
        if readings[block.inputs[0]] is None:
            self._kept.pop(block.name, None)  # the groups stay, for the time when it is known again
            return None
        state = (shown, *(reading.version if reading else None for reading in readings.values()))
        kept = self._kept.get(block.name)
        if kept is None or kept.state != state:
            views = {part: reading.view if reading else None for part, reading in readings.items()}
            if kept is not None and kept.block is not None and kept.state[0] is shown and kept.views == views:
                # Read anew and found as before: builds are pure, so the lines would be the same.
                block_now = replace(kept.block, version=next(self._versions), built_at=self._clock.time())
                kept = _Kept(state, block_now)
            else:
                kept = self._built(block.name, block.collector, state, lambda: self._lines(block, views, shown), kept)
            kept = replace(kept, views=views)
            self._kept[block.name] = kept
        return kept.block

    def _lines(self, block: Block, views: Mapping[str, Any], shown: Shown | None) -> Mapping[str, Piece]:
        """Sample lines of a block's families: those of the whole, and those that are made row by row."""

        def choose(families: Iterable[Family]) -> Iterator[Family]:
            return _chosen(self._in_profile(families), shown)

        lines: dict[str, Piece] = packed(render_families(choose(block.build(views)), self._scope))
        for each in block.each:
            groups = self._groups.setdefault((block.name, each.label), Groups(each, self._scope))
            rows = groups.rendered(each.facts(views), shown, choose)
            if twice := lines.keys() & rows.keys():
                raise ValueError(f"{min(twice)} comes twice in one block")
            lines.update(rows)
        return lines

    def _in_profile(self, families: Iterable[Family]) -> Iterator[Family]:
        return (family for family in families if in_profile(family.metric.tier, self._profile))

    def _own_block(self, own: OwnFamilies, known: Sequence[RenderedBlock]) -> RenderedBlock | None:
        state = own.state(known, dict(self._failures), dict(self._left_out))
        kept = self._kept_own
        if kept is None or kept.state != state:

            def lines() -> Mapping[str, Piece]:
                return self._own_families.rendered(self._in_profile(own.families(state)), self._scope)

            kept = self._built(OWN_COLLECTOR, OWN_COLLECTOR, state, lines, kept)
            self._kept_own = kept
        return kept.block

    def _built(
        self, name: str, collector: str, state: object, render: Callable[[], Mapping[str, Piece]], before: _Kept | None
    ) -> _Kept:
        version, built_at = next(self._versions), self._clock.time()
        try:
            rendered = RenderedBlock(collector, version, render(), built_at)
        except Exception as error:  # a bug in one block must not cost the others
            with self._lock:
                self._failures[collector] += 1
            failed_before = before is not None and before.block is None
            if not failed_before:
                _log.error(
                    "a block of metrics cannot be built and is left out",
                    extra={"fields": {"account": self._scope.account, "block": name, **bug_fields(error)}},
                )
            return _Kept(state, None)
        if before is not None and before.block is None:
            _log.info(
                "a block of metrics can be built again",
                extra={"fields": {"account": self._scope.account, "block": name}},
            )
        return _Kept(state, rendered)

    def _fitting(self, known: Sequence[RenderedBlock], others: int) -> tuple[RenderedBlock, ...]:
        """The blocks without the families that are too many beside `others` more series."""
        if self._cap is None:
            return tuple(known)
        counts = {name: count for block in known for name, count in block.series.items()}
        self._missing = self._cap.left_out(counts, others)
        trimmed = {block.version: self._without(block) for block in known if self._missing & block.series.keys()}
        self._trimmed = trimmed
        return tuple(trimmed[block.version].block if block.version in trimmed else block for block in known)

    def _without(self, block: RenderedBlock) -> _Trimmed:
        """The block without what is missing, counted when it is new that it is."""
        names = self._missing & block.series.keys()
        before = self._trimmed.get(block.version)
        if before is not None and before.names == names:
            return before
        self._left_out.update({name: block.series[name] for name in names - (before.names if before else frozenset())})
        left = {name: piece for name, piece in block.lines.items() if name not in names}
        return _Trimmed(names, replace(block, version=next(self._versions), lines=left))

    def _tell(self) -> None:
        if self._missing:
            families = ", ".join(sorted(self._missing))
            _log.warning(
                "more series than limits.series; families are left out",
                extra={"fields": {"account": self._scope.account, "families": families}},
            )
        else:
            _log.info("the series fit limits.series again", extra={"fields": {"account": self._scope.account}})


def _chosen(families: Iterable[Family], shown: Shown | None) -> Iterator[Family]:
    return iter(families) if shown is None else (shown.family(family) for family in families)


def _size(kept: _Kept | None) -> int:
    return 0 if kept is None or kept.block is None else kept.block.size
