"""The run engine: lets simulated time pass over an account.

Nothing happens by itself. `advance(now)` does, under one lock, everything that was
due up to `now`: ticks of schedules, arrivals at listeners, starts and ends of runs,
errors, retries, resolutions. An idle simulator therefore costs nothing, and the state
at an instant does not depend on how often it was asked for.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from exporter.simulator.account import Account
from exporter.simulator.agenda import Agenda
from exporter.simulator.audit import AuditTrail
from exporter.simulator.bending import bend_duration, bend_outcome, bend_queue
from exporter.simulator.failures import ErrorKind
from exporter.simulator.identity import object_id, stream
from exporter.simulator.open_errors import ErrorBook
from exporter.simulator.options import DAY_MS, SimulatorOptions
from exporter.simulator.plan import RunPlan, draw_plan
from exporter.simulator.repair import Repair
from exporter.simulator.resources import Flow, Generator
from exporter.simulator.runbook import RunBook
from exporter.simulator.runs import Run
from exporter.simulator.schedule import ticks

# Runs of one tick are created in the same millisecond, or in one of two more.
_TICK_DELAY_MS = 107
_TICK_SPREAD_MS = 104
_CHAIN_DELAY_MS = 350
_UNSTICK_MS = 1000


class Engine:
    """The account's life. `lock` guards everything reachable from here.

    `down` holds the ids of connections that are offline or gone: flows that use one
    of them start no runs.
    """

    def __init__(self, options: SimulatorOptions, account: Account, begin_ms: int) -> None:
        self.options = options
        self.account = account
        self.lock = threading.RLock()
        self.now_ms = begin_ms
        self.agenda = Agenda()
        self.runs = RunBook()
        self.errors = ErrorBook(options.errors_per_step_cap)
        self.audit = AuditTrail(options.seed, account, self.agenda, begin_ms)
        self.repair = Repair(options, account, self.agenda, self.runs, self.errors)
        self.down: set[str] = set()
        self.refresh_down()
        for flow in account.flows:
            self._plant(flow, begin_ms)

    def advance(self, now_ms: int) -> None:
        """Do everything due up to `now_ms`; an earlier instant changes nothing."""
        with self.lock:
            while self.now_ms < now_ms:
                # Day by day, so that a jump of a month does not hold the runs of two.
                self.now_ms = min(now_ms, self.now_ms + DAY_MS)
                self.agenda.run_until(self.now_ms)
                self.runs.purge(self.now_ms - self.options.retention_ms)

    def begin(self, flow: Flow, generator: Generator, key: str, at_ms: int, plan: RunPlan | None = None) -> Run:
        """Create a queued run of one generator; `key` tells it from every other run of it."""
        seed = self.options.seed
        run_id = object_id(seed, "run", flow.id, generator.step.id, key)[:22] + "00"
        drawn = None
        if plan is None:
            draws = stream(seed, "plan", run_id)
            plan = drawn = bend_queue(flow, draw_plan(flow, generator.step.id, draws, self.account.user_id))
        run = Run(
            id=run_id,
            kind="flow",
            flow=flow,
            integration_id=flow.integration_id,
            step_id=generator.step.id,
            step_kind="export",
            created_ms=at_ms,
            plan=plan,
            group=key[-8:] if len(flow.generators) > 1 else None,
            drawn=drawn,
        )
        self.runs.add(run)
        flow.in_progress[run.step_id] = flow.in_progress.get(run.step_id, 0) + 1
        return run

    def start(self, run: Run, now_ms: int) -> None:
        """Let a queued run start, and end after its planned duration."""
        if run.status != "queued" or run.stuck_share is not None or run.vanished:
            return
        if run.drawn is not None:
            run.drawn = bend_duration(run.flow, run.drawn)
        self._bend(run)
        run.status = "running"
        run.started_ms = now_ms
        run.flow.last_executed_ms = max(now_ms, run.flow.last_executed_ms or 0)
        self.agenda.at(now_ms + run.plan.duration_ms, f"end|{run.id}", partial(self.end, run))

    def end(self, run: Run, now_ms: int) -> None:
        """End a run as planned: raise its errors, count it, start what is chained to it."""
        if run.stuck_share is not None or run.vanished or not run.in_progress:
            return
        self._bend(run)
        run.settle(self._fitting(run), now_ms)
        self._release(run)
        self.runs.finish(run)
        self.repair.raise_errors(run, now_ms)
        if run.status == "completed":
            self._start_chained(run, now_ms)

    def vanish(self, run: Run) -> None:
        """Let a run in progress be gone without an end; its flow may start again."""
        # Its start or end stays on the agenda, and finds the mark when it is due.
        run.vanished = True
        self._release(run)
        self.runs.vanish(run)

    def run_now(self, flow: Flow, key: str, plan: RunPlan, error_kind: ErrorKind | None = None) -> Run:
        """Start a run of the first generator now; one of no duration ends at once."""
        run = self.begin(flow, flow.generators[0], key, self.now_ms, plan)
        run.error_kind = error_kind
        self.start(run, self.now_ms)
        self.agenda.run_until(self.now_ms)
        return run

    def unstick(self, run: Run) -> None:
        """Let a stuck run go on: a queued one starts, a running one ends a second from now."""
        run.stuck_share = None
        soon = self.now_ms + _UNSTICK_MS
        if run.status == "queued":
            self.agenda.at(soon, f"start|{run.id}", partial(self.start, run))
        elif run.in_progress:
            self.agenda.at(soon, f"end|{run.id}", partial(self.end, run))

    def replant(self, flow: Flow) -> None:
        """Lay out the ticks of a flow anew, from now on, after its schedule changed."""
        flow.planted += 1
        self._plant(flow, self.now_ms)

    def refresh_down(self) -> None:
        """Note which connections are offline or gone, after any of them changed."""
        self.down = {c.id for c in self.account.connections if c.offline_since_ms is not None or c.deleted}

    def may_run(self, flow: Flow) -> bool:
        """Whether a trigger would start a run now."""
        if flow.deleted or not flow.enabled or flow.schedule_stopped:
            return False
        return not self.down or all(step.connection_id not in self.down for step in flow.steps)

    def _plant(self, flow: Flow, begin_ms: int) -> None:
        if flow.trigger == "listener":
            self._await_arrival(flow, 0, begin_ms)
            return
        shared = tuple(g for g in flow.generators if g.schedule is None)
        if flow.schedule is not None and shared:
            self._await_tick(flow, shared, ticks(flow.schedule, flow.timezone, begin_ms))
        for generator in flow.generators:
            if generator.schedule is not None:
                self._await_tick(flow, (generator,), ticks(generator.schedule, flow.timezone, begin_ms))

    def _await_tick(self, flow: Flow, generators: tuple[Generator, ...], times: Iterator[int]) -> None:
        tick_ms = next(times)
        created_ms = tick_ms + _TICK_DELAY_MS + _TICK_SPREAD_MS * (flow.ordinal % 3)
        key = f"tick|{flow.ordinal:06d}|{generators[0].step.id}"
        self.agenda.at(created_ms, key, partial(self._tick, flow, generators, times, flow.planted))

    def _tick(
        self, flow: Flow, generators: tuple[Generator, ...], times: Iterator[int], planted: int, now_ms: int
    ) -> None:
        if planted != flow.planted:
            return
        self._await_tick(flow, generators, times)
        if flow.late_ms:
            key = f"late|{flow.ordinal:06d}|{generators[0].step.id}"
            self.agenda.at(now_ms + flow.late_ms, key, partial(self._begin_scheduled, flow, generators))
        else:
            self._begin_scheduled(flow, generators, now_ms)

    def _begin_scheduled(self, flow: Flow, generators: tuple[Generator, ...], now_ms: int) -> None:
        if not self.may_run(flow):
            return
        for generator in generators:
            # A flow does not start again while its run is in progress.
            if not flow.in_progress.get(generator.step.id):
                self._queue(self.begin(flow, generator, f"tick|{now_ms}", now_ms))

    def _await_arrival(self, flow: Flow, number: int, after_ms: int) -> None:
        draws = stream(self.options.seed, "arrival", flow.id, number)
        gap_ms = 1000 + round(1000 * draws.expovariate(1 / flow.behaviour.listener_mean_seconds))
        action = partial(self._arrive, flow, number)
        self.agenda.at(after_ms + gap_ms, f"arrival|{flow.ordinal:06d}", action)

    def _arrive(self, flow: Flow, number: int, now_ms: int) -> None:
        self._await_arrival(flow, number + 1, now_ms)
        if self.may_run(flow):
            self._queue(self.begin(flow, flow.generators[0], f"arrival|{number}", now_ms))

    def _queue(self, run: Run) -> None:
        self.agenda.at(run.created_ms + run.plan.queue_ms, f"start|{run.id}", partial(self.start, run))

    def _start_chained(self, parent: Run, now_ms: int) -> None:
        for flow_id in parent.flow.run_next:
            flow = self.account.flow_by_id[flow_id]
            if not self.may_run(flow):
                continue
            for generator in flow.generators:
                if not flow.in_progress.get(generator.step.id):
                    at_ms = now_ms + _CHAIN_DELAY_MS
                    action = partial(self._begin_chained, flow, generator, parent.id)
                    self.agenda.at(at_ms, f"chain|{flow.ordinal:06d}|{generator.step.id}|{parent.id}", action)

    def _begin_chained(self, flow: Flow, generator: Generator, key: str, now_ms: int) -> None:
        self._queue(self.begin(flow, generator, key, now_ms))

    def _release(self, run: Run) -> None:
        left = run.flow.in_progress.get(run.step_id, 0) - 1
        run.flow.in_progress[run.step_id] = max(0, left)

    def _bend(self, run: Run) -> None:
        # Also at the start, so that the numbers of a run in progress move towards those of its end.
        if run.drawn is not None:
            run.plan = bend_outcome(run.flow, run.step_id, run.drawn)

    def _fitting(self, run: Run) -> RunPlan:
        # No more errors than their step may hold, so that counts and records stay equal.
        if not run.plan.errors:
            return run.plan
        rooms = ((step_id, min(count, self.errors.room(run.flow.id, step_id))) for step_id, count in run.plan.errors)
        return replace(run.plan, errors=tuple((step_id, count) for step_id, count in rooms if count > 0))
