"""The errors collector: open errors by flow, integration and step, and what they are like.

One roll-up per integration covers every flow; what lies below is read only where a roll-up changed. The roll-ups are
published before the slower reading begins.
"""

from typing import Protocol

from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.base import Publish
from exporter.collect.drilldown import DrillDown, DrillDownClient
from exporter.collect.known import InventoryClient, Known, KnownObjects
from exporter.collect.open_errors import OpenErrorsView, Readings, open_errors_view
from exporter.collect.rollup import RollUpClient, RollUps
from exporter.collect.steps import StepNames, StepsClient
from exporter.config.settings import ErrorsSettings


class ErrorsClient(InventoryClient, RollUpClient, DrillDownClient, StepsClient, Protocol):
    """The calls of the client that the errors collector makes."""


class ErrorsCollector:
    """Reads the open errors of one account; used by one thread at a time."""

    name = "errors"

    def __init__(self, client: ErrorsClient, settings: ErrorsSettings) -> None:
        self.settings = settings
        self._known = KnownObjects(client)
        self._rollups = RollUps(client)
        self._drilldown = DrillDown(client, settings)
        self._names = StepNames(client)

    def collect(self, refresh: Refresh, publish: Publish) -> None:
        """Read and publish `open_errors`; raises the first ApiError that matters."""
        attempts = Attempts(refresh)
        with attempts.step(proof=False):
            self._known.read(refresh)
        known = self._known.latest
        if known is not None and not attempts.over:
            self._read(refresh, publish, known, attempts)
        attempts.finish(things_may_go=True)

    def _read(self, refresh: Refresh, publish: Publish, known: Known, attempts: Attempts) -> None:
        before = self._rollups.newest
        self._rollups.read(refresh, known, attempts)
        at = known.at if not known.flows else self._rollups.newest
        if at is None or (known.flows and at == before):
            return
        publish("open_errors", self._view(refresh, known), at)
        counts, _ = self._rollups.fresh(self._oldest_kept(refresh))
        self._drilldown.read(refresh, counts, attempts)
        shown = self._drilldown.steps().keys() | self._drilldown.cleared(refresh.clock.monotonic())
        if not attempts.over:
            with attempts.step(proof=False):
                self._names.read(refresh, {step_id for _, step_id in shown})
        publish("open_errors", self._view(refresh, known), at)

    def _view(self, refresh: Refresh, known: Known) -> OpenErrorsView:
        oldest = self._oldest_kept(refresh)
        counts, fresh = self._rollups.fresh(oldest)
        readings = Readings(
            known=known,
            counts=counts,
            fresh=fresh,
            steps={key: row for key, row in self._drilldown.steps().items() if counts.get(key[0])},
            cleared=self._drilldown.cleared(refresh.clock.monotonic()),
            outdated_flows=self._drilldown.outdated_flows(oldest),
            outdated_steps=self._drilldown.outdated_steps(oldest),
            facts=self._names.facts,
        )
        return open_errors_view(readings, self.settings.codes)

    def _oldest_kept(self, refresh: Refresh) -> float:
        """Readings from before that monotonic instant are stale before the next run of this collector ends."""
        return refresh.clock.monotonic() - self.settings.lasting_seconds
