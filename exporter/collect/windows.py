"""Reads the job listings into the ledger, pass by pass (contract 3.7, 6).

A pass starts behind the watermark, so that rows which appear late are seen: every ten minutes by the whole `overlap`,
otherwise as far as the oldest job that has just left the jobs in progress, and ten minutes at least. The watermark
follows what was read without a hole. A gap is read as far back as the account keeps its jobs; when the time of a run is
over, the next one goes on.

When the account-wide listing is refused or keeps failing, in a gap also with the shortest slices, each integration is
read with passes of its own for an hour, the longest unasked first; then the watermark is what all of them have reached.
"""

import logging
from collections.abc import Collection

from exporter.api.errors import ApiError, BadRequest, NotFound, ServerError, Timeout, TooLarge, Truncated
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.coverage import Coverage, Covered
from exporter.collect.known import KnownObjects
from exporter.collect.passes import WIDEST_SECONDS, JobPagesClient, Pass, Slices
from exporter.collect.turns import Turns
from exporter.config.settings import JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind

FALLBACK_SECONDS = 3600.0
"""How long the account-wide listing is left alone after it did not work."""

_FAILURES_BEFORE_FALLBACK = 2
RECENT_SECONDS = 600.0
"""How far behind the watermark a pass starts at least."""

WHOLE_OVERLAP_SECONDS = 600.0
"""How often a pass starts the whole overlap behind the watermark."""

_log = logging.getLogger(__name__)


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
        self._slices = Slices(client, ledger, kind)
        self._failures = 0
        self._each_until: float | None = None
        self._whole_at = float("-inf")
        self._going: Pass | None = None
        self._parts: dict[str, Pass] = {}
        self._turns: Turns[str] = Turns()
        self.coverage = Coverage()
        self.caught_up: float | None = None

    @property
    def shown(self) -> set[str]:
        """Ids of the jobs that the newest reading came by."""
        return self._slices.shown

    def read(self, refresh: Refresh, listed: Collection[str] | None) -> None:
        """Read everything new into the ledger; `shown` tells which ids came by, `caught_up` how much of a gap is left.

        `listed` are the jobs in progress, None when they could not be read just now. Raises ApiError when a window was
        not read to its end; what was read is in the ledger all the same.
        """
        self._slices.begin_run()
        if self._each_until is not None and refresh.clock.monotonic() < self._each_until:
            self._read_each(refresh)
            return
        try:
            self._read_account(refresh, listed)
        except ApiError as error:
            if not self._should_fall_back(error, reachable=listed is not None):
                raise
            self._each_until = refresh.clock.monotonic() + FALLBACK_SECONDS
            self._slices.span = WIDEST_SECONDS
            self._going = None
            self._parts.clear()
            _log.warning(
                "jobs are read per integration for an hour", extra={"fields": {"kind": self._kind, "error": str(error)}}
            )
            self._read_each(refresh)

    def _should_fall_back(self, error: ApiError, *, reachable: bool) -> bool:
        if isinstance(error, BadRequest):
            return True
        if not reachable or not isinstance(error, ServerError | Timeout | Truncated | TooLarge):
            return False
        if isinstance(error, Timeout) and not self._slices.shortest and self._behind():
            return False  # a shorter slice of the gap may be read in time
        self._failures += 1
        return self._failures >= _FAILURES_BEFORE_FALLBACK

    def _behind(self) -> bool:
        """Whether there is a gap, which is longer than what every window reads."""
        watermark = self._ledger.read_until(self._kind)
        return watermark is not None and self._client.server_now() - watermark > self._overlap

    def _read_account(self, refresh: Refresh, listed: Collection[str] | None) -> None:
        at = refresh.clock.monotonic()
        going = self._going or self._account_pass(refresh, at, listed)
        self._going = None
        try:
            done = self._slices.read(refresh, going, progress=lambda: self._advance(going))
        except ApiError:
            self._going = going if going.moved else None
            raise
        if not done:
            self._going = going
            return
        self.coverage.account_read(Covered(going.until, at))
        self._whole_at = going.at if going.whole_overlap else self._whole_at

    def _account_pass(self, refresh: Refresh, at: float, listed: Collection[str] | None) -> Pass:
        watermark = self._ledger.read_until(self._kind)
        whole_overlap = listed is None or at - self._whole_at >= WHOLE_OVERLAP_SECONDS
        lookback = self._overlap if whole_overlap else self._lookback(watermark, listed or ())
        return self._new_pass(refresh, at, watermark, lookback, whole_overlap=whole_overlap)

    def _new_pass(
        self, refresh: Refresh, at: float, watermark: float | None, lookback: float, *, whole_overlap: bool
    ) -> Pass:
        begun = self._slices.begun(refresh, at)
        start = begun - self._overlap
        if watermark is not None:
            oldest = begun - self._retention
            if watermark < oldest:
                _log.warning(
                    "jobs of a gap are lost: it is longer than the retention",
                    extra={"fields": {"kind": self._kind, "gap_seconds": begun - watermark}},
                )
            start = max(min(watermark, begun) - lookback, oldest)
        first = watermark is None
        return Pass(at, start, begun, start if watermark is None else watermark, whole_overlap, first=first)

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

    def _read_each(self, refresh: Refresh) -> None:
        known = self._known.read(refresh)
        # One wrong listing must not move the watermark past what it left out.
        wanted = self._known.integrations_ever | self._ledger.tallies().integrations.keys()
        attempts, gone, found = Attempts(refresh), dict[str, Covered](), False
        self._turns.want(wanted, refresh.clock.monotonic())
        for integration_id in self._turns.first():
            if attempts.hopeless:
                break
            self._turns.to_the_end(integration_id)
            asked_at = refresh.clock.monotonic()
            listed = integration_id in known.integrations
            with attempts.step(proof=listed):
                try:
                    self._read_integration(refresh, integration_id)
                    found = True
                except NotFound:
                    gone[integration_id] = Covered(self._slices.begun(refresh, asked_at), asked_at)
                    if listed:
                        raise  # of one that is not listed any more nothing else was to be expected
        # A 404 among answers means that the integration was deleted; 404s alone could have any reason, and must not
        # move the watermark.
        for integration_id, asked in gone.items() if found else ():
            self.coverage.integration_read(integration_id, asked)
        reached = self.coverage.of_all(wanted)
        if reached is not None and known.complete:
            self._ledger.advance(self._kind, reached.until, self._overlap, self._client.server_now())
        if self._parts:
            self.caught_up = None
        elif reached is not None:
            self.caught_up = 1.0
        attempts.finish(things_may_go=True)

    def _read_integration(self, refresh: Refresh, integration_id: str) -> None:
        at = refresh.clock.monotonic()
        going = self._parts.pop(integration_id, None) or self._integration_pass(refresh, at, integration_id)
        done = False
        try:
            done = self._slices.read(refresh, going, integration_id)
        finally:
            if not done and going.moved:
                self._parts[integration_id] = going
        if done:
            self.coverage.integration_read(integration_id, Covered(going.until, at))

    def _integration_pass(self, refresh: Refresh, at: float, integration_id: str) -> Pass:
        covered = self.coverage.of(integration_id)
        reached = [self._ledger.read_until(self._kind), covered.until if covered is not None else None]
        watermark = max((instant for instant in reached if instant is not None), default=None)
        return self._new_pass(refresh, at, watermark, self._overlap, whole_overlap=True)

    def _advance(self, going: Pass) -> None:
        """Let the watermark follow a pass over the whole account, and tell how much of the gap is left."""
        before = self._ledger.watermark(self._kind)
        self._ledger.advance(self._kind, going.reached, self._overlap, self._client.server_now())
        self._failures = 0
        reached = max(going.reached, before or going.reached)
        gap = going.until - going.gap_from
        ended = reached >= going.until or gap <= 0
        self.caught_up = 1.0 if ended else max(0.0, reached - going.gap_from) / gap
        # Of a first reading the overlap is no gap, whatever the server's clock corrects of when it began.
        if ended and not going.first and gap > self._overlap:
            _log.info("jobs of a gap are caught up", extra={"fields": {"kind": self._kind, "gap_seconds": gap}})
