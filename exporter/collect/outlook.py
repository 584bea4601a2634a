"""What is expected of all flows, worked out anew only where something changed or a tick went by.

Everything that stays as it was is the very same object as before, down to whole mappings, so that whoever is told can
see by identity what changed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from exporter.changes import changed_keys
from exporter.collect.active import ActiveRun, active_flows
from exporter.collect.clock_changes import ClockChanges
from exporter.collect.expectations import (
    NOTHING,
    Expected,
    Runs,
    expected_of,
    interval_of,
    is_divided,
    signs_of,
)
from exporter.collect.inventory import FlowFacts
from exporter.collect.lasting import Found, Lasting
from exporter.collect.plans import Plan
from exporter.collect.quiet import QuietFlows, SilenceOf
from exporter.ledger.history import FlowHistory
from exporter.ledger.state import Expectation
from exporter.ledger.tally import FinishedRun, FlowTally

_NO_RUNS = FlowTally()


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is known as of `now`, by flow id; none of it is ever changed. Instants are Unix seconds.

    `since` tells since when each flow is expected to run, and every run since `known_since` is known. `flows` and
    `names`, those of the integrations by id, are the inventory's.
    """

    plans: Mapping[str, Plan] = field(default_factory=dict)
    tallies: Mapping[str, FlowTally] = field(default_factory=dict)
    histories: Mapping[str, FlowHistory] = field(default_factory=dict)
    active: tuple[ActiveRun, ...] = ()
    since: Mapping[str, Expectation] = field(default_factory=dict)
    flows: Mapping[str, FlowFacts] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    known_since: float = 0.0
    now: float = 0.0

    def last(self, flow_id: str) -> FinishedRun | None:
        """The newest finished run of a flow."""
        return self.tallies.get(flow_id, _NO_RUNS).last


class Outlook:
    """What is told of the newest situation, by flow id; used by one thread at a time. Mappings are never changed.

    Instants are Unix seconds, lengths of time seconds.
    """

    def __init__(self, silence_of: SilenceOf) -> None:
        self.expected: Mapping[str, Expected] = {}
        self.intervals: Mapping[str, float] = {}
        self.unreadable: frozenset[str] = frozenset()
        self.silences: Mapping[str, float] = {}
        self.skips: Mapping[str, float] = {}
        self._known = Situation()
        self._active: Mapping[str, tuple[ActiveRun, ...]] = {}
        self._divided: frozenset[str] = frozenset()
        self._expected: Lasting[Expected] = Lasting()
        self._intervals: Lasting[float] = Lasting()
        self._quiet = QuietFlows(silence_of)
        self._clock_changes = ClockChanges()

    def update(self, known: Situation) -> None:
        """Take over what is known now. After an exception it is not to be used any more."""
        before, self._known = self._known, known
        plans, now = known.plans, known.now
        changed = changed_keys(before.plans, plans)
        replanned = list(plans) if changed == plans.keys() else sorted(changed)
        self.unreadable = _having(self.unreadable, replanned, plans, lambda plan: plan.unreadable)
        self._divided = _having(self._divided, replanned, plans, is_divided)
        ran = changed_keys(before.histories, known.histories)
        other = dict.fromkeys((*replanned, *sorted(ran | self._otherwise(before, known))))
        self.expected = self._expected.of(other, now, self._expect)
        self.intervals = self._intervals.of(replanned, now, self._measure)
        self.silences = self._quiet.of(known.flows, known.names, known.histories, ran, known.known_since, now)
        self.skips = self._clock_changes.of(plans, replanned, now)

    def _otherwise(self, before: Situation, known: Situation) -> set[str]:
        """The flows of which anything but plan and history changed that decides what is expected."""
        finished = changed_keys(before.tallies, known.tallies)
        changed = {flow_id for flow_id in finished if before.last(flow_id) is not known.last(flow_id)}
        changed |= changed_keys(before.since, known.since) | self._begun_or_ended(before, known)
        return changed | self._divided if known.known_since != before.known_since else changed

    def _begun_or_ended(self, before: Situation, known: Situation) -> set[str]:
        """The flows whose runs in progress are others; their tuples are made anew by each reading."""
        if known.active is before.active:
            return set()
        held, self._active = self._active, active_flows(known.active)
        ids = held.keys() | self._active.keys()
        return {key for key in ids if signs_of(held.get(key, ())) != signs_of(self._active.get(key, ()))}

    def _expect(self, flow_id: str) -> Found[Expected] | None:
        known = self._known
        plan = known.plans.get(flow_id)
        if plan is None:
            return None
        runs = Runs(known.last(flow_id), self._active.get(flow_id, ()), known.histories.get(flow_id, NOTHING))
        since = known.since.get(flow_id)
        begin = known.now if since is None else since.since
        found = expected_of(plan, runs, begin, known.known_since, known.now)
        # As long as nobody noted since when, it is since now, whenever that is.
        return found._replace(until=known.now) if found is not None and since is None else found

    def _measure(self, flow_id: str) -> Found[float] | None:
        plan = self._known.plans.get(flow_id)
        return None if plan is None else interval_of(plan, self._known.now)


def _having(
    before: frozenset[str], changed: Collection[str], plans: Mapping[str, Plan], has: Callable[[Plan], bool]
) -> frozenset[str]:
    """The flows whose plan is so; the very set of before when they are the same."""
    now = before.difference(changed) | {flow_id for flow_id in changed if flow_id in plans and has(plans[flow_id])}
    return before if now == before else now
