"""The promise to the customer's API: one budget, however many scrapers, as the simulator's own log shows it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from tests.e2e.processes import Demo, Prometheus, until

RATE, BURST = 5.0, 10
SCRAPERS = 50


@pytest.fixture(scope="module")
def crowded() -> Iterator[list[dict[str, Any]]]:
    """The simulator's log after 50 scrapers hammered a demo from its first moment on until its first reading ended."""
    with Demo("--flows=120") as demo:
        until(lambda: demo.running() and responds(demo), "the demo listens")
        done = threading.Event()
        threads = [threading.Thread(target=scrape_until, args=(demo, done)) for _ in range(SCRAPERS)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: everything_read(demo), "a first reading", 180)
        finally:
            done.set()
            for thread in threads:
                thread.join(60)
        log: Any = demo.control("GET", "/requests")
        yield log["requests"]


def responds(demo: Demo) -> bool:
    try:
        requests.get(f"{demo.url}/-/healthy", timeout=5)
    except requests.RequestException:
        return False
    return True


def scrape_until(demo: Demo, done: threading.Event) -> None:
    with requests.Session() as session:
        while not done.is_set():
            answer = session.get(
                f"{demo.url}/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": "1"}, timeout=60
            )
            assert answer.status_code == 200


def everything_read(demo: Demo) -> bool:
    text = requests.get(f"{demo.url}/metrics?collect[]=exporter", timeout=30).text
    return 'celigo_exporter_collector_last_success_timestamp_seconds{account="demo",collector="errors"' in text


def worst_excess(instants: list[float]) -> float:
    """By how much the fullest window exceeds `BURST + RATE * t` requests; negative when none does.

    The fullest windows begin and end at a request, so only those are looked at.
    """
    return max(
        (last - first + 1) - (BURST + RATE * (instants[last] - instants[first]))
        for first in range(len(instants))
        for last in range(first, len(instants))
    )


def test_no_window_of_any_length_holds_more_than_the_budget(crowded: list[dict[str, Any]]) -> None:
    instants = [entry["at"] for entry in crowded]
    assert len(instants) > 3 * BURST, "too few requests to say anything"
    excess = worst_excess(instants)
    span = instants[-1] - instants[0]
    print(f"{len(instants)} requests in {span:.1f} s by {SCRAPERS} scrapers; fullest window {excess:+.2f} requests")
    assert excess <= 0


def test_the_measure_sees_a_budget_that_is_broken() -> None:
    """The judge itself: 10 at once and one every 200 ms is allowed, one request more is not."""
    allowed = [0.0] * BURST + [number / RATE for number in range(1, 50)]
    assert worst_excess(allowed) <= 1e-9
    assert worst_excess(sorted([*allowed, 3.1])) > 0.4


def test_two_prometheus_servers_cause_no_more_requests_than_one(
    prometheus_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two equal exporters side by side, one with a single server and one with two that scrape twice as often."""
    with ExitStack() as stack:
        alone, shared = (stack.enter_context(Demo("--flows=12")) for _ in range(2))
        for demo, count in ((alone, 1), (shared, 2)):
            demo.answering(f"{demo.url}/-/ready")
            for _ in range(count):
                folder = tmp_path_factory.mktemp("prometheus")
                server = Prometheus(prometheus_binary, folder, [f"127.0.0.1:{demo.port}"], "1s")
                stack.enter_context(server)
        until(lambda: min(rounds(alone), rounds(shared)) >= 2, "two rounds of the minute's collectors", 150)
        counts = {name: minute_requests(demo) for name, demo in (("one", alone), ("two", shared))}
        print(f"requests of the collectors with a minute's interval: {counts}")
        assert counts["two"] <= counts["one"]


MINUTELY = ("/v1/tokenInfo", "/v1/connections", "/v1/jobs/current")
"""What is asked once a minute."""


def rounds(demo: Demo) -> int:
    """How often all of it was asked: where a round has only begun, some of its requests are still to come."""
    return min(len(minute_log(demo, template)) for template in MINUTELY)


def minute_log(demo: Demo, template: str) -> list[float]:
    log: Any = demo.control("GET", "/requests")
    return [row["at"] for row in log["requests"] if row["template"] == template]


def minute_requests(demo: Demo) -> int:
    """Requests to what is asked once a minute, within one and a half minutes of the first."""
    total = 0
    for template in MINUTELY:
        instants = minute_log(demo, template)
        total += sum(at - instants[0] < 90 for at in instants)
    return total
