"""What lies behind the account when the simulation begins.

Besides the runs that the engine plays through, an old account has errors nobody
cared about, flows that ran before the known history, and a run that was queued ten
days ago and never started (seen on a real account, contract 3.7).
"""

from exporter.simulator.account import Account, build_account
from exporter.simulator.engine import Engine
from exporter.simulator.failures import draw_kind
from exporter.simulator.identity import stream
from exporter.simulator.open_errors import ErrorRecord
from exporter.simulator.options import DAY_MS, SimulatorOptions
from exporter.simulator.resources import Flow
from exporter.simulator.schedule import last_tick

_FORGOTTEN_MS = 10 * DAY_MS
_FORGOTTEN_FROM = 12
_START_DELAY_MS = 2_300


def populate(options: SimulatorOptions, start_ms: int) -> Engine:
    """Return an engine at `start_ms` with the account and its history behind it."""
    account = build_account(options, start_ms)
    begin_ms = start_ms - round(options.history_seconds * 1000)
    _set_last_executions(account, begin_ms)
    engine = Engine(options, account, begin_ms)
    if options.backlog:
        _add_backlog(engine, start_ms)
    engine.advance(start_ms)
    if options.backlog and options.flows >= _FORGOTTEN_FROM and options.retention_ms > _FORGOTTEN_MS:
        _forget_a_run(engine, start_ms - _FORGOTTEN_MS)
    return engine


def _set_last_executions(account: Account, begin_ms: int) -> None:
    for flow in account.flows:
        if flow.last_executed_ms is None or not flow.enabled:
            continue
        if flow.schedule is not None:
            flow.last_executed_ms = last_tick(flow.schedule, flow.timezone, begin_ms) + _START_DELAY_MS
        elif flow.trigger != "on_demand":
            flow.last_executed_ms = begin_ms - (1 + flow.ordinal % 50) * 60_000


def _add_backlog(engine: Engine, start_ms: int) -> None:
    share = 0.3 if len(engine.account.flows) <= 500 else 0.1
    for flow in engine.account.flows:
        draws = stream(engine.options.seed, "backlog", flow.id)
        if flow.last_executed_ms is None or draws.random() >= share:
            continue
        count = min(800, engine.options.errors_per_step_cap, 1 + round(draws.lognormvariate(2.5, 1.2)))
        step = draws.choice(flow.steps)
        newest = max(1, round(engine.options.history_seconds * 1000))
        ages = [newest + round(draws.expovariate(1 / (4 * DAY_MS))) for _ in range(count)]
        kept = sorted((a for a in ages if a < engine.options.retention_ms - DAY_MS), reverse=True)
        engine.repair.store(flow, step.id, [_old_error(flow, n, start_ms - age) for n, age in enumerate(kept)])


def _old_error(flow: Flow, index: int, at_ms: int) -> ErrorRecord:
    number = int(flow.id[:12], 16) + index
    draws = stream(number, "old")
    kind = draw_kind(draws, flow.behaviour.favourite_errors)
    return ErrorRecord(f"{number % 10**12:012d}{index:04d}0", at_ms, kind, number, None)


def _forget_a_run(engine: Engine, at_ms: int) -> None:
    idle = next((f for f in engine.account.flows if f.trigger == "on_demand"), engine.account.flows[-1])
    run = engine.begin(idle, idle.generators[0], "forgotten", at_ms)
    run.stuck_share = 0.0
