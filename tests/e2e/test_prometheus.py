"""A real Prometheus scrapes the demo and agrees with the simulator's ground truth."""

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from exporter.serve.scrape import ACCOUNT
from tests import test_scraping_page as scraping
from tests.e2e.processes import Demo, Prometheus, until

SECONDS = 60.0 if os.environ.get("PROVE") else 20.0
"""How long Prometheus watches; `make prove` watches for a minute."""


@pytest.fixture(scope="module")
def watched(demo: Demo, prometheus_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the demo for `SECONDS`, after which the demo's time was stopped."""
    config = tmp_path_factory.mktemp("prometheus")
    with Prometheus(prometheus_binary, config, [f"127.0.0.1:{demo.port}"]) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: len(prometheus.query("celigo_flow_runs_total")) > 0, "the first runs family")
        end = time.monotonic() + SECONDS
        starts = more_runs(demo)
        until(lambda: time.monotonic() > end or next(starts), "watching", SECONDS + 60)
        demo.control("POST", "/time", frozen=True)
        folded = time.time()
        # Everything that finished is in the counters once the jobs collector has run again after the stop.
        until(lambda: last_success(prometheus, "jobs") > folded, "a last collection of runs", 150)
        yield prometheus


def more_runs(demo: Demo) -> Iterator[bool]:
    """Start a run of one flow after the other, of every outcome, some at once over and some after seconds."""
    truth: Any = demo.control("GET", "/truth")
    flows = [flow["id"] for flow in truth["flows"] if flow["enabled"]]
    for number in itertools.count():
        status = ("completed", "failed", "completed", "canceled")[number % 4]
        seconds = float(number % 5)
        flow = flows[number % len(flows)]
        demo.control("POST", "/incidents", kind="flow_run_now", flow=flow, status=status, seconds=seconds, records=9)
        yield False


def last_success(prometheus: Prometheus, collector: str) -> float:
    name = "celigo_exporter_collector_last_success_timestamp_seconds"
    return max((value for _, value in prometheus.query(f'{name}{{collector="{collector}"}}')), default=0.0)


def truth_of_runs(demo: Demo, since: float) -> dict[tuple[str, str], int]:
    """Finished runs by flow and status that ended after `since`."""
    answer: Any = demo.control("GET", f"/truth/runs?since={since}")
    counts: dict[tuple[str, str], int] = {}
    for row in answer["runs"]:
        finished = row.get("finishedAt")
        if row["type"] == "flow" and finished is not None and finished > since:
            key = (row["_flowId"], row["status"])
            counts[key] = counts.get(key, 0) + 1
    return counts


def test_up_is_one_and_no_scrape_failed(watched: Prometheus) -> None:
    assert [value for _, value in watched.query("up")] == [1.0]
    assert [value for _, value in watched.query("min_over_time(up[10m])")] == [1.0]
    assert [target["lastError"] for target in watched.targets()] == [""]
    (_, scrapes), *_ = watched.query("count_over_time(up[10m])")
    print(f"{scrapes:.0f} scrapes, none failed")


def first_sight(demo: Demo) -> tuple[float, float]:
    """Between which instants the exporter first saw the account's runs: its first two calls about jobs.

    Exporter, simulator and this test share the machine's clocks.
    """
    log: Any = demo.control("GET", "/requests")
    wall_minus_monotonic = time.time() - time.monotonic()
    calls = {"/v1/jobs/current", "/v1/jobs"}
    instants = [row["at"] + wall_minus_monotonic for row in log["requests"] if row["template"] in calls]
    return instants[0] - 0.1, instants[1] + 0.1


def test_the_counters_agree_with_the_ground_truth(demo: Demo, watched: Prometheus) -> None:
    """Each run that ended after the first sight is counted, once; none that ended before is."""
    begun, seen = first_sight(demo)
    at_most, at_least = truth_of_runs(demo, begun), truth_of_runs(demo, seen)
    found = watched.query("celigo_flow_runs_total")
    counted = {(row["flow_id"], row["status"]): value for row, value in found if value}
    print(f"{sum(at_least.values())} runs ended since the first sight, {sum(counted.values()):.0f} counted")
    assert sum(at_least.values()) > 0
    differing = {key for key in at_most.keys() | counted.keys() if counted.get(key, 0) != at_least.get(key, 0)}
    ended_in_between = {key for key in at_most if at_most[key] != at_least.get(key, 0)}
    assert differing <= ended_in_between
    assert all(at_least.get(key, 0) <= counted.get(key, 0) <= at_most[key] for key in differing)


def test_the_increase_function_of_prometheus_sees_the_same(watched: Prometheus) -> None:
    """`increase` extrapolates to the borders of what it saw, so it is compared with the counters' own difference."""
    name = "celigo_flow_runs_total[10m]"
    exact = sum(value for _, value in watched.query(f"max_over_time({name}) - min_over_time({name})"))
    estimated = sum(value for _, value in watched.query(f"increase({name})"))
    print(f"increase() {estimated:.2f}, counters {exact:.0f}")
    assert exact <= estimated <= 1.5 * exact + 1


def test_metrics_are_clean_for_promtool_while_it_runs(demo: Demo, watched: Prometheus, promtool: str) -> None:
    assert watched.running()
    text = requests.get(f"{demo.url}/metrics", timeout=30).content
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_an_operator_gets_names_by_joining(watched: Prometheus) -> None:
    joined = watched.query(
        "celigo_flow_enabled * on (account, flow_id) group_left (flow_name, integration_name) celigo_flow_info"
    )
    assert len(joined) == len(watched.query("celigo_flow_enabled")) > 0
    assert all(labels["flow_name"] and labels["integration_name"] for labels, _ in joined)


def jobs_of_the_page(address: str, *accounts: str) -> list[dict[str, Any]]:
    """The jobs of docs/scraping.md for an exporter at `address` and `accounts`, the last one each second."""
    targets: list[dict[str, Any]] = [
        {"targets": [address], "labels": {**target["labels"], f"__param_{ACCOUNT}": account}}
        for target, account in zip(scraping.ACCOUNTS["static_configs"], accounts, strict=True)
    ]
    targets[-1]["labels"] |= {"__scrape_interval__": "1s", "__scrape_timeout__": "1s"}
    itself = {**scraping.ITSELF, "static_configs": [{"targets": [address]}]}
    return [itself, {**scraping.ACCOUNTS, "static_configs": targets}]


def test_an_account_is_a_target_of_its_own_beside_the_exporter(
    demo: Demo, prometheus_binary: str, tmp_path: Path
) -> None:
    jobs = jobs_of_the_page(f"127.0.0.1:{demo.port}", "demo", "nobody")
    down = next(
        rule["expr"]
        for group in scraping.RULES["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "CeligoExporterDown"
    )
    with Prometheus(prometheus_binary, tmp_path, [], interval="2s", jobs=jobs) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: len(prometheus.query("up")) == 3, "a scrape of each target")
        assert {(each["job"], each["instance"]): value for each, value in prometheus.query("up")} == {
            ("celigo", f"127.0.0.1:{demo.port}"): 1,
            ("celigo-accounts", "demo"): 1,
            ("celigo-accounts", "nobody"): 0,
        }
        assert [each["instance"] for each, _ in prometheus.query(down)] == ["nobody"]
        every: Any = {each["labels"]["instance"]: each for each in prometheus.targets()}  # type: ignore[index]
        assert "404" in every["nobody"]["lastError"]
        assert (every["demo"]["scrapeInterval"], every["nobody"]["scrapeInterval"]) == ("2s", "1s")
        assert origins(prometheus, "celigo_flow_enabled") == {("celigo-accounts", "demo")}
        assert origins(prometheus, "celigo_exporter_collector_success") == {("celigo-accounts", "demo")}
        assert origins(prometheus, "celigo_exporter_build_info") == {("celigo", f"127.0.0.1:{demo.port}")}


def origins(prometheus: Prometheus, name: str) -> set[tuple[str, str]]:
    """Jobs and instances of a metric's series."""
    return {(each["job"], each["instance"]) for each, _ in prometheus.query(name)}


def test_configuration_example_of_the_readme_is_valid(promtool: str, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    example = readme.split("```yaml\nscrape_configs:", 1)[1].split("```", 1)[0]
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs:" + example)
    checked = subprocess.run([promtool, "check", "config", str(config)], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
