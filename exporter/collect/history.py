"""The history collector: reads back what ran before the exporter first saw the account.

Nothing of it is counted. It tells how long runs usually take, how long they stay empty and when they start, and so what
is unusual now. It reads backwards in time, the newest first, slice by slice; each slice and how far the reading has
come are one change of the ledger, so that it goes on after a restart where it was. It leaves half of the request budget
to all other reading, and no scrape waits for it.

    celigo_exporter_backfill_ratio 0.62

Source: contract 3.7.
"""

import logging
import math
from typing import Protocol

from exporter.api.errors import ApiError, BadRequest, ServerError, Timeout
from exporter.api.listing import Listing
from exporter.api.models import Integration, Job
from exporter.api.refresh import Refresh
from exporter.collect.base import Publish
from exporter.collect.passes import JobPagesClient
from exporter.config.settings import HistorySettings, JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Backfill
from exporter.ledger.tally import STANDALONE

KEPT_SHARE = 0.5
"""Share of the budget's tokens that a request for history leaves for others."""

WIDEST_SECONDS = 7 * 86_400.0
NARROWEST_SECONDS = 60.0
FIRST_SECONDS = 3600.0
PAGES_PER_SLICE = 10
_FAILURES_BEFORE_EACH = 3

_log = logging.getLogger(__name__)


class HistoryClient(JobPagesClient, Protocol):
    """The calls of the client that the history collector makes."""

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        """Contract 3.2."""
        ...


class HistoryCollector:
    """Reads the history of one account into its ledger; used by one thread at a time."""

    name = "history"

    def __init__(self, client: HistoryClient, settings: HistorySettings, ledger: RunLedger, jobs: JobsSettings) -> None:
        self.settings = settings
        self._client = client
        self._ledger = ledger
        self._jobs = jobs
        self._width = FIRST_SECONDS
        self._each = False
        self._failures = 0

    @property
    def ratio(self) -> float | None:
        """How much has been read, 0 to 1; None before the first sight."""
        held = self._position()
        if held is None:
            return None
        floor = self._floor(held)
        whole = held.until - floor
        return 1.0 if whole <= 0 or held.reached <= floor else (held.until - held.reached) / whole

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read on, at most `pages_per_run` pages; raises ApiError. Nothing is published: the ledger has it all."""
        del publish
        refresh.kept_share = KEPT_SHARE
        pages, moved = 0, False
        while (held := self._position()) is not None and held.reached > self._floor(held):
            if pages >= self.settings.pages_per_run:
                return
            try:
                pages += self._read_slice(refresh, held)
            except ApiError as error:
                if isinstance(error, Timeout) and moved:
                    return  # the time of this run is over, the next one goes on
                self._failed(error)
                raise
            if self._position() != held:
                moved, self._failures = True, 0

    def _position(self) -> Backfill | None:
        """How far the history was read; from a state file of before this was noted, its beginning."""
        memory = self._ledger.memory
        if memory.first_sight is None:
            return None
        begin = memory.first_sight - self._jobs.overlap
        return memory.backfill or Backfill(begin, begin)

    def _floor(self, held: Backfill) -> float:
        """Where history ends: nothing older is wanted, or kept by the account. A whole second, as every bound."""
        oldest = max(held.until - self.settings.depth, self._client.server_now() - self._jobs.retention)
        return float(math.ceil(oldest))

    def _read_slice(self, refresh: Refresh, held: Backfill) -> int:
        """Read one slice and fold it, unless it has too many pages; returns how many were read."""
        lower = max(self._floor(held), float(math.ceil(held.reached - self._width)))
        rows: list[Job] = []
        pages, homes = 0, self._homes(refresh)
        for home in homes:
            for page in self._client.job_pages(
                refresh, kind="flow", created_gte=lower, created_lte=_just_before(held.reached), integration_id=home
            ):
                pages += 1
                rows.extend(page.rows)
                narrowest = held.reached - lower <= NARROWEST_SECONDS
                if not narrowest and (page.cut or pages >= PAGES_PER_SLICE + 2 * len(homes)):
                    self._width = max(NARROWEST_SECONDS, (held.reached - lower) / 2)
                    return pages
        self._ledger.precede(rows, "flow", lower, held.until)
        if pages <= PAGES_PER_SLICE // 4 + len(homes):
            self._width = min(WIDEST_SECONDS, self._width * 2)
        return pages

    def _homes(self, refresh: Refresh) -> list[str | None]:
        """What to list: the whole account, or each integration where that is refused."""
        if not self._each:
            return [None]
        return [*(row.id for row in self._client.integrations(refresh).rows), STANDALONE]

    def _failed(self, error: ApiError) -> None:
        self._width = max(NARROWEST_SECONDS, self._width / 2)
        self._failures += 1
        refused = isinstance(error, BadRequest)
        if not self._each and (refused or (isinstance(error, ServerError) and self._failures >= _FAILURES_BEFORE_EACH)):
            self._each = True
            _log.warning("history is read per integration", extra={"fields": {"error": str(error)}})


def _just_before(instant: float) -> float:
    """The bound of a window that ends where one from `instant` on begins: the API counts whole milliseconds."""
    return (int(instant * 1000) - 0.5) / 1000
