"""The straightforward collector that the exporter is compared with: list the flows, then ask about each of them.

    python -m tests.bench.loops URL FLOWS

It goes as guides to an API go, call by call (the runs of the flow, then the errors of each of its steps), with one
connection that is kept, and sets gauges of prometheus-client. It asks about the first FLOWS flows and prints what that
took, as JSON; the listing is told apart, since it does not grow with them.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import requests
from prometheus_client import CollectorRegistry, Gauge, generate_latest

TOKEN = "demo-token"


class Loops:
    """One collector; `asked` counts its requests."""

    def __init__(self, url: str) -> None:
        self.asked = 0
        self.registry = CollectorRegistry()
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {TOKEN}"
        labels = ("flow_id", "status")
        self._runs = Gauge("flow_runs", "Runs of the flow.", labels, registry=self.registry)
        self._records = Gauge("flow_records", "Records of the flow.", labels, registry=self.registry)
        of_steps = ("flow_id", "step_id", "classification")
        self._errors = Gauge("step_errors", "Open errors of the step.", of_steps, registry=self.registry)

    def flows(self) -> list[dict[str, Any]]:
        """All of them."""
        found: list[dict[str, Any]] = []
        target: str | None = "/v1/flows"
        while target is not None:
            answer = self._get(target)
            found += answer.json()
            following = answer.links.get("next")
            target = following["url"].partition("/v1/")[2] if following else None
            target = f"/v1/{target}" if target else None
        return found

    def read(self, flow: dict[str, Any]) -> None:
        """The runs of a flow, and the errors of its steps."""
        runs: Counter[str] = Counter()
        records: Counter[str] = Counter()
        for job in self._rows(f"/v1/jobs?type=flow&_flowId={flow['_id']}"):
            runs[job["status"]] += 1
            records["success"] += job.get("numSuccess") or 0
            records["error"] += job.get("numError") or 0
        for status, count in runs.items():
            self._runs.labels(flow["_id"], status).set(count)
        for status, count in records.items():
            self._records.labels(flow["_id"], status).set(count)
        for step in _steps(flow):
            errors = Counter(row.get("classification") or "none" for row in self._errors_of(flow["_id"], step))
            for classification, count in errors.items():
                self._errors.labels(flow["_id"], step, classification).set(count)

    def _errors_of(self, flow: str, step: str) -> Iterator[dict[str, Any]]:
        target: str | None = f"/v1/flows/{flow}/{step}/errors"
        while target:
            content = self._content(target)
            yield from content.get("errors", ())
            target = content.get("nextPageURL")

    def _rows(self, target: str) -> list[dict[str, Any]]:
        content = self._content(target)
        return content if isinstance(content, list) else []

    def _content(self, target: str) -> Any:
        answer = self._get(target)
        return answer.json() if answer.content else {}

    def _get(self, target: str) -> requests.Response:
        self.asked += 1
        answer = self._session.get(self._url + target, timeout=30)
        answer.raise_for_status()
        return answer


def _steps(flow: dict[str, Any]) -> Iterator[str]:
    """Ids of a flow's steps; flows of the old kind have two themselves."""
    places = [flow, *flow.get("pageGenerators", ()), *flow.get("pageProcessors", ())]
    for router in flow.get("routers", ()):
        for branch in router.get("branches", ()):
            places += branch.get("pageProcessors", ())
    for place in places:
        yield from (place[key] for key in ("_exportId", "_importId") if place.get(key))


def measure(url: str, count: int) -> dict[str, float]:
    """Requests and CPU seconds of the listing, of what was asked about the flows, and of rendering."""
    loops = Loops(url)
    began = time.process_time()
    flows = loops.flows()
    listed, listing = time.process_time(), loops.asked
    for flow in flows[:count]:
        loops.read(flow)
    generate_latest(loops.registry)
    return {
        "all": len(flows),
        "flows": min(count, len(flows)),
        "listing_requests": listing,
        "listing_cpu_seconds": listed - began,
        "requests": loops.asked - listing,
        "cpu_seconds": time.process_time() - listed,
    }


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], int(sys.argv[2])), sys.stdout)
