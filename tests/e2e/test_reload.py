"""Reloads under load: real processes, scrapes all the time, and the simulators' own truth.

`make prove` reloads a hundred times, `make test` ten times, once in each way.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from tests.e2e.kills import Account, Counts
from tests.e2e.processes import EXPORTER, Program, free_port, until
from tests.e2e.reloads import COMES_AND_GOES, STAYS, Configuration, Reloaded, Scraper, changes, counts_of
from tests.recorder import TOKENS

PROVE = bool(os.environ.get("PROVE"))
COUNT = 100 if PROVE else 10
RUNS_EACH = 12


@pytest.fixture
def accounts() -> Iterator[dict[str, Account]]:
    """Two simulated accounts, each in a process of its own."""
    with ExitStack() as stack:
        held = {}
        for number, name in enumerate((STAYS, COMES_AND_GOES)):
            api, control = free_port(), free_port()
            flags = [
                f"--listen=127.0.0.1:{api}",
                f"--control=127.0.0.1:{control}",
                "--flows=12",
                f"--seed={6 + number}",
            ]
            program = stack.enter_context(Program([*EXPORTER, "simulator", *flags]))
            held[name] = Account(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{control}")
            program.answering(f"{held[name].control_url}/time")
        yield held


@pytest.fixture
def exporter(accounts: dict[str, Account], tmp_path: Path) -> Iterator[Reloaded]:
    configuration = Configuration(tmp_path / "celigo.yml", accounts)
    configuration.write()
    held = Reloaded(configuration)
    try:
        yield held
    finally:
        status, _ = held.program.terminate()
        assert status == 0
        held.program.__exit__(None, None, None)


@pytest.mark.timeout(1800)
def test_reloads_while_scraping_lose_nothing_and_count_nothing_twice(
    accounts: dict[str, Account], exporter: Reloaded
) -> None:
    since, begun = exporter.see(accounts)
    flows = {name: each.flows() for name, each in accounts.items()}
    before = exporter.threads_and_files()
    for each in accounts.values():
        each.resume()
    seconds, rejected, answers = [], 0, set()
    with Scraper(exporter.url) as scraper:
        for number, (bad, what) in zip(range(COUNT), changes(exporter.configuration), strict=False):
            for name, each in accounts.items():
                each.run(flows[name], RUNS_EACH)
            exporter.configuration.write(bad)
            began = time.monotonic()
            answer = exporter.reload(by_signal=number % 2 == 0, good=bad is None)
            seconds.append(time.monotonic() - began)
            rejected += bad is not None
            answers |= {f"{what}: {answer.strip()}"} if bad is not None and answer else set()
        exporter.configuration.write()
        exporter.reload(by_signal=False, good=True)
        for each in accounts.values():
            each.freeze()
        exporter.read_twice(accounts)
        until(lambda: exporter.threads_and_files()[0] <= before[0] + 45, "threads of closed accounts have ended")
        after, text = exporter.threads_and_files(), exporter.scrape()
    lost, twice, runs = Counts(), Counts(), 0
    for name, each in accounts.items():
        expected, found = each.ended(since[name]), counts_of(text, name)
        found.subtract(begun[name])
        lost, twice = lost + (expected - found), twice + (+found - expected)
        runs += sum(count for (family, *_), count in expected.items() if family == "celigo_flow_runs_total")
    print(
        f"{COUNT} reloads, {rejected} of them of bad files and rejected; {runs} runs ended: {lost.total()} lost, "
        f"{twice.total()} double\n{scraper.scrapes} scrapes, {len(scraper.failures)} failed, {len(scraper.mixed)} with "
        f"some of both, {len(scraper.drops)} counters below the scrape before, {scraper.without} while "
        f"{COMES_AND_GOES} was away; slowest {scraper.slowest_seconds:.2f} s, reload with its check "
        f"{median(seconds):.2f} s\n"
        f"threads, descriptors, MiB before {before}, after {after}\n" + "\n".join(sorted(answers))
    )
    assert (scraper.failures, scraper.mixed, scraper.drops) == ([], [], [])
    assert (lost, twice) == (Counts(), Counts())
    assert scraper.without
    assert runs >= COUNT * RUNS_EACH / 2  # of twice as many, the last of which may still be under way
    assert after[1] <= before[1] + 60
    assert TOKENS[0] not in exporter.program.stderr()


def test_a_storm_of_signals_leaves_nothing_behind(exporter: Reloaded) -> None:
    exporter.program.__enter__()
    exporter.program.answering(f"{exporter.url}/-/ready")
    exporter.scrape()
    before = exporter.threads_and_files()
    for _ in range(100):
        os.kill(exporter.pid, signal.SIGHUP)
    until(lambda: exporter.reloads()[0], "a reload")
    exporter.reload(by_signal=False, good=True)
    after = exporter.threads_and_files()
    print(f"100 signals: {exporter.reloads()[0]:.0f} reloads; threads, descriptors, MiB {before} to {after}")
    # Some threads and descriptors more are those of the server, for scrapes.
    assert after[0] <= before[0] + 10
    assert after[1] <= before[1] + 10


@pytest.mark.timeout(1800)
def test_memory_levels_off_over_reloads(accounts: dict[str, Account], exporter: Reloaded) -> None:
    """What the first ones take is caches, pools and the allocator's; what goes on growing would be a leak.

    That it ends is seen in the long form only; the short one sees reloads that leave a whole account behind.
    """
    exporter.see(accounts)
    each = 100 if PROVE else 8
    sizes = [exporter.threads_and_files()[2]]
    for number, (bad, _) in zip(range(3 * each), changes(exporter.configuration), strict=False):
        exporter.configuration.write(bad)
        exporter.reload(by_signal=False, good=bad is None)
        if number % each == each - 1:
            sizes.append(exporter.threads_and_files()[2])
    print(f"MiB at the start and after each {each} reloads: {sizes}")
    assert sizes[3] - sizes[2] <= max(3 if PROVE else 8, (sizes[2] - sizes[0]) / 3)
