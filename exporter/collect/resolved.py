"""Errors that were resolved, by a user or automatically, from the statistics of runs (contract 3.9).

The statistics tell sums over a window, for each flow that ran in it. So one window is held open for a day: it begins
where the counting begins, every reading asks for all of it up to now, and what exceeds the reading before is counted.
After a day the window ends at an instant, and the next begins there. Errors of a flow that were resolved while it did
not run are counted as soon as it runs within the same window, and never when it does not.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, Self

from exporter.api.endpoints import Endpoint
from exporter.api.errors import UnexpectedShape
from exporter.api.listing import Listing
from exporter.api.models import RunStats
from exporter.api.refresh import Refresh
from exporter.collect.attempts import REFUSALS
from exporter.collect.departed import Departed
from exporter.collect.known import Known
from exporter.ledger.tally import STANDALONE

READ_SECONDS = 300.0
"""How often the statistics are read."""

_EARLY_SHARE = 0.05
_WINDOW_SECONDS = 86_400.0
_REACH_SECONDS = 29 * 86_400.0
"""No window begins longer ago: it has to lie inside the retention, 30 days by default."""
_FIRST_SECONDS = 60.0
"""What the very first reading asks for; it proves that the statistics are served, and its numbers are history."""


class ResolvedClient(Protocol):
    """The calls of the client that the counting needs."""

    def run_stats(self, refresh: Refresh, *, since: float, until: float) -> Listing[RunStats]:
        """Contract 3.9."""
        ...

    def server_now(self) -> float:
        """Unix seconds by the server."""
        ...


class Resolved(NamedTuple):
    """Numbers of errors resolved, by whom; its fields are the closed enumeration of `by`."""

    user: int = 0
    auto: int = 0

    def at_least(self, user: int | None, auto: int | None) -> "Resolved":
        """The larger of each number; one that is not told changes nothing."""
        return Resolved(max(self.user, user or 0), max(self.auto, auto or 0))

    def grown(self, before: "Resolved", after: "Resolved") -> "Resolved":
        """These numbers and what came on top between two readings."""
        return Resolved(self.user + after.user - before.user, self.auto + after.auto - before.auto)


@dataclass(frozen=True, slots=True)
class ResolvedCounts:
    """What has been counted up to one instant; replaced as a whole by the next reading.

    `anchor` is where the open window begins, Unix seconds by the server's clock. `totals` are the counters by
    integration, the open window included. `newest` is what they include of it, by flow; flows without any are missing.
    """

    anchor: float
    totals: Mapping[str, Resolved] = field(default_factory=dict)
    newest: Mapping[str, Resolved] = field(default_factory=dict)

    def counted(self, rows: Iterable[RunStats], homes: Mapping[str, str]) -> Self:
        """With what `rows`, read of the window up to now, tell on top of the reading before.

        A flow belongs to the integration its row names, else to that of the inventory (`homes`), else to `none`.
        """
        totals, newest = dict(self.totals), dict(self.newest)
        for row in rows:
            before = newest.get(row.flow_id, Resolved())
            after = before.at_least(row.resolved_by_user, row.resolved_by_auto)
            if after != before:
                home = row.integration_id or homes.get(row.flow_id, STANDALONE)
                totals[home] = totals.get(home, Resolved()).grown(before, after)
                newest[row.flow_id] = after
        return replace(self, totals=totals, newest=newest)

    def closed(self, at: float) -> Self:
        """The same counters, and a new window from `at` on."""
        return replace(self, anchor=at, newest={})

    def without(self, integrations: Iterable[str]) -> Self:
        """Without the counters of integrations that are gone."""
        gone = frozenset(integrations)
        return replace(self, totals={name: row for name, row in self.totals.items() if name not in gone})


Load = Callable[[], ResolvedCounts | None]
"""What was saved last; None when nothing ever was."""

Save = Callable[[ResolvedCounts], None]
"""Keeps the counts for the next start; raises nothing."""


@dataclass(frozen=True, slots=True)
class ResolvedView:
    """Resolved errors of each known integration since the counting began."""

    integrations: Mapping[str, Resolved]


class ResolvedErrors:
    """Counts resolved errors of one account; used by one thread.

    `lasting` is how old a reading may get before it has to be repeated at the latest, in seconds.
    """

    def __init__(self, client: ResolvedClient, lasting: float, load: Load, save: Save) -> None:
        self._client = client
        self._pace = (1 - _EARLY_SHARE) * min(READ_SECONDS, lasting)
        self._load = load
        self._save = save
        self._counts: ResolvedCounts | None = None
        self._departed = Departed()
        self._asked_at: float | None = None
        self._read_at: float | None = None

    @property
    def read_at(self) -> float | None:
        """Monotonic instant of the newest reading; None before the first."""
        return self._read_at

    def read(self, refresh: Refresh, known: Known) -> None:
        """Read the open window when it is time to.

        Raises ApiError; a refusal (403, 404) as a partial one, since it says nothing about the other calls of a run.
        """
        now = refresh.clock.monotonic()
        if self._asked_at is not None and now - self._asked_at < self._pace:
            return
        self._asked_at = now
        held = self._counts or self._load()
        try:
            counts = self._after(held, refresh, known)
        except REFUSALS as refusal:
            raise refusal.among_successes() from None
        self._counts = self._without_gone(counts, known, now)
        self._read_at = now
        if self._counts != held:
            self._save(self._counts)

    def view(self, known: Known) -> ResolvedView:
        """What was counted of the integrations that exist."""
        totals = self._counts.totals if self._counts is not None else {}
        return ResolvedView({name: totals.get(name, Resolved()) for name in sorted(known.integrations)})

    def _after(self, held: ResolvedCounts | None, refresh: Refresh, known: Known) -> ResolvedCounts:
        """The counts after one more reading, up to the server's present."""
        until = math.floor(self._client.server_now() * 1000) / 1000
        if held is None or held.anchor >= until:
            # Where there is no window yet, or its begin lies ahead because a clock was wrong, one begins here.
            self._rows(refresh, until - _FIRST_SECONDS, until)
            return ResolvedCounts(until) if held is None else held.closed(until)
        rows = self._rows(refresh, max(held.anchor, until - _REACH_SECONDS), until)
        counts = held.counted(rows, known.flows)
        return counts.closed(until) if until - held.anchor >= _WINDOW_SECONDS else counts

    def _rows(self, refresh: Refresh, since: float, until: float) -> tuple[RunStats, ...]:
        rows = self._client.run_stats(refresh, since=since, until=until).required(Endpoint.RUN_STATS).rows
        if rows and all(row.resolved_by_user is None and row.resolved_by_auto is None for row in rows):
            name, method = Endpoint.RUN_STATS.value, Endpoint.RUN_STATS.method
            raise UnexpectedShape(name, method=method, status=200, detail="no row tells resolved errors")
        return rows

    def _without_gone(self, counts: ResolvedCounts, known: Known, now: float) -> ResolvedCounts:
        if not known.complete:
            return counts
        missing = counts.totals.keys() - known.integrations
        return counts.without(missing - self._departed.note(missing, now))
