"""What the proof of the durable ledger is made of: an account, an exporter to kill, and moments to kill it at."""

import itertools
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import requests

from tests.e2e.processes import EXPORTER, Program, Prometheus, free_port, until
from tests.recorder import RECORDER, TOKENS

Counts = Counter[tuple[str, str, str]]
"""Counters by family, flow and status or outcome."""

LABELS = {
    "celigo_flow_runs_total": "status",
    "celigo_flow_records_total": "outcome",
    "celigo_flow_retries_total": "status",
}
"""The families that are compared with the truth, and their label beside the flow."""

DURABLE = "celigo_(flow|integration)_(runs|records|retries)_total|celigo_runs_unknown_total"
"""Every counter that the state file keeps."""

LAST_SUCCESS = "celigo_exporter_collector_last_success_timestamp_seconds"

READ_TWICE = 6.0
"""Seconds after which runs and retries were read again from the beginning, at the intervals of these tests."""

SINCE_START = "[1h]"
"""A window that is longer than any of these tests."""

_SAMPLE = re.compile(r'(\w+)\{(?=[^}]*flow_id="(\w+)")[^}]*(?:status|outcome)="(\w+)"[^}]*\} (\S+)')


@dataclass
class Account:
    """The simulated account as a process, and what it knows of itself."""

    url: str
    control_url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def control(self, method: str, call: str, /, **body: object) -> Any:
        """One call of the control API; its JSON answer."""
        answer = requests.request(method, self.control_url + call, json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def freeze(self) -> float:
        """Stop the account's time; the instant it stands at, unix seconds."""
        return float(self.control("POST", "/time", frozen=True)["now"])

    def resume(self) -> None:
        """Let the account's time go on."""
        self.control("POST", "/time", frozen=False)

    def advance(self, seconds: float) -> float:
        """Move the account's time on; the instant it stands at then."""
        return float(self.control("POST", "/time", advance=seconds)["now"])

    def flows(self) -> list[str]:
        """Ids of the flows that are on."""
        return [flow["id"] for flow in self.control("GET", "/truth")["flows"] if flow["enabled"]]

    def run(self, flows: list[str], count: int) -> None:
        """More runs of one flow after the other, of every outcome, at once over or in a few seconds."""
        for number in itertools.islice(self.numbers, count):
            status = ("completed", "failed", "completed", "canceled")[number % 4]
            more = {"status": status, "seconds": float(number % 4), "records": 9, "ignored": number % 3}
            self.control("POST", "/incidents", kind="flow_run_now", flow=flows[number % len(flows)], **more)

    def ended(self, since: float) -> Counts:
        """Runs, their records and retries that ended after an instant."""
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

    def job_calls(self, *, answered: bool) -> list[int]:
        """Numbers of the exporter's calls about jobs that were answered by now, or were not; in order."""
        calls = (row for row in self.control("GET", "/requests")["requests"] if row["path"].startswith("/v1/jobs"))
        return [row["seq"] for row in calls if bool(row["status"]) is answered]

    def load(self, flows: list[str], count: int, until_then: Callable[[], bool], what: str) -> None:
        """`count` more runs again and again until a condition holds."""

        def ran() -> bool:
            self.run(flows, count)
            return until_then()

        until(ran, what)


class Exporter:
    """The exporter on one port and one state file, started and ended at will."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "celigo.yml"
        self.config.write_text(
            f"accounts:\n  - {{name: acme, base_url: '{account.url}', token_env: TOKEN,\n"
            "     rate_limit: {requests_per_second: 100, burst: 100}}\n"
            "collectors:\n  jobs: {interval: 1s, retries_interval: 2s}\n  inventory: {interval: 5s}\n"
            f"  errors: {{enabled: false}}\nstate: {{path: {folder / 'state.db'}}}\n"
        )
        self.program: Program
        self.since = 0.0
        self.begun: Counts = Counter()

    def new(self, address: str) -> Program:
        """One more process with this configuration, not started yet."""
        flags = [f"--config.file={self.config}", f"--web.listen-address={address}"]
        return Program([*EXPORTER, "serve", *flags], {**os.environ, "TOKEN": TOKENS[0]})

    def start(self) -> None:
        """The next life, on the same port; does not wait for it."""
        self.program = self.new(f"127.0.0.1:{self.port}").__enter__()

    def kill(self) -> None:
        """SIGKILL."""
        assert self.program.process is not None
        assert self.program.running()
        self.program.process.kill()
        self.program.process.wait()
        self.stop()

    def stop(self) -> int:
        """SIGTERM, if it still runs; its exit status."""
        status, _ = self.program.terminate()
        RECORDER.printed("kills", self.program.stdout() + self.program.stderr())
        self.program.__exit__(None, None, None)
        return status

    def lines(self) -> list[str]:
        """A scrape; nothing while it does not listen yet."""
        try:
            return requests.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        except requests.RequestException:
            return []

    def value(self, name: str, label: str = "") -> float | None:
        """The first sample of a family that has `label`, written as in the exposition."""
        found = (line for line in self.lines() if line.startswith(f"{name}{{") and label in line)
        return next((float(line.rsplit(" ", 1)[1]) for line in found), None)

    def counts(self) -> Counts:
        """The compared counters in a scrape of our own."""
        samples = (match for line in self.lines() if (match := _SAMPLE.match(line)) and match[1] in LABELS)
        return Counter({(match[1], match[2], match[3]): round(float(match[4])) for match in samples})

    def see(self, account: Account) -> None:
        """Start, and wait for the first sight of the account, whose time stands still; sets `since` and `begun`.

        `since` is the instant from which on everybody agrees on what is to be counted. The exporter's idea of the
        server's time goes on while the account's stands still, so what ends before that idea may be history or not;
        time is moved past it. `begun` is what was counted of that.
        """
        stood_at, began = account.freeze(), time.monotonic()
        self.start()
        watermark = "celigo_exporter_watermark_timestamp_seconds"
        until(lambda: self.program.running() and self.value(watermark, 'collector="jobs"'), "the first sight")
        self.since = account.advance(time.monotonic() - began + 1.0)
        if account.ended(stood_at):
            enough = time.time() + READ_TWICE
            until(lambda: (self.value(LAST_SUCCESS, 'collector="jobs"') or 0.0) > enough, "runs of the first seconds")
        self.begun = +self.counts()


def in_a_call(account: Account, exporter: Exporter, draws: Random) -> Callable[[], bool]:
    """While the exporter waits for an answer about jobs, in the middle of a collection."""
    del exporter
    path = draws.choice(["/v1/jobs", "/v1/jobs/current"])
    before = account.job_calls(answered=False)
    account.control("POST", "/incidents", kind="hang", path=path, count=1)
    # One that was just being answered is soon no longer among them; one that hangs stays.
    return lambda: not set(account.job_calls(answered=False)) <= set(before)


def after_a_call(account: Account, exporter: Exporter, draws: Random) -> Callable[[], bool]:
    """Milliseconds after the exporter got rows, when it counts, saves and shows them."""
    del exporter
    last = max(account.job_calls(answered=True))

    def due() -> bool:
        if max(account.job_calls(answered=True)) == last:
            return False
        time.sleep(draws.uniform(0.0, 0.05))  # the moment itself is drawn; nothing is waited for
        return True

    return due


def in_a_scrape(account: Account, exporter: Exporter, draws: Random) -> Callable[[], bool]:
    """When a scrape was just sent, whose answer nobody will get."""
    del account, draws

    def due() -> bool:
        with socket.create_connection(("127.0.0.1", exporter.port), timeout=30) as scrape:
            scrape.sendall(b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n")
        return True

    return due


def at_any_moment(account: Account, exporter: Exporter, draws: Random) -> Callable[[], bool]:
    """Now."""
    del account, exporter, draws
    return lambda: True


MOMENTS = (in_a_call, after_a_call, in_a_scrape, at_any_moment)
"""What the kills hit, in turn; each is given once a life and then asked until it is true."""


def seen(prometheus: Prometheus, expression: str) -> Counts:
    """An expression over each compared family, in which `{}` is all its samples since the start."""
    counts: Counts = Counter()
    for family, label in LABELS.items():
        for row, value in prometheus.query(expression.format(family + SINCE_START)):
            counts[family, row["flow_id"], row[label]] += round(value)
    return +counts


def samples_and_drops(prometheus: Prometheus) -> tuple[int, int]:
    """How many raw samples of the durable counters Prometheus has, and how many are below the one before."""
    query = {"query": f'{{__name__=~"{DURABLE}"}}{SINCE_START}'}
    answer = requests.get(f"{prometheus.url}/api/v1/query", params=query, timeout=60).json()
    series = [[float(value) for _, value in row["values"]] for row in answer["data"]["result"]]
    drops = sum(after < before for values in series for before, after in itertools.pairwise(values))
    return sum(map(len, series)), drops
