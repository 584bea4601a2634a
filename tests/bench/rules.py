"""What the alert rules cost: a real Prometheus evaluates them over an account in profile full, with hours of history.

The past is where the rules look back at it; scrapes of the account's document bring the rest. Slow groups are evaluated
every minute here, so that the measuring takes less long, and counted as rarely as they are shipped.
"""

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml
from rich.console import Console
from rich.table import Table

from exporter.config.quantity import parse_duration
from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds
from tests.bench.past import write_past
from tests.bench.series import whole_document
from tests.e2e.processes import Prometheus, until

INTERVAL = 60.0
"""Seconds between two evaluations that people have; the share is told of them."""

EVALUATIONS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one evaluation by group and of the slowest rules; `samples` lie in the past."""

    series: int
    samples: int
    groups: dict[str, float]
    slowest: list[tuple[str, float]]
    firing: int

    @property
    def once(self) -> float:
        """Seconds of one evaluation of every group."""
        return sum(self.groups.values())

    def a_minute(self, group: str) -> float:
        """Seconds that a group takes of every minute."""
        return self.groups[group] * INTERVAL / intervals()[group]

    @property
    def all_a_minute(self) -> float:
        """Seconds that all groups take of every minute."""
        return sum(map(self.a_minute, self.groups))


def intervals() -> dict[str, float]:
    """Seconds between evaluations, by group."""
    content: Any = yaml.safe_load(rules_file(default_thresholds()))
    return {group["name"]: parse_duration(group.get("interval", "")) or INTERVAL for group in content["groups"]}


def measured_rules() -> str:
    """The shipped rules, all groups of which are evaluated every minute."""
    content: Any = yaml.safe_load(rules_file(default_thresholds()))
    for group in content["groups"]:
        group["interval"] = "1m"
    return yaml.safe_dump(content)


def measure(url: str) -> Cost:
    """The cost for the account that the simulator at `url` has."""
    document = whole_document(url)
    with tempfile.TemporaryDirectory() as folder, served(document) as port:
        place = Path(folder)
        samples = write_past(place, document.decode(), measured_rules())
        return evaluated(place, port, document.count(b"\n"), samples)


@contextmanager
def served(document: bytes) -> Iterator[int]:
    """Serve one document for ever; the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def evaluated(place: Path, port: int, series: int, samples: int) -> Cost:
    """Let Prometheus scrape and evaluate a few times."""
    rules = place / "celigo.rules.yml"
    rules.write_text(measured_rules(), encoding="utf-8")
    with Prometheus("prometheus", place, [f"127.0.0.1:{port}"], "60s", rules=[rules]) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: prometheus.query("count(celigo_flow_info)"), "the first scrape", 120)
        rounds = [evaluation(prometheus, after) for after in range(1, EVALUATIONS + 1)]
    groups = {name: statistics.median(row[0][name] for row in rounds) for name in rounds[0][0]}
    slowest = sorted(rounds[-1][1].items(), key=lambda rule: -rule[1])[:8]
    return Cost(series, samples, groups, slowest, rounds[-1][2])


def evaluation(prometheus: Prometheus, number: int) -> tuple[dict[str, float], dict[str, float], int]:
    """Costs of one evaluation by group and by rule, and how many alerts are active."""
    begun = time.time()
    until(lambda: all(_evaluated_at(group) > begun for group in _groups(prometheus)), f"evaluation {number}", 300)
    groups = _groups(prometheus)
    rules = {_said(rule): float(rule["evaluationTime"]) for group in groups for rule in group["rules"]}
    active = sum(len(rule.get("alerts", ())) for group in groups for rule in group["rules"])
    return {str(group["name"]): float(group["evaluationTime"]) for group in groups}, rules, active


def _said(rule: dict[str, Any]) -> str:
    """A rule's name; conditions of flows are recorded under one and told apart by their label."""
    return " ".join([str(rule["name"]), *rule.get("labels", {}).get("trouble", "").split()])


def _groups(prometheus: Prometheus) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{prometheus.url}/api/v1/rules", timeout=60).json()["data"]["groups"]
    return found


def _evaluated_at(group: dict[str, Any]) -> float:
    moment = re.sub(r"(\.\d{6})\d*", r"\1", str(group["lastEvaluation"]))
    return datetime.fromisoformat(moment).timestamp()


def show(flows: int, cost: Cost) -> None:
    """Print the figures as a table."""
    title = f"rules over {flows:,} flows: {cost.series:,} lines, {cost.samples:,} samples of history"
    table = Table("group", "every", "seconds", "a minute", "of 60 s", title=title)
    for name, seconds in cost.groups.items():
        often, minutely = intervals()[name], cost.a_minute(name)
        table.add_row(name, f"{often:.0f} s", f"{seconds:.3f}", f"{minutely:.3f}", f"{minutely / INTERVAL:.2%}")
    total = cost.all_a_minute
    table.add_row("all groups", "", f"{cost.once:.3f}", f"{total:.3f}", f"{total / INTERVAL:.2%}", style="bold")
    for name, seconds in cost.slowest:
        table.add_row(f"slowest: {name}", "", f"{seconds:.3f}")
    table.add_row("active alerts", "", str(cost.firing))
    Console(width=110).print(table)
