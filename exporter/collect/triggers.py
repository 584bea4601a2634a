"""What starts a flow, from its own row and the exports it begins with (contract 2, 3.4, 3.12)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from exporter.collect.steps import StepFacts

Trigger = Literal["scheduled", "listener", "chained", "on_demand"]

_LISTENING_TYPES = frozenset({"webhook", "distributed"})
_LISTENING_ADAPTORS = frozenset({"WebhookExport", "AS2Export"})


def listens(export: StepFacts) -> bool:
    """Whether the other side sends to this export instead of being asked.

    `webhook` is called by the sender. `distributed` is what NetSuite and Salesforce run on their side: they send each
    record when it is saved. An AS2 partner sends its files to a station; the protocol has no way to fetch them, so an
    `AS2Export` listens whatever its type says. `stream` is in the contract's list without a word on who begins, so it
    is no listener.
    """
    return export.export_type in _LISTENING_TYPES or export.adaptor_type in _LISTENING_ADAPTORS


def trigger_of(*, scheduled: bool, exports: Iterable[StepFacts | None], chained: bool) -> Trigger:
    """The first that fits of schedule, listener and chain; `exports` are those it begins with, None if not known.

    As long as exports were never read a listener cannot be told from the others: it is `on_demand`, or `chained`.
    """
    if scheduled:
        return "scheduled"
    if any(export is not None and listens(export) for export in exports):
        return "listener"
    return "chained" if chained else "on_demand"


def delta_flows(generators: Mapping[str, Collection[str]], exports: Mapping[str, StepFacts]) -> frozenset[str]:
    """Flows whose first export reads only what changed; `generators` are the exports each flow begins with."""
    first = {flow_id: next(iter(ids), "") for flow_id, ids in generators.items()}
    return frozenset(flow_id for flow_id, export_id in first.items() if _is_delta(exports.get(export_id)))


def _is_delta(export: StepFacts | None) -> bool:
    return export is not None and export.export_type == "delta"
