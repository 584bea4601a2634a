"""What is served of one account by this replica: published by it in a term, fetched from Redis otherwise."""

import itertools
import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from exporter.account import AccountRuntime
from exporter.clock import Clock
from exporter.expose.blocks import OWN_COLLECTOR, RenderedBlock
from exporter.expose.snapshot import Slot
from exporter.image import Image, packed
from exporter.replicas.keys import Keys
from exporter.replicas.lease import LOST_LEASES
from exporter.replicas.link import Call, Link
from exporter.replicas.published import NEVER, Published, Snapshot, arguments, snapshot
from exporter.replicas.scripts import FETCH, PUBLISH
from exporter.replicas.trouble import Away

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A snapshot on its way to Redis, with the parts of the image that changed.

    `whole` replaces whatever is there; `alone`: it is served also when it cannot be published.
    """

    snapshot: Snapshot
    built: Mapping[Slot, RenderedBlock]
    image: Mapping[str, bytes]
    errors_version: int | None
    whole: bool
    alone: bool


class Publisher:
    """Thread-safe, but for what needs `held`. `owner` is whose lease it needs to publish.

    Blocks of the replica before are served until this one has built them itself, or they no longer hold, so that a
    take-over leaves no gap. What is older than what is served is not served for a while, in which the leading replica
    replaces it: a counter that falls and rises again is counted twice by those who scrape it.
    """

    def __init__(self, link: Link, keys: Keys, owner: str, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._owner = owner
        self._clock = clock
        self.held = threading.Lock()  # guards everything below, and is held while publishing or fetching
        self._served = Snapshot()
        self._versions = itertools.count(1)
        self._names = itertools.count(1)
        self._whole = False
        self._older = ""
        self._patient_until = float("-inf")
        self._sending: str | None = None
        self._built: dict[str, RenderedBlock] = {}
        self._image: dict[str, bytes] = {}
        self._errors_version: int | None = None
        self._runs: int | None = None

    @property
    def served(self) -> Snapshot:
        """What was published or fetched last."""
        return self._served

    def go_on(self, before: Self) -> None:
        """Serve what another one does, and tell of nothing under a name that it used."""
        with before.held:
            self._served, self._names, self._versions = before._served, before._names, before._versions

    def begin(self, runtime: AccountRuntime) -> None:
        """A term begins with `runtime`, in which nothing was read or built yet."""
        with self.held:
            self._built, self._image, self._errors_version = {}, {}, None
            self._runs = _runs(runtime)

    def republish(self) -> None:
        """Redis has something else than what was published last."""
        self._whole = True

    def current(self) -> tuple[RenderedBlock, ...]:
        """What holds now of what is served."""
        held = self._served.blocks
        if not held:
            return ()
        try:
            now = self._link.now()
        except Away:
            return tuple(each.block for each in held)
        return tuple(each.block for each in held if each.holds(now))

    def known(self) -> list[str]:
        """What `FETCH` takes."""
        return [self._seen, *(each.key for each in self._served.blocks)]

    def inherit(self) -> None:
        """Serve what another replica published last, also when it is older than what is served. Raises Away."""
        with self.held:
            self._older = ""
            if fetched := self._read(self._link.run(FETCH, [self._keys.served], self.known())):
                self._served = fetched

    def fetched(self, known: list[str], answer: list[bytes] | Away) -> None:
        """Serve what `FETCH` answered to `known`, unless something else is served by now. Raises Away.

        What is older is let be for as long as the leading replica may take to notice.
        """
        if isinstance(answer, Away):
            raise answer
        with self.held:
            if known[0] == self._seen and (fetched := self._read(answer)):
                self._take(fetched)

    def prepared(self, runtime: AccountRuntime, saved: Callable[[], bool], *, alone: bool = False) -> Parcel | None:
        """What is new in `runtime` and is to be sent, if anything is; `held` is held until it is settled. Raises Away.

        `saved`: whether all that was counted is in Redis; nothing is published before. `alone`: what cannot be
        published is served all the same.
        """
        built = self._current(runtime)
        after = self._next(built)
        if after is self._served and not self._whole:
            return None
        # Asked after the blocks were taken, which may hold what was counted a moment ago.
        if not saved():
            self._whole = True
            if alone:
                self._serve(after, built)
            return None
        image, errors_version = self._changed_image(runtime)
        self._sending = after.version
        return Parcel(after, built, image, errors_version, self._whole, alone)

    def call(self, parcel: Parcel) -> Call:
        """What sends a parcel."""
        keys = [self._keys.lease, self._keys.served, self._keys.image]
        parts = {**self._image, **parcel.image} if parcel.whole else parcel.image
        return Call(PUBLISH, keys, [self._owner, *arguments(self._served, parcel.snapshot, parts, whole=parcel.whole)])

    def settle(self, parcel: Parcel, answer: bytes | Away) -> None:
        """Serve what Redis took."""
        if answer == b"ok":
            self._serve(parcel.snapshot, parcel.built)
            self._whole, self._errors_version = False, parcel.errors_version
            self._image.update(parcel.image)
        else:
            # Whether it was done is not known of one that failed, so everything is to be sent again.
            self._whole = True
            if isinstance(answer, Away) and parcel.alone:
                self._serve(parcel.snapshot, parcel.built)
        self._sending = None  # last: what is told of meanwhile is one or the other

    def told(self, version: str) -> bool:
        """Whether a version in Redis is what is served, or on its way there."""
        return version in (self._sending, self._seen)

    def _serve(self, after: Snapshot, built: Mapping[Slot, RenderedBlock]) -> None:
        self._served = after
        self._built |= {slot.name: block for slot, block in built.items()}

    def _read(self, answer: list[bytes]) -> Snapshot | None:
        """The snapshot that is not seen yet, if there is one."""
        try:
            return snapshot(answer, self._served, self._versions) if answer else None
        except ValueError:
            _log.warning("a snapshot in Redis cannot be read", extra={"fields": {"account": self._keys.account}})
            return None

    def _take(self, fetched: Snapshot) -> None:
        now = self._clock.monotonic()
        impatient = self._older != "" and now >= self._patient_until
        if fetched.at >= self._served.at or impatient:
            self._served, self._older = fetched, ""
            return
        if not self._older:
            self._patient_until = now + LOST_LEASES * self._link.settings.lease
        self._older = fetched.version

    @property
    def _seen(self) -> str:
        """The newest version in Redis that needs no second look: the one that is served, or one that is too old."""
        patient = self._older != "" and self._clock.monotonic() < self._patient_until
        return self._older if patient else self._served.version

    def _current(self, runtime: AccountRuntime) -> Mapping[Slot, RenderedBlock]:
        runtime.current(self._clock.monotonic())
        told = runtime.served
        built = dict(zip(told.slots, told.blocks, strict=True))
        own_alone = [slot.name for slot in built] == [OWN_COLLECTOR]
        served = any(each.slot == OWN_COLLECTOR for each in self._served.blocks)
        inherited = served and OWN_COLLECTOR not in self._built
        # Before anything ran in a term, its own block knows nothing of the blocks that are still served, not even how
        # old they are; the one of the replica before does.
        return {} if own_alone and inherited and _runs(runtime) == self._runs else built

    def _next(self, built: Mapping[Slot, RenderedBlock]) -> Snapshot:
        """The next snapshot; the one that is served when nothing is new."""
        now, stamp = self._clock.monotonic(), self._link.now()
        served = {each.slot: each for each in self._served.blocks}
        made = [self._published(block, slot, served.get(slot.name), stamp, now) for slot, block in built.items()]
        mine = {slot.name for slot in built} | self._built.keys()
        inherited = [each for each in self._served.blocks if each.slot not in mine and each.holds(stamp)]
        after = (*made, *inherited)
        return self._served if after == self._served.blocks else Snapshot(self._name(), after, stamp)

    def _published(
        self, block: RenderedBlock, slot: Slot, before: Published | None, stamp: int, now: float
    ) -> Published:
        # To the second: less is no reason to publish anything.
        expires = NEVER if slot.until == math.inf else (stamp + int((slot.until - now) * 1000)) // 1000 * 1000
        if before is not None and self._built.get(slot.name) is block:
            late = abs(expires - before.expires) > 1000
            return replace(before, expires=expires) if late else before
        return Published(self._name(), slot.name, expires, replace(block, version=next(self._versions)))

    def _name(self) -> str:
        return f"{self._owner}:{next(self._names)}"

    def _changed_image(self, runtime: AccountRuntime) -> tuple[dict[str, bytes], int | None]:
        """The parts that are to be sent, and the version of the errors that they have."""
        status = runtime.statuses().get("errors")
        version = None if status is None else status.version
        parts = ("live", "positions") if version == self._errors_version else ("live", "positions", "errors")
        held: Image = runtime.image(parts, self._link.now())
        told = {name: packed(part) for name in parts if (part := getattr(held, name)) is not None}
        return {name: part for name, part in told.items() if self._image.get(name) != part}, version


def _runs(runtime: AccountRuntime) -> int:
    """How many runs of collectors have ended, of replicas before this one, too."""
    return sum(status.version for status in runtime.statuses().values())
