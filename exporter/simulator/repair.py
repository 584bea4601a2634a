"""What happens to errors after a run: resolution, retries, expiry."""

from collections import Counter
from functools import partial
from random import Random

from exporter.simulator.account import Account
from exporter.simulator.agenda import Agenda
from exporter.simulator.failures import ERROR_KINDS, FAILED_RUN, draw_kind
from exporter.simulator.identity import object_id, stream
from exporter.simulator.open_errors import ErrorBook, ErrorRecord
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Flow
from exporter.simulator.runbook import RunBook
from exporter.simulator.runs import Run

# Of the errors that somebody takes up: resolved by the flow itself, retried, and the others by a user.
_AUTO, _RETRY, _TAKEN_UP = 0.35, 0.6, 0.85
# The share of the errors left by a retry that stays open is in proportion to the one of all errors, and all of it here.
_UNRESOLVED = 0.15
_PATIENCE_SECONDS = 6 * 3600.0
_RETRY_SUCCESS = 0.7


class Repair:
    """Raises the errors of a run and decides what becomes of them.

    `resolved` counts, over the whole life of the account, the errors that were resolved, by the integration that their
    flow belonged to (`none` without one) and by what resolved them (`auto`, `user`).
    """

    def __init__(
        self, options: SimulatorOptions, account: Account, agenda: Agenda, runs: RunBook, errors: ErrorBook
    ) -> None:
        self._options = options
        self._account = account
        self._agenda = agenda
        self._runs = runs
        self._errors = errors
        self.resolved: dict[str, Counter[str]] = {}

    def raise_errors(self, run: Run, now_ms: int) -> None:
        """Store the error records of an ended run and plan what happens to them."""
        if not run.plan.errors:
            return
        draws = stream(self._options.seed, "errors", run.id)
        base, begun_ms = int(run.id[4:16], 16), run.started_ms or run.created_ms
        total = sum(count for _, count in run.plan.errors)
        # An incident's kind is for the runs it bends, not for those that were told how to end.
        told = run.error_kind or (run.flow.quirks.error_kind if run.drawn is not None else None)
        index = 0
        for step_id, count in run.plan.errors:
            records = []
            for _ in range(count):
                index += 1
                kind = told or draw_kind(draws, run.flow.behaviour.favourite_errors)
                if run.status == "failed" and run.error_kind is None:
                    kind = ERROR_KINDS[FAILED_RUN]
                at_ms = begun_ms + (now_ms - begun_ms) * index // (total + 1)
                records.append(ErrorRecord(f"{base % 10**12:012d}{index:04d}", at_ms, kind, base + index, run))
            self.store(run.flow, step_id, records)
            self._plan_fate(run, step_id, records, now_ms)

    def store(self, flow: Flow, step_id: str, records: list[ErrorRecord]) -> None:
        """Keep records, oldest first, until their retention is over."""
        self._errors.add(flow.id, step_id, records)
        self._watch_expiry(flow, step_id, records)

    def resolve(self, flow: Flow, step_id: str, ids: list[str], by: str, now_ms: int) -> int:
        """Resolve open errors of a step; returns how many were still open."""
        count = self._errors.resolve(flow.id, step_id, ids, now_ms, by, self._account.user_id)
        if count:
            self.resolved.setdefault(flow.integration_id or "none", Counter())[by] += count
        if count and not self._errors.open_count(flow.id):
            flow.resolved_ms = now_ms
        return count

    def _watch_expiry(self, flow: Flow, step_id: str, records: list[ErrorRecord]) -> None:
        if records:
            first = records[0]
            at_ms = first.occurred_ms + self._options.retention_ms
            key = f"expire|{flow.ordinal:06d}|{step_id}|{first.id}"
            self._agenda.at(at_ms, key, partial(self._expire, flow, step_id, records))

    def _expire(self, flow: Flow, step_id: str, records: list[ErrorRecord], now_ms: int) -> None:
        until_ms = now_ms - self._options.retention_ms
        old = [record.id for record in records if record.occurred_ms <= until_ms]
        self._errors.expire(flow.id, step_id, old, until_ms)
        self._watch_expiry(flow, step_id, records[len(old) :])

    def _plan_fate(self, run: Run, step_id: str, records: list[ErrorRecord], now_ms: int) -> None:
        if run.error_kind is not None:
            return
        draws = stream(self._options.seed, "fate", run.id, step_id)
        chance, ids = draws.random(), [record.id for record in records]
        taken_up = 1.0 - self._options.unresolved_share
        key = f"{run.flow.ordinal:06d}|{step_id}|{run.id}"
        if chance < _AUTO * (taken_up / _TAKEN_UP) and run.flow.auto_resolve:
            at_ms = now_ms + self._wait_ms(draws, 7.2, 0.8)
            self._agenda.at(at_ms, f"auto|{key}", partial(self.resolve, run.flow, step_id, ids, "auto"))
        elif chance < _RETRY * (taken_up / _TAKEN_UP):
            at_ms = now_ms + self._wait_ms(draws, 7.6, 0.8)
            self._agenda.at(at_ms, f"retry|{key}", partial(self._begin_retry, run, step_id, ids))
        elif chance < taken_up:
            self._await_user(run.flow, step_id, ids, key, now_ms + self._wait_ms(draws, 9.2, 0.7))

    def _await_user(self, flow: Flow, step_id: str, ids: list[str], key: str, at_ms: int) -> None:
        self._agenda.at(at_ms, f"user|{key}", partial(self.resolve, flow, step_id, ids, "user"))

    def _wait_ms(self, draws: Random, mean: float, spread: float) -> int:
        seconds = draws.lognormvariate(mean, spread)
        return round(1000 * (seconds if self._options.unresolved_share else min(seconds, _PATIENCE_SECONDS)))

    def _begin_retry(self, origin: Run, step_id: str, ids: list[str], now_ms: int) -> None:
        step = self._errors.steps(origin.flow.id).get(step_id)
        still_open = [record_id for record_id in ids if step and record_id in step.open]
        if not still_open or origin.flow.deleted:
            return
        draws = stream(self._options.seed, "retry", origin.id, step_id)
        chance = draws.random()
        status = "failed" if chance < 0.07 else "canceled" if chance < 0.1 else "completed"
        good = [i for i in still_open if draws.random() < _RETRY_SUCCESS] if status == "completed" else []
        kinds = {s.id: s.kind for s in origin.flow.steps}
        plan = RunPlan(800, round(1000 * draws.uniform(3, 45)), status, 0, 0, (), self._account.user_id)
        run = Run(
            id=object_id(self._options.seed, "retry", origin.id, step_id)[:22] + "00",
            kind="retry",
            flow=origin.flow,
            integration_id=origin.flow.integration_id,
            step_id=step_id,
            step_kind=kinds.get(step_id, "import"),
            created_ms=now_ms,
            plan=plan,
            triggered_by=self._account.user_id if draws.random() < 0.6 else "autopilot",
        )
        self._runs.add(run)
        status_now = "retrying" if draws.random() < 0.5 else "running"
        self._agenda.at(now_ms + plan.queue_ms, f"rstart|{run.id}", partial(self._start_retry, run, status_now))
        end_ms = now_ms + plan.queue_ms + plan.duration_ms
        self._agenda.at(end_ms, f"rend|{run.id}", partial(self._end_retry, run, still_open, good))

    def _start_retry(self, run: Run, status: str, now_ms: int) -> None:
        run.status = status
        run.started_ms = now_ms

    def _end_retry(self, run: Run, ids: list[str], good: list[str], now_ms: int) -> None:
        step = self._errors.steps(run.flow.id).get(run.step_id)
        tried = [record for record_id in ids if step and (record := step.open.get(record_id))]
        for record in tried:
            record.retry_ms = now_ms
        resolved = self.resolve(run.flow, run.step_id, good, "auto", now_ms)
        failed = len(tried) - resolved if run.status != "canceled" else 0
        run.end_retry(resolved, failed, now_ms)
        self._runs.finish(run)
        self._plan_rest(run, [record.id for record in tried if record.resolved_ms is None], now_ms)

    def _plan_rest(self, run: Run, ids: list[str], now_ms: int) -> None:
        """Let a user look at what a retry left open, unless nobody does."""
        draws = stream(self._options.seed, "rest", run.id)
        if ids and draws.random() >= self._options.unresolved_share / _UNRESOLVED:
            key = f"{run.flow.ordinal:06d}|{run.step_id}|{run.id}"
            self._await_user(run.flow, run.step_id, ids, key, now_ms + self._wait_ms(draws, 9.2, 0.7))
