"""What will become of a run, drawn once when the run is created.

A plan is a pure function of the flow and of a stream that belongs to this run
alone; how often and in which order the engine is asked for time changes nothing.
"""

import math
from dataclasses import dataclass
from random import Random

from exporter.simulator.resources import Flow

PAGE_RECORDS = 20
_CANCEL_RATE = 0.003
_SLOW_RATE = 0.03
_SPREAD = 0.45


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The fate of one run: waits in ms, records read, errors by step id, and how it ends.

    `ignored` records are skipped by the first step after the generator.
    """

    queue_ms: int
    duration_ms: int
    status: str
    records: int
    ignored: int
    errors: tuple[tuple[str, int], ...]
    canceled_by: str | None = None

    @property
    def pages(self) -> int:
        """Pages that the generator makes of its records."""
        return -(-self.records // PAGE_RECORDS)


def draw_plan(flow: Flow, generator_step_id: str, draws: Random, user_id: str) -> RunPlan:
    """Return the plan of one run of `flow` that `generator_step_id` feeds."""
    behaviour = flow.behaviour
    fate, empty, chance, slow = draws.random(), draws.random(), draws.random(), draws.random()
    spread = draws.gauss(0.0, _SPREAD)
    queue_ms = _queue_ms(draws, behaviour.max_seconds)
    seconds = behaviour.median_seconds * math.exp(spread) * (4.0 if slow < _SLOW_RATE else 1.0)
    duration_ms = round(1000 * max(0.4, min(behaviour.max_seconds, seconds)))
    if fate < behaviour.failure_rate:
        return RunPlan(queue_ms, max(300, duration_ms // 4), "failed", 0, 0, ((generator_step_id, 1),))
    records = 0 if empty < behaviour.empty_rate else max(1, round(behaviour.records * math.exp(spread)))
    ignored = records // 25
    if fate > 1.0 - _CANCEL_RATE:
        by = "system" if slow < 0.5 else user_id
        return RunPlan(queue_ms, duration_ms, "canceled", records // 2, 0, (), by)
    errors = _errors(flow, generator_step_id, records - ignored, draws) if chance < behaviour.error_rate else ()
    return RunPlan(queue_ms, duration_ms, "completed", records, ignored, errors)


def _queue_ms(draws: Random, max_seconds: float) -> int:
    wait = draws.expovariate(1 / 1.5)
    if max_seconds > 60 and draws.random() < _SLOW_RATE:
        wait += draws.uniform(30, 240)
    return 50 + round(1000 * min(wait, 300.0 if max_seconds > 60 else 8.0))


def _errors(flow: Flow, generator_step_id: str, limit: int, draws: Random) -> tuple[tuple[str, int], ...]:
    if limit <= 0:
        return ()
    ids = [step.id for step in flow.processing_steps] or [generator_step_id]
    count = min(limit, 1 + int(draws.expovariate(1 / 4)))
    first = draws.choice(ids)
    if count > 3 and len(ids) > 1 and draws.random() < 0.3:
        second = draws.choice([step_id for step_id in ids if step_id != first])
        return ((first, count - 1), (second, 1))
    return ((first, count),)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step of a run did with its records."""

    step_id: str
    kind: str
    success: int
    error: int
    ignored: int


def step_outcomes(flow: Flow, generator_step_id: str, plan: RunPlan) -> tuple[StepOutcome, ...]:
    """Return the outcome of the generator and of each step after it.

    Branches share the records; every other step sees all of them. The sum over all
    rows is what the parent run reports (contract 3.7).
    """
    errors = dict(plan.errors)
    own = errors.get(generator_step_id, 0)
    rows = [StepOutcome(generator_step_id, "export", max(0, plan.records - own), own, 0)]
    branches = max(1, len(flow.branches))
    for position, step in enumerate(flow.processing_steps):
        error = errors.get(step.id, 0)
        ignored = plan.ignored if position == 0 else 0
        seen = plan.records // branches
        rows.append(StepOutcome(step.id, step.kind, max(0, seen - error - ignored), error, ignored))
    return tuple(rows)
