"""What the exporter is compared with serves the same series, and the loops ask what they say."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.simulator import Simulator, SimulatorOptions
from tests.bench import copies, loops
from tests.bench.scrapes import Scraper
from tests.conftest import required_tool

DOCUMENT = b"""# HELP celigo_flow_enabled Whether the flow is on.
# TYPE celigo_flow_enabled gauge
celigo_flow_enabled{account="a",flow_id="1"} 1.0
celigo_flow_enabled{account="a",flow_id="2"} 0.0
# HELP celigo_flow_runs_total Runs.
# TYPE celigo_flow_runs_total counter
celigo_flow_runs_total{account="a",flow_id="1",status="failed"} 3.0
# HELP process_cpu_seconds_total Of the exporter.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 7.0
"""


def samples(text: str) -> set[tuple[str, str, float]]:
    """Name, flow and value of each sample of the account."""
    return {
        (each.name, each.labels["flow_id"], each.value)
        for family in parse_text(text)
        for each in family.samples
        if each.name.startswith("celigo_")
    }


SAME = samples(DOCUMENT.decode())


def test_a_bare_copy_is_the_bytes_as_they_are(tmp_path: Path) -> None:
    compressed = gzip.compress(DOCUMENT)
    with copies.bare(compressed, tmp_path) as url, Scraper(url) as scraper:
        assert scraper.raw() == compressed
        assert scraper.timed() > 0


def test_the_library_serves_the_same_series_compressed(tmp_path: Path) -> None:
    with copies.library(DOCUMENT, tmp_path) as url, Scraper(url) as scraper:
        assert scraper.timed() > 0
        assert samples(scraper.scrape().decode()) == SAME


def test_a_pushgateway_serves_the_same_series_compressed(tmp_path: Path) -> None:
    required_tool(copies.PUSHGATEWAY)
    with copies.pushgateway(DOCUMENT, tmp_path) as url, Scraper(url) as scraper:
        assert scraper.timed() > 0
        assert samples(scraper.scrape().decode()) == SAME


def test_a_document_that_a_pushgateway_refuses_is_no_measurement(tmp_path: Path) -> None:
    required_tool(copies.PUSHGATEWAY)
    refused = pytest.raises(RuntimeError, match="refused")
    with refused, copies.pushgateway(b"celigo_up 1 1700000000000\n", tmp_path):
        pass


def test_a_pushgateway_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LookupError), copies.pushgateway(DOCUMENT, tmp_path):
        pass


def test_an_answer_that_is_not_compressed_is_no_measurement() -> None:
    with Simulator(SimulatorOptions(flows=1)) as account:
        scraper = Scraper(f"{account.control_url}/time")
        with scraper, pytest.raises(RuntimeError, match="status 200"):
            scraper.timed()


def test_the_loops_ask_for_each_flow_its_runs_and_the_errors_of_its_steps() -> None:
    with Simulator(SimulatorOptions(flows=12, seed=3)) as account:
        flows = list(account.engine.account.live_flows())
        steps = sum(len(flow.steps) for flow in flows)
        found = loops.measure(account.url, len(flows))
        paths = [str(row["path"]) for row in account.requests()]
    assert (found["flows"], found["listing_requests"]) == (len(flows), 1)
    assert paths.count("/v1/jobs") == len(flows)
    assert len({path for path in paths if path.endswith("/errors")}) == steps
    assert found["requests"] == len(paths) - 1


def test_the_loops_find_what_is_there() -> None:
    with Simulator(SimulatorOptions(flows=12, seed=3)) as account:
        account.clock.freeze()
        read = loops.Loops(account.url)
        for flow in read.flows():
            read.read(flow)
        truth: Any = account.truth()["open_errors"]
        steps = [step for flow in truth.values() for step in flow.values()]
    (errors,) = (each for each in read.registry.collect() if each.name == "step_errors")
    assert sum(each.value for each in errors.samples) == sum(step["count"] for step in steps) > 0
