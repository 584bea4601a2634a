"""When each flow should run next, and what it has missed (metric catalogue, section 3).

Expecting begins after the newest of: the flow's creation or last change, when it was seen to be switched on or
scheduled anew, its newest start, and the end of its newest run. A run in progress that is the flow's newest keeps it
from starting again, so nothing is expected before it ends; a forgotten older one does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from exporter.collect.active import ActiveRun
from exporter.collect.lasting import Found
from exporter.collect.plans import Group, Plan
from exporter.ledger.history import FlowHistory
from exporter.ledger.state import Expectation
from exporter.ledger.tally import FinishedRun

LATE_SECONDS = 120.0
"""A tick this young is not missed yet: its run may not have been created, or not been listed."""

MOST_MISSED = 1000
"""Missed runs are counted up to here."""

NOTHING = FlowHistory()


@dataclass(frozen=True, slots=True)
class Runs:
    """What is known of the runs of one flow: the newest finished one, those in progress, and its history.

    Of those in progress only `signs_of` counts.
    """

    last: FinishedRun | None = None
    active: tuple[ActiveRun, ...] = ()
    history: FlowHistory = NOTHING


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a flow that is on and scheduled: `next_run` (Unix seconds) is past once missed."""

    next_run: float
    missed: int


def expected_of(plan: Plan, runs: Runs, since: float, known_since: float, now: float) -> Found[Expected] | None:
    """What is expected of the flow as of `now`, Unix seconds, and until when if nothing else changes.

    None while it is off. `since` is when expecting began, `known_since` from when on its runs are known.
    """
    if not plan.enabled:
        return None
    found = list(_of_groups(plan, runs, since, known_since, now))
    next_run = min((each.next_run for each, _ in found), default=inf)
    until = min((until for _, until in found), default=inf)
    if not isfinite(next_run):
        return Found(None, until)
    return Found(Expected(next_run, max(each.missed for each, _ in found)), until)


def interval_of(plan: Plan, now: float) -> Found[float] | None:
    """Seconds between the two ticks around `now`, until the later one; None without a readable schedule."""
    if plan.whole is None or not plan.enabled:
        return None
    after = plan.whole.next_tick(now)
    interval = after - plan.whole.previous_tick(now)
    # What does not fire within the horizon may come into it at any time.
    return Found(interval if isfinite(interval) else None, after if isfinite(after) else now)


def is_divided(plan: Plan) -> bool:
    """Whether some of its generators follow a schedule of their own: what is known of them depends on `known_since`."""
    return any(group.exports is not None for group in plan.groups)


def _of_groups(
    plan: Plan, runs: Runs, since: float, known_since: float, now: float
) -> Iterator[tuple[Expected, float]]:
    """What is expected of each group, and until when."""
    for group in plan.groups:
        if _is_busy(group, runs):
            tick = group.timetable.next_tick(now)
            yield Expected(tick, 0), tick
            continue
        after = max(since, _newest_sign(plan, group, runs, known_since))
        next_run = group.timetable.next_tick(after)
        late = now - LATE_SECONDS
        if next_run > late:
            yield Expected(next_run, 0), next_run + LATE_SECONDS
        else:
            missed = group.timetable.count_ticks(after, late, MOST_MISSED)
            yield Expected(next_run, missed), group.timetable.next_tick(late) + LATE_SECONDS


def signs_of(active: Iterable[ActiveRun]) -> Sequence[tuple[float | None, str | None]]:
    """What runs in progress say of the next ones: their counters, which move all the time, say nothing."""
    return [(run.created_at, run.export_id) for run in active]


def _is_busy(group: Group, runs: Runs) -> bool:
    """Whether the newest run of the group is in progress."""
    signs = signs_of(runs.active)
    created = [at for at, export_id in signs if at is not None and _is_of(group, export_id)]
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
