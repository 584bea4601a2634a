"""What the errors collector asks about when filters are set: calls for what is not shown are saved.

The listings come from the client's cache, which the inventory collector shares.
"""

from exporter.api.models import Flow, Integration
from exporter.api.refresh import Refresh
from exporter.collect.derived import Derived
from exporter.collect.inventory import FlowFacts, flow_facts, inventory_view, name_of
from exporter.collect.kept import Kept
from exporter.collect.known import InventoryClient
from exporter.config.settings import Filters
from exporter.expose.selection import NOTHING, Selector, Shown


class FilteredScope:
    """What is shown by the newest listings; used by one thread. `lasting` is how long what cannot be read stays."""

    def __init__(self, client: InventoryClient, filters: Filters, lasting: float) -> None:
        self._client = client
        self._selector = Selector(filters)
        self._integration_names: Derived[Integration, str] = Derived(name_of)
        self._flow_facts: Derived[Flow, FlowFacts] = Derived(flow_facts)
        self._names: Kept[str] = Kept(lasting)
        self._facts: Kept[FlowFacts] = Kept(lasting)
        self.shown: Shown = NOTHING

    def read(self, refresh: Refresh) -> None:
        """Choose anew; raises ApiError, keeping what was chosen before."""
        integrations, flows = self._client.integrations(refresh), self._client.flows(refresh)
        names = self._names.merge(integrations, self._integration_names.of(integrations.rows))
        facts = self._facts.merge(flows, self._flow_facts.of(flows.rows))
        self.shown = self._selector.shown(inventory_view(names, facts))
