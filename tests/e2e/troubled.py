"""The demo's account with a bit of every trouble in it, an exporter on it and a Prometheus that watches.

Simulator and exporter are the two parts of `celigo-exporter demo`; as programs of their own, the exporter can be given
short intervals, and what takes days in an account can have happened before it looks for the first time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from exporter.config.settings import Owner
from exporter.rules.thresholds import DEFAULTS, Thresholds, read_thresholds
from exporter.serve.demo import OWNERSHIP
from tests.e2e.processes import EXPORTER, Program, Prometheus, free_port, until
from tests.recorder import RECORDER

ACCOUNT = "demo"
FLOWS = ("shown", "failing", "overdue", "erroring", "off", "empty", "stuck", "queued", "retrying", "edited")
"""Parts that flows play, one each; `shown` is the one that is looked at more closely."""

QUICK = {"grace_ratio": 0, "grace_least": "1s", "queued": "5s", "retrying": "5s", "stuck_least": "5s", "stalled": "5s"}
"""In the place of minutes, besides all that says how long something lasts before an alert comes."""

BEFORE: Sequence[Mapping[str, object]] = (
    {"kind": "error_storm", "flow": "erroring", "count": 30, "age_seconds": 700_000, "assigned": False},
    {"kind": "error_storm", "flow": "shown", "count": 9, "age_seconds": 300_000, "classification": "value"},
    {"kind": "error_storm", "flow": "edited", "count": 5, "age_seconds": 2_340_000, "assigned": True},
    {"kind": "license_expires", "days": 20},
    {"kind": "entitlement_used", "entitlement": "endpoints", "share": 0.96},
    {"kind": "flow_rescheduled", "flow": "overdue", "schedule": "? * * * * *", "timezone": "UTC"},
    {"kind": "schedule_stopped", "flow": "overdue"},
    {"kind": "flow_disabled", "flow": "off"},
)
"""What has happened when the exporter first looks. Of what it lists only every 5 minutes nothing changes later.

Flows and others are named by the part that they play.
"""

RUN: Mapping[str, object] = {"kind": "flow_run_now", "flow": "shown", "seconds": 1}

_TARGETS = {"flow", "agent", "connection"}

MEANWHILE: Sequence[Mapping[str, object]] = (
    {"kind": "rate_limited", "path": "/v1/jobs", "count": 3, "retry_after": 1},
    {"kind": "status", "status": 503, "path": "/v1/connections", "count": 3},
    {"kind": "invalid_json", "path": "/v1/agents", "count": 2},
    {"kind": "slow", "path": "/v1/jobs/current", "count": 3, "seconds": 0.5},
    {**RUN, "status": "completed", "records": 40, "errors": 4, "ignored": 3},
    {**RUN, "status": "completed", "records": 25},
    *({**RUN, "status": "failed", "records": 2, "errors": 2} for _ in range(3)),
    *({**RUN, "flow": "failing", "status": "failed"} for _ in range(4)),
    {**RUN, "flow": "edited", "status": "canceled"},
    {**RUN, "flow": "edited", "status": "completed", "records": 10},
    {"kind": "error_storm", "flow": "shown", "count": 40, "classification": "connection", "code": "ECONNREFUSED"},
    {"kind": "error_storm", "flow": "edited", "count": 6, "classification": "rate_limit", "code": "429"},
    {"kind": "run_stuck", "flow": "shown", "status": "running"},
    {"kind": "run_stuck", "flow": "shown", "status": "queued"},
    {"kind": "run_stuck", "flow": "stuck", "status": "running"},
    {"kind": "run_stuck", "flow": "queued", "status": "queued"},
    {"kind": "run_stuck", "flow": "retrying", "status": "retrying"},
    {"kind": "flow_erroring", "flow": "erroring", "share": 0.5},
    {"kind": "flow_empty", "flow": "empty"},
    {"kind": "flow_edited", "flow": "edited"},
    {"kind": "resolve_errors", "flow": "edited", "count": 2},
    {"kind": "agent_offline", "agent": "agent"},
    {"kind": "connection_offline", "connection": "spare"},
    {"kind": "connection_queue", "connection": "spare", "messages": 400, "per_minute": 60},
)
"""What happens while Prometheus watches."""


class Troubled:
    """The account: its control API, the Prometheus, the thresholds, and the ids of what plays a part."""

    def __init__(self, control_url: str, prometheus: Prometheus, thresholds: Thresholds) -> None:
        self.prometheus = prometheus
        self.thresholds = thresholds
        self._control_url = control_url
        truth = control(control_url, "GET", "/truth")
        self.parts = dict(_cast(truth["flows"]))
        self.parts["agent"] = truth["agents"][0]["id"]
        (self.integration,) = [f["integration_id"] for f in truth["flows"] if f["id"] == self.parts["shown"]]

    def inject(self, incidents: Sequence[Mapping[str, object]]) -> None:
        """Let them happen."""
        for incident in incidents:
            targets = {kind: self.parts[str(incident[kind])] for kind in _TARGETS & incident.keys()}
            control(self._control_url, "POST", "/incidents", {**incident, **targets})

    def sees(self, query: str, seconds: float = 90.0) -> list[tuple[dict[str, str], float]]:
        """Wait until Prometheus finds something."""
        return until(lambda: self.prometheus.query(query), query, seconds)

    def find_spare(self) -> None:
        """Let a connection play `spare` through which no flow goes that plays a part."""
        cast = "|".join(self.parts[part] for part in FLOWS)
        used = f'celigo_flow_connection_info{{flow_id=~"{cast}"}}'
        (labels, _), *_ = self.sees(f'celigo_connection_flows{{state="enabled"}} > 0 unless on (connection_id) {used}')
        self.parts["spare"] = labels["connection_id"]


def control(url: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """One call of the control API; its JSON answer."""
    answer = requests.request(method, url + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json() if answer.content else None


@contextmanager
def troubled(folder: Path, prometheus_binary: str) -> Iterator[Troubled]:
    """The account with everything of `BEFORE` in it, read by the exporter and scraped."""
    api, control_port, port = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{control_port}"
    thresholds = folder / "thresholds.yml"
    thresholds.write_text(yaml.safe_dump({**_at_once(), **QUICK}))
    flags = (f"--listen=127.0.0.1:{api}", f"--control=127.0.0.1:{control_port}")
    watching = Prometheus(prometheus_binary, folder, [f"127.0.0.1:{port}"], "5s", [_rules(folder, thresholds)])
    with Program([*EXPORTER, "simulator", *flags]) as simulator, watching as prometheus:
        simulator.answering(f"{url}/")
        prometheus.answering(f"{prometheus.url}/-/ready")
        account = Troubled(url, prometheus, read_thresholds(str(thresholds)))
        account.inject(BEFORE)
        with _exporter(folder, api, port, account.parts):
            yield account
        RECORDER.simulator_log(control(url, "GET", "/requests")["requests"])


def _cast(flows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Ids of flows by the part that they play: scheduled ones that are on, first those that shall not get old."""
    able = [flow for flow in flows if flow["enabled"] and flow["scheduled"]]
    able.sort(key=lambda flow: (not _has_objective(flow["name"]), flow["id"]))
    return {part: str(flow["id"]) for part, flow in zip(FLOWS, able, strict=False)}


def _has_objective(flow_name: str) -> bool:
    return any(owner.freshness and re.fullmatch(owner.match.name or "", flow_name) for owner in OWNERSHIP)


def _at_once() -> Mapping[str, str]:
    """For every alert no time that it has to last."""
    given: Mapping[str, object] = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    return {name: "1s" for name in given if name.endswith("_for")} | {"slow_interval": "5s"}


def _rules(folder: Path, thresholds: Path) -> Path:
    """The shipped rules as a user makes them with thresholds of his own."""
    command = [*EXPORTER, "rules", "export", str(folder / "alerts"), f"--thresholds={thresholds}"]
    with Program(command) as export:
        assert export.process is not None
        assert export.process.wait(60) == 0, export.stderr()
    return folder / "alerts/celigo.rules.yml"


def _exporter(folder: Path, api: int, port: int, parts: Mapping[str, str]) -> Program:
    """The exporter in profile full, with short intervals; what is `failing` is soon older than its owner allows."""
    account = {
        "name": ACCOUNT,
        "environment": "sandbox",
        "base_url": f"http://127.0.0.1:{api}",
        "token_env": "TOKEN",
        "token_expires": "2050-01-01",
        "rate_limit": {"requests_per_second": 40, "burst": 200},
    }
    quick, slow = ("health", "jobs", "connections", "agents", "schedules"), ("inventory", "errors", "governance")
    collectors: dict[str, dict[str, object]] = {name: {"interval": "5s"} for name in quick}
    collectors |= {name: {"interval": "10s"} for name in slow}
    collectors["jobs"] |= {"step_flows": [parts["shown"]], "retries_interval": "10s"}
    settings = {
        "accounts": [account],
        "collectors": collectors,
        "profile": "full",
        "state": {"path": str(folder / "state.db")},
        "ownership": [
            {"match": {"flow": parts["failing"]}, "team": "commerce", "tier": "gold", "freshness": "1m"},
            *map(_owner, OWNERSHIP),
        ],
    }
    file = folder / "celigo.yml"
    file.write_text(yaml.safe_dump(settings))
    command = [*EXPORTER, "serve", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
    return Program(command, {"TOKEN": "demo-token"})


def _owner(owner: Owner) -> dict[str, object]:
    """One of the demo's owners as a file of settings has it."""
    match = {"name": owner.match.name} if owner.match.name else {"integration": owner.match.integration}
    spans = {"freshness": owner.freshness, "silence": owner.silence}
    expected = {name: f"{value:.0f}s" for name, value in spans.items() if value is not None}
    named = {name: value for name, value in (("team", owner.team), ("tier", owner.tier)) if value}
    return {"match": match, **named, **expected}
