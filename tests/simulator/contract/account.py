"""What a test needs to know of a sample account, learned through the API alone."""

from dataclasses import dataclass
from typing import Any

from tests.simulator.contract.client import Api

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Ids of one account that have something to show."""

    now: float
    flow_id: str
    failing_integration: str
    failing_flow: str
    failing_step: str
    resolved_flow: str
    resolved_step: str
    delta_flow: str
    job_id: str

    @property
    def last_day(self) -> dict[str, Any]:
        """A run statistics body for the last 24 hours."""
        return {"time_gt": int((self.now - DAY) * 1000), "time_lte": int(self.now * 1000)}


def explore(api: Api, now: float) -> Sample:
    """Find ids by asking the lists; fails when the account has nothing of a kind."""
    flows = api.rows("/v1/flows")
    runs = api.jobs(type="flow", createdAt_gte="2020-01-01")
    failing = next(flow for flow in flows if "_integrationId" in flow and api.get(f"/v1/flows/{flow['_id']}/errors"))
    step = api.get(f"/v1/flows/{failing['_id']}/errors")["flowErrors"][0]["_expOrImpId"]
    resolved_flow, resolved_step = next(
        (flow["_id"], step_id)
        for flow in flows
        for step_id in step_ids(flow)
        if api.get(f"/v1/flows/{flow['_id']}/{step_id}/resolved")
    )
    delta = next(flow["_id"] for flow in flows if _delta_position(api, flow["_id"]))
    finished = next(run for run in runs if run["status"] == "completed" and run["_flowId"])
    return Sample(
        now=now,
        flow_id=finished["_flowId"],
        failing_integration=failing["_integrationId"],
        failing_flow=failing["_id"],
        failing_step=step,
        resolved_flow=resolved_flow,
        resolved_step=resolved_step,
        delta_flow=delta,
        job_id=finished["_id"],
    )


def _delta_position(api: Api, flow_id: str) -> str | None:
    response = api.call("GET", f"/v1/flows/{flow_id}/lastExportDateTime")
    if response.status_code != 200:
        return None
    position: str | None = (response.json() or {}).get("lastExportDateTime")
    return position


def step_ids(flow: dict[str, Any]) -> list[str]:
    """Every step of a flow, each once: generators, processors, branches, legacy ids (contract 3.4)."""
    nodes = [*flow.get("pageGenerators", []), *flow.get("pageProcessors", []), flow]
    for router in flow.get("routers", []):
        for branch in router.get("branches", []):
            nodes += branch.get("pageProcessors", [])
    found = [node[key] for node in nodes for key in ("_exportId", "_importId") if node.get(key)]
    return list(dict.fromkeys(found))
