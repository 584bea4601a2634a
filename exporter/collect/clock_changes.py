"""Ticks that a change of clocks skips."""

from collections.abc import Mapping

from exporter.collect.plans import Plan
from exporter.schedule.forecast import skipped_by_clock_change
from exporter.schedule.ticks import Timetable

_DAY = 86_400.0


class ClockChanges:
    """The next tick of each flow that a clock change skips, looked for once a day; used by one thread at a time."""

    def __init__(self) -> None:
        self._skips: dict[Timetable, tuple[float, float | None]] = {}
        self._plans: Mapping[str, Plan] = {}
        self._from = self._until = float("inf")
        self._found: Mapping[str, float] = {}

    def of(self, plans: Mapping[str, Plan], now: float) -> Mapping[str, float]:
        """Unix seconds by flow id, as of `now`; the very mapping of before as long as nothing changes in it."""
        if plans is not self._plans or not self._from <= now < self._until:
            timetables = {flow_id: plan.whole for flow_id, plan in plans.items() if plan.enabled and plan.whole}
            self._look(timetables, now)
            skips = {flow_id: self._skips[whole][1] for flow_id, whole in timetables.items()}
            self._found = {flow_id: at for flow_id, at in skips.items() if at is not None}
            self._plans, self._from = plans, now
            self._until = min((until for until, _ in self._skips.values()), default=now + _DAY)
        return self._found

    def _look(self, timetables: Mapping[str, Timetable], now: float) -> None:
        wanted = dict.fromkeys(timetables.values())
        self._skips = {whole: held for whole, held in self._skips.items() if whole in wanted and now < held[0]}
        for whole in wanted:
            if whole not in self._skips:
                at = skipped_by_clock_change(whole, now)
                self._skips[whole] = (min(now + _DAY, at if at is not None else now + _DAY), at)
