"""The families of one account, rendered once per change and kept until something they are made of changes.

A block is rebuilt when one of its views was published anew or became stale, and at no other time. A block whose build
fails is left out and counted, and the others are served all the same.
"""

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.bugs import bug_fields
from exporter.clock import Clock
from exporter.collect.base import Block
from exporter.collect.model import AccountModel
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Family, Scope
from exporter.expose.render import lines

OWN_COLLECTOR = "exporter"
"""The name under which a scrape selects what the exporter tells about itself."""

_log = logging.getLogger(__name__)
_KNOWN = frozenset(CATALOGUE)


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """Sample lines by metric name, the same bytes in both formats, and how many series each metric has.

    `version` differs from that of every other block of the account. `built_at` is Unix seconds.
    """

    collector: str
    version: int
    lines: Mapping[str, bytes]
    series: Mapping[str, int]
    built_at: float


class OwnFamilies(Protocol):
    """What the exporter tells about one account besides the account's own blocks."""

    def state(self, blocks: Sequence[RenderedBlock], failures: Mapping[str, int]) -> object:
        """Everything the families are made of; as long as it stays equal, they do."""
        ...

    def families(self, state: object) -> Iterable[Family]:
        """The families of a state."""
        ...


def render_block(
    collector: str, version: int, families: Iterable[Family], scope: Scope | None, built_at: float
) -> RenderedBlock:
    """Render `families`; those without series are left out.

    Raises ValueError for a metric that is not in the catalogue or comes twice, and what `render.lines` raises.
    """
    rendered: dict[str, bytes] = {}
    for family in families:
        name = family.metric.name
        if family.metric not in _KNOWN:
            raise ValueError(f"{name} is not in the catalogue")
        if name in rendered:
            raise ValueError(f"{name} comes twice in one block")
        rendered[name] = lines(family, scope)
    held = {name: text for name, text in rendered.items() if text}
    return RenderedBlock(collector, version, held, {name: text.count(b"\n") for name, text in held.items()}, built_at)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A block as it was built from `state`; None when building failed."""

    state: object
    block: RenderedBlock | None


class AccountSnapshots:
    """Rendered blocks of one account. Thread-safe; builds are done by one thread at a time.

    `own` adds a block about the exporter itself, which is made from the others and comes last.
    """

    def __init__(
        self,
        scope: Scope,
        model: AccountModel,
        blocks: Sequence[Block],
        clock: Clock,
        own: OwnFamilies | None = None,
    ) -> None:
        self._scope = scope
        self._model = model
        self._blocks = tuple(blocks)
        self._clock = clock
        self._own = own
        self._kept: dict[str, _Kept] = {}
        self._kept_own: _Kept | None = None
        self._failures: Counter[str] = Counter()
        self._versions = itertools.count(1)
        self._lock = threading.Lock()  # guards everything above that changes, and is held while building

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """What is known at monotonic instant `now`: the blocks in their order, those with nothing to say left out."""
        with self._lock:
            held = [self._block(block, now) for block in self._blocks]
            known = [block for block in held if block is not None]
            own = self._own_block(self._own, known) if self._own is not None else None
            return tuple(known) if own is None else (*known, own)

    def _block(self, block: Block, now: float) -> RenderedBlock | None:
        readings = {part: self._model.reading(part, now) for part in block.inputs}
        if readings[block.inputs[0]] is None:
            self._kept.pop(block.name, None)
            return None
        state = tuple(reading.version if reading else None for reading in readings.values())
        kept = self._kept.get(block.name)
        if kept is None or kept.state != state:
            views = {part: reading.view if reading else None for part, reading in readings.items()}
            kept = self._built(block.name, block.collector, state, lambda: block.build(views), kept)
            self._kept[block.name] = kept
        return kept.block

    def _own_block(self, own: OwnFamilies, known: Sequence[RenderedBlock]) -> RenderedBlock | None:
        state = own.state(known, dict(self._failures))
        kept = self._kept_own
        if kept is None or kept.state != state:
            kept = self._built(OWN_COLLECTOR, OWN_COLLECTOR, state, lambda: own.families(state), kept)
            self._kept_own = kept
        return kept.block

    def _built(
        self, name: str, collector: str, state: object, build: Callable[[], Iterable[Family]], before: _Kept | None
    ) -> _Kept:
        version, built_at = next(self._versions), self._clock.time()
        try:
            return _Kept(state, render_block(collector, version, build(), self._scope, built_at))
        except Exception as error:  # a bug in one block must not cost the others
            self._failures[collector] += 1
            failed_before = before is not None and before.block is None
            if not failed_before:
                _log.error("block %s cannot be built and is left out", name, extra={"fields": bug_fields(error)})
            return _Kept(state, None)
