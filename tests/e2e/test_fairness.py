"""Many accounts in one process: those that are well do not notice those that hang or are throttled.

Everything is real: the exporter's process, its HTTP, the sockets of the accounts, and time. `make prove` has 200
accounts under the default intervals, 20 of which never answer and 20 of which are always throttled.
"""

import os
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import requests

from exporter.config.settings import Collectors
from tests.e2e.crowded import Crowd, Crowded
from tests.e2e.processes import until

LONG = bool(os.environ.get("PROVE"))
CROWD = (
    Crowd(good=160, hanging=20, throttled=20)
    if LONG
    else Crowd(good=12, hanging=6, throttled=2, flows=10, rate=(100, 200), patience=250)
)
"""Without patience a hanging call ends, as by default, after 20 s. The short form's hang until everything is over, and
are more than there are places."""

SCRAPE_SECONDS = 15.0 if LONG else 0.5
WATCHED_SECONDS = 660.0 if LONG else 120.0
TIMES = 2 if LONG else 3
MOST_MIB = 400
EVERY_MINUTE = ("health", "jobs", "connections", "agents", "schedules")
INTERVALS: Mapping[str, float] = {
    name: getattr(Collectors(), name).interval if LONG else 1.0
    for name in (*EVERY_MINUTE, "inventory", "errors", "governance")
}
"""Of what has an age: the history is read in what the others leave, for as long as it takes."""

SLACK_SECONDS = 2.0
"""What a run itself may take on a machine that does other things, too."""

pytestmark = pytest.mark.timeout(WATCHED_SECONDS + 600)

LAST_SUCCESS = "celigo_exporter_collector_last_success_timestamp_seconds"


@dataclass
class Watched:
    """What was seen: the worst age of each collector's data over all good accounts, and what the process took."""

    worst: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    scrapes: list[float] = field(default_factory=list)
    rss: int = 0
    threads: int = 0
    files: int = 0
    first_read: dict[str, float] = field(default_factory=dict)
    successes: dict[tuple[str, str], set[float]] = field(default_factory=lambda: defaultdict(set))
    cpu: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether every collector of every good account was seen to succeed some times."""
        expected = CROWD.good * len(INTERVALS)
        return len(self.successes) == expected and all(len(times) >= TIMES for times in self.successes.values())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    collectors: dict[str, dict[str, object]] = {name: {"interval": f"{int(s)}s"} for name, s in INTERVALS.items()}
    found = Watched()
    with Crowded(CROWD, tmp_path_factory.mktemp("crowd"), collectors) as exporter:
        began = time.monotonic()
        until(lambda: exporter.running() and answers(exporter), "the exporter")
        while time.monotonic() < began + WATCHED_SECONDS and not (found.enough and not LONG):
            due = time.monotonic() + SCRAPE_SECONDS
            look(exporter, found, time.monotonic() - began)
            time.sleep(max(0.0, due - time.monotonic()))
        found.cpu = exporter.cpu_seconds / (time.monotonic() - began)
    return found


def answers(exporter: Crowded) -> bool:
    try:
        return requests.get(f"{exporter.url}/-/healthy", timeout=5).ok
    except requests.RequestException:
        return False


def look(exporter: Crowded, found: Watched, passed: float) -> None:
    """One scrape, and how old everything is right after it."""
    timeout = 10.0 if LONG else 0.6
    began = time.monotonic()
    scraped = requests.get(
        f"{exporter.url}/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}, timeout=300
    )
    found.scrapes.append(time.monotonic() - began)
    assert scraped.ok
    if LONG:
        print(
            f"{passed:6.0f} s: a scrape of {found.scrapes[-1]:.1f} s, {exporter.status('VmRSS') // 1024} MiB, ", end=""
        )
        print(f"{exporter.status('Threads')} threads, {exporter.cpu_seconds:.0f} s of CPU", flush=True)
    now = time.time()
    seen = ages(scraped.text, now)
    for (account, collector), age in seen.items():
        if account.startswith("good") and collector in INTERVALS:
            found.successes[account, collector].add(round(now - age, 3))
            found.worst[collector] = max(found.worst[collector], age)
    for name in INTERVALS:
        if name not in found.first_read and sum(collector == name for _, collector in found.successes) == CROWD.good:
            found.first_read[name] = passed
    found.rss = max(found.rss, exporter.status("VmRSS") // 1024)
    found.threads = max(found.threads, exporter.status("Threads"))
    found.files = max(found.files, exporter.files)


def ages(text: str, now: float) -> dict[tuple[str, str], float]:
    """Seconds since the last success of each account's collector."""
    found = {}
    for labels, value in re.findall(rf"^{LAST_SUCCESS}{{([^}}]+)}} (\S+)$", text, re.MULTILINE):
        told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        found[told["account"], told["collector"]] = now - float(value)
    return found


def test_everything_of_the_good_accounts_is_read_again_and_again(watched: Watched) -> None:
    print(f"\nall {CROWD.good} good accounts were read for the first time after (s): ", end="")
    print(", ".join(f"{name} {seconds:.0f}" for name, seconds in watched.first_read.items()))
    assert watched.enough


def test_its_age_stays_within_the_interval(watched: Watched) -> None:
    """With the scrape interval, since runs begin with scrapes. Short intervals tell only how busy the machine is."""
    print(f"\n{CROWD.hanging} hang, {CROWD.throttled} are throttled; worst age of the other {CROWD.good}:")
    for name, age in sorted(watched.worst.items()):
        print(f"  {name:12} {age:6.1f} s of {INTERVALS[name]:.0f} + {SCRAPE_SECONDS:.1f} s")
    slack = SLACK_SECONDS if LONG else WATCHED_SECONDS
    late = {name: age for name, age in watched.worst.items() if age > INTERVALS[name] + SCRAPE_SECONDS + slack}
    assert late == {}


def test_memory_threads_and_sockets_are_bounded(watched: Watched) -> None:
    accounts = CROWD.good + CROWD.hanging + CROWD.throttled
    print(
        f"\n{accounts} accounts of {CROWD.flows} flows: RSS {watched.rss} MiB, {watched.threads} threads,"
        f" {watched.files} files, {watched.cpu:.2f} CPU; scrapes took up to {max(watched.scrapes):.1f} s"
    )
    assert watched.rss <= MOST_MIB
    # Those of a hanging or throttled account are its own: one for each collector.
    assert watched.threads <= 32 + 40 + 9 * (CROWD.hanging + CROWD.throttled) + 10
    assert watched.files <= 1000
