"""The errors collector: open errors by flow, integration and step, and what they are like.

One roll-up per integration covers every flow; what lies below is read only where a roll-up changed. The roll-ups are
published before the slower reading begins. Resolved errors come from another call and are a part of their own: neither
makes the other one stale.
"""

from collections.abc import Mapping
from typing import Protocol, Self

from exporter.api.refresh import Refresh
from exporter.changes import kept
from exporter.collect.attempts import Attempts
from exporter.collect.base import Publish
from exporter.collect.drilldown import DrillDown, DrillDownClient
from exporter.collect.errors_image import ErrorsImage
from exporter.collect.known import InventoryClient, Known, KnownObjects
from exporter.collect.lasting_view import LastingView
from exporter.collect.open_errors import OpenErrorsView, Readings
from exporter.collect.resolved import Load, ResolvedClient, ResolvedCounts, ResolvedErrors, Save
from exporter.collect.rollup import OpenCount, RollUpClient, RollUps
from exporter.collect.scope import FilteredScope
from exporter.config.settings import ErrorsSettings, Filters

_NO_FILTERS = Filters()


class ErrorsClient(InventoryClient, RollUpClient, DrillDownClient, ResolvedClient, Protocol):
    """The calls of the client that the errors collector makes."""


def _nothing_saved() -> ResolvedCounts | None:
    return None


def _save_nowhere(counts: ResolvedCounts) -> None:
    del counts


class ErrorsCollector:
    """Reads the open errors of one account, and with `resolved` the resolved ones; used by one thread at a time.

    With `filters`, roll-ups are asked only for integrations that are shown, and what lies below only for such flows.
    `load` and `save` keep what was counted of resolved errors over a restart; without them it starts anew.
    """

    name = "errors"

    def __init__(
        self,
        client: ErrorsClient,
        settings: ErrorsSettings,
        filters: Filters = _NO_FILTERS,
        *,
        resolved: bool = False,
        load: Load = _nothing_saved,
        save: Save = _save_nowhere,
    ) -> None:
        self.settings = settings
        self._client = client
        self._scope = FilteredScope(client, filters, settings.lasting_seconds) if filters.active else None
        self._known = KnownObjects(client)
        self._rollups = RollUps(client)
        self._drilldown = DrillDown(client, settings)
        self._lasting = LastingView(settings.codes)
        self._shown: Mapping[str, OpenCount] = {}
        self._resolved = ResolvedErrors(client, settings.lasting_seconds, load, save) if resolved else None

    def go_on(self, before: Self) -> None:
        """Begin with what another collector of the same account knows, so that nothing is asked for again."""
        self._rollups.go_on(before._rollups)
        self._drilldown.go_on(before._drilldown)

    def image(self) -> ErrorsImage:
        """What the collector of another replica goes on with."""
        served, steps = self._drilldown.known()
        return ErrorsImage(self._rollups.known(), served, tuple(steps.items()))

    def restore(self, image: ErrorsImage) -> None:
        """Begin with what the collector of another replica knew."""
        self._rollups.restore(image.counts)
        self._drilldown.restore(image.served, dict(image.steps))

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read and publish `open_errors` and `resolved_errors`; raises the first ApiError that matters."""
        attempts = Attempts(refresh)
        with attempts.step(proof=False):
            self._known.read(refresh)
            if self._scope is not None:
                self._scope.read(refresh)
        known = self._known.latest
        if known is not None and not attempts.over:
            at = self._read_totals(refresh, known, attempts)
            totals: OpenErrorsView | None = None
            if at is not None:
                totals = self._view(refresh, known)
                publish("open_errors", totals, at)
            # The slowest part comes last, or it could use up the time of the others run after run.
            self._read_resolved(refresh, publish, known, attempts)
            if at is not None:
                self._read_details(refresh, attempts)
                if (whole := self._view(refresh, known)) != totals:
                    publish("open_errors", whole, at)
        attempts.finish(things_may_go=True)

    def _read_totals(self, refresh: Refresh, known: Known, attempts: Attempts) -> float | None:
        """The monotonic instant of the newest roll-up; None when no roll-up could be read now."""
        before = self._rollups.newest
        shown = None if self._scope is None else self._scope.shown
        self._rollups.read(refresh, known, attempts, shown)
        if not known.flows:
            return known.at
        return self._rollups.newest if self._rollups.newest != before else None

    def _read_resolved(self, refresh: Refresh, publish: Publish, known: Known, attempts: Attempts) -> None:
        if self._resolved is None:
            return
        if not attempts.out_of_reach:
            with attempts.step(proof=False):
                self._resolved.read(refresh, known)
        if self._resolved.read_at is not None:
            publish("resolved_errors", self._resolved.view(known), self._resolved.read_at)

    def _read_details(self, refresh: Refresh, attempts: Attempts) -> None:
        counts, _ = self._rollups.fresh(self._oldest_kept(refresh))
        if self._scope is not None:
            flows = self._scope.shown.flows
            counts = self._shown = kept(self._shown, {name: row for name, row in counts.items() if name in flows})
        self._drilldown.read(refresh, counts, attempts)

    def _view(self, refresh: Refresh, known: Known) -> OpenErrorsView:
        oldest = self._oldest_kept(refresh)
        counts, fresh = self._rollups.fresh(oldest)
        readings = Readings(
            known=known,
            counts=counts,
            fresh=fresh,
            now=self._client.server_now(),
            steps=self._drilldown.steps(counts),
            cleared=self._drilldown.cleared(refresh.clock.monotonic()),
            outdated_flows=self._drilldown.outdated_flows(oldest),
            outdated_steps=self._drilldown.outdated_steps(oldest),
        )
        return self._lasting.of(readings)

    def _oldest_kept(self, refresh: Refresh) -> float:
        """Readings from before that monotonic instant are stale before the next run of this collector ends."""
        return refresh.clock.monotonic() - self.settings.lasting_seconds
