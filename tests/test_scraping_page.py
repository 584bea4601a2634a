"""docs/scraping.md: its jobs are ones that Prometheus takes, the exporter answers and the alert rules know."""

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from starlette.datastructures import QueryParams

from exporter.config.address import PROBE_PATH, SD_PATH
from exporter.config.settings import Account, Settings, TokenSource, Web
from exporter.config.shard import parse_shard
from exporter.expose.catalogue import CATALOGUE
from exporter.serve.discovery import SHARD, discovered
from exporter.serve.fleet import SELECTABLE
from exporter.serve.scrape import ACCOUNT, PARAMETERS, selection
from tests.conftest import required_tool

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/scraping.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ITSELF, ACCOUNTS = yaml.safe_load(EXAMPLES[0])["scrape_configs"]
DISCOVERY: list[dict[str, Any]] = yaml.safe_load(EXAMPLES[1])["scrape_configs"]
AGENT: dict[str, Any] = yaml.safe_load(EXAMPLES[2])
RULES: dict[str, Any] = yaml.safe_load((ROOT / "alerts/celigo.rules.yml").read_text())


@pytest.mark.parametrize("number", range(3))
def test_prometheus_takes_the_example(number: int, tmp_path: Path) -> None:
    assert len(EXAMPLES) == 3
    config = tmp_path / "prometheus.yml"
    password = tmp_path / "remote.password"
    password.write_text("x")
    config.write_text(EXAMPLES[number].replace("/etc/prometheus/remote.password", str(password)))
    agent = ["--agent"] if "remote_write" in EXAMPLES[number] else []
    checked = subprocess.run(
        [required_tool("promtool"), "check", "config", *agent, str(config)],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_the_rules_know_both_jobs_by_the_default_threshold() -> None:
    expressions = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    patterns = {found for text in expressions for found in re.findall(r'job=~"([^"]+)"', text)}
    assert patterns
    for pattern in patterns:
        assert re.fullmatch(pattern, ITSELF["job_name"])
        assert re.fullmatch(pattern, ACCOUNTS["job_name"])
        for job in (*DISCOVERY, *AGENT["scrape_configs"]):
            assert re.fullmatch(pattern, job["job_name"])


def test_the_rules_ask_for_job_and_instance_only_where_no_account_is_told() -> None:
    """So it does not matter to them which target an account's series come from."""
    without_account = {"up", *(metric.name for metric in CATALOGUE if not metric.scoped)}
    by_target = [
        rule["expr"]
        for group in RULES["groups"]
        for rule in group["rules"]
        if re.search(r"\b(job|instance)\b", rule["expr"])
    ]
    assert by_target
    for expression in by_target:
        assert set(re.findall(r"\b(?:celigo[_:]\w+|up(?={))", expression)) <= without_account, expression


def test_each_account_is_another_target_for_prometheus() -> None:
    labels = [target["labels"] for target in ACCOUNTS["static_configs"]]
    names = [each[f"__param_{ACCOUNT}"] for each in labels]
    assert len(set(names)) == len(names) > 1
    assert ACCOUNTS["relabel_configs"] == [{"source_labels": [f"__param_{ACCOUNT}"], "target_label": "instance"}]
    assert not any(name == ACCOUNT for each in labels for name in each)


def test_every_example_leaves_to_the_accounts_what_is_theirs() -> None:
    for itself, accounts in (DISCOVERY, AGENT["scrape_configs"]):
        assert itself == ITSELF
        assert [urlsplit(each["url"]).path for each in accounts["http_sd_configs"]] == [SD_PATH]
        assert not any(each.get("target_label") == ACCOUNT for each in accounts.get("relabel_configs", []))


def test_the_labels_that_the_page_tells_of_are_those_that_there_are() -> None:
    told = {name for row in re.findall(r"^\| (`(?:__|instance).*?) \|", PAGE, re.MULTILINE) for name in ticked(row)}
    acme = Account("acme", TokenSource(env="T"))
    (group,) = discovered(Settings((acme,)), QueryParams(), ["exporter:1"], "http")
    assert told == group["labels"].keys()
    used = {name for job in DISCOVERY for each in job.get("relabel_configs", []) for name in each["source_labels"]}
    assert used <= told


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_exporter_answers_what_the_jobs_ask() -> None:
    assert ACCOUNTS["metrics_path"] == PROBE_PATH
    assert "metrics_path" not in ITSELF
    assert ITSELF["params"].keys() <= set(PARAMETERS)
    assert selection(ITSELF["params"]["collect[]"], []) == frozenset({"exporter"})


@pytest.mark.parametrize("query", re.findall(r"^\| `(/[^`]+)` \|", PAGE, re.MULTILINE))
def test_every_query_of_the_table_is_one_that_is_taken(query: str) -> None:
    asked = urlsplit(query)
    given = parse_qs(asked.query)
    if asked.path == SD_PATH:
        assert given.keys() <= {SHARD}
        assert all(parse_shard(text) for text in given.get(SHARD, []))
        return
    assert (asked.path, ACCOUNT in given) in {(Web().telemetry_path, False), (PROBE_PATH, True)}
    assert given.keys() <= {*PARAMETERS, ACCOUNT}
    assert {*given.get("collect[]", []), *given.get("exclude[]", [])} <= set(SELECTABLE)
