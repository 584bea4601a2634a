"""An hour of the simulated account through the real client, minute by minute, ends in what the account knows itself."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.collect.samples import CLASSIFICATIONS
from tests.collect.simulated import World, simulated


@dataclass(frozen=True, slots=True)
class Settled:
    """A world after an hour, and the instant of the first sight."""

    world: World
    since: float


@pytest.fixture(scope="module")
def settled() -> Iterator[Settled]:
    with simulated(flows=30) as world:
        since = world.clock.time()
        world.collect(world.jobs)
        world.minutes(70)
        world.collect(world.errors)
        yield Settled(world, since)


def all_runs(world: World) -> list[dict[str, Any]]:
    return list(world.simulator.runs())


def test_runs_are_counted_exactly(settled: Settled) -> None:
    world = settled.world
    assert world.counted() == world.finished_since(settled.since)
    assert sum(world.counted().values()) > 50


def test_retries_are_counted_exactly_up_to_when_they_were_read_last(settled: Settled) -> None:
    world = settled.world
    ended = world.finished_since(settled.since, "retry")
    just_now = world.finished_since(world.clock.time() - 300, "retry")
    assert ended - just_now <= world.counted("retry") <= ended
    assert ended - just_now


def test_records_of_the_counted_runs_add_up(settled: Settled) -> None:
    world = settled.world
    rows = [row for row in all_runs(world) if row["type"] == "flow" and row["finishedAt"] is not None]
    rows = [row for row in rows if float(row["finishedAt"]) > settled.since]
    expected = [sum(int(row[name]) for row in rows) for name in ("numSuccess", "numError", "numIgnore")]
    assert [sum(tally.records[place] for tally in world.runs.flows.values()) for place in range(3)] == expected
    assert [sum(row.records[place] for row in world.runs.integrations.values()) for place in range(3)] == expected


def test_every_flow_that_exists_has_counters_and_no_other(settled: Settled) -> None:
    truth = settled.world.truth()
    assert set(settled.world.runs.flows) == {row["id"] for row in truth["flows"] if not row["deleted"]}


def test_runs_in_progress_are_those_of_the_account(settled: Settled) -> None:
    rows = [row for row in all_runs(settled.world) if row["finishedAt"] is None and row["type"] == "flow"]
    shown = Counter((run.flow_id, run.status) for run in settled.world.active.runs)
    assert shown == Counter((row["_flowId"], row["status"]) for row in rows)


def test_open_errors_are_those_of_the_account(settled: Settled) -> None:
    truth = settled.world.truth()
    view = settled.world.open_errors
    steps = {
        (flow_id, step_id): step for flow_id, held in truth["open_errors"].items() for step_id, step in held.items()
    }
    assert {key: number for key, number in view.steps.items() if number} == {k: s["count"] for k, s in steps.items()}
    live = {row["id"] for row in truth["flows"] if not row["deleted"]}
    totals = {flow_id: sum(step["count"] for step in held.values()) for flow_id, held in truth["open_errors"].items()}
    assert {flow_id: row.open_errors for flow_id, row in view.flows.items()} == dict.fromkeys(live, 0) | totals


def test_the_breakdowns_cover_every_open_error(settled: Settled) -> None:
    truth = settled.world.truth()
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
