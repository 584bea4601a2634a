"""Which families and series of an account are shown: by profile, and by the filters over its inventory.

Filters choose what is shown and change no number: what is told of an integration is about all of its flows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.collect.inventory import STANDALONE_NAME, FlowFacts, InventoryView
from exporter.config.patterns import compiled, matches
from exporter.config.settings import PROFILES, Filters, Profile
from exporter.expose.families import Family, Series, Tier
from exporter.ledger.tally import STANDALONE


def in_profile(tier: Tier, profile: Profile) -> bool:
    """Whether the profile has what belongs to the tier."""
    return PROFILES.index(tier) <= PROFILES.index(profile)


_NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of an account is exported: a profile, filters, and how many series at most (None: any number)."""

    profile: Profile = "full"
    filters: Filters = _NO_FILTERS
    series: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Ids of what has series; `integrations` None means all of them. `steps` are those of the flows."""

    flows: frozenset[str] = frozenset()
    integrations: frozenset[str] | None = frozenset()
    steps: frozenset[str] = frozenset()

    def has_integration(self, integration_id: str) -> bool:
        """Whether the integration has series."""
        return self.integrations is None or integration_id in self.integrations

    def family(self, family: Family) -> Family:
        """The family with those of its series that are shown."""
        labels = family.metric.labels
        series = family.series
        if "flow_id" in labels:
            series = _only(series, labels.index("flow_id"), self.flows)
        elif "step_id" in labels:
            series = _only(series, labels.index("step_id"), self.steps)
        if "integration_id" in labels and self.integrations is not None:
            series = _only(series, labels.index("integration_id"), self.integrations)
        return family if series is family.series else Family(family.metric, series)


NOTHING = Shown()
"""What is shown while the inventory is not known."""


def _only(series: Series, place: int, ids: frozenset[str]) -> Series:
    return {key: value for key, value in series.items() if key[place] in ids}


class Selector:
    """Applies filters to an inventory; used by one thread at a time. Only names that are new are matched."""

    def __init__(self, filters: Filters) -> None:
        self._wanted = frozenset(filters.integrations)
        self._include = [compiled(text) for text in filters.flows.include]
        self._exclude = [compiled(text) for text in filters.flows.exclude]
        self._enabled_only = filters.enabled_only
        self._names: Mapping[str, bool] = {}

    def shown(self, view: InventoryView) -> Shown:
        """What of the inventory is shown."""
        integrations = self._integrations(view.integrations) if self._wanted else None
        self._names = {flow.name: self._matched(flow.name) for flow in view.flows.values()}
        flows = [flow for flow in view.flows.values() if self._has(flow, integrations)]
        steps = frozenset(step_id for flow in flows for step_id in flow.step_ids)
        return Shown(frozenset(flow.id for flow in flows), integrations, steps)

    def _integrations(self, names: Mapping[str, str]) -> frozenset[str]:
        """Those wanted by name, and everything that is wanted taken for an id."""
        by_name = {key for key, name in {**names, STANDALONE: STANDALONE_NAME}.items() if name in self._wanted}
        return self._wanted | by_name

    def _matched(self, name: str) -> bool:
        known = self._names.get(name)
        return _any(self._include, name) and not _any(self._exclude, name) if known is None else known

    def _has(self, flow: FlowFacts, integrations: frozenset[str] | None) -> bool:
        home = integrations is None or flow.integration_id in integrations
        return home and self._names[flow.name] and (flow.enabled or not self._enabled_only)


def _any(patterns: Iterable[re.Pattern[str]], name: str) -> bool:
    return any(matches(pattern, name) for pattern in patterns)
