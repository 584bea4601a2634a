"""A real Prometheus, set up as the operator would by what the chart renders: what it asks for, and as whom."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import yaml

from tests.chart.generated import POD, of_monitor, of_probe
from tests.chart.rendering import Values, release, render
from tests.chart.scraping import Configured, Proxy
from tests.chart.test_hostile import ONE_LINE
from tests.conftest import required_tool
from tests.e2e.processes import until

SERVICE = "test-celigo-exporter.monitoring.svc:10940"

NAMES = [name for name in ONE_LINE if "$(" not in name] + ["acme", "a/b?c=d&e#f%20+", " ", "x" * 100]

EVERY_SECOND: Values = {
    "accounts": [{"name": name, "existingSecret": {"name": "celigo"}} for name in NAMES],
    "probe": {"enabled": True, "interval": "1s", "scrapeTimeout": "1s"},
    "serviceMonitor": {"enabled": True, "interval": "1s", "scrapeTimeout": "1s"},
}

COMMITTED = [of_probe(probe) for name in ("probe", "probe-authentication") for probe in release(name).of("Probe")]


@dataclass(frozen=True)
class Scraped:
    """What a Prometheus asked for, and its targets by the name of their job."""

    asked: list[str]
    targets: dict[str, dict[str, Any]]

    def target(self, account: str) -> dict[str, Any]:
        """The target that is one account of `EVERY_SECOND`."""
        (found,) = [each for each in self.targets.values() if each["labels"].get("instance") == account]
        return found


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """All that a Prometheus with accounts of every name asked for until each had been asked for."""
    found = render(EVERY_SECOND, name="test")
    quick = [*map(of_probe, found.of("Probe")), of_monitor(found)]
    folder = tmp_path_factory.mktemp("prometheus")
    with Proxy() as proxy, Configured(required_tool("prometheus"), folder, quick, proxy) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: len(prometheus.targets()) == len(quick), "all targets")
        until(lambda: all(each["health"] == "up" for each in prometheus.targets()), "a scrape of each target")
        targets = {str(each["scrapePool"]): each for each in prometheus.targets()}
        yield Scraped(list(proxy.asked), targets)


def test_the_url_is_that_of_the_account_with_no_other_parameter(scraped: Scraped) -> None:
    """Parameters such as the operator's `target` and `module` would be refused by the exporter."""
    accounts = {f"http://{SERVICE}/probe?account={quote_plus(name)}" for name in NAMES}
    assert set(scraped.asked) == accounts | {f"http://{SERVICE}/metrics?collect%5B%5D=exporter"}


def test_a_target_has_the_job_and_the_accounts_name_and_no_label_of_the_exporter(scraped: Scraped) -> None:
    for name in NAMES:
        assert scraped.target(name)["labels"] == {
            "job": "celigo-exporter",
            "instance": name,
            "namespace": "monitoring",
        }


def test_a_target_of_the_monitor_is_the_pod_and_has_no_label_of_the_exporter(scraped: Scraped) -> None:
    labels = scraped.target(POD)["labels"]
    assert labels["job"] == "celigo-exporter"
    assert labels.keys() == {"job", "instance", "namespace", "service", "pod", "container"}


def test_every_target_has_series_of_its_own(scraped: Scraped) -> None:
    """`up` has no label but those of the target: of two with the same, one would be lost."""
    labels = [tuple(sorted(each["labels"].items())) for each in scraped.targets.values()]
    assert len(set(labels)) == len(labels) == len(NAMES) + 1


def checked(folder: Path, jobs: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump({"scrape_configs": jobs}), encoding="utf-8")
    return subprocess.run(
        [required_tool("promtool"), "check", "config", str(file)], capture_output=True, text=True, check=False
    )


def test_promtool_accepts_what_becomes_of_the_committed_sets(tmp_path: Path) -> None:
    jobs = [*COMMITTED, of_monitor(release("probe"))]
    assert len(jobs) == len({job["job_name"] for job in jobs}) == 5
    said = checked(tmp_path, jobs)
    assert (said.returncode, said.stderr) == (0, "")


def test_promtool_would_find_a_relabeling_that_is_none(tmp_path: Path) -> None:
    wrong = {**COMMITTED[0], "relabel_configs": [{"action": "labeldrop", "regex": "a", "target_label": "b"}]}
    assert "labeldrop action requires only 'regex'" in checked(tmp_path, [wrong]).stderr


def test_a_committed_set_has_the_scheme_the_interval_and_the_limits_that_it_was_given(tmp_path: Path) -> None:
    with Proxy() as proxy, Configured(required_tool("prometheus"), tmp_path, COMMITTED, proxy) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        until(lambda: len(prometheus.targets()) == len(COMMITTED), "all targets")
        found: dict[str, Any] = {str(each["scrapePool"]).rpartition("/")[2]: each for each in prometheus.targets()}
    sandbox, closed = found["test-celigo-exporter-acme-sandbox"], found["test-celigo-acme"]
    assert (sandbox["scrapeInterval"], sandbox["scrapeTimeout"]) == ("2m", "20s")
    assert sandbox["labels"]["cluster"] == "eu-1"
    assert sandbox["scrapeUrl"] == f"http://{SERVICE}/probe?account=acme-sandbox"
    assert closed["scrapeUrl"] == "https://test-celigo.monitoring.svc:9443/probe?account=acme"
    assert closed["labels"] == {"job": "celigo", "instance": "acme", "namespace": "monitoring"}
