"""An hour of the simulated account through the real client, minute by minute, ends in what the account knows itself."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.api.refresh import Refresh
from exporter.collect.errors import ErrorsCollector
from exporter.collect.jobs import FinishedRunsView, JobsCollector
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.samples import CLASSIFICATIONS
from exporter.config.settings import ErrorsSettings, JobsSettings
from exporter.ledger.runs import RunLedger
from exporter.ledger.store import MemoryStore
from exporter.ledger.tally import FINISHED
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.api.kit import TOKEN, Kit, kit
from tests.clocks import ManualClock
from tests.collect.fake_client import Published

JOBS = JobsSettings()
ERRORS = ErrorsSettings(flows_per_run=500, steps_per_run=500, pages_per_step=100)


@dataclass(slots=True)
class World:
    """A simulated account and both collectors on it, in one time."""

    simulator: Simulator
    client: Kit
    clock: ManualClock
    jobs: JobsCollector
    errors: ErrorsCollector
    published: Published = field(default_factory=Published)

    def collect(self, collector: JobsCollector | ErrorsCollector) -> Refresh:
        refresh = Refresh(self.clock, self.clock.monotonic() + 600)
        collector.collect(refresh, self.published)
        return refresh

    @property
    def runs(self) -> FinishedRunsView:
        view = self.published.views["finished_runs"]
        assert isinstance(view, FinishedRunsView)
        return view

    @property
    def open_errors(self) -> OpenErrorsView:
        view = self.published.views["open_errors"]
        assert isinstance(view, OpenErrorsView)
        return view


@dataclass(frozen=True, slots=True)
class Settled:
    """A world after an hour, and the instant of the first sight."""

    world: World
    since: float


@pytest.fixture(scope="module")
def settled() -> Iterator[Settled]:
    clock = ManualClock()
    options = SimulatorOptions(
        flows=30, seed=5, history_seconds=14_400, token=TOKEN, base_clock=clock.time,
        bucket_size=1_000_000, bucket_rate=100_000.0, job_page_size=200, page_size=20,
    )  # fmt: skip
    with Simulator(options) as simulator, kit(clock, base_url=simulator.url) as held:
        jobs = JobsCollector(held.client, JOBS, RunLedger(MemoryStore()))
        errors = ErrorsCollector(held.client, ERRORS)
        world, since = World(simulator, held, clock, jobs, errors), clock.time()
        world.collect(jobs)
        for minute in range(1, 71):
            clock.advance(60)
            world.collect(jobs)
            if minute % 14 == 0:
                world.collect(errors)
        yield Settled(world, since)


def finished_between(simulator: Simulator, since: float, kind: str) -> Counter[tuple[str, str]]:
    rows = [row for row in simulator.runs() if row["type"] == kind and row["finishedAt"] is not None]
    return Counter((str(row["_flowId"]), str(row["status"])) for row in rows if _number(row["finishedAt"]) > since)


def _number(value: Any) -> float:
    return float(value)


def counted(world: World, kind: str) -> Counter[tuple[str, str]]:
    counts = Counter(
        {
            (flow_id, status): number
            for flow_id, tally in world.runs.flows.items()
            for status, number in zip(FINISHED, tally.runs if kind == "flow" else tally.retries, strict=True)
        }
    )
    return +counts


def test_runs_are_counted_exactly(settled: Settled) -> None:
    world = settled.world
    assert counted(world, "flow") == finished_between(world.simulator, settled.since, "flow")
    assert sum(counted(world, "flow").values()) > 50


def test_retries_are_counted_exactly(settled: Settled) -> None:
    found = finished_between(settled.world.simulator, settled.since, "retry")
    assert counted(settled.world, "retry") == found
    assert found


def test_records_of_the_counted_runs_add_up(settled: Settled) -> None:
    world = settled.world
    rows = [row for row in world.simulator.runs() if row["type"] == "flow" and row["finishedAt"] is not None]
    rows = [row for row in rows if _number(row["finishedAt"]) > settled.since]
    expected = [sum(int(_number(row[name])) for row in rows) for name in ("numSuccess", "numError", "numIgnore")]
    assert [sum(tally.records[place] for tally in world.runs.flows.values()) for place in range(3)] == expected
    assert [sum(row.records[place] for row in world.runs.integrations.values()) for place in range(3)] == expected


def test_every_flow_that_exists_has_counters_and_no_other(settled: Settled) -> None:
    truth: Any = settled.world.simulator.truth()
    assert set(settled.world.runs.flows) == {row["id"] for row in truth["flows"] if not row["deleted"]}


def test_runs_in_progress_are_those_of_the_account(settled: Settled) -> None:
    rows = [row for row in settled.world.simulator.runs() if row["finishedAt"] is None and row["type"] == "flow"]
    shown = Counter((run.flow_id, run.status) for run in settled.world.published.views["active_runs"].runs)
    assert shown == Counter((row["_flowId"], row["status"]) for row in rows)


def test_open_errors_are_those_of_the_account(settled: Settled) -> None:
    truth: Any = settled.world.simulator.truth()
    view = settled.world.open_errors
    steps = {
        (flow_id, step_id): step for flow_id, held in truth["open_errors"].items() for step_id, step in held.items()
    }
    assert {key: number for key, number in view.steps.items() if number} == {k: s["count"] for k, s in steps.items()}
    live = {row["id"] for row in truth["flows"] if not row["deleted"]}
    totals = {flow_id: sum(step["count"] for step in held.values()) for flow_id, held in truth["open_errors"].items()}
    assert {flow_id: row.open_errors for flow_id, row in view.flows.items()} == dict.fromkeys(live, 0) | totals


def test_the_breakdowns_cover_every_open_error(settled: Settled) -> None:
    truth: Any = settled.world.simulator.truth()
    view = settled.world.open_errors
    steps = [step for held in truth["open_errors"].values() for step in held.values()]
    assert view.sampled_ratio == 1.0
    assert view.codes is not None
    assert sum(view.codes.values()) == sum(step["count"] for step in steps) > 0
    by_class: Counter[str] = Counter()
    for step in steps:
        for name, number in step["by_classification"].items():
            by_class[name if name in CLASSIFICATIONS else "other"] += number
    assert sum((Counter(held) for held in view.classifications.values()), Counter[str]()) == by_class
    oldest = {flow_id: min(step["oldest"] for step in held.values()) for flow_id, held in truth["open_errors"].items()}
    assert dict(view.oldest) == pytest.approx(oldest)
    assert {step_id for _, step_id in view.steps} == set(view.step_facts)
