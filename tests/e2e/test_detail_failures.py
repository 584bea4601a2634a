"""The calls below the roll-ups failing in each way: totals stay, other collectors stay, all recovers by itself.

The same rig as in the failure matrix; every case first gives a flow new errors, so that details are asked for.
"""

import itertools
import os
from typing import Any

import pytest

from tests.e2e.test_failure_matrix import FAULTS, Fault, Rig, failed_collectors, rig, value

__all__ = ["rig"]

STEPS = ("/v1/exports", "/v1/imports")
"""Lists that the inventory collector asks for besides what it needs most."""

DETAILS = ("/v1/flows/{flowId}/errors", "/v1/flows/{flowId}/{stepId}/errors", *STEPS)
PAIRS = [
    (path, each)
    for place, path in enumerate(DETAILS)
    for number, each in enumerate(FAULTS)
    if not each.rows and (os.environ.get("PROVE") or (place + number) % 4 == 0)
]
_turns = itertools.count()


def more_errors(rig: Rig) -> str:
    """Give one flow after the other new errors; its id."""
    truth: Any = rig.sim.truth()
    flows = [flow["id"] for flow in truth["flows"] if flow["enabled"] and flow["step_ids"]]
    flow_id = str(flows[next(_turns) % len(flows)])
    rig.sim.inject("error_storm", flow=flow_id, count=3)
    return flow_id


def grown(before: dict[str, list[Any]], after: dict[str, list[Any]], path: str) -> set[str]:
    """Types of failures of this call that were counted in between."""
    old, new = before["celigo_api_errors"], after["celigo_api_errors"]
    kinds = {sample.labels["type"] for sample in new}
    return {kind for kind in kinds if value(new, endpoint=path, type=kind) > value(old, endpoint=path, type=kind)}


@pytest.mark.parametrize(("path", "each"), PAIRS, ids=lambda item: item if isinstance(item, str) else item.id)
def test_failing_details_leave_the_totals_and_the_other_collectors_alone(rig: Rig, path: str, each: Fault) -> None:
    healthy = rig.pass_time(2000)
    assert failed_collectors(healthy) == set()
    incident = rig.sim.inject(each.kind, path=path, **each.options)
    try:
        flow_id = more_errors(rig)
        failing = rig.pass_time(2000)
        assert failed_collectors(failing) <= ({"inventory"} if path in STEPS else {"errors"})
        assert value(failing["celigo_flow_info"]) == value(healthy["celigo_flow_info"])
        truth: Any = rig.sim.truth()
        steps = truth["open_errors"][flow_id].values()
        assert value(failing["celigo_flow_open_errors"], flow_id=flow_id) == sum(step["count"] for step in steps)
        assert value(failing["celigo_up"]) == 1
        assert grown(healthy, failing, path), "the case would show nothing"
        assert grown(healthy, failing, path) <= each.types
    finally:
        rig.sim.lift(incident)
    recovered = rig.pass_time(700)
    assert failed_collectors(recovered) == set()
