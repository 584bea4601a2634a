"""One reading of a job listing, slice by slice, oldest first, over several runs of the collector if it takes them.

A pass reads up to the moment it began at, and what comes next is counted from there: rows that the listing did not show
yet at that moment are younger than the overlap, and in reach of the next pass that takes the whole of it. So nothing is
missed, however long a pass takes and wherever it breaks off.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.errors import Timeout, TooLarge, UnexpectedShape
from exporter.api.listing import Page
from exporter.api.models import Job
from exporter.api.refresh import Refresh
from exporter.ledger.runs import RunLedger
from exporter.ledger.state import Kind

WIDEST_SECONDS = 86400.0
NARROWEST_SECONDS = 60.0
_SLICES_TO_WIDEN = 4


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


@dataclass(slots=True)
class Pass:
    """Where a reading is. All instants but `at` are Unix seconds by the server's clock.

    `at` is the monotonic instant it began at, `until` the same by the server's clock, and what it reads up to. All from
    its start to `reached` has been read. `gap_from` is up to where everything had been read before; `whole_overlap` is
    whether it started the whole overlap behind that, `first` whether nothing had been read before. `answered` is
    whether the server has told its time since it began, `moved` whether a slice was read.
    """

    at: float
    reached: float
    until: float
    gap_from: float
    whole_overlap: bool = True
    first: bool = False
    answered: bool = False
    moved: bool = False


class Slices:
    """Reads passes of one kind of jobs into the ledger; used by one thread.

    `span` is how long a slice is tried next, in seconds; `shown` are the ids that came by since `begin_run`.
    """

    def __init__(self, client: JobPagesClient, ledger: RunLedger, kind: Kind) -> None:
        self._client = client
        self._ledger = ledger
        self._kind = kind
        self._ahead = False
        self.span = WIDEST_SECONDS
        self.shown: set[str] = set()

    @property
    def shortest(self) -> bool:
        """Whether no shorter slice will be tried."""
        return self.span <= NARROWEST_SECONDS

    def begin_run(self) -> None:
        """Note that a new run of the collector begins."""
        self.shown, self._ahead = set(), False

    def read(
        self,
        refresh: Refresh,
        going: Pass,
        integration_id: str | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> bool:
        """Go on with a pass; a cut slice is read again in halves. `progress` is called whenever it has moved.

        Returns whether it is at its end; False when the time was over after a part of it. Raises ApiError; TooLarge
        when even a minute has more rows than may be read.
        """
        lower: float | None = going.reached
        whole, slices = True, 0
        while lower is not None:
            upper = lower + self.span if lower + self.span < going.until else None
            try:
                cut = self._read_slice(refresh, going, lower, upper, integration_id)
            except Timeout:
                if whole and slices:
                    if slices < _SLICES_TO_WIDEN:  # a run that has time for few has to take long ones
                        self._widen()
                    return False
                if not self._ahead:
                    self._narrow(going.until - lower)
                raise
            if cut and not self.shortest:
                self._narrow(going.until - lower)
                continue
            whole, slices = whole and not cut, slices + 1
            if whole:
                going.reached, going.moved, self._ahead = going.until if upper is None else upper, True, True
                progress()
                if slices % _SLICES_TO_WIDEN == 0:
                    self._widen()
            lower = upper
        if not whole:
            raise TooLarge(Endpoint.JOBS.value, detail="more rows in one minute than the page bound allows")
        self._widen()
        return True

    def begun(self, refresh: Refresh, at: float) -> float:
        """Monotonic instant `at` by the server's clock; exact as soon as an answer has told its time."""
        return self._client.server_now() - (refresh.clock.monotonic() - at)

    def _settle_until(self, refresh: Refresh, going: Pass) -> None:
        """Take the server's word for when the pass began; what it tells later can only correct that to earlier.

        The monotonic clock may stand still while the machine sleeps, by which the pass seems to have begun later.
        """
        begun = self.begun(refresh, going.at)
        going.until = min(going.until, begun) if going.answered else begun
        going.answered = True

    def _narrow(self, rest: float) -> None:
        self.span = max(NARROWEST_SECONDS, min(self.span, rest) / 2)

    def _widen(self) -> None:
        self.span = min(WIDEST_SECONDS, self.span * 2)

    def _read_slice(
        self, refresh: Refresh, going: Pass, lower: float, upper: float | None, integration_id: str | None
    ) -> bool:
        """Read one slice into the ledger; whether it was cut."""
        cut = False
        pages = self._client.job_pages(
            refresh, kind=self._kind, created_gte=lower, created_lte=upper, integration_id=integration_id
        )
        for number, page in enumerate(pages):
            self._settle_until(refresh, going)
            if number == 0 and page.rejected and not page.rows:
                raise UnexpectedShape(Endpoint.JOBS.value, status=200, detail="no row could be read")
            cut = cut or page.cut
            self.shown.update(row.id for row in page.rows)
            unplaced = self._ledger.observe(page.rows, self._kind, self._client.server_now(), lower)
            if unplaced:
                refresh.rejected["bad_instant"] += unplaced
        return cut
