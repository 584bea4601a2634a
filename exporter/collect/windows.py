"""Reads the job listings into the ledger, window by window (contract 3.7, 6).

A window starts behind the watermark, so that rows which appear late are seen: every ten minutes by the whole `overlap`,
otherwise as far as the oldest job that has just left the jobs in progress, and ten minutes at least. The watermark
moves only after a window was read to its end. A gap is read slice by slice, oldest first, as far back as the account
keeps its jobs; when the time of a run is over, the next one goes on.

When the account-wide listing is refused or keeps failing, in a gap also with the shortest slices, each integration is
read with a window of its own for an hour, the longest unasked first; then the watermark is what all of them have
reached.
"""

import logging
from collections.abc import Collection, Iterable
from typing import Literal, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.errors import (
    ApiError,
    BadRequest,
    NotFound,
    ServerError,
    Timeout,
    TooLarge,
    Truncated,
    UnexpectedShape,
)
from exporter.api.listing import Page
from exporter.api.models import Job
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.coverage import Coverage, Covered
from exporter.collect.known import KnownObjects
from exporter.collect.turns import Turns
from exporter.config.settings import JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind

FALLBACK_SECONDS = 3600.0
"""How long the account-wide listing is left alone after it did not work."""

_FAILURES_BEFORE_FALLBACK = 2
RECENT_SECONDS = 600.0
"""How far behind the watermark a window starts at least."""

WHOLE_OVERLAP_SECONDS = 600.0
"""How often a window starts the whole overlap behind the watermark."""

_WIDEST_SECONDS = 86400.0
_NARROWEST_SECONDS = 60.0
_SLICES_TO_WIDEN = 4

_log = logging.getLogger(__name__)


class JobPagesClient(Protocol):
    """The job listing of the client."""

    def job_pages(
        self,
        refresh: Refresh,
        *,
        kind: Literal["flow", "retry"],
        created_gte: float,
        created_lte: float | None = None,
        integration_id: str | None = None,
    ) -> Iterable[Page[Job]]:
        """Contract 3.7, newest first, lazily."""
        ...

    def server_now(self) -> float:
        """Wall time of the server."""
        ...


class JobWindows:
    """The listing of one kind of jobs; used by one thread."""

    def __init__(
        self, client: JobPagesClient, ledger: RunLedger, known: KnownObjects, kind: Kind, settings: JobsSettings
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._known = known
        self._kind = kind
        self._overlap = settings.overlap
        self._retention = settings.retention
        self._span = _WIDEST_SECONDS
        self._ahead = False
        self._failures = 0
        self._each_until: float | None = None
        self._whole_at = float("-inf")
        self._gap_from: float | None = None
        self._parts: dict[str, float] = {}
        self._turns: Turns[str] = Turns()
        self.coverage = Coverage()
        self.shown: set[str] = set()
        self.caught_up: float | None = None

    def read(self, refresh: Refresh, listed: Collection[str] | None) -> None:
        """Read everything new into the ledger; `shown` tells which ids came by, `caught_up` how much of a gap is left.

        `listed` are the jobs in progress, None when they could not be read just now. Raises ApiError when a window was
        not read to its end; what was read is in the ledger all the same.
        """
        self.shown, self._ahead = set(), False
        if self._each_until is not None and refresh.clock.monotonic() < self._each_until:
            self._read_each(refresh)
            return
        try:
            self._read_account(refresh, listed)
        except ApiError as error:
            if not self._should_fall_back(error, reachable=listed is not None):
                raise
            self._each_until = refresh.clock.monotonic() + FALLBACK_SECONDS
            self._span = _WIDEST_SECONDS
            self._parts.clear()
            _log.warning("%s jobs are read per integration for an hour, because: %s", self._kind, error)
            self._read_each(refresh)

    def _should_fall_back(self, error: ApiError, *, reachable: bool) -> bool:
        if isinstance(error, BadRequest):
            return True
        if not reachable or not isinstance(error, ServerError | Timeout | Truncated | TooLarge):
            return False
        if isinstance(error, Timeout) and self._span > _NARROWEST_SECONDS and self._behind():
            return False  # a shorter slice of the gap may be read in time
        self._failures += 1
        return self._failures >= _FAILURES_BEFORE_FALLBACK

    def _behind(self) -> bool:
        """Whether there is a gap, which is longer than what every window reads."""
        watermark = self._ledger.read_until(self._kind)
        return watermark is not None and self._client.server_now() - watermark > self._overlap

    def _read_account(self, refresh: Refresh, listed: Collection[str] | None) -> None:
        at = refresh.clock.monotonic()
        whole_overlap = listed is None or at - self._whole_at >= WHOLE_OVERLAP_SECONDS
        watermark = self._ledger.read_until(self._kind)
        lookback = self._overlap if whole_overlap else self._lookback(watermark, listed or ())
        if self._gap_from is not None:
            # What is old already comes no later; starting further back, a small budget would never get ahead.
            lookback, whole_overlap = 0.0, False
        if self._read_scope(refresh, watermark, at, lookback, None):
            self.coverage.account_read(Covered(self._begun(refresh, at), at))
            self._whole_at = at if whole_overlap else self._whole_at

    def _lookback(self, watermark: float | None, listed: Collection[str]) -> float:
        """Far enough to see the end of every job of the overlap that left the jobs in progress."""
        if watermark is None:
            return self._overlap
        left = (
            watermark - row.created_at + 1.0
            for job_id, row in self._ledger.pending().items()
            if row.kind == self._kind and job_id not in listed
        )
        return max((reach for reach in left if reach <= self._overlap), default=0.0) + RECENT_SECONDS

    def _begun(self, refresh: Refresh, at: float) -> float:
        """Monotonic instant `at` by the server's clock; exact as soon as an answer has told its time."""
        return self._client.server_now() - (refresh.clock.monotonic() - at)

    def _read_each(self, refresh: Refresh) -> None:
        known = self._known.read(refresh)
        # One wrong listing must not move the watermark past what it left out.
        wanted = known.integrations | self._ledger.tallies().integrations.keys()
        attempts, gone, found = Attempts(refresh), dict[str, Covered](), False
        self._turns.want(wanted, refresh.clock.monotonic())
        for integration_id in self._turns.first():
            if attempts.hopeless:
                break
            self._turns.to_the_end(integration_id)
            asked_at = refresh.clock.monotonic()
            with attempts.step():
                try:
                    self._read_integration(refresh, integration_id)
                    found = True
                except NotFound:
                    gone[integration_id] = Covered(self._begun(refresh, asked_at), asked_at)
                    raise
        # A 404 among answers means that the integration was just deleted; 404s alone could have any reason, and must
        # not move the watermark.
        for integration_id, asked in gone.items() if found else ():
            self.coverage.integration_read(integration_id, asked)
        reached = self.coverage.of_all(wanted)
        if reached is not None and known.complete:
            self._ledger.advance(self._kind, reached.until, self._overlap, self._client.server_now())
            self.coverage.keep(wanted)
            self._parts = {name: until for name, until in self._parts.items() if name in wanted}
        if self._parts:
            self.caught_up = None
        elif reached is not None:
            self.caught_up = 1.0
        attempts.finish(things_may_go=True)

    def _read_integration(self, refresh: Refresh, integration_id: str) -> None:
        at = refresh.clock.monotonic()
        reached = [self._ledger.read_until(self._kind)]
        covered = self.coverage.of(integration_id)
        reached.append(covered.until if covered is not None else None)
        reached.append(self._parts.get(integration_id))
        watermark = max((instant for instant in reached if instant is not None), default=None)
        lookback = 0.0 if integration_id in self._parts else self._overlap
        if self._read_scope(refresh, watermark, at, lookback, integration_id):
            self._parts.pop(integration_id, None)
            self.coverage.integration_read(integration_id, Covered(self._begun(refresh, at), at))

    def _read_scope(
        self, refresh: Refresh, watermark: float | None, at: float, lookback: float, integration_id: str | None
    ) -> bool:
        """Read from behind the watermark to `at`, in slices, oldest first; a cut slice is read again in halves.

        Returns whether all of it was read; False when the time was over after a part of a gap. Raises TooLarge when
        even a minute has more rows than may be read. The watermark follows when the whole account is read.
        """
        begun = self._begun(refresh, at)
        lower: float | None = self._first_instant(watermark, begun, lookback)
        whole, slices = True, 0
        while lower is not None:
            upper = lower + self._span if lower + self._span < begun else None
            try:
                cut = self._read_slice(refresh, lower, upper, integration_id)
            except Timeout:
                if whole and slices:
                    if slices < _SLICES_TO_WIDEN:  # a run that has time for few has to take long ones
                        self._span = min(_WIDEST_SECONDS, self._span * 2)
                    return False
                if not self._ahead:
                    self._narrow(begun - lower)
                raise
            if cut and self._span > _NARROWEST_SECONDS:
                self._narrow(begun - lower)
                continue
            whole, slices = whole and not cut, slices + 1
            lower, begun = upper, self._begun(refresh, at)
            if whole:
                if integration_id is None:
                    self._advance(begun if upper is None else upper, begun)
                elif upper is not None:
                    self._parts[integration_id] = upper
                self._ahead = True
                if slices % _SLICES_TO_WIDEN == 0:
                    self._span = min(_WIDEST_SECONDS, self._span * 2)
        if not whole:
            raise TooLarge(Endpoint.JOBS.value, detail="more rows in one minute than the page bound allows")
        self._span = min(_WIDEST_SECONDS, self._span * 2)
        return True

    def _first_instant(self, watermark: float | None, begun: float, lookback: float) -> float:
        if watermark is None:
            return begun - self._overlap
        oldest = begun - self._retention
        if watermark < oldest:
            _log.warning("%s jobs of a gap are lost: it is longer than the retention", self._kind)
        return max(min(watermark, begun) - lookback, oldest)

    def _narrow(self, rest: float) -> None:
        self._span = max(_NARROWEST_SECONDS, min(self._span, rest) / 2)

    def _advance(self, reached: float, begun: float) -> None:
        """Move the watermark, and tell how much of the gap behind it is left."""
        before = self._ledger.watermark(self._kind)
        self._gap_from = self._gap_from or before or reached
        self._ledger.advance(self._kind, reached, self._overlap, self._client.server_now())
        reached = max(reached, before or reached)
        self._failures = 0
        gap = begun - self._gap_from
        self.caught_up = 1.0 if reached >= begun or gap <= 0 else max(0.0, reached - self._gap_from) / gap
        if reached >= begun:
            if gap > self._overlap:
                _log.info("%s jobs of a gap of %.1f hours are caught up", self._kind, gap / 3600)
            self._gap_from = None

    def _read_slice(self, refresh: Refresh, lower: float, upper: float | None, integration_id: str | None) -> bool:
        cut = False
        pages = self._client.job_pages(
            refresh, kind=self._kind, created_gte=lower, created_lte=upper, integration_id=integration_id
        )
        for number, page in enumerate(pages):
            if number == 0 and page.rejected and not page.rows:
                raise UnexpectedShape(Endpoint.JOBS.value, status=200, detail="no row could be read")
            cut = cut or page.cut
            self.shown.update(row.id for row in page.rows)
            unplaced = self._ledger.observe(page.rows, self._kind, self._client.server_now())
            if unplaced:
                refresh.rejected["bad_instant"] += unplaced
        return cut
