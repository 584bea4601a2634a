"""Makes the seeds that come from the simulated account; run it when an answer of the contract changes.

`python -m tests.fuzz.seeding` writes a few rows of each answer.
"""

import json
import re
from typing import Any

import requests

from exporter.api.endpoints import Endpoint
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.clocks import ManualClock
from tests.fuzz.target import CANARY, HERE
from tests.fuzz.targets.bodies import KEYED, LETTERS

_QUERIES = {
    Endpoint.JOBS: "?type=flow&createdAt_gte=2020-01-01T00:00:00.000Z",
    Endpoint.CONNECTIONS: "?fetchQueueSize=true",
    Endpoint.NOTIFICATIONS: "?users=all",
}
_SENSITIVE = re.compile(r"message|traceKey|email|oldValue|newValue|password|host|description|mock|retryDataKey|byUser")


def answers() -> dict[str, Any]:
    """An answer of each call, by path template, cut to a few rows."""
    clock = ManualClock()
    options = SimulatorOptions(flows=6, seed=5, history_seconds=7200, base_clock=clock.time, monotonic=clock.monotonic)
    with Simulator(options) as simulator, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {simulator.token}"
        found: dict[str, Any] = {}
        ids = {"integrationId": "none", "flowId": "", "stepId": "", "jobId": ""}
        for endpoint in sorted(Endpoint, key=lambda each: each.value.count("{")):
            path = endpoint.value.format(**ids) + _QUERIES.get(endpoint, "")
            body: dict[str, Any] | None = {} if endpoint.method == "POST" else None
            if endpoint is Endpoint.RUN_STATS:
                now = round(clock.time() * 1000)
                body = {"time_gt": now - 3_600_000, "time_lte": now}
            answer = session.request(endpoint.method, simulator.url + path, json=body, timeout=10)
            found[endpoint.value] = (
                _few(answer.json()) if answer.content else {"lastExportDateTime": "2026-08-29T10:00:00.000Z"}
            )
            _note(ids, endpoint, found[endpoint.value])
    if "jobs" not in (found[Endpoint.JOBS_CURRENT.value] or {}):
        running = {**found[Endpoint.JOBS.value][0], "status": "running", "endedAt": None}
        found[Endpoint.JOBS_CURRENT.value] = {"jobs": [running]}
    return found


def _note(ids: dict[str, str], endpoint: Endpoint, answer: Any) -> None:
    names = {
        Endpoint.FLOWS: "flowId",
        Endpoint.EXPORTS: "stepId",
        Endpoint.JOBS: "jobId",
        Endpoint.INTEGRATIONS: "integrationId",
    }
    if endpoint in names and answer:
        ids[names[endpoint]] = answer[0]["_id"]


def _few(value: Any) -> Any:
    """The first rows; what is sensitive becomes the canary."""
    if isinstance(value, list):
        return [_few(each) for each in value[:3]]
    if isinstance(value, dict):
        return {name: CANARY if _SENSITIVE.search(name) else _few(each) for name, each in value.items()}
    return value


def main() -> None:
    """Write the seeds of `bodies` and of `account`."""
    held = answers()
    for name in ("bodies", "account"):
        (HERE / "seeds" / name).mkdir(parents=True, exist_ok=True)
    for endpoint, letter in LETTERS.items():
        file = HERE / "seeds" / "bodies" / endpoint.name.lower()
        file.write_bytes(letter.encode() + json.dumps(held[endpoint.value], separators=(",", ":")).encode())
    assert set(KEYED) < set(LETTERS)
    whole = {**held, "headers": {"date": "Sat, 29 Aug 2026 10:40:00 GMT", "link": ""}}
    (HERE / "seeds" / "account" / "whole").write_bytes(b"A" + json.dumps(whole, separators=(",", ":")).encode())


if __name__ == "__main__":
    main()
