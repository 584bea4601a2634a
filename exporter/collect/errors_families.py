"""Families made from open errors (metric catalogue, section 5).

    celigo_flow_open_errors{flow_id="64b2"} 17
    celigo_integration_open_errors{integration_id="63a1"} 137
    celigo_step_open_errors{flow_id="64b2",step_id="64c3"} 15
    celigo_integration_open_errors_by_classification{classification="value",integration_id="63a1"} 12
    celigo_open_errors_by_code{code="422"} 9
    celigo_integration_open_errors_by_age{integration_id="63a1",older_than="24h"} 40
    celigo_integration_open_errors_unassigned{integration_id="63a1"} 118
    celigo_integration_open_errors_expiring{integration_id="63a1"} 2
    celigo_integration_errors_resolved_total{by="user",integration_id="63a1"} 12
    celigo_open_errors_sampled_ratio 0.93

A known zero is 0; where no record was read the breakdowns are absent, and the sampled ratio says how much they cover.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from exporter.collect.ageing import AGES
from exporter.collect.base import Block, Each
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.resolved import Resolved, ResolvedView
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.expose import catalogue
from exporter.expose.families import Family, Value, known_series

SeriesDict = dict[tuple[str, ...], Value]


def open_errors_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """What of the `open_errors` view is about integrations and the account."""
    view: OpenErrorsView = views["open_errors"]
    integrations: SeriesDict = {(name,): float(total) for name, total in view.integrations.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS, integrations)
    yield from _breakdowns(view)
    yield from _ageing(view)


def resolved_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """The family of the `resolved_errors` view."""
    view: ResolvedView = views["resolved_errors"]
    counters: SeriesDict = {
        (name, by): float(number)
        for name, row in view.integrations.items()
        for by, number in zip(Resolved._fields, row, strict=True)
    }
    yield Family(catalogue.INTEGRATION_ERRORS_RESOLVED_TOTAL, counters)


class FlowRow(NamedTuple):
    """Open errors of one flow and of its steps; None and nothing where they are not known."""

    told: OpenCount | None
    oldest: float | None
    steps: tuple[tuple[str, int], ...]


def flow_rows(views: Mapping[str, Any]) -> Mapping[str, FlowRow]:
    """What is known of the open errors of each flow."""
    view: OpenErrorsView = views["open_errors"]
    steps: dict[str, list[tuple[str, int]]] = {}
    for (flow_id, step_id), number in view.steps.items():
        steps.setdefault(flow_id, []).append((step_id, number))
    return {
        flow_id: FlowRow(view.flows.get(flow_id), view.oldest.get(flow_id), tuple(steps.get(flow_id, ())))
        for flow_id in dict.fromkeys((*view.flows, *view.oldest, *steps))
    }


def flow_families(rows: Mapping[str, FlowRow]) -> Iterator[Family]:
    """Families about the open errors of each flow."""
    counts = {flow_id: row.told for flow_id, row in rows.items() if row.told is not None}
    flows: SeriesDict = {(flow_id,): float(count.open_errors) for flow_id, count in counts.items()}
    yield Family(catalogue.FLOW_OPEN_ERRORS, flows)
    oldest = {flow_id: row.oldest for flow_id, row in rows.items()}
    yield Family(catalogue.FLOW_OLDEST_OPEN_ERROR_TIMESTAMP_SECONDS, known_series(oldest))
    last = {flow_id: count.last_error_at for flow_id, count in counts.items()}
    yield Family(catalogue.FLOW_LAST_ERROR_TIMESTAMP_SECONDS, known_series(last))
    steps: SeriesDict = {
        (flow_id, step_id): float(number) for flow_id, row in rows.items() for step_id, number in row.steps
    }
    yield Family(catalogue.STEP_OPEN_ERRORS, steps)


def _breakdowns(view: OpenErrorsView) -> Iterator[Family]:
    classifications = _filled(view.classifications, CLASSIFICATIONS)
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_CLASSIFICATION, classifications)
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_SOURCE, _filled(view.sources, SOURCES))
    codes: SeriesDict = {(code,): float(number) for code, number in (view.codes or {}).items()}
    yield Family(catalogue.OPEN_ERRORS_BY_CODE, codes)
    yield Family(catalogue.OPEN_ERRORS_SAMPLED_RATIO, {(): view.sampled_ratio})


def _ageing(view: OpenErrorsView) -> Iterator[Family]:
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_AGE, _filled(view.ages, tuple(AGES)))
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_UNASSIGNED, known_series(view.unassigned))
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_EXPIRING, known_series(view.expiring))


def _filled(counts: Mapping[str, Mapping[str, int]], members: tuple[str, ...]) -> SeriesDict:
    return {(name, member): float(held.get(member, 0)) for name, held in counts.items() for member in members}


OPEN_ERRORS_BLOCK = Block(
    "open_errors", "errors", ("open_errors",), open_errors_families, each=Each("flow_id", flow_rows, flow_families)
)
RESOLVED_ERRORS_BLOCK = Block("resolved_errors", "errors", ("resolved_errors",), resolved_families, "full")
