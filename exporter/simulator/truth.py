"""The ground truth: what an exporter of this account ought to say.

Read straight from the engine's state, on none of the ways an exporter takes.
"""

from collections import Counter

from exporter.simulator.engine import Engine
from exporter.simulator.inventory_rows import queue_size
from exporter.simulator.open_errors import StepErrors
from exporter.simulator.options import DAY_MS
from exporter.simulator.resources import JsonObject

_AGES_MS = {"1h": DAY_MS // 24, "24h": DAY_MS, "7d": 7 * DAY_MS, "25d": 25 * DAY_MS}
_EXPIRING_MS = 3 * DAY_MS


def ground_truth(engine: Engine, now_ms: int) -> JsonObject:
    """Return the state as of `now_ms`; instants are unix seconds."""
    with engine.lock:
        engine.advance(now_ms)
        account, tallies, resolved = engine.account, engine.runs.tallies, engine.repair.resolved
        return {
            "now": engine.now_ms / 1000,
            "integrations": [{"id": i.id, "name": i.name, "deleted": i.deleted} for i in account.integrations],
            "flows": _flows(engine),
            "connections": [
                {
                    "id": c.id,
                    "name": c.name,
                    "online": c.offline_since_ms is None,
                    "queue": queue_size(c, engine.now_ms),
                    "deleted": c.deleted,
                }
                for c in account.connections
            ],
            "agents": [{"id": a.id, "name": a.name, "online": a.offline_since_ms is None} for a in account.agents],
            "open_errors": _open_errors(engine),
            "errors_resolved": {name: {by: held[by] for by in ("user", "auto")} for name, held in resolved.items()},
            "runs_finished": {flow_id: dict(tally.runs) for flow_id, tally in tallies.items()},
            "retries_finished": {flow_id: dict(tally.retries) for flow_id, tally in tallies.items()},
            "records": {
                flow_id: {"success": tally.success, "error": tally.error, "ignored": tally.ignored}
                for flow_id, tally in tallies.items()
            },
            "active": _active(engine),
            "vanished": {flow_id: list(run_ids) for flow_id, run_ids in engine.runs.vanished.items()},
        }


def run_rows(engine: Engine, now_ms: int, since: float, until: float) -> list[JsonObject]:
    """Return the job rows, oldest first, whose life touches the window of unix seconds.

    `finishedAt` is a unix time, None while the run is in progress.
    """
    with engine.lock:
        engine.advance(now_ms)
        rows: list[JsonObject] = []
        for run in engine.runs.newest_first(None, round(min(until, 1e12) * 1000)):
            if run.ended_ms is not None and run.ended_ms < since * 1000:
                continue
            row = run.row(engine.now_ms, engine.options.retention_ms)
            row["finishedAt"] = None if run.ended_ms is None else run.ended_ms / 1000
            rows.append(row)
        rows.reverse()
        return rows


def _flows(engine: Engine) -> list[JsonObject]:
    return [
        {
            "id": flow.id,
            "name": flow.name,
            "integration_id": flow.integration_id or "none",
            "enabled": flow.enabled,
            "scheduled": flow.scheduled,
            "trigger": flow.trigger,
            "schedule": flow.schedule,
            "timezone": flow.timezone,
            "last_executed_at": None if flow.last_executed_ms is None else flow.last_executed_ms / 1000,
            "deleted": flow.deleted,
            "step_ids": [step.id for step in flow.steps],
        }
        for flow in engine.account.flows
    ]


def _open_errors(engine: Engine) -> JsonObject:
    rows: JsonObject = {}
    for flow in engine.account.live_flows():
        steps = {step_id: _step(step, engine) for step_id, step in engine.errors.steps(flow.id).items() if step.open}
        if steps:
            rows[flow.id] = steps
    return rows


def _step(step: StepErrors, engine: Engine) -> JsonObject:
    """One step's open errors; `older_than` is cumulative, `expiring` are purged within 3 days."""
    records = step.open.values()
    ages = [engine.now_ms - record.occurred_ms for record in records]
    oldest, last = step.bounds or (0, 0)
    return {
        "count": len(records),
        "last": last / 1000,
        "oldest": oldest / 1000,
        "by_classification": dict(Counter(record.kind.classification or "none" for record in records)),
        "by_source": dict(Counter(record.kind.source for record in records)),
        "by_code": dict(Counter(record.kind.code for record in records)),
        "older_than": {name: sum(age > limit for age in ages) for name, limit in _AGES_MS.items()},
        "expiring": sum(engine.options.retention_ms - age <= _EXPIRING_MS for age in ages),
        "unassigned": sum(not record.assignee for record in records),
    }


def _active(engine: Engine) -> JsonObject:
    counts: dict[str, Counter[str]] = {}
    for run in engine.runs.active.values():
        counts.setdefault(run.flow.id, Counter())[run.status] += 1
    return {flow_id: dict(counter) for flow_id, counter in counts.items()}
