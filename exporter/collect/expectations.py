"""When each flow should run next, and what it has missed (metric catalogue, section 3).

Expecting begins after the newest of: the flow's creation or last change, when it was seen to be switched on or
scheduled anew, its newest start, and the end of its newest run. A run in progress that is the flow's newest keeps it
from starting again, so nothing is expected before it ends; a forgotten older one does not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

from exporter.collect.active import ActiveRun
from exporter.collect.plans import Group, Plan
from exporter.ledger.history import FlowHistory
from exporter.ledger.state import Expectation
from exporter.ledger.tally import FinishedRun
from exporter.schedule.ticks import Timetable

LATE_SECONDS = 120.0
"""A tick this young is not missed yet: its run may not have been created, or not been listed."""

MOST_MISSED = 1000
"""Missed runs are counted up to here."""

NOTHING = FlowHistory()


@dataclass(frozen=True, slots=True)
class Runs:
    """What is known of the runs of one flow: the newest finished one, those in progress, and its history."""

    last: FinishedRun | None = None
    active: tuple[ActiveRun, ...] = ()
    history: FlowHistory = NOTHING


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a flow that is on and scheduled: `next_run` (Unix seconds) is past once missed."""

    next_run: float
    missed: int


@dataclass(frozen=True, slots=True)
class _Held:
    """What was found of `plan` from these facts; it stays so from `at` until before `until`."""

    plan: Plan
    runs: Runs
    since: float
    known_since: float
    at: float
    until: float
    found: Expected | None


@dataclass(slots=True)
class Expectations:
    """Works out what is expected, remembering it over the minutes; used by one thread at a time.

    Most of what is expected stays as it is until the next tick is missed: of ten thousand flows a few are worked out
    anew each minute.
    """

    _held: dict[str, _Held] = field(default_factory=dict)
    _next: dict[tuple[str, int], tuple[Timetable, float, float]] = field(default_factory=dict)
    _around: dict[str, tuple[Timetable, float, float]] = field(default_factory=dict)

    def of(self, plan: Plan, runs: Runs, since: float, known_since: float, now: float) -> Expected | None:
        """What is expected of the flow as of `now`, Unix seconds; None when nothing is.

        `since` is when expecting began, `known_since` from when on its runs are known.
        """
        if not plan.enabled:
            return None
        held = self._held.get(plan.flow_id)
        if held is None or not _holds(held, plan, runs, since, known_since, now):
            found, until = self._worked_out(plan, runs, since, known_since, now)
            held = _Held(plan, runs, since, known_since, now, until, found)
            self._held[plan.flow_id] = held
        return held.found

    def _worked_out(
        self, plan: Plan, runs: Runs, since: float, known_since: float, now: float
    ) -> tuple[Expected | None, float]:
        """What is expected, and until when that stays so."""
        found = list(self._of_groups(plan, runs, since, known_since, now))
        next_run = min((each.next_run for each, _ in found), default=inf)
        if not isfinite(next_run):
            return None, min((until for _, until in found), default=inf)
        return Expected(next_run, max(each.missed for each, _ in found)), min(until for _, until in found)

    def interval(self, plan: Plan, now: float) -> float | None:
        """Seconds between the two ticks around `now`; None without a readable schedule."""
        if plan.whole is None or not plan.enabled:
            return None
        held = self._around.get(plan.flow_id)
        if held is None or held[0] != plan.whole or not held[1] - held[2] <= now < held[1]:
            after = plan.whole.next_tick(now)
            held = (plan.whole, after, after - plan.whole.previous_tick(now))
            self._around[plan.flow_id] = held
        return held[2] if isfinite(held[2]) else None

    def forget_all_but(self, flow_ids: Iterable[str]) -> None:
        """Flows that are gone are remembered no longer."""
        kept = set(flow_ids)
        self._held = {key: held for key, held in self._held.items() if key in kept}
        self._next = {key: held for key, held in self._next.items() if key[0] in kept}
        self._around = {key: held for key, held in self._around.items() if key in kept}

    def _of_groups(
        self, plan: Plan, runs: Runs, since: float, known_since: float, now: float
    ) -> Iterator[tuple[Expected, float]]:
        """What is expected of each group, and until when."""
        for number, group in enumerate(plan.groups):
            if _is_busy(group, runs):
                tick = group.timetable.next_tick(now)
                yield Expected(tick, 0), tick
                continue
            after = max(since, _newest_sign(plan, group, runs, known_since))
            next_run = self._next_after((plan.flow_id, number), group.timetable, after)
            late = now - LATE_SECONDS
            if next_run > late:
                yield Expected(next_run, 0), next_run + LATE_SECONDS
            else:
                missed = group.timetable.count_ticks(after, late, MOST_MISSED)
                yield Expected(next_run, missed), group.timetable.next_tick(late) + LATE_SECONDS

    def _next_after(self, key: tuple[str, int], timetable: Timetable, after: float) -> float:
        held = self._next.get(key)
        if held is None or held[:2] != (timetable, after):
            held = (timetable, after, timetable.next_tick(after))
            self._next[key] = held
        return held[2]


def _holds(held: _Held, plan: Plan, runs: Runs, since: float, known_since: float, now: float) -> bool:
    """Whether what was found is what would be found now."""
    same = held.plan is plan and held.since == since and held.known_since == known_since and held.runs == runs
    return same and held.at <= now < held.until


def _is_busy(group: Group, runs: Runs) -> bool:
    """Whether the newest run of the group is in progress."""
    created = [run.created_at for run in runs.active if _is_of(group, run.export_id) and run.created_at is not None]
    newest = _newest_start(group, runs)
    return bool(created) and (newest is None or max(created) >= newest)


def _newest_sign(plan: Plan, group: Group, runs: Runs, known_since: float) -> float:
    """The newest start or end of a run of the group; where neither is known, from when on it would be."""
    last = runs.last
    ended = last.ended_at if last is not None and _is_of(group, last.export_id) else None
    started = _newest_start(group, runs)
    executed = plan.last_executed if group.exports is None else None
    signs = [at for at in (ended, started, executed) if at is not None]
    if not signs:
        return known_since if group.exports is not None else 0.0
    return max(signs)


def _newest_start(group: Group, runs: Runs) -> float | None:
    if group.exports is None:
        return runs.history.last_start()
    starts = [runs.history.last_start(export_id) for export_id in group.exports]
    return max((at for at in starts if at is not None), default=None)


def _is_of(group: Group, export_id: str | None) -> bool:
    """Whether a run that this export generated is of the group; one that names none may be."""
    return group.exports is None or export_id is None or export_id in group.exports


def begun(plans: Iterable[Plan], before: Mapping[str, Expectation], now: float) -> Mapping[str, Expectation]:
    """Since when each flow is to run as it is scheduled now.

    A flow that is new to the exporter is settled since its last change; one that was seen otherwise before, since now.
    """
    expectations = {}
    for plan in plans:
        held = before.get(plan.flow_id)
        if held is None:
            held = Expectation(plan.fingerprint, min(plan.settled_at, now))
        elif held.fingerprint != plan.fingerprint:
            held = Expectation(plan.fingerprint, now)
        expectations[plan.flow_id] = held
    return expectations
