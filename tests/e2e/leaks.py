"""What the leak test is made of: an account that keeps changing, and the rule by which an exporter holds ever more.

Time is virtual on both sides and moved on together, minute by minute, with a scrape each; everything else is real.
"""

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from tests.e2e.moved import Moved
from tests.e2e.proc import held
from tests.e2e.simulated import SimulatedAccount

MINUTE, HOUR = 60, 3600
TOLERANCE = 1.05
"""Memory may be so much more in the last hours than in the first, beyond what more series take."""

MORE_SERIES = 1.10
"""The account may have so many more: a flow that runs once a week has its first run in any hour of that."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What there is at one moment; memory in bytes."""

    resident: int
    threads: int
    descriptors: int
    sockets: int
    series: int


COUNTED = ("threads", "descriptors", "sockets")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how much; in the warm-up is a scrape every few minutes only.

    `spare` flows are made one after the other; as many others are deleted meanwhile. `each_hour` flows are made,
    deleted, given errors and relieved of them in an hour.
    """

    flows: int
    hours: int
    warm_up: int
    warm_up_step: int
    each_hour: int
    sample_minutes: int

    @property
    def spare(self) -> int:
        """Flows that are not there at first."""
        return self.each_hour * (self.warm_up + self.hours)


@dataclass(slots=True)
class Churn:
    """What happens to the account in an hour: nothing that is there for ever, and no flow that comes back."""

    account: SimulatedAccount
    plan: Plan
    _hidden: deque[tuple[int, str]] = field(default_factory=deque)
    _there: deque[str] = field(default_factory=deque)
    _errors: deque[int] = field(default_factory=deque)
    _numbers: "count[int]" = field(default_factory=count)

    def begin(self) -> None:
        """Hide the flows that are made later."""
        flows = self.account.flows()
        spare, self._there = flows[-self.plan.spare :], deque(flows[: -self.plan.spare])
        self._hidden = deque((self._incident("flow_deleted", flow=flow), flow) for flow in spare)

    def part(self, parts: int) -> None:
        """The share that falls on one of so many parts of an hour."""
        for _ in range(max(1, self.plan.each_hour // parts)):
            self._one()

    def _one(self) -> None:
        if self._hidden:
            incident, made = self._hidden.popleft()
            self.account.control("DELETE", f"/incidents/{incident}")
            self._incident("flow_deleted", flow=self._there.popleft())
            self._there.append(made)
        flow = self._there[next(self._numbers) % len(self._there)]
        self._errors.append(self._incident("error_storm", flow=flow, count=3))
        self._incident("flow_run_now", flow=flow, records=9)
        self._incident("flow_renamed", flow=flow, name=f"renamed {next(self._numbers)}")
        if len(self._errors) > self.plan.each_hour:
            self.account.control("DELETE", f"/incidents/{self._errors.popleft()}")

    def _incident(self, kind: str, **options: object) -> int:
        return int(self.account.control("POST", "/incidents", kind=kind, **options)["id"])


def live(exporter: Moved, churn: Churn, hours: int, step_minutes: int = 1) -> list[Measure]:
    """Let virtual hours pass with a scrape each step; what the exporter held each few minutes of them."""
    found = []
    minutes = churn.plan.sample_minutes
    parts = HOUR // MINUTE // minutes
    for _ in range(hours * parts):
        churn.part(parts)
        document = b""
        for _ in range(minutes // step_minutes):
            churn.account.advance(step_minutes * MINUTE)
            exporter.advance(step_minutes * MINUTE)
            document = exporter.scrape()
        churn.account.requests()
        now = held(exporter.pid)
        found.append(Measure(now.resident, now.threads, now.descriptors, now.sockets, document.count(b"\n")))
    return found


def complaints(measures: Sequence[Measure]) -> list[str]:
    """What is more at the end than at the beginning, the warm-up left out; empty when all is flat.

    Memory and series are compared by medians of the first and the last quarter. What is counted must be as few at least
    once in the last quarter as it was at most in the first: a connection or thread on its way out is no leak, a rising
    floor is.
    """
    quarter = max(1, len(measures) // 4)
    first, last = measures[:quarter], measures[-quarter:]
    found = [
        f"{name}: {min(_of(last, name))} at least, {max(_of(first, name))} at most before"
        for name in COUNTED
        if min(_of(last, name)) > max(_of(first, name))
    ]
    resident, series = (_growth(first, last, name) for name in ("resident", "series"))
    if resident > TOLERANCE * max(1.0, series):
        found.append(f"resident: {resident - 1:.1%} more than before, of {series - 1:.1%} more series")
    if series > MORE_SERIES:
        found.append(f"series: {series - 1:.1%} more than before")
    return found


def _growth(first: Sequence[Measure], last: Sequence[Measure], name: str) -> float:
    before, after = (statistics.median(_of(part, name)) for part in (first, last))
    return after / before


def _of(measures: Sequence[Measure], name: str) -> list[int]:
    return [int(getattr(each, name)) for each in measures]
