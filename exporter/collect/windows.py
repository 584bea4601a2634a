"""Reads the job listings into the ledger, window by window (contract 3.7, 6).

A window starts `overlap` behind the watermark, so that rows which appear late are seen. The watermark moves only after
a window was read to its end. When the account-wide listing is refused or keeps failing, each integration is read with a
window of its own for an hour, the longest unasked first; then the watermark is what all of them have reached.
"""

import logging
from collections.abc import Iterable
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
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind

FALLBACK_SECONDS = 3600.0
"""How long the account-wide listing is left alone after it did not work."""

_FAILURES_BEFORE_FALLBACK = 2
_WIDEST_SECONDS = 86400.0
_NARROWEST_SECONDS = 60.0

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
        self, client: JobPagesClient, ledger: RunLedger, known: KnownObjects, kind: Kind, overlap: float
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._known = known
        self._kind = kind
        self._overlap = overlap
        self._span = _WIDEST_SECONDS
        self._failures = 0
        self._each_until: float | None = None
        self._turns: Turns[str] = Turns()
        self.coverage = Coverage()
        self.shown: set[str] = set()

    def read(self, refresh: Refresh, *, reachable: bool) -> None:
        """Read everything new into the ledger; `shown` tells which ids came by.

        `reachable` says that the API answered another call just now, so that a failure is the listing's own. Raises
        ApiError when a window was not read to its end; what was read is in the ledger all the same.
        """
        self.shown = set()
        if self._each_until is not None and refresh.clock.monotonic() < self._each_until:
            self._read_each(refresh)
            return
        try:
            self._read_account(refresh)
        except ApiError as error:
            if not self._should_fall_back(error, reachable=reachable):
                raise
            self._each_until = refresh.clock.monotonic() + FALLBACK_SECONDS
            _log.warning("%s jobs are read per integration for an hour, because: %s", self._kind, error)
            self._read_each(refresh)

    def _should_fall_back(self, error: ApiError, *, reachable: bool) -> bool:
        if isinstance(error, BadRequest):
            return True
        if not reachable or not isinstance(error, ServerError | Timeout | Truncated | TooLarge):
            return False
        self._failures += 1
        return self._failures >= _FAILURES_BEFORE_FALLBACK

    def _read_account(self, refresh: Refresh) -> None:
        at, begun = refresh.clock.monotonic(), self._client.server_now()
        watermark = self._ledger.watermark(self._kind)
        if not self._read_scope(refresh, watermark, begun, None):
            raise TooLarge(Endpoint.JOBS.value, detail="more rows in one minute than the page bound allows")
        self.coverage.account_read(Covered(begun, at))

    def _read_each(self, refresh: Refresh) -> None:
        known = self._known.read(refresh)
        attempts, gone, found = Attempts(refresh), dict[str, Covered](), False
        self._turns.want(known.integrations, refresh.clock.monotonic())
        for integration_id in self._turns.first():
            if attempts.hopeless:
                break
            self._turns.to_the_end(integration_id)
            asked = Covered(self._client.server_now(), refresh.clock.monotonic())
            with attempts.step():
                try:
                    self._read_integration(refresh, integration_id)
                    found = True
                except NotFound:
                    gone[integration_id] = asked
                    raise
        # A 404 among answers means that the integration was just deleted; 404s alone could have any reason, and must
        # not move the watermark.
        for integration_id, asked in gone.items() if found else ():
            self.coverage.integration_read(integration_id, asked)
        reached = self.coverage.of_all(known.integrations)
        if reached is not None and known.complete:
            self._ledger.advance(self._kind, reached.until, self._overlap, self._client.server_now())
            self.coverage.keep(known.integrations)
        attempts.finish(things_may_go=True)

    def _read_integration(self, refresh: Refresh, integration_id: str) -> None:
        at, begun = refresh.clock.monotonic(), self._client.server_now()
        reached = [self._ledger.watermark(self._kind)]
        covered = self.coverage.of(integration_id)
        reached.append(covered.until if covered is not None else None)
        watermark = max((instant for instant in reached if instant is not None), default=None)
        if not self._read_scope(refresh, watermark, begun, integration_id):
            raise TooLarge(Endpoint.JOBS.value, detail="more rows in one minute than the page bound allows")
        self.coverage.integration_read(integration_id, Covered(begun, at))

    def _read_scope(self, refresh: Refresh, watermark: float | None, begun: float, integration_id: str | None) -> bool:
        """Read from behind the watermark to now, in slices, oldest first; a cut slice is read again in halves.

        Returns whether all of it was read. The watermark follows slice by slice when the whole account is read.
        """
        lower: float | None = (begun if watermark is None else min(watermark, begun)) - self._overlap
        whole = True
        while lower is not None:
            upper = lower + self._span if lower + self._span < begun else None
            cut = self._read_slice(refresh, lower, upper, integration_id)
            if cut and self._span > _NARROWEST_SECONDS:
                self._span = max(_NARROWEST_SECONDS, min(self._span, begun - lower) / 2)
                continue
            whole = whole and not cut
            lower = upper
            if whole and integration_id is None:
                reached = begun if upper is None else upper
                self._ledger.advance(self._kind, reached, self._overlap, self._client.server_now())
                self._failures = 0
        if whole:
            self._span = min(_WIDEST_SECONDS, self._span * 2)
        return whole

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
