"""Shards as the chart makes them, with real exporters: a real Prometheus reads each account once, from its own."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from exporter.config.shard import shard_of
from tests.chart.generated import of_monitor, of_probe
from tests.chart.rendering import Release, Values, render
from tests.chart.scraping import Configured, Proxy
from tests.conftest import required_tool
from tests.e2e.processes import EXPORTER, Program, free_port, until
from tests.recorder import RECORDER, TOKENS
from tests.replicas.running import simulated

SHARDS, FLOWS = 2, 6
NAMES = ("acme", "globex", "hooli", "initech")
EVERY_SECOND: Values = {"enabled": True, "interval": "1s", "scrapeTimeout": "1s"}


@dataclass(frozen=True)
class Sharded:
    """A Prometheus, and where the exporter of each shard is, by the name of its Service."""

    prometheus: Configured
    exporters: dict[str, str]


def values(url: str) -> Values:
    """Four accounts that are all the same simulated one."""
    accounts = [{"name": name, "base_url": url, "existingSecret": {"name": "celigo"}} for name in NAMES]
    return {"accounts": accounts, "shards": SHARDS, "probe": EVERY_SECOND, "serviceMonitor": EVERY_SECOND}


def exporter(found: Release, name: str, folder: Path) -> tuple[str, Program]:
    """The exporter of a shard with the files that its Pod would have, and where it is."""
    (text,) = [each["data"]["config.yml"] for each in found.of("ConfigMap") if each["metadata"]["name"] == name]
    (folder / "celigo").mkdir(parents=True)
    (folder / "celigo" / "token").write_text(TOKENS[0])
    text = text.replace("/var/run/secrets/celigo-exporter/tokens", str(folder))
    (folder / "config.yml").write_text(text.replace("/var/lib/celigo-exporter", str(folder)))
    address = f"127.0.0.1:{free_port()}"
    command = [*EXPORTER, "serve", f"--config.file={folder / 'config.yml'}", f"--web.listen-address={address}"]
    return f"http://{address}", Program(command)


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sharded]:
    """All of it, once every target was scraped."""
    folder = tmp_path_factory.mktemp("shards")
    with ExitStack() as stack:
        account = stack.enter_context(simulated(FLOWS))
        found = render(values(account.url))
        made = {each["metadata"]["name"]: each for each in found.workloads}
        ones = {name: exporter(found, name, folder / name) for name in made}
        for url, program in ones.values():
            stack.enter_context(program).answering(f"{url}/-/healthy")
        places = {name: url for name, (url, _) in ones.items()}
        proxy = stack.enter_context(Proxy(places))
        jobs = [*map(of_probe, found.of("Probe")), of_monitor(found)]
        prometheus = stack.enter_context(Configured(required_tool("prometheus"), folder, jobs, proxy))
        prometheus.answering(f"{prometheus.url}/-/ready")
        yield Sharded(prometheus, places)
        for _, program in ones.values():
            RECORDER.printed("shard", program.stdout() + program.stderr())


def test_every_account_is_read_once_and_is_well(sharded: Sharded) -> None:
    def read() -> Counter[str] | None:
        found = Counter(labels["account"] for labels, value in sharded.prometheus.query("celigo_up") if float(value))
        return found if found.keys() == set(NAMES) else None

    assert until(read, "all accounts are up") == dict.fromkeys(NAMES, 1)


def test_no_series_of_an_account_is_there_twice(sharded: Sharded) -> None:
    until(lambda: len(sharded.prometheus.query("celigo_flow_info")) == FLOWS * len(NAMES), "all flows")
    times = {series: often for series, often in sharded.prometheus.stored().items() if "account" in dict(series)}
    assert len(times) > 100 * len(NAMES)
    assert {series for series, often in times.items() if often > 1} == set()


def test_every_exporter_tells_of_itself_under_the_name_of_its_pod(sharded: Sharded) -> None:
    def told() -> set[str] | None:
        found = {labels["instance"] for labels, _ in sharded.prometheus.query("celigo_exporter_build_info")}
        return found if len(found) == SHARDS else None

    assert until(told, "both are scraped") == {f"{name}-0" for name in sharded.exporters}


def test_each_exporter_has_the_accounts_of_its_shard_alone(sharded: Sharded) -> None:
    for name, url in sharded.exporters.items():
        told = {each["labels"]["__meta_celigo_account"] for each in requests.get(f"{url}/sd", timeout=30).json()}
        assert told == {account for account in NAMES if str(shard_of(account, SHARDS)) == name.rpartition("-")[2]}
        assert told
