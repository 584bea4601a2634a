"""The demo as the chart's Probes and ServiceMonitor have it scraped: everything arrives, and once."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.chart.generated import of_monitor, of_probe
from tests.chart.rendering import Values, render
from tests.chart.scraping import Configured, Proxy, Series
from tests.conftest import required_tool
from tests.e2e.processes import Demo, until

VALUES: Values = {
    "demo": {"enabled": True},
    "probe": {"enabled": True, "interval": "2s", "scrapeTimeout": "2s"},
    "serviceMonitor": {"enabled": True, "interval": "2s", "scrapeTimeout": "2s"},
}


@pytest.fixture(scope="module")
def scraped(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    """A Prometheus that scrapes the demo, whose account does not change any more."""
    found = render(VALUES)
    jobs = [*map(of_probe, found.of("Probe")), of_monitor(found)]
    folder = tmp_path_factory.mktemp("prometheus")
    demo.control("POST", "/time", frozen=True)
    with Proxy(demo.url) as proxy, Configured(required_tool("prometheus"), folder, jobs, proxy) as prometheus:
        prometheus.answering(f"{prometheus.url}/-/ready")
        yield prometheus


def exported(demo: Demo) -> set[Series]:
    """All series of the exporter's own document; a label without a value is none to Prometheus."""
    text = requests.get(f"{demo.url}/metrics", timeout=30).text
    return {
        tuple(sorted((key, value) for key, value in {**sample.labels, "__name__": sample.name}.items() if value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("celigo_")
    }


def same(found: Counter[Series], expected: set[Series]) -> Counter[Series] | None:
    """What was found once it is all that was expected."""
    return found if found.keys() == expected else None


def test_every_series_of_the_exporter_is_there_once_and_under_its_own_labels(demo: Demo, scraped: Configured) -> None:
    """A series that both read would count twice in every sum; an account's label that is renamed is in no query."""
    times = until(lambda: same(scraped.stored(), exported(demo)), "the same series in Prometheus as in /metrics")
    assert {series for series, often in times.items() if often > 1} == set()
    assert len(times) > 1000


def test_what_belongs_to_no_account_is_of_the_pod_and_all_else_of_the_account(scraped: Configured) -> None:
    by_instance = {labels["instance"] for labels, _ in scraped.query('{__name__=~"celigo_.+", account="demo"}')}
    assert by_instance == {"demo"}
    assert [labels["instance"] for labels, _ in scraped.query("celigo_exporter_build_info")] == [
        "test-celigo-exporter-0"
    ]
    jobs = {labels["job"] for labels, _ in scraped.query('{__name__=~"celigo_.+"}')}
    assert jobs == {"celigo-exporter"}
