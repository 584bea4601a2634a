"""The counters survive: exporter, simulator and Prometheus as real processes, and SIGKILL again and again.

`make prove` kills ten times in about two minutes, `make test` three times.
"""

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from tests.e2e.processes import EXPORTER, Program, Prometheus, free_port, until
from tests.recorder import RECORDER, TOKENS

PROVE = bool(os.environ.get("PROVE"))
KILLS = 10 if PROVE else 3
LIFE_SECONDS = 8.0 if PROVE else 2.5
"""How long an exporter lives at most between two kills."""

Counts = Counter[tuple[str, str, str]]


@dataclass
class Account:
    """The simulated account as a process, and what it knows of itself."""

    program: Program
    url: str
    control_url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def control(self, method: str, path: str, **body: object) -> Any:
        answer = requests.request(method, self.control_url + path, json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def flows(self) -> list[str]:
        return [flow["id"] for flow in self.control("GET", "/truth")["flows"] if flow["enabled"]]

    def run(self, flows: list[str]) -> None:
        """One more run, of every outcome, at once over or in a few seconds."""
        number = next(self.numbers)
        status = ("completed", "failed", "completed", "canceled")[number % 4]
        more = {"status": status, "seconds": float(number % 4), "records": 9, "ignored": number % 3}
        self.control("POST", "/incidents", kind="flow_run_now", flow=flows[number % len(flows)], **more)

    def ended(self, since: float) -> Counts:
        """Runs and records by flow since an instant."""
        counts: Counts = Counter()
        for row in self.control("GET", f"/truth/runs?since={since}")["runs"]:
            if row["finishedAt"] is None or row["finishedAt"] <= since:
                continue
            if row["type"] == "retry":
                counts["celigo_flow_retries_total", row["_flowId"], row["status"]] += 1
                continue
            counts["celigo_flow_runs_total", row["_flowId"], row["status"]] += 1
            for outcome, name in (("success", "numSuccess"), ("error", "numError"), ("ignored", "numIgnore")):
                counts["celigo_flow_records_total", row["_flowId"], outcome] += row[name]
        return +counts


class Exporter:
    """The exporter on one port and one state file, started and killed at will."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = folder / "state.db"
        self.config = folder / "celigo.yml"
        self.config.write_text(
            f"accounts:\n  - {{name: acme, base_url: '{account.url}', token_env: TOKEN,\n"
            "     rate_limit: {requests_per_second: 100, burst: 100}}\n"
            "collectors:\n  jobs: {interval: 1s, retries_interval: 2s}\n  inventory: {interval: 5s}\n"
            f"  errors: {{enabled: false}}\nstate: {{path: {self.state}}}\n"
        )
        self.environ = {**os.environ, "TOKEN": TOKENS[0]}
        self.program: Program

    def new(self) -> Program:
        flags = [f"--config.file={self.config}", f"--web.listen-address=127.0.0.1:{self.port}"]
        return Program([*EXPORTER, "serve", *flags], self.environ)

    def start(self) -> None:
        self.program = self.new().__enter__()

    def kill(self) -> None:
        """SIGKILL, and the next life."""
        assert self.program.process is not None
        self.program.process.kill()
        self.program.process.wait()
        self.program.__exit__(None, None, None)

    def value(self, name: str, **labels: str) -> float | None:
        """One number of a scrape of our own."""
        wanted = [f'{label}="{text}"' for label, text in labels.items()]
        try:
            lines = requests.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        except requests.RequestException:
            return None
        found = [line for line in lines if line.startswith(f"{name}{{") and all(want in line for want in wanted)]
        return float(found[0].rsplit(" ", 1)[1]) if found else None


@pytest.fixture
def account() -> Iterator[Account]:
    api, control = free_port(), free_port()
    flags = [f"--listen=127.0.0.1:{api}", f"--control=127.0.0.1:{control}", "--flows=40", "--seed=6"]
    with Program([*EXPORTER, "simulator", *flags]) as program:
        held = Account(program, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{control}")
        program.answering(f"{held.control_url}/time")
        yield held
        RECORDER.simulator_log(held.control("GET", "/requests")["requests"])


@pytest.fixture
def exporter(account: Account, tmp_path: Path) -> Iterator[Exporter]:
    held = Exporter(tmp_path, account)
    held.start()
    yield held
    held.program.__exit__(None, None, None)


def read_since(exporter: Exporter, instant: float) -> bool:
    """Whether everything that ended before `instant` has been counted: two readings of everything began after it."""
    name = "celigo_exporter_collector_last_success_timestamp_seconds"
    return (exporter.value(name, collector="jobs") or 0.0) > instant + 6.0


def first_sight(account: Account) -> float:
    """When the exporter asked for runs for the first time; time stood still then."""
    return float(account.control("GET", "/time")["now"])


def counted(prometheus: Prometheus) -> Counts:
    """What Prometheus has seen each counter grow by, over everything it saw, kills and all."""
    counts: Counts = Counter()
    for metric, label in (
        ("celigo_flow_runs_total", "status"),
        ("celigo_flow_records_total", "outcome"),
        ("celigo_flow_retries_total", "status"),
    ):
        window = f"{metric}[1h]"
        for row, value in prometheus.query(f"max_over_time({window}) - min_over_time({window})"):
            counts[metric, row["flow_id"], row[label]] += round(value)
        # A series that begins above 0 would hide what came before its first sample.
        assert sum(value for _, value in prometheus.query(f"min_over_time({window})")) == 0
    return +counts


@pytest.mark.timeout(900)
def test_kill_nine_again_and_again_loses_and_repeats_nothing(
    account: Account, exporter: Exporter, prometheus_binary: str, tmp_path: Path
) -> None:
    draws, flows = Random(7), account.flows()
    # Time stands still for the baseline, so that everybody agrees on what came before it.
    account.control("POST", "/time", frozen=True)
    since = first_sight(account)
    until(lambda: exporter.value("celigo_exporter_watermark_timestamp_seconds", collector="jobs"), "the first sight")
    with Prometheus(prometheus_binary, tmp_path / "prometheus", [f"127.0.0.1:{exporter.port}"], "1s") as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: len(prometheus.query("celigo_flow_runs_total")) > 0, "the first sample")
        account.control("POST", "/time", frozen=False)
        for _ in range(KILLS):
            end = time.monotonic() + draws.uniform(0.5, LIFE_SECONDS)
            while time.monotonic() < end:
                account.run(flows)
            exporter.kill()
            for _ in range(10):
                account.run(flows)
            exporter.start()
            until(lambda: exporter.program.running() and exporter.value("celigo_up") is not None, "the next life")
            assert exporter.value("celigo_exporter_state_persistent", backend="sqlite") == 1.0
        account.control("POST", "/time", frozen=True)
        frozen = time.time()
        until(lambda: read_since(exporter, frozen), "the last reading", 120)
        expected = account.ended(since)
        until(lambda: counted(prometheus) == expected, "Prometheus' last scrape", 30)
        found = counted(prometheus)
        resets = sum(value for _, value in prometheus.query("resets(celigo_flow_runs_total[1h])"))
        increase = sum(value for _, value in prometheus.query("increase(celigo_flow_runs_total[1h])"))
    runs = sum(count for (metric, *_), count in expected.items() if metric == "celigo_flow_runs_total")
    lost, twice = (expected - found).total(), (found - expected).total()
    print(f"{KILLS} kills, {runs} runs: {lost} lost, {twice} double, {resets:.0f} resets, increase() {increase:.1f}")
    assert (lost, twice, resets) == (0, 0, 0)
    assert runs > 100 * KILLS if PROVE else runs > 20 * KILLS


def test_a_second_exporter_on_the_same_file_ends_with_one_line(exporter: Exporter) -> None:
    until(lambda: exporter.value("celigo_exporter_state_persistent", backend="sqlite"), "the first one")
    flags = [f"--config.file={exporter.config}", "--web.listen-address=127.0.0.1:0"]
    with Program([*EXPORTER, "serve", *flags], exporter.environ) as second:
        assert second.process is not None
        assert second.process.wait(60) == 2
        lines = second.stderr().splitlines()
    assert lines[-1].endswith("this state file is in use by another process; every exporter needs a file of its own")
    assert exporter.program.running()


def test_a_clean_restart_while_the_api_is_away_goes_on_once_it_is_back(account: Account, exporter: Exporter) -> None:
    flows = account.flows()
    until(lambda: exporter.value("celigo_exporter_watermark_timestamp_seconds", collector="jobs"), "the first sight")
    for _ in range(40):
        account.run(flows)
    total = "celigo_flow_runs_total"
    until(lambda: exporter.value(total, flow_id=flows[0], status="completed"), "a counted run")
    before = exporter.value(total, flow_id=flows[0], status="completed")
    assert exporter.program.terminate()[0] == 0
    exporter.program.__exit__(None, None, None)
    away = account.control("POST", "/incidents", kind="status", status=503)["id"]
    exporter.start()
    until(lambda: exporter.value("celigo_up") == 0.0, "the next life")
    assert exporter.value(total, flow_id=flows[0], status="completed") is None
    account.control("DELETE", f"/incidents/{away}")
    after = until(lambda: exporter.value(total, flow_id=flows[0], status="completed"), "the counters")
    assert before is not None
    assert after >= before
