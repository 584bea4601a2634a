"""The `open_errors` view: everything that is known of open errors at one time, put together.

Pure: the same readings give the same view. A number that is not known has no entry.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.collect.ageing import expiring, older_than
from exporter.collect.drilldown import StepKey, StepReading
from exporter.collect.known import Known
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import Sample, most_frequent, summed


@dataclass(frozen=True, slots=True)
class Readings:
    """What the view is made from; `fresh` are the integrations whose roll-up is not stale.

    `now` is Unix seconds by the server's clock.
    """

    known: Known
    counts: Mapping[str, OpenCount]
    fresh: frozenset[str]
    now: float
    steps: Mapping[StepKey, StepReading] = field(default_factory=dict)
    cleared: frozenset[StepKey] = frozenset()
    outdated_flows: frozenset[str] = frozenset()
    outdated_steps: frozenset[StepKey] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenErrorsView:
    """Open errors of an account.

    `classifications`, `sources`, `ages` (by the members of `AGES`) and `expiring` hold an entry for each integration
    whose breakdown is known, as far as records were read; `unassigned` only where the API tells assignments, or no
    error is open. `codes` is None when no record was read although errors are open. `folded_codes` is how many distinct
    codes went to `other`.
    """

    flows: Mapping[str, OpenCount]
    integrations: Mapping[str, int]
    steps: Mapping[StepKey, int]
    oldest: Mapping[str, float]
    classifications: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, Mapping[str, int]]
    codes: Mapping[str, int] | None
    folded_codes: int
    sampled_ratio: float
    ages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    expiring: Mapping[str, int] = field(default_factory=dict)
    unassigned: Mapping[str, int] = field(default_factory=dict)


def open_errors_view(readings: Readings, codes: int) -> OpenErrorsView:
    """Put the readings together; `codes` bounds the distinct error codes."""
    now, integrations = readings.now, _integration_sums(readings)
    samples = _samples_by_integration(readings)
    classifications = {name: summed(row.classifications for row in held) for name, held in samples.items()}
    sources = {name: summed(row.sources for row in held) for name, held in samples.items()}
    nothing: dict[str, Mapping[str, int]] = {name: {} for name, total in integrations.items() if total == 0}
    none = dict.fromkeys(nothing, 0)
    all_codes = summed(row.codes for held in samples.values() for row in held)
    has_errors = any(row.open_errors for row in readings.counts.values())
    return OpenErrorsView(
        flows=readings.counts,
        integrations=integrations,
        steps=_step_counts(readings),
        oldest=_oldest(readings),
        classifications={**nothing, **classifications},
        sources={**nothing, **sources},
        codes=most_frequent(all_codes, codes) if samples or not has_errors else None,
        folded_codes=max(0, len(all_codes.keys() - {"other"}) - codes),
        sampled_ratio=_sampled_ratio(readings),
        ages={**nothing, **{name: older_than([row.occurred for row in held], now) for name, held in samples.items()}},
        expiring={**none, **{name: expiring([row.purges for row in held], now) for name, held in samples.items()}},
        unassigned={**none, **_unassigned(samples)},
    )


def _integration_sums(readings: Readings) -> dict[str, int]:
    """Sums of the integrations whose flows are all known; one without flows has none to have errors in."""
    known, counts = readings.known, readings.counts
    unsettled = {home for flow_id, home in known.flows.items() if flow_id not in counts}
    empty = known.integrations - set(known.flows.values()) if known.complete and not known.homeless else frozenset()
    sums = dict.fromkeys(sorted((readings.fresh | empty) - unsettled), 0)
    for row in counts.values():
        if row.integration_id in sums:
            sums[row.integration_id] += row.open_errors
    return sums


def _samples_by_integration(readings: Readings) -> dict[str, list[Sample]]:
    """Samples of the flows that have open errors now, by the integration of the flow."""
    samples: dict[str, list[Sample]] = {}
    for (flow_id, _), row in readings.steps.items():
        count = readings.counts.get(flow_id)
        if row.sample is not None and count is not None and count.open_errors:
            samples.setdefault(count.integration_id, []).append(row.sample)
    return samples


def _unassigned(samples: Mapping[str, Collection[Sample]]) -> dict[str, int]:
    """Records that nobody is assigned to, of integrations where any record tells; one that does not has nobody."""
    told = {name: held for name, held in samples.items() if any(row.assigned is not None for row in held)}
    return {name: sum(row.read - (row.assigned or 0) for row in held) for name, held in told.items()}


def _step_counts(readings: Readings) -> dict[StepKey, int]:
    told = {key: row.open_errors for key, row in readings.steps.items() if key[0] not in readings.outdated_flows}
    return {**dict.fromkeys(sorted(readings.cleared), 0), **told}


def _oldest(readings: Readings) -> dict[str, float]:
    """The oldest open error of each flow all of whose steps were read to the end."""
    steps: dict[str, list[StepReading]] = {}
    unknown = set(readings.outdated_flows) | {flow_id for flow_id, _ in readings.outdated_steps}
    for (flow_id, _), row in readings.steps.items():
        steps.setdefault(flow_id, []).append(row)
    found = {flow_id: _oldest_of(rows) for flow_id, rows in steps.items() if flow_id not in unknown}
    return {flow_id: oldest for flow_id, oldest in found.items() if oldest is not None}


def _oldest_of(rows: Collection[StepReading]) -> float | None:
    instants = [row.sample.oldest for row in rows if row.sample is not None and row.sample.oldest is not None]
    return min(instants) if len(instants) == len(rows) else None


def _sampled_ratio(readings: Readings) -> float:
    """Share of the open errors whose records were read; 1 when there are none."""
    total = sum(row.open_errors for row in readings.counts.values())
    if total == 0:
        return 1.0
    read: dict[str, int] = {}
    for (flow_id, _), row in readings.steps.items():
        read[flow_id] = read.get(flow_id, 0) + _read_of(row)
    return sum(_capped(readings.counts, read.items())) / total


def _read_of(row: StepReading) -> int:
    return min(row.sample.read, row.open_errors) if row.sample is not None else 0


def _capped(counts: Mapping[str, OpenCount], read: Iterable[tuple[str, int]]) -> Iterable[int]:
    return (min(number, counts[flow_id].open_errors) for flow_id, number in read if flow_id in counts)
