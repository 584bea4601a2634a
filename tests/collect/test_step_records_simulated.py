"""Records by step agree with a simulated account: what the steps of a flow add up to is what its runs had."""

from collections import Counter

import pytest

from exporter.api.refresh import Refresh
from exporter.collect.attempts import Attempts
from exporter.collect.step_records import StepRecords, StepRecordsState
from exporter.ledger.tally import OUTCOMES
from tests.api.kit import kit
from tests.collect.simulated import simulated


@pytest.mark.parametrize("seed", [5, 8])
def test_the_steps_of_every_run_are_counted_once(seed: int) -> None:
    with simulated(seed=seed) as world, kit(world.clock, base_url=world.simulator.url) as api:
        names = {flow.id: flow.name for flow in world.simulator.engine.account.live_flows()}
        kept: list[StepRecordsState] = [StepRecordsState()]
        records = StepRecords(api.client, names, lambda: kept[-1], kept.append)
        runs = [row for row in world.simulator.runs() if row["type"] == "flow" and row["finishedAt"] is not None]
        runs = runs[-200:]
        records.note([(str(row["_id"]), str(row["_flowId"])) for row in runs], names)
        while kept[-1].waiting:
            refresh = Refresh(world.clock, world.clock.monotonic() + 600)
            attempts = Attempts(refresh)
            records.read(refresh, attempts)
            attempts.finish()
        expected: Counter[tuple[str, str]] = Counter()
        for row in runs:
            job = api.client.job(api.refresh(), str(row["_id"]))
            numbers = (job.num_success, job.num_error, job.num_ignore)
            expected.update(dict(zip([(job.flow_id or "", name) for name in OUTCOMES], numbers, strict=True)))
        found: Counter[tuple[str, str]] = Counter()
        for (flow_id, _), sums in records.view(names).sums.items():
            found.update({(flow_id, name): number for name, number in zip(OUTCOMES, sums, strict=True)})
        steps = {step_id for _, step_id in records.view(names).sums}
        print(f"{len(runs)} runs, {len(steps)} steps, {len(expected - found) + len(found - expected)} differences")
        assert len(steps) > len(expected) / len(OUTCOMES)
        assert +found == +expected
