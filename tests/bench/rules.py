"""What the alert rules cost: a real Prometheus evaluates them over an account in profile full, with hours of history.

Every family that a rule looks back at has a sample a minute for as long as the rule looks; scrapes of the account's
document bring the rest.
"""

import re
import statistics
import subprocess
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
from rich.console import Console
from rich.table import Table

from exporter.config.quantity import parse_duration
from exporter.expose.document import Documents
from exporter.expose.render import Format
from exporter.rules.compose import rules_file
from exporter.rules.thresholds import default_thresholds
from tests.bench.series import read_whole
from tests.e2e.processes import Prometheus, until

STEP = 60.0
INTERVAL = 60.0
"""Seconds between two evaluations that people have; the share is told of them."""

EVALUATIONS = 3
_LOOKS_BACK = re.compile(r"\b(celigo[_:][a-z0-9_:]+)(?:\{[^}]*\})?\[([0-9a-z]+)\]")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one evaluation: in all, by group, and of the slowest rules; `samples` lie in the history."""

    series: int
    samples: int
    seconds: float
    groups: dict[str, float]
    slowest: list[tuple[str, float]]
    firing: int


def measure(url: str) -> Cost:
    """The cost for the account that the simulator at `url` has."""
    with read_whole(url, "full") as (runtime, clock):
        document = Documents([runtime], clock).content(None, Format.TEXT, compressed=False).content
    with tempfile.TemporaryDirectory() as folder, served(document) as port:
        place = Path(folder)
        samples = write_history(place, document.decode())
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


def windows(rules: str) -> dict[str, float]:
    """Seconds that the rules look back, by metric."""
    found: dict[str, float] = {}
    for name, window in _LOOKS_BACK.findall(rules):
        found[name] = max(found.get(name, 0.0), parse_duration(window) or 0.0)
    return found


def write_history(place: Path, document: str) -> int:
    """Write blocks with the past of every family that is looked back at; how many samples."""
    looks_back = windows(rules_file(default_thresholds()))
    now, samples, text = time.time(), 0, place / "history.txt"
    with text.open("w", encoding="utf-8") as file:
        for line in (*document.splitlines(), *recorded(document)):
            series, _, value = line.rpartition(" ")
            window = looks_back.get(series.partition("{")[0], 0.0)
            # A day of a sample a minute says nothing that six hours do not.
            for number in range(int(min(window, 21_600.0) / STEP), 0, -1):
                file.write(f'{series[:-1]},instance="127.0.0.1",job="celigo"}} {value} {now - number * STEP:.3f}\n')
                samples += 1
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(place / "data")]
    subprocess.run(command, check=True, capture_output=True)
    return samples


def recorded(document: str) -> Iterator[str]:
    """What rules record and look back at: whether a flow with an objective missed it, which it did not."""
    for line in document.splitlines():
        if line.startswith("celigo_flow_slo_freshness_seconds{"):
            flow = re.sub(r',tier="[^"]*"', "", line).rpartition(" ")[0]
            yield flow.replace("celigo_flow_slo_freshness_seconds", FRESHNESS) + " 0.0"


FRESHNESS = "celigo:flow_freshness_missed"


def evaluated(place: Path, port: int, series: int, samples: int) -> Cost:
    """Let Prometheus scrape and evaluate a few times."""
    rules = place / "celigo.rules.yml"
    rules.write_text(rules_file(default_thresholds()), encoding="utf-8")
    with Prometheus("prometheus", place, [f"127.0.0.1:{port}"], "60s", rules=[rules]) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: prometheus.query("count(celigo_flow_info)"), "the first scrape", 120)
        rounds = [_round(prometheus, after) for after in range(1, EVALUATIONS + 1)]
    groups = {name: statistics.median(row[0][name] for row in rounds) for name in rounds[0][0]}
    slowest = sorted(rounds[-1][1].items(), key=lambda rule: -rule[1])[:8]
    return Cost(series, samples, sum(groups.values()), groups, slowest, rounds[-1][2])


def _round(prometheus: Prometheus, number: int) -> tuple[dict[str, float], dict[str, float], int]:
    """Costs of one evaluation by group and by rule, and how many alerts are active."""
    begun = time.time()
    until(lambda: all(_evaluated_at(group) > begun for group in _groups(prometheus)), f"evaluation {number}", 300)
    groups = _groups(prometheus)
    rules = {str(rule["name"]): float(rule["evaluationTime"]) for group in groups for rule in group["rules"]}
    active = sum(len(rule.get("alerts", ())) for group in groups for rule in group["rules"])
    return {str(group["name"]): float(group["evaluationTime"]) for group in groups}, rules, active


def _groups(prometheus: Prometheus) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{prometheus.url}/api/v1/rules", timeout=60).json()["data"]["groups"]
    return found


def _evaluated_at(group: dict[str, Any]) -> float:
    moment = re.sub(r"(\.\d{6})\d*", r"\1", str(group["lastEvaluation"]))
    return datetime.fromisoformat(moment).timestamp()


def show(flows: int, cost: Cost) -> None:
    """Print the figures as a table."""
    title = f"rules over {flows:,} flows: {cost.series:,} lines, {cost.samples:,} samples of history"
    table = Table("what", "seconds", "of 60 s", title=title)
    for name, seconds in cost.groups.items():
        table.add_row(name, f"{seconds:.3f}", f"{seconds / INTERVAL:.2%}")
    table.add_row("all groups", f"{cost.seconds:.3f}", f"{cost.seconds / INTERVAL:.2%}")
    for name, seconds in cost.slowest:
        table.add_row(f"slowest: {name}", f"{seconds:.3f}", "")
    table.add_row("active alerts", str(cost.firing), "")
    Console(width=110).print(table)
