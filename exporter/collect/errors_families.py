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
from exporter.collect.base import Block, Each, Facts
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.resolved import Resolved, ResolvedView
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.expose import catalogue
from exporter.expose.families import Family, Value, known_series

SeriesDict = dict[tuple[str, ...], Value]


def open_errors_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """What of the `open_errors` view is about the account."""
    view: OpenErrorsView = views["open_errors"]
    codes: SeriesDict = {(code,): float(number) for code, number in (view.codes or {}).items()}
    yield Family(catalogue.OPEN_ERRORS_BY_CODE, codes)
    yield Family(catalogue.OPEN_ERRORS_SAMPLED_RATIO, {(): view.sampled_ratio})


def resolved_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """The family of the `resolved_errors` view."""
    view: ResolvedView = views["resolved_errors"]
    counters: SeriesDict = {
        (name, by): float(number)
        for name, row in view.integrations.items()
        for by, number in zip(Resolved._fields, row, strict=True)
    }
    yield Family(catalogue.INTEGRATION_ERRORS_RESOLVED_TOTAL, counters)


Steps = tuple[tuple[str, int], ...]
"""Ids and open errors of the steps of a flow."""


class FlowRow(NamedTuple):
    """Open errors of one flow and of its steps; None and nothing where they are not known."""

    told: OpenCount | None
    oldest: float | None
    steps: Steps


def _flow_facts(views: Mapping[str, Any]) -> Facts:
    view: OpenErrorsView = views["open_errors"]
    return Facts((view.flows, view.oldest, view.flow_steps))


def _flow_row(known: tuple[OpenCount | None, float | None, Steps | None], _: None) -> FlowRow:
    told, oldest, steps = known
    return FlowRow(told, oldest, steps or ())


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


class IntegrationRow(NamedTuple):
    """Open errors of one integration; None where they are not known."""

    total: int | None
    classifications: Mapping[str, int] | None
    sources: Mapping[str, int] | None
    ages: Mapping[str, int] | None
    unassigned: int | None
    expiring: int | None


def _integration_facts(views: Mapping[str, Any]) -> Facts:
    view: OpenErrorsView = views["open_errors"]
    breakdowns = (view.classifications, view.sources, view.ages)
    return Facts((view.integrations, *breakdowns, view.unassigned, view.expiring))


def _integration_row(known: tuple[Any, ...], _: None) -> IntegrationRow:
    return IntegrationRow(*known)


def integration_families(rows: Mapping[str, IntegrationRow]) -> Iterator[Family]:
    """Families about the open errors of each integration."""
    totals = {name: row.total for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS, known_series(totals))
    classifications = {name: row.classifications for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_CLASSIFICATION, _filled(classifications, CLASSIFICATIONS))
    sources = {name: row.sources for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_SOURCE, _filled(sources, SOURCES))
    ages = {name: row.ages for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_AGE, _filled(ages, tuple(AGES)))
    unassigned = {name: row.unassigned for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_UNASSIGNED, known_series(unassigned))
    expiring = {name: row.expiring for name, row in rows.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_EXPIRING, known_series(expiring))


def _filled(counts: Mapping[str, Mapping[str, int] | None], members: tuple[str, ...]) -> SeriesDict:
    known = {name: held for name, held in counts.items() if held is not None}
    return {(name, member): float(held.get(member, 0)) for name, held in known.items() for member in members}


OPEN_ERRORS_BLOCK = Block(
    "open_errors",
    "errors",
    ("open_errors",),
    open_errors_families,
    each=(
        Each("flow_id", _flow_facts, _flow_row, flow_families),
        Each("integration_id", _integration_facts, _integration_row, integration_families, together=8),
    ),
)
RESOLVED_ERRORS_BLOCK = Block("resolved_errors", "errors", ("resolved_errors",), resolved_families, "full")
