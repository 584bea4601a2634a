"""Which flows and integrations exist, as far as the jobs and errors collectors need it.

Read through the client's cache, which the inventory collector shares, so that it costs nothing most of the time and
works with the inventory collector switched off.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from exporter.api.listing import Listing
from exporter.api.models import Flow, Integration
from exporter.api.refresh import Refresh
from exporter.changes import kept
from exporter.collect.derived import Derived
from exporter.ledger.tally import STANDALONE


class InventoryClient(Protocol):
    """The listing calls of the client."""

    def integrations(self, refresh: Refresh) -> Listing[Integration]:
        """Contract 3.2."""
        ...

    def flows(self, refresh: Refresh) -> Listing[Flow]:
        """Contract 3.4."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """The integration of each flow, and all integrations, `none` among them when there are flows outside any.

    `complete` is false when more may exist than was listed. `at` is the monotonic instant it was true at. `homeless`
    are flows that exist, though nothing but their id could ever be read. `names` are those of `flows`, by id.
    """

    flows: Mapping[str, str]
    integrations: frozenset[str]
    complete: bool
    at: float
    homeless: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, flow_id: str) -> bool:
        """Whether the flow exists."""
        return flow_id in self.flows or flow_id in self.homeless


class KnownObjects:
    """The newest answer, kept over failures; used by one thread."""

    def __init__(self, client: InventoryClient) -> None:
        self._client = client
        self._latest: Known | None = None
        self._listings: _Listings | None = None
        self._ever: frozenset[str] = frozenset()
        self._homes: Derived[Flow, str] = Derived(_home)
        self._names: Derived[Flow, str] = Derived(_name)

    @property
    def latest(self) -> Known | None:
        """What was read last; None before the first success."""
        return self._latest

    @property
    def integrations_ever(self) -> frozenset[str]:
        """Every integration that was in any answer."""
        return self._ever

    def read(self, refresh: Refresh) -> Known:
        """Read both listings; raises ApiError. What an incomplete one leaves out is taken from the answer before."""
        listings = self._client.flows(refresh), self._client.integrations(refresh)
        if self._latest is None or self._listings is None or not _tell_the_same(listings, self._listings):
            told = self._homes.of(listings[0].rows), self._names.of(listings[0].rows)
            self._latest = known(*listings, self._latest, told)
            self._ever |= self._latest.integrations
        elif not all(map(operator.is_, listings, self._listings)):
            self._latest = replace(self._latest, at=_told_at(*listings))
        self._listings = listings
        return self._latest


_Listings = tuple[Listing[Flow], Listing[Integration]]


def _tell_the_same(now: _Listings, before: _Listings) -> bool:
    """Whether later listings have the very rows of those before; the client hands them out while they are equal."""
    return [_told(each) for each in now] == [_told(each) for each in before]


def _told(listing: Listing[Flow] | Listing[Integration]) -> tuple[object, ...]:
    return listing.complete, listing.unread, id(listing.rows)


def _told_at(flows: Listing[Flow], integrations: Listing[Integration]) -> float:
    return min(flows.fetched_at, integrations.fetched_at)


def _home(flow: Flow) -> str:
    return flow.integration_id or STANDALONE


def _name(flow: Flow) -> str:
    return flow.name or flow.id


_Told = tuple[Mapping[str, str], Mapping[str, str]]


def known(
    flows: Listing[Flow], integrations: Listing[Integration], before: Known | None, told: _Told | None = None
) -> Known:
    """Put two listings together; `flows` and `names` are those of `before` while they hold the same.

    `told` are the homes and the names that the rows of `flows` tell, where they are known.
    """
    homes, names = told or ({row.id: _home(row) for row in flows.rows}, {row.id: _name(row) for row in flows.rows})
    ids = {row.id for row in integrations.rows} | integrations.unread
    if before is not None:
        if not flows.whole:
            homes = {**{name: home for name, home in before.flows.items() if flows.may_hold(name)}, **homes}
            names = {**{name: before.names.get(name, name) for name in homes if name not in names}, **names}
        homes, names = kept(before.flows, homes), kept(before.names, names)
        ids |= {name for name in before.integrations - {STANDALONE} if integrations.may_hold(name)}
    if STANDALONE in homes.values():
        ids.add(STANDALONE)
    complete = flows.complete and integrations.complete
    at, homeless = _told_at(flows, integrations), flows.unread - homes.keys()
    return Known(homes, frozenset(ids), complete, at, homeless, names)
