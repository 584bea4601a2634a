"""Families made from open errors (metric catalogue, section 5).

    celigo_flow_open_errors{flow_id="64b2"} 17
    celigo_integration_open_errors{integration_id="63a1"} 137
    celigo_step_info{adaptor_type="NetSuiteImport",connection_id="62f0",step_id="64c3",step_name="Orders",...} 1
    celigo_integration_open_errors_by_classification{classification="value",integration_id="63a1"} 12
    celigo_open_errors_by_code{code="422"} 9
    celigo_open_errors_sampled_ratio 0.93

A known zero is 0; where no record was read the breakdowns are absent, and the sampled ratio says how much they cover.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.collect.base import Block
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.expose import catalogue
from exporter.expose.families import Family, Value

SeriesDict = dict[tuple[str, ...], Value]


def open_errors_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `open_errors` view."""
    view: OpenErrorsView = views["open_errors"]
    yield from _counts(view)
    yield from _steps(view)
    yield from _breakdowns(view)


def _counts(view: OpenErrorsView) -> Iterator[Family]:
    flows: SeriesDict = {(flow_id,): float(row.open_errors) for flow_id, row in view.flows.items()}
    yield Family(catalogue.FLOW_OPEN_ERRORS, flows)
    integrations: SeriesDict = {(name,): float(total) for name, total in view.integrations.items()}
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS, integrations)
    oldest: SeriesDict = {(flow_id,): at for flow_id, at in view.oldest.items()}
    yield Family(catalogue.FLOW_OLDEST_OPEN_ERROR_TIMESTAMP_SECONDS, oldest)
    last: SeriesDict = {(name,): row.last_error_at for name, row in view.flows.items() if row.last_error_at is not None}
    yield Family(catalogue.FLOW_LAST_ERROR_TIMESTAMP_SECONDS, last)


def _steps(view: OpenErrorsView) -> Iterator[Family]:
    shown = {step_id for _, step_id in view.steps}
    info: SeriesDict = {
        (step_id, row.name, row.type, row.adaptor_type, row.connection_id): 1.0
        for step_id, row in view.step_facts.items()
        if step_id in shown
    }
    yield Family(catalogue.STEP_INFO, info)
    yield Family(catalogue.STEP_OPEN_ERRORS, {key: float(number) for key, number in view.steps.items()})


def _breakdowns(view: OpenErrorsView) -> Iterator[Family]:
    classifications = _filled(view.classifications, CLASSIFICATIONS)
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_CLASSIFICATION, classifications)
    yield Family(catalogue.INTEGRATION_OPEN_ERRORS_BY_SOURCE, _filled(view.sources, SOURCES))
    codes: SeriesDict = {(code,): float(number) for code, number in (view.codes or {}).items()}
    yield Family(catalogue.OPEN_ERRORS_BY_CODE, codes)
    yield Family(catalogue.OPEN_ERRORS_SAMPLED_RATIO, {(): view.sampled_ratio})


def _filled(counts: Mapping[str, Mapping[str, int]], members: tuple[str, ...]) -> SeriesDict:
    return {(name, member): float(held.get(member, 0)) for name, held in counts.items() for member in members}


OPEN_ERRORS_BLOCK = Block("open_errors", "errors", ("open_errors",), open_errors_families)
