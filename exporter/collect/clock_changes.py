"""Ticks that a change of clocks skips."""

from collections.abc import Iterable, Mapping

from exporter.collect.lasting import Found, Lasting
from exporter.collect.plans import Plan
from exporter.schedule.forecast import skipped_by_clock_change
from exporter.schedule.ticks import Timetable

_DAY = 86_400.0


class ClockChanges:
    """The next tick of each flow that a clock change skips, looked for once a day; used by one thread at a time.

    Flows with equal timetables are looked at once. A timetable is hashed slowly, so that this is done only for a flow
    that is looked at.
    """

    def __init__(self) -> None:
        self._looked: dict[Timetable, tuple[float, Found[float]]] = {}
        self._skips: Lasting[float] = Lasting()

    def of(self, plans: Mapping[str, Plan], changed: Iterable[str], now: float) -> Mapping[str, float]:
        """Unix seconds by flow id, as of `now`; the very mapping of before as long as nothing changes in it.

        `changed` are the flows whose plan is another one than before.
        """
        return self._skips.of(changed, now, lambda flow_id: self._look(plans, flow_id, now))

    def _look(self, plans: Mapping[str, Plan], flow_id: str, now: float) -> Found[float] | None:
        plan = plans.get(flow_id)
        if plan is None or not plan.enabled or plan.whole is None:
            return None
        at, found = self._looked.get(plan.whole, (now, Found(None, now)))
        if not at <= now < found.until:
            skip = skipped_by_clock_change(plan.whole, now)
            found = Found(skip, min(now + _DAY, skip if skip is not None else now + _DAY))
            if len(self._looked) > len(plans):  # some are of schedules that are gone, and most may be over
                self._looked.clear()
            self._looked[plan.whole] = (now, found)
        return found
