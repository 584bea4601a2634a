"""Builders for the unit tests: small accounts at a fixed instant, and single flows made by hand."""

from typing import Any

from exporter.simulator.account import build_account
from exporter.simulator.engine import Engine
from exporter.simulator.failures import ErrorKind
from exporter.simulator.open_errors import ErrorRecord
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.past import populate
from exporter.simulator.plan import RunPlan
from exporter.simulator.resources import Behaviour, Branch, Flow, Generator, Step
from exporter.simulator.runs import Run

START = 1_788_000_000_000  # 2026-08-29 10:40 UTC
MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000
KIND = ErrorKind("application", "422", "value", "Bad address of {person}.")
QUIET = Behaviour(
    median_seconds=10.0,
    max_seconds=30.0,
    records=50.0,
    empty_rate=0.0,
    error_rate=0.0,
    failure_rate=0.0,
    listener_mean_seconds=60.0,
    favourite_errors=(0, 1, 2),
)


def options(**changes: Any) -> SimulatorOptions:
    """Options of a small account that a test can read in one glance."""
    return SimulatorOptions(**{"flows": 24, "seed": 3, "history_seconds": 3600.0, **changes})


def engine(**changes: Any) -> Engine:
    """An engine at START with its history behind it."""
    return populate(options(**changes), START)


def bare_engine(**changes: Any) -> Engine:
    """An engine at START whose flows never fire by themselves: only what the test does happens."""
    chosen = options(history_seconds=0.0, **changes)
    account = build_account(chosen, START)
    triggers = [(flow, flow.trigger, flow.schedule, flow.generators) for flow in account.flows]
    for flow in account.flows:
        flow.trigger, flow.schedule = "on_demand", None
        flow.generators = tuple(Generator(generator.step) for generator in flow.generators)
    built = Engine(chosen, account, START)
    for flow, trigger, schedule, generators in triggers:
        flow.trigger, flow.schedule, flow.generators = trigger, schedule, generators
    return built


def step(number: int, kind: str = "import") -> Step:
    """A step with an id that can be read."""
    return Step(
        ordinal=number,
        id=f"{number:024x}",
        name=f"step {number}",
        kind=kind,
        adaptor="HTTPImport",
        export_type=None,
        is_lookup=False,
        connection_id=None,
        integration_id=None,
        sandbox=False,
        created_ms=START - DAY,
    )


def flow(*, processors: tuple[Step, ...] | None = None, branches: tuple[Branch, ...] = (), **changes: Any) -> Flow:
    """A flow with one generator (step 1) and one import (step 2)."""
    given: dict[str, Any] = {
        "ordinal": 0,
        "id": "f" * 24,
        "name": "a flow",
        "integration_id": None,
        "sandbox": False,
        "enabled": True,
        "trigger": "scheduled",
        "schedule": "? * * ? * *",
        "timezone": None,
        "generators": (Generator(step(1, "export")),),
        "processors": (step(2),) if processors is None else processors,
        "branches": branches,
        "legacy": False,
        "auto_resolve": True,
        "behaviour": QUIET,
        "created_ms": START - DAY,
        "modified_ms": START - DAY,
    }
    return Flow(**{**given, **changes})


def plan(**changes: Any) -> RunPlan:
    """A run of a minute with 40 records and no errors."""
    given: dict[str, Any] = {
        "queue_ms": 1000,
        "duration_ms": MINUTE,
        "status": "completed",
        "records": 40,
        "ignored": 0,
        "errors": (),
    }
    return RunPlan(**{**given, **changes})


def run(of: Flow | None = None, **changes: Any) -> Run:
    """A queued run created at START."""
    given: dict[str, Any] = {
        "id": "a" * 22 + "00",
        "kind": "flow",
        "flow": of or flow(),
        "integration_id": None,
        "step_id": step(1).id,
        "step_kind": "export",
        "created_ms": START,
        "plan": plan(),
    }
    return Run(**{**given, **changes})


def record(number: int, at_ms: int = START, of: Run | None = None) -> ErrorRecord:
    """An open error record."""
    return ErrorRecord(f"e{number}", at_ms, KIND, number, of)
