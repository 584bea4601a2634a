"""Families made from finished and active runs (metric catalogue, section 4).

    celigo_flow_runs_total{flow_id="64b2",status="failed"} 3
    celigo_integration_run_duration_seconds_bucket{integration_id="63a1",le="60"} 118
    celigo_runs_unknown_total{type="flow"} 0
    celigo_flow_last_run_status{flow_id="64b2",status="completed"} 1
    celigo_flow_active_runs{flow_id="64b2",status="running"} 1
    celigo_active_runs{status="queued"} 0

Counters start at 0 for every flow and integration that exists; what is told of the newest run is absent until there
is one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.collect.active import ACTIVE, ActiveRun, ActiveRunsView, active_flows
from exporter.collect.base import Block, Each, Facts
from exporter.collect.jobs import FinishedRunsView
from exporter.expose import catalogue
from exporter.expose.families import Family, Value, known_series
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import FINISHED, NEVER, OUTCOMES, FinishedRun, FlowTally, IntegrationTally

SeriesDict = dict[tuple[str, ...], Value]


def runs_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """What of the `finished_runs` view is about the account."""
    view: FinishedRunsView = views["finished_runs"]
    yield Family(catalogue.RUNS_UNKNOWN_TOTAL, {(kind,): float(jobs) for kind, jobs in view.unknown.items()})


FlowRow = tuple[FlowTally | None, FlowHistory | None, bool]
"""Tally and history of a flow as far as there are any, and whether its retries are known."""


def _flow_facts(views: Mapping[str, Any]) -> Facts:
    view: FinishedRunsView = views["finished_runs"]
    return Facts((view.flows, view.histories), view.retries_known)


def _flow_row(known: tuple[FlowTally | None, FlowHistory | None], retries_known: bool) -> FlowRow:
    return (*known, retries_known)


IntegrationRow = tuple[IntegrationTally]


def _integration_facts(views: Mapping[str, Any]) -> Facts:
    view: FinishedRunsView = views["finished_runs"]
    return Facts((view.integrations,))


def _integration_row(known: IntegrationRow, _: None) -> IntegrationRow:
    return known


def flow_families(rows: Mapping[str, FlowRow]) -> Iterator[Family]:
    """Families about the runs of each flow."""
    tallies = {name: tally for name, (tally, _, _) in rows.items() if tally is not None}
    yield from _flow_counters(tallies, retries_known=any(known for _, _, known in rows.values()))
    yield from _last_runs(tallies)
    yield from _streaks(tallies)
    yield from _histories({name: history for name, (_, history, _) in rows.items() if history is not None})


def active_families(views: Mapping[str, Any]) -> Iterator[Family]:
    """Families of the `active_runs` view."""
    view: ActiveRunsView = views["active_runs"]
    totals = view.by_status()
    yield Family(catalogue.ACTIVE_RUNS, {(status,): float(totals.get(status, 0)) for status in ACTIVE})
    counts: SeriesDict = {}
    oldest: SeriesDict = {}
    moved: SeriesDict = {}
    for flow_id, runs in active_flows(view.runs).items():
        counts |= {(flow_id, status): float(sum(run.status == status for run in runs)) for status in ACTIVE}
        oldest |= _oldest_starts(flow_id, runs)
        instants = [run.moved_at for run in runs if run.moved_at is not None]
        if instants:
            # Of several runs the one that has not moved for longest is the one to worry about.
            moved[(flow_id,)] = min(instants)
    yield Family(catalogue.FLOW_ACTIVE_RUNS, counts)
    yield Family(catalogue.FLOW_OLDEST_ACTIVE_RUN_START_TIMESTAMP_SECONDS, oldest)
    yield Family(catalogue.FLOW_ACTIVE_RUN_PROGRESS_TIMESTAMP_SECONDS, moved)


def _oldest_starts(flow_id: str, runs: Iterable[ActiveRun]) -> SeriesDict:
    oldest: dict[str, float] = {}
    for run in runs:
        if run.since is not None:
            oldest[run.status] = min(run.since, oldest.get(run.status, run.since))
    return {(flow_id, status): since for status, since in oldest.items()}


def _flow_counters(flows: Mapping[str, FlowTally], *, retries_known: bool) -> Iterator[Family]:
    yield Family(catalogue.FLOW_RUNS_TOTAL, _triples({name: row.runs for name, row in flows.items()}, FINISHED))
    yield Family(catalogue.FLOW_RECORDS_TOTAL, _triples({name: row.records for name, row in flows.items()}, OUTCOMES))
    if retries_known:
        retries = {name: row.retries for name, row in flows.items()}
        yield Family(catalogue.FLOW_RETRIES_TOTAL, _triples(retries, FINISHED))


def integration_families(rows: Mapping[str, IntegrationRow]) -> Iterator[Family]:
    """Families about the runs of each integration."""
    held = {name: tally for name, (tally,) in rows.items()}
    yield Family(catalogue.INTEGRATION_RUNS_TOTAL, _triples({name: row.runs for name, row in held.items()}, FINISHED))
    records = {name: row.records for name, row in held.items()}
    yield Family(catalogue.INTEGRATION_RECORDS_TOTAL, _triples(records, OUTCOMES))
    durations: SeriesDict = {(name,): row.durations for name, row in held.items()}
    yield Family(catalogue.INTEGRATION_RUN_DURATION_SECONDS, durations)
    waits: SeriesDict = {(name,): row.queue_waits for name, row in held.items()}
    yield Family(catalogue.RUN_QUEUE_WAIT_SECONDS, waits)


def _last_runs(flows: Mapping[str, FlowTally]) -> Iterator[Family]:
    newest = {flow_id: row.last for flow_id, row in flows.items() if row.last is not None}
    durations: SeriesDict = {(name,): run.duration for name, run in newest.items() if run.duration is not None}
    yield Family(catalogue.FLOW_LAST_RUN_DURATION_SECONDS, durations)
    yield Family(catalogue.FLOW_LAST_RUN_STATUS, _one_hot(newest))
    records = _triples({name: run.records for name, run in newest.items()}, OUTCOMES)
    yield Family(catalogue.FLOW_LAST_RUN_RECORDS, records)


def _one_hot(newest: Mapping[str, FinishedRun]) -> SeriesDict:
    return {(name, status): float(run.status == status) for name, run in newest.items() for status in FINISHED}


def _streaks(flows: Mapping[str, FlowTally]) -> Iterator[Family]:
    seen = {flow_id: row for flow_id, row in flows.items() if row.last is not None}
    failed: SeriesDict = {(name,): float(row.failed.count) for name, row in seen.items()}
    yield Family(catalogue.FLOW_CONSECUTIVE_FAILED_RUNS, failed)
    empty: SeriesDict = {(name,): float(row.empty.count) for name, row in seen.items()}
    yield Family(catalogue.FLOW_CONSECUTIVE_EMPTY_RUNS, empty)


def _triples(rows: Mapping[str, tuple[int, int, int]], members: tuple[str, ...]) -> SeriesDict:
    return {
        (name, member): float(count)
        for name, counts in rows.items()
        for member, count in zip(members, counts, strict=True)
    }


def _histories(histories: Mapping[str, FlowHistory]) -> Iterator[Family]:
    baselines = {name: row.durations.p95 for name, row in histories.items()}
    yield Family(catalogue.FLOW_BASELINE_RUN_DURATION_SECONDS, known_series(baselines))
    empty: SeriesDict = {(name,): float(row.longest_empty) for name, row in histories.items()}
    yield Family(catalogue.FLOW_BASELINE_MAX_EMPTY_RUNS, empty)
    successes: SeriesDict = {(name,): row.success for name, row in histories.items() if row.success != NEVER}
    yield Family(catalogue.FLOW_LAST_SUCCESS_TIMESTAMP_SECONDS, successes)


RUNS_BLOCK = Block(
    "runs",
    "jobs",
    ("finished_runs",),
    runs_families,
    each=(
        Each("flow_id", _flow_facts, _flow_row, flow_families),
        Each("integration_id", _integration_facts, _integration_row, integration_families, together=8),
    ),
)
ACTIVE_RUNS_BLOCK = Block("active_runs", "jobs", ("active_runs",), active_families)
