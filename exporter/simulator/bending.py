"""How incidents bend the plan that was drawn for a run.

Plans are drawn all the same, so that no run's fate depends on whether an incident struck another one.
"""

from dataclasses import replace

from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Flow
from exporter.simulator.shares import part_of


def bend_queue(flow: Flow, plan: RunPlan) -> RunPlan:
    """Return the plan of a run that is created now: how long it waits."""
    queue_ms = flow.quirks.queue_ms
    return plan if queue_ms is None else replace(plan, queue_ms=queue_ms)


def bend_duration(flow: Flow, plan: RunPlan) -> RunPlan:
    """Return the plan of a run that starts now: how long it runs."""
    duration_ms = flow.quirks.duration_ms
    return plan if duration_ms is None else replace(plan, duration_ms=duration_ms)


def bend_outcome(flow: Flow, generator_step_id: str, plan: RunPlan) -> RunPlan:
    """Return the plan of a run that ends now: how it ends, with which records and errors."""
    quirks = flow.quirks
    if quirks.failing:
        one = ((generator_step_id, 1),)
        return replace(plan, status="failed", records=0, ignored=0, errors=one, canceled_by=None)
    if plan.status != "completed":
        return plan
    if quirks.records is not None:
        plan = _reading(plan, quirks.records)
    if quirks.error_share is not None:
        plan = _erring(flow, generator_step_id, plan, quirks.error_share)
    return plan


def _reading(plan: RunPlan, records: int) -> RunPlan:
    ignored = records // 25
    room, errors = records - ignored, []
    for step_id, count in plan.errors:
        errors.append((step_id, min(count, room)))
        room -= errors[-1][1]
    return replace(plan, records=records, ignored=ignored, errors=tuple((s, n) for s, n in errors if n))


def _erring(flow: Flow, generator_step_id: str, plan: RunPlan, share: float) -> RunPlan:
    count = part_of(plan.records, share)
    steps = _where(flow, generator_step_id)
    # Branches share the records, and so the errors: no step fails on more than it sees.
    each = [count // len(steps) + (number < count % len(steps)) for number in range(len(steps))]
    errors = tuple((step_id, part) for step_id, part in zip(steps, each, strict=True) if part)
    return replace(plan, ignored=min(plan.ignored, plan.records - count), errors=errors)


def _where(flow: Flow, generator_step_id: str) -> list[str]:
    if flow.branches:
        return [branch.steps[0].id for branch in flow.branches]
    return [step.id for step in flow.processors[:1]] or [generator_step_id]
