"""Up to when the delta exports have read, one call for each flow, in turn (contract 3.14).

celigo_flow_last_export_timestamp_seconds{flow_id="64b2"} 1788080400
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from exporter.api.endpoints import is_id
from exporter.api.errors import NotFound
from exporter.api.models import Instant
from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.base import Block, Each, Facts, no_families
from exporter.collect.turns import Turns
from exporter.expose import catalogue
from exporter.expose.families import Family, known_series


class LastExportsClient(Protocol):
    """The call of the client that tells the position of a delta export."""

    def last_export(self, refresh: Refresh, flow_id: str) -> Instant | None:
        """Contract 3.14; None or NotFound for a flow without one."""
        ...


@dataclass(frozen=True, slots=True)
class LastExportsView:
    """Unix seconds by flow id. They are instants: one that was asked for long ago is as true as it was."""

    flows: Mapping[str, float] = field(default_factory=dict)


class LastExports:
    """What was told, as long as the flow is a delta flow; used by one thread. `per_run` flows are asked in one run."""

    def __init__(self, client: LastExportsClient, per_run: int) -> None:
        self._client = client
        self._per_run = per_run
        self._turns: Turns[str] = Turns()
        self._told: dict[str, float] = {}

    def go_on(self, before: Self) -> None:
        """Know what another one was told."""
        self.restore(before._told)

    def restore(self, told: Mapping[str, float]) -> None:
        """Begin with the positions by flow."""
        self._told = dict(told)

    @property
    def view(self) -> LastExportsView:
        """What is known now."""
        return LastExportsView(dict(self._told))

    def read(self, refresh: Refresh, flow_ids: Collection[str], attempts: Attempts) -> None:
        """Ask for those among the delta flows `flow_ids` whose turn it is, each as a step of `attempts`."""
        self._told = {flow_id: at for flow_id, at in self._told.items() if flow_id in flow_ids}
        self._turns.want(filter(is_id, flow_ids), refresh.clock.monotonic())
        attempts.patient()
        for flow_id in self._turns.first(self._per_run):
            if attempts.hopeless:
                break
            self._turns.to_the_end(flow_id)
            with attempts.step(proof=False):
                self._ask(refresh, flow_id)

    def _ask(self, refresh: Refresh, flow_id: str) -> None:
        try:
            at = self._client.last_export(refresh, flow_id)
        except NotFound:
            at = None
        if at is None:
            self._told.pop(flow_id, None)
        else:
            self._told[flow_id] = float(at)


def _facts(views: Mapping[str, Any]) -> Facts:
    view: LastExportsView = views["last_exports"]
    return Facts((view.flows,))


def _row(known: tuple[float], _: None) -> tuple[float]:
    return known


def last_exports_families(rows: Mapping[str, tuple[float]]) -> Iterator[Family]:
    """The family of the `last_exports` view (metric catalogue, section 2)."""
    yield Family(
        catalogue.FLOW_LAST_EXPORT_TIMESTAMP_SECONDS, known_series({flow_id: at for flow_id, (at,) in rows.items()})
    )


LAST_EXPORTS_BLOCK = Block(
    "last_exports",
    "inventory",
    ("last_exports",),
    no_families,
    "full",
    (Each("flow_id", _facts, _row, last_exports_families),),
)
