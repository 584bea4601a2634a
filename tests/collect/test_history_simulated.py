"""The history of a simulated account, read back through the real client, is what its own job rows say."""

import math
from collections import defaultdict
from random import Random
from typing import Any, NamedTuple

import pytest

from exporter.api.decode import instant
from exporter.collect.base import Collector
from exporter.ledger.tally import FINISHED, NEVER, ZERO
from tests.collect.simulated import World, simulated
from tests.ledger.machine import Death, MortalStore
from tests.ledger.sqlite_kit import proving

DAY = 86_400.0
DAYS = 2.5 if proving() else 0.5
LIVELY: dict[str, Any] = {"flows": 30, "history_seconds": DAYS * DAY}


class Facts(NamedTuple):
    """What is told of the history of one flow."""

    p95: float | None
    longest_empty: int
    success: float
    newest_start: float | None


def truth(world: World) -> dict[str, Facts]:
    """By the account's own rows of runs that have ended."""
    flows: defaultdict[str, list[Any]] = defaultdict(list)
    for row in world.simulator.runs():
        if row["type"] == "flow" and row["status"] in FINISHED:
            flows[str(row["_flowId"])].append(row)
    return {flow: facts(sorted(rows, key=lambda row: row["finishedAt"])) for flow, rows in flows.items()}


def facts(rows: list[Any]) -> Facts:
    """Of the rows of one flow, in the order of their ends."""
    newest = sorted(row["finishedAt"] - seconds(row["startedAt"]) for row in rows[-50:] if "startedAt" in row)
    streak = longest = 0
    for row in rows:
        if row["status"] == "completed":
            empty = not (row["numSuccess"] or row["numError"] or row["numIgnore"])
            longest = longest if empty else max(longest, streak)
            streak = streak + 1 if empty else 0
    faultless = [row["finishedAt"] for row in rows if row["status"] == "completed" and not row["numError"]]
    return Facts(
        round(newest[math.ceil(0.95 * len(newest)) - 1], 3) if len(newest) >= 5 else None,
        longest,
        max(faultless, default=NEVER),
        max(seconds(row["createdAt"]) for row in rows),
    )


def seconds(text: str) -> float:
    """Unix seconds of an instant in a row."""
    return float(instant(text))


def told(world: World) -> dict[str, Facts]:
    """By the ledger."""
    return {
        flow: Facts(row.durations.p95, row.longest_empty, row.success, row.last_start())
        for flow, row in world.store.state.histories.items()
    }


def differences(world: World) -> list[tuple[str, Facts | None, Facts | None]]:
    """Flows of which the ledger tells something else than the account."""
    expected, found = truth(world), told(world)
    assert len(expected) > 15
    return [
        (flow, expected.get(flow), found.get(flow))
        for flow in expected.keys() | found.keys()
        if expected.get(flow) != found.get(flow)
    ]


def minutes(world: World, count: int) -> None:
    """Let minutes pass, with the jobs read in each."""
    for _ in range(count):
        world.clock.advance(60)
        world.collect(world.jobs)


def read_back(world: World, runs: int = 500) -> None:
    """A minute of live work and a part of the history in turns, until there is none left."""
    for _ in range(runs):
        minutes(world, 1)
        assert world.collect(world.history) is None
        if world.history.ratio == 1.0:
            return
    raise AssertionError("the history does not come to an end")


def is_exact(world: World) -> None:
    """No flow is told wrongly, and nothing of the history was counted."""
    found = differences(world)
    if proving():
        print(f"\nhistory: {len(truth(world))} flows, {len(found)} differences")
    assert found == []


@pytest.mark.parametrize(("page", "days"), [(25, 1), (1001, 5)], ids=["many-pages", "days"])
def test_after_the_history_was_read_every_flow_is_told_as_its_own_rows_tell(page: int, days: int) -> None:
    with simulated(**{**LIVELY, "job_page_size": page, "history_seconds": days * DAYS * DAY}) as world:
        world.collect(world.jobs)
        read_back(world)
        minutes(world, 3)
        is_exact(world)


def test_nothing_of_the_history_is_counted() -> None:
    with simulated(**LIVELY) as world:
        world.collect(world.jobs)
        since = world.clock.time()
        while world.history.ratio != 1.0:
            assert world.collect(world.history) is None
        assert {tally.runs for tally in world.store.state.flows.values()} == {ZERO}
        minutes(world, 30)
        assert world.counted() == world.finished_since(since)


@pytest.mark.parametrize("seed", [7, 8] if proving() else [7])
def test_a_gap_that_is_caught_up_over_many_pages_is_told_as_well(seed: int) -> None:
    with simulated(job_page_size=15, seed=seed, **LIVELY) as world:
        world.collect(world.jobs)
        read_back(world)
        world.clock.advance(6 * 3600)
        world.restart()
        minutes(world, 5)
        is_exact(world)


@pytest.mark.parametrize("seed", range(5 if proving() else 1))
def test_killed_again_and_again_in_the_middle_every_flow_is_told_as_its_own_rows_tell(seed: int) -> None:
    random, store, deaths = Random(seed), MortalStore(), 0
    with simulated(**{**LIVELY, "seed": 20 + seed, "job_page_size": 1001, "history_seconds": DAY / 2}) as world:
        world.store = store
        world.restart()
        world.collect(world.jobs)
        while world.history.ratio != 1.0:
            minutes(world, 1)
            collector: Collector = world.jobs if random.random() < 0.3 else world.history
            store.die(random.randrange(3), before=random.random() < 0.5)
            try:
                world.collect(collector)
            except Death:
                deaths += 1
                world.clock.advance(random.choice([0, 20, 600]))
            world.restart()
        minutes(world, 5)
        is_exact(world)
        assert deaths > 3
