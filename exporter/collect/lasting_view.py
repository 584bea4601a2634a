"""The `open_errors` view, made again and again: what stayed as it was is handed out again, the rest is made anew.

The readings tell by identity what changed, and only that is counted: in an account of fifty thousand flows almost
nothing does from one view to the next. A view is the one that the readings give by themselves, whatever came before.
"""

import operator
from collections.abc import Collection, Mapping, Sequence

from exporter.changes import altered, changed_keys, kept
from exporter.collect.drilldown import StepKey, StepReading
from exporter.collect.known import Known
from exporter.collect.open_errors import OpenErrorsView, Readings
from exporter.collect.rollup import OpenCount
from exporter.collect.sample_sums import SampleSums
from exporter.collect.samples import Sample

_NOTHING: Mapping[str, int] = {}
_NO_READINGS = Readings(Known({}, frozenset(), complete=False, at=0.0), {}, frozenset(), 0.0)
_NO_VIEW = OpenErrorsView({}, {}, {}, {}, {}, {}, None, 0, 1.0)


class LastingView:
    """Makes one view after the other; used by one thread. `codes` bounds the distinct error codes."""

    def __init__(self, codes: int) -> None:
        self._codes = codes
        self._settled = True
        self._forget()

    def of(self, readings: Readings) -> OpenErrorsView:
        """The view of these readings."""
        if not self._settled:
            self._forget()
        self._settled = False  # what broke off halfway has counted some of a change: then everything is counted anew
        self._follow(readings)
        self._view = self._made(readings)
        self._before = readings
        self._settled = True
        return self._view

    def _forget(self) -> None:
        self._before, self._view = _NO_READINGS, _NO_VIEW
        self._totals: dict[str, int] = {}
        self._covered: dict[str, int] = {}
        self._open, self._read = 0, 0
        self._oldest: Mapping[str, float] = {}
        self._sums = SampleSums(self._codes)

    def _follow(self, readings: Readings) -> None:
        """Count what changed since the readings before."""
        before = self._before
        counted = changed_keys(before.counts, readings.counts)
        stepped = {flow_id for flow_id, _ in changed_keys(before.steps, readings.steps)}
        unknown = _unknown(readings)
        resettled = unknown ^ _unknown(before)
        rows = _rows_of(counted | stepped | resettled, readings.steps)
        self._follow_totals(counted, readings.counts)
        self._follow_covered({flow_id: rows[flow_id] for flow_id in counted | stepped}, readings.counts)
        self._follow_oldest({flow_id: rows[flow_id] for flow_id in stepped | resettled}, unknown)
        rows_then = (before.counts.get(flow_id) for flow_id in counted)
        rows_now = (readings.counts.get(flow_id) for flow_id in counted | stepped)
        homes = {row.integration_id for row in (*rows_then, *rows_now) if row is not None}
        self._sums.follow(_samples(homes, readings))
        self._sums.age(readings.now)

    def _follow_totals(self, changed: Collection[str], counts: Mapping[str, OpenCount]) -> None:
        before = self._before.counts
        for flow_id in changed:
            for row, sign in ((before.get(flow_id), -1), (counts.get(flow_id), 1)):
                if row is not None and row.open_errors:
                    self._open += sign * row.open_errors
                    self._totals[row.integration_id] = self._totals.get(row.integration_id, 0) + sign * row.open_errors
        if changed:
            self._totals = {name: total for name, total in self._totals.items() if total}

    def _follow_covered(self, rows: Mapping[str, Sequence[StepReading]], counts: Mapping[str, OpenCount]) -> None:
        """Count the open errors of each flow whose records were read."""
        for flow_id, held in rows.items():
            self._read -= self._covered.pop(flow_id, 0)
            count = counts.get(flow_id)
            if count is not None and (read := min(sum(map(_read_of, held)), count.open_errors)):
                self._covered[flow_id] = read
                self._read += read

    def _follow_oldest(self, rows: Mapping[str, Sequence[StepReading]], unknown: Collection[str]) -> None:
        """Note the oldest open error of each flow all of whose steps were read to the end."""
        found = {flow_id: None if flow_id in unknown else _oldest_of(held) for flow_id, held in rows.items()}
        different = {flow_id: oldest for flow_id, oldest in found.items() if oldest != self._oldest.get(flow_id)}
        self._oldest = altered(self._oldest, different)

    def _made(self, readings: Readings) -> OpenErrorsView:
        view, sums = self._view, self._sums
        integrations, steps = self._integrations(readings), self._steps(readings)
        nothing: dict[str, Mapping[str, int]] = {name: _NOTHING for name, total in integrations.items() if total == 0}
        none = dict.fromkeys(nothing, 0)
        return OpenErrorsView(
            flows=readings.counts,
            integrations=integrations,
            steps=steps,
            oldest=self._oldest,
            classifications=kept(view.classifications, nothing | sums.classifications),
            sources=kept(view.sources, nothing | sums.sources),
            codes=sums.codes if sums or not self._open else None,
            folded_codes=sums.folded,
            sampled_ratio=self._read / self._open if self._open else 1.0,
            ages=kept(view.ages, {**nothing, **sums.ages}),
            expiring=kept(view.expiring, {**none, **sums.expiring}),
            unassigned=kept(view.unassigned, none | sums.unassigned),
            flow_steps=_by_flow(view, steps),
        )

    def _integrations(self, readings: Readings) -> Mapping[str, int]:
        """Sums of the integrations whose flows are all known; one without flows has none to have errors in."""
        known, counts, before = readings.known, readings.counts, self._before
        if known is before.known and counts is before.counts and readings.fresh == before.fresh:
            return self._view.integrations
        homes = known.flows
        unsettled = {homes[flow_id] for flow_id in homes.keys() - counts.keys()}
        empty = known.integrations - set(homes.values()) if known.complete and not known.homeless else frozenset()
        settled = sorted((readings.fresh | empty) - unsettled)
        return kept(self._view.integrations, {name: self._totals.get(name, 0) for name in settled})

    def _steps(self, readings: Readings) -> Mapping[StepKey, int]:
        before, outdated = self._before, readings.outdated_flows
        same = readings.steps is before.steps and outdated == before.outdated_flows
        if same and readings.cleared == before.cleared:
            return self._view.steps
        told = {key: row.signature[0] for key, row in readings.steps.items() if key[0] not in outdated}
        return kept(self._view.steps, {**dict.fromkeys(sorted(readings.cleared), 0), **told})


def _unknown(readings: Readings) -> set[str]:
    """Flows that changed and of which not all was read since."""
    return {*readings.outdated_flows, *(flow_id for flow_id, _ in readings.outdated_steps)}


def _rows_of(flows: Collection[str], steps: Mapping[StepKey, StepReading]) -> Mapping[str, Sequence[StepReading]]:
    """The steps of each of `flows`."""
    rows: dict[str, list[StepReading]] = {flow_id: [] for flow_id in flows}
    if rows:
        for flow_id, row in [(key[0], row) for key, row in steps.items() if key[0] in rows]:
            rows[flow_id].append(row)
    return rows


def _read_of(row: StepReading) -> int:
    return min(row.sample.read, row.open_errors) if row.sample is not None else 0


def _oldest_of(rows: Collection[StepReading]) -> float | None:
    instants = [row.sample.oldest for row in rows if row.sample is not None and row.sample.oldest is not None]
    return min(instants) if instants and len(instants) == len(rows) else None


def _samples(integrations: Collection[str], readings: Readings) -> Mapping[str, Sequence[Sample]]:
    """Samples of the flows of each of `integrations` that have open errors now."""
    samples: dict[str, list[Sample]] = {name: [] for name in integrations}
    if samples:
        counted = [(flow_id, row) for flow_id, row in readings.counts.items() if row.integration_id in samples]
        homes = {flow_id: row.integration_id for flow_id, row in counted if row.open_errors}
        for flow_id, step in [(key[0], step) for key, step in readings.steps.items() if key[0] in homes]:
            if step.sample is not None:
                samples[homes[flow_id]].append(step.sample)
    return samples


def _by_flow(before: OpenErrorsView, steps: Mapping[StepKey, int]) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """The entries of `steps` by flow."""
    if steps is before.steps:
        return before.flow_steps
    flows = {flow_id for flow_id, _ in changed_keys(before.steps, steps)}
    if not _same_order(before.steps, steps):
        flows = {flow_id for flow_id, _ in steps} | before.flow_steps.keys()
    rows: dict[str, list[tuple[str, int]]] = {flow_id: [] for flow_id in flows}
    for (flow_id, step_id), number in [entry for entry in steps.items() if entry[0][0] in flows]:
        rows[flow_id].append((step_id, number))
    found = {flow_id: tuple(entries) or None for flow_id, entries in rows.items()}
    different = {flow_id: entries for flow_id, entries in found.items() if entries != before.flow_steps.get(flow_id)}
    return altered(before.flow_steps, different)


def _same_order(before: Mapping[StepKey, int], now: Mapping[StepKey, int]) -> bool:
    """Whether the keys that are in both come in the same order in both."""
    if len(before) == len(now) and all(map(operator.eq, before, now)):
        return True
    return all(map(operator.eq, filter(now.__contains__, before), filter(before.__contains__, now)))
