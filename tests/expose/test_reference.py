"""docs/metrics.md is what the code says."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from exporter import reference
from exporter.config.settings import PROFILES, Profile
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Metric
from exporter.expose.selection import in_profile
from tests.conftest import required_tool

ROOT = Path(__file__).parents[2]
PAGE = reference.metrics_page()
LABELS = {metric.name: metric.labels for metric in CATALOGUE}


def test_the_committed_page_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / reference.FILE_NAME).read_text(encoding="utf-8") == reference.metrics_page()


def test_both_pages_are_written_into_the_folder(tmp_path: Path) -> None:
    written = reference.write(tmp_path)
    assert {path.name for path in written} == {"metrics.md", "configuration.md"}
    for path in written:
        assert path.read_text(encoding="utf-8") == (ROOT / "docs" / path.name).read_text(encoding="utf-8")


def test_every_metric_is_in_exactly_one_section_in_order() -> None:
    shown = [metric for _, metrics in reference.sections() for metric in metrics]
    assert shown == list(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_has_a_row_with_what_it_means(metric: object) -> None:
    name, text = getattr(metric, "name", ""), getattr(metric, "help", "")
    rows = [row for row in reference.metrics_page().splitlines() if row.startswith(f"| `{name}` |") and text in row]
    assert len(rows) == 1


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_row_tells_the_profile_and_the_measured_series_of_its_metric(metric: Metric) -> None:
    held = json.loads((ROOT / "docs" / "series.json").read_text(encoding="utf-8"))
    (row,) = [row for row in PAGE.splitlines() if row.startswith(f"| `{metric.name}` |") and metric.help in row]
    count = held["profiles"]["full"].get(metric.name)
    expected = "-" if count is None else f"{count:,}"
    assert row.split(" | ")[-2:] == [metric.tier, f"{expected} |"]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_page_sums_up_each_profile(profile: str) -> None:
    held = json.loads((ROOT / "docs" / "series.json").read_text(encoding="utf-8"))["profiles"][profile]
    assert f"| `{profile}` | {len(held)} | {sum(held.values()):,} |" in PAGE


@pytest.mark.parametrize("profile", PROFILES)
def test_every_measured_family_exists_and_is_in_its_profile(profile: Profile) -> None:
    tiers = {metric.name: metric.tier for metric in CATALOGUE}
    figures = reference.measured()
    assert figures.flows == 10_000
    assert figures.profiles[profile]
    for name, count in figures.profiles[profile].items():
        assert in_profile(tiers[name], profile), name
        assert count > 0


@pytest.mark.parametrize(("label", "metrics", "members"), reference.VALUES, ids=lambda value: str(value)[:40])
def test_label_values_are_told_of_labels_that_exist(label: str, metrics: str, members: tuple[str, ...]) -> None:
    for name in metrics.split(", "):
        assert label in LABELS[name]
    assert len(set(members)) == len(members) > 1


def test_prometheus_reads_every_query_of_the_page(tmp_path: Path) -> None:
    queries = re.findall(r"```promql\n(.*?)```", reference.metrics_page(), re.DOTALL)
    assert queries
    names = set(re.findall(r"celigo_\w+", " ".join(queries)))
    assert names <= set(LABELS)
    for number, query in enumerate(queries):
        rules = tmp_path / f"{number}.yml"
        expression = " ".join(query.split())
        rules.write_text(f"groups: [{{name: docs, rules: [{{record: 'docs:query', expr: '{expression}'}}]}}]\n")
        done = subprocess.run(
            [required_tool("promtool"), "check", "rules", str(rules)], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
