"""The `open_errors` view put together from nothing, with no thought of cost: what the lasting one is judged by."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from exporter.collect.ageing import AGES, EXPIRING_SECONDS
from exporter.collect.drilldown import StepKey, StepReading
from exporter.collect.open_errors import OpenErrorsView, Readings
from exporter.collect.rollup import OpenCount
from exporter.collect.samples import Sample, most_frequent


def plain_view(readings: Readings, codes: int) -> OpenErrorsView:
    """Put the readings together; `codes` bounds the distinct error codes."""
    integrations, steps = _integration_sums(readings), _step_counts(readings)
    samples = _samples_by_integration(readings)
    nothing: dict[str, Mapping[str, int]] = {name: {} for name, total in integrations.items() if total == 0}
    none = dict.fromkeys(nothing, 0)
    all_codes = _summed(row.codes for held in samples.values() for row in held)
    has_errors = any(row.open_errors for row in readings.counts.values())
    return OpenErrorsView(
        flows=readings.counts,
        integrations=integrations,
        steps=steps,
        oldest=_oldest(readings),
        classifications={
            **nothing,
            **{name: _summed(row.classifications for row in held) for name, held in samples.items()},
        },
        sources={**nothing, **{name: _summed(row.sources for row in held) for name, held in samples.items()}},
        codes=most_frequent(all_codes, codes) if samples or not has_errors else None,
        folded_codes=max(0, len(all_codes.keys() - {"other"}) - codes),
        sampled_ratio=_sampled_ratio(readings),
        ages={**nothing, **{name: _ages(held, readings.now) for name, held in samples.items()}},
        expiring={**none, **{name: _expiring(held, readings.now) for name, held in samples.items()}},
        unassigned={**none, **_unassigned(samples)},
        flow_steps=_flow_steps(steps),
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


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


def _ages(samples: Collection[Sample], now: float) -> dict[str, int]:
    return {name: sum(bisect_left(row.occurred, now - age) for row in samples) for name, age in AGES.items()}


def _expiring(samples: Collection[Sample], now: float) -> int:
    return sum(bisect_right(row.purges, now + EXPIRING_SECONDS) for row in samples)


def _unassigned(samples: Mapping[str, Collection[Sample]]) -> dict[str, int]:
    """Records that nobody is assigned to, of integrations where any record tells; one that does not has nobody."""
    told = {name: held for name, held in samples.items() if any(row.assigned is not None for row in held)}
    return {name: sum(row.read - (row.assigned or 0) for row in held) for name, held in told.items()}


def _step_counts(readings: Readings) -> dict[StepKey, int]:
    told = {key: row.open_errors for key, row in readings.steps.items() if key[0] not in readings.outdated_flows}
    return {**dict.fromkeys(sorted(readings.cleared), 0), **told}


def _flow_steps(steps: Mapping[StepKey, int]) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for (flow_id, step_id), number in steps.items():
        found.setdefault(flow_id, []).append((step_id, number))
    return {flow_id: tuple(rows) for flow_id, rows in found.items()}


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
