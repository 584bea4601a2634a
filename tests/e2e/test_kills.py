"""The counters survive: exporter, simulator and Prometheus as real processes, and SIGKILL again and again.

`make prove` kills ten times in about two minutes, `make test` three times.
"""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.e2e.kills import (
    LAST_SUCCESS,
    MOMENTS,
    READ_TWICE,
    SINCE_START,
    Account,
    Counts,
    Exporter,
    samples_and_drops,
    seen,
)
from tests.e2e.processes import EXPORTER, Program, Prometheus, free_port, until
from tests.recorder import RECORDER

PROVE = bool(os.environ.get("PROVE"))
KILLS = 10 if PROVE else 3
LIFE_SECONDS = 16.0 if PROVE else 2.0
"""How long an exporter is under load at most before it is to be killed."""

PERSISTENT = ("celigo_exporter_state_persistent", 'backend="sqlite"')


@pytest.fixture
def account() -> Iterator[Account]:
    """A simulated account in a process of its own."""
    api, control = free_port(), free_port()
    flags = [f"--listen=127.0.0.1:{api}", f"--control=127.0.0.1:{control}", "--flows=40", "--seed=6"]
    with Program([*EXPORTER, "simulator", *flags]) as program:
        held = Account(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{control}")
        program.answering(f"{held.control_url}/time")
        yield held
        RECORDER.simulator_log(held.control("GET", "/requests")["requests"])


@pytest.fixture
def exporter(account: Account, tmp_path: Path) -> Iterator[Exporter]:
    """An exporter that has seen the account once; the account's time stands still."""
    held = Exporter(tmp_path, account)
    try:
        held.see(account)
        yield held
    finally:
        held.stop()


@pytest.fixture
def prometheus(exporter: Exporter, prometheus_binary: str, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that has the counters as they were at the first sight."""
    with Prometheus(prometheus_binary, tmp_path / "prometheus", [f"127.0.0.1:{exporter.port}"], "1s") as held:
        held.answering(f"{held.url}/-/ready")
        until(lambda: len(held.query("celigo_flow_runs_total")) > 0, "the first sample")
        yield held


def is_over(end: float) -> bool:
    return time.monotonic() > end


def lives(account: Account, exporter: Exporter) -> None:
    """Load, SIGKILL, the next life, as often as is asked for; runs go on while nobody looks."""
    draws, flows = Random(7), account.flows()
    for number in range(KILLS):
        end = time.monotonic() + draws.uniform(0.3, LIFE_SECONDS)
        account.load(flows, 3, partial(is_over, end), "a life")
        due = MOMENTS[number % len(MOMENTS)](account, exporter, draws)
        account.load(flows, 1, due, "the moment of the kill")
        exporter.kill()
        account.control("DELETE", "/incidents")
        account.run(flows, 10)
        exporter.start()
        persistent = until(lambda: exporter.program.running() and exporter.value(*PERSISTENT), "the next life")
        assert persistent == 1.0


def total(counts: Counts, family: str) -> int:
    return sum(count for (name, *_), count in counts.items() if name == family)


def estimates(prometheus: Prometheus) -> tuple[float, float, float]:
    """The runs' own difference, what `increase()` makes of it, and the most that its extrapolation may make of it."""
    runs = f"celigo_flow_runs_total{SINCE_START}"
    own = f"(max_over_time({runs}) - min_over_time({runs}))"
    # It adds half of the mean distance of samples before the first, and up to 1.1 of it behind the last.
    most = f"{own} * (1 + 1.6 / (count_over_time({runs}) - 1))"
    exact, estimated, bound = (
        sum(value for _, value in prometheus.query(query)) for query in (own, f"increase({runs})", most)
    )
    return exact, estimated, bound


@pytest.mark.timeout(900)
def test_kill_nine_again_and_again_loses_and_repeats_nothing(
    account: Account, exporter: Exporter, prometheus: Prometheus
) -> None:
    account.resume()
    lives(account, exporter)
    account.freeze()
    enough = time.time() + READ_TWICE
    last = f'{LAST_SUCCESS}{{collector="jobs"}}'
    until(lambda: any(value > enough for _, value in prometheus.query(last)), "the last reading", 120)
    # A series that begins above 0 would hide what came before its first sample.
    assert seen(prometheus, "min_over_time({})") == exporter.begun
    expected, found = account.ended(exporter.since), seen(prometheus, "max_over_time({0}) - min_over_time({0})")
    samples, drops = samples_and_drops(prometheus)
    resets = sum(value for _, value in prometheus.query(f"resets(celigo_flow_runs_total{SINCE_START})"))
    exact, estimated, bound = estimates(prometheus)
    runs, records, retries = (total(expected, f"celigo_flow_{kind}_total") for kind in ("runs", "records", "retries"))
    lost, twice = expected - found, found - expected
    print(
        f"{KILLS} kills, {runs} runs, {records} records, {retries} retries ended: {lost.total()} lost,"
        f" {twice.total()} double\n{samples} samples, {drops} below the one before, {resets:.0f} resets;"
        f" runs by Prometheus {exact:.0f}, increase() {estimated:.1f}, at most {bound:.1f}"
    )
    assert (lost, twice) == (Counts(), Counts())
    assert (drops, resets) == (0, 0)
    assert exact == runs
    assert exact <= estimated <= bound
    assert runs >= (1000 if PROVE else 50)


def test_a_second_exporter_on_the_same_file_ends_with_one_line(exporter: Exporter) -> None:
    assert exporter.value(*PERSISTENT) == 1.0
    with exporter.new("127.0.0.1:0") as second:
        assert second.process is not None
        assert second.process.wait(60) == 2
        (line,) = second.stderr().splitlines()
    assert line.endswith("this state file is in use by another process; every exporter needs a file of its own")
    assert exporter.program.running()
    assert exporter.value(*PERSISTENT) == 1.0


def test_restarts_go_on_from_the_saved_counters_at_once_or_when_the_api_is_back(
    account: Account, exporter: Exporter
) -> None:
    flows = account.flows()
    account.resume()
    account.run(flows, 40)
    before = until(lambda: exporter.counts() - exporter.begun, "counted runs")
    assert exporter.stop() == 0
    account.run(flows, 10)
    exporter.start()
    between = until(lambda: +exporter.counts(), "the counters of the second life")
    assert not before - between
    assert exporter.stop() == 0
    account.control("POST", "/incidents", kind="status", status=503)
    account.run(flows, 10)
    exporter.start()
    until(lambda: exporter.value("celigo_up") == 0.0, "a life without the API")
    assert exporter.counts() == Counts()
    assert exporter.value(*PERSISTENT) == 1.0
    account.control("DELETE", "/incidents")
    after = until(lambda: +exporter.counts(), "the counters once the API is back")
    assert not between - after
    account.freeze()
    expected = account.ended(exporter.since) + exporter.begun
    until(lambda: +exporter.counts() == expected, "every run is counted once")
