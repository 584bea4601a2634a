"""Open errors of every flow, from one roll-up per integration (contract 3.3).

A flow that vanishes from a complete roll-up has no open errors any more. An integration whose roll-up fails keeps its
numbers until they are stale; the others are not touched by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from exporter.api.endpoints import Endpoint, is_id
from exporter.api.listing import Listing
from exporter.api.models import FlowErrorCount
from exporter.api.refresh import Refresh
from exporter.changes import altered, kept
from exporter.collect.attempts import Attempts
from exporter.collect.known import Known
from exporter.collect.turns import Turns
from exporter.expose.selection import Shown

_NEVER = float("-inf")


class RollUpClient(Protocol):
    """The roll-up call of the client."""

    def integration_errors(self, refresh: Refresh, integration_id: str) -> Listing[FlowErrorCount]:
        """Contract 3.3; `none` for the flows outside any integration."""
        ...


@dataclass(frozen=True, slots=True)
class OpenCount:
    """Open errors of a flow by the roll-up of this integration, and when the last one occurred as far as ever told."""

    open_errors: int
    last_error_at: float | None
    integration_id: str


class RollUps:
    """The newest roll-up of each integration; used by one thread."""

    def __init__(self, client: RollUpClient) -> None:
        self._client = client
        self._counts: dict[str, OpenCount] = {}
        self._claimed: dict[str, set[str]] = {}
        self._read_at: dict[str, float] = {}
        self._turns: Turns[str] = Turns()
        self._untold_since: dict[str, float] = {}
        self._strangers: dict[str, float] = {}
        self._followed: Known | None = None
        self._homes: Mapping[str, str] = {}
        self._flows: Mapping[str, set[str]] = {}
        self._told: Mapping[str, OpenCount] = {}
        self._told_of: tuple[frozenset[str], frozenset[str]] | None = None
        self._touched: dict[str, None] = {}

    def go_on(self, before: Self) -> None:
        """Know when an error last occurred as another one does; how many are open has to be asked first."""
        self.restore(before.known())

    def known(self) -> Mapping[str, OpenCount]:
        """What was told last of every flow, however long ago."""
        return dict(self._counts)

    def restore(self, counts: Mapping[str, OpenCount]) -> None:
        """Begin with what `known` told; see `go_on`."""
        self._counts = dict(counts)
        self._claimed = _by_value({flow_id: row.integration_id for flow_id, row in self._counts.items()})
        self._followed, self._told_of, self._touched = None, None, {}

    @property
    def newest(self) -> float | None:
        """Monotonic instant of the newest roll-up."""
        return max(self._read_at.values(), default=None)

    def read(self, refresh: Refresh, known: Known, attempts: Attempts, shown: Shown | None = None) -> None:
        """Ask for each integration with flows, the longest unasked first; for those that are not `shown` never."""
        self._forget_deleted(known)
        flows = self._flows
        wanted = {name for name in flows if name in known.integrations and is_id(name)}
        if shown is not None:
            wanted = {name for name in wanted if shown.has_integration(name)}
        self._read_at = {name: at for name, at in self._read_at.items() if name in wanted}
        self._turns.want(wanted, refresh.clock.monotonic())
        for integration_id in self._turns.first():
            if attempts.hopeless:
                break
            self._turns.to_the_end(integration_id)
            with attempts.step():
                self._read_one(refresh, integration_id, known, flows.get(integration_id, set()))

    def fresh(self, oldest: float) -> tuple[Mapping[str, OpenCount], frozenset[str]]:
        """Counts by flow, and the integrations they are from, told at monotonic instant `oldest` or later.

        The same mapping again while it holds the same; it is not changed afterwards.
        """
        fresh = frozenset([name for name, at in self._read_at.items() if at >= oldest])
        untold = frozenset([flow_id for flow_id, since in self._untold_since.items() if since < oldest])
        same = self._told_of == (fresh, untold)
        if same and not untold and self._claimed.keys() <= fresh:  # all are told, which is so nearly always
            self._told = altered(self._told, {flow_id: self._counts.get(flow_id) for flow_id in self._touched})
        elif self._touched or not same:
            self._told = kept(self._told, self._told_by(fresh, untold))
        self._told_of, self._touched = (fresh, untold), {}
        return self._told, fresh

    def _told_by(self, fresh: frozenset[str], untold: frozenset[str]) -> Mapping[str, OpenCount]:
        counts = {flow_id: row for flow_id, row in self._counts.items() if row.integration_id in fresh}
        return {flow_id: row for flow_id, row in counts.items() if flow_id not in untold}

    def _read_one(self, refresh: Refresh, integration_id: str, known: Known, flows: set[str]) -> None:
        listing = self._client.integration_errors(refresh, integration_id).required(Endpoint.INTEGRATION_ERRORS)
        listed = {row.flow_id: row for row in self._not_deleted(listing, known)}
        for flow_id, row in listed.items():
            self._set(flow_id, row.open_errors, row.last_error_at, integration_id)
        for flow_id in self._vanished(integration_id, flows, listed):
            if not listing.may_hold(flow_id):
                self._set(flow_id, 0, None, integration_id)
        told_before = self._read_at.get(integration_id, listing.fetched_at)
        for flow_id in listing.unread - listed.keys():
            self._untold_since.setdefault(flow_id, told_before)
        self._read_at[integration_id] = listing.fetched_at

    def _set(self, flow_id: str, open_errors: int, last_error_at: float | None, integration_id: str) -> None:
        held = self._counts.get(flow_id)
        if last_error_at is None and held is not None:
            last_error_at = held.last_error_at
        if self._untold_since:
            self._untold_since.pop(flow_id, None)
        if held is not None:
            # Field by field: most rows tell what is known, and an object for each would be made to be thrown away.
            same = held.open_errors == open_errors and held.last_error_at == last_error_at
            if same and held.integration_id == integration_id:
                return
            self._claimed[held.integration_id].discard(flow_id)
        last = None if last_error_at is None else float(last_error_at)
        self._counts[flow_id] = OpenCount(open_errors, last, integration_id)
        self._claimed.setdefault(integration_id, set()).add(flow_id)
        self._touched[flow_id] = None

    def _vanished(self, integration_id: str, flows: set[str], listed: Mapping[str, object]) -> list[str]:
        """Flows of the integration that its roll-up does not list; one that another roll-up claimed has moved there."""
        unlisted = self._claimed.get(integration_id, set()).difference(listed)
        unlisted |= flows.difference(self._counts).difference(listed)
        return sorted(unlisted)

    def _not_deleted(self, listing: Listing[FlowErrorCount], known: Known) -> Iterator[FlowErrorCount]:
        """Rows of flows that exist.

        A flow the inventory does not list is either newer than the inventory or deleted; a later complete inventory
        without it settles that.
        """
        flows = known.flows
        for row in listing.rows:
            if row.flow_id not in flows and row.flow_id not in known:
                seen_at = self._strangers.setdefault(row.flow_id, listing.fetched_at)
                if known.complete and known.at > seen_at:
                    continue
            yield row

    def _forget_deleted(self, known: Known) -> None:
        if known is not self._followed:
            self._follow(known)
        self._claimed = {name: flows for name, flows in self._claimed.items() if flows}
        self._untold_since = {name: since for name, since in self._untold_since.items() if name in self._counts}

    def _follow(self, known: Known) -> None:
        """Take over another inventory: one that was taken over settles nothing more of what is told after it."""
        if known.complete:
            for flow_id in self._homes.keys() - known.flows.keys():
                self._strangers[flow_id] = _NEVER
            for flow_id in self._counts.keys() - known.flows.keys():
                if flow_id not in known and known.at > self._strangers.get(flow_id, _NEVER):
                    self._claimed[self._counts.pop(flow_id).integration_id].discard(flow_id)
                    self._touched[flow_id] = None
        self._strangers = {name: at for name, at in self._strangers.items() if name not in known.flows}
        if known.flows is not self._homes:
            self._homes, self._flows = known.flows, _by_value(known.flows)
        self._followed = known


def _by_value(homes: Mapping[str, str]) -> dict[str, set[str]]:
    flows: dict[str, set[str]] = {}
    for flow_id, home in homes.items():
        flows.setdefault(home, set()).add(flow_id)
    return flows
