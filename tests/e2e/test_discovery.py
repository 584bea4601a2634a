"""A real Prometheus finds the accounts by /sd, as docs/scraping.md has it, and scrapes each of them by /probe."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from exporter.config.shard import shard_of
from tests import test_scraping_page as scraping
from tests.e2e.processes import Prometheus, until
from tests.serve.rig import Rig, rig


def jobs_of_the_page(exporter: Rig, query: str = "") -> list[dict[str, Any]]:
    """The jobs of the page for this exporter, looking for accounts each second."""
    itself, accounts = scraping.DISCOVERY
    found = {"url": f"{exporter.url}/sd{query}", "refresh_interval": "1s"}
    return [
        {**itself, "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]},
        {**accounts, "http_sd_configs": [found]},
    ]


def instances(prometheus: Prometheus) -> set[str]:
    found: Any = prometheus.targets()
    return {each["labels"]["instance"] for each in found}


def ups(prometheus: Prometheus) -> set[tuple[str, str, float]]:
    """What was scraped, with those that are no targets any more: Prometheus keeps them for two of their intervals."""
    return {(labels["job"], labels["instance"], value) for labels, value in prometheus.query("up")}


def test_accounts_are_found_scraped_and_followed(prometheus_binary: str, tmp_path: Path) -> None:
    with rig(3) as exporter:
        settings = exporter.wanted.settings
        one, two, three = settings.accounts
        assert exporter.reload(replace(settings, accounts=(one, replace(two, environment="sandbox")))) is None
        with Prometheus(prometheus_binary, tmp_path, [], interval="1s", jobs=jobs_of_the_page(exporter)) as prometheus:
            prometheus.answering(f"{prometheus.url}/-/ready")
            itself = ("celigo", f"127.0.0.1:{exporter.port}", 1.0)
            of_accounts = [("celigo-accounts", f"account-{number}", 1.0) for number in range(3)]
            until(lambda: len(prometheus.targets()) == 3, "the targets")
            every: Any = {each["labels"]["instance"]: each for each in prometheus.targets()}  # type: ignore[index]
            assert every["account-0"]["scrapeUrl"] == f"{exporter.url}/probe?account=account-0"
            assert {name: every[name]["scrapeInterval"] for name in ("account-0", "account-1")} == {
                "account-0": "1s",
                "account-1": "2m",
            }
            until(lambda: {itself, of_accounts[0]} <= ups(prometheus), "a scrape of the first account")
            found = prometheus.query('celigo_flow_enabled{account="account-0"}')
            assert {labels["instance"] for labels, _ in found} == {"account-0"}
            assert exporter.reload(replace(settings, accounts=(one, three))) is None
            until(lambda: instances(prometheus) == {itself[1], "account-0", "account-2"}, "what the reload changed")
            until(lambda: {itself, of_accounts[0], of_accounts[2]} <= ups(prometheus), "a scrape of the new account")


def test_two_of_them_share_the_accounts_without_knowing_of_each_other(prometheus_binary: str, tmp_path: Path) -> None:
    with rig(4) as exporter:
        expected = [
            {f"account-{number}" for number in range(4) if shard_of(f"account-{number}", 2) == index}
            for index in range(2)
        ]
        assert all(expected)
        for index in range(2):
            _, accounts = jobs_of_the_page(exporter, f"?shard={index}/2")
            with Prometheus(prometheus_binary, tmp_path / str(index), [], jobs=[accounts]) as prometheus:
                prometheus.answering(f"{prometheus.url}/-/ready")
                until(partial(instances, prometheus), "targets")
                assert instances(prometheus) == expected[index]
