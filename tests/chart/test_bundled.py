"""Rules and dashboards in the chart are those of the repository, with the same numbers in the same places."""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.dashboards.bundle import boards
from exporter.rules.compose import rules_file
from exporter.rules.thresholds import Thresholds, default_thresholds, limits, parse_thresholds
from tests.chart.rendering import MINIMAL, ROOT, SETS, Release, Values, refusal, release, render
from tests.conftest import required_tool

OWN = parse_thresholds(yaml.safe_dump(SETS["thresholds"]["thresholds"]), "thresholds")


def another(number: int, name: str, default: str) -> object:
    """A value of a threshold's kind that is not its default, for each `number` another one."""
    if name in limits():
        return f"1m{number % 60}s" if name == "slow_interval" else f"{number}d3h75m"
    if name.endswith("_url"):
        return f"https://a.example/{number}?a='b'&c=\"<\u00fc\\d>\""
    if not default[:1].isdigit():
        return f"own-{number}|(a|b)"
    return number if default.isdigit() else number + 0.125


EVERY: Mapping[str, Any] = {
    name: another(number, name, text)
    for number, (name, text) in enumerate(default_thresholds().values.items(), start=1)
}
"""Another value for every threshold, each its own."""


def groups_of(found: Release) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = found.one("PrometheusRule")["spec"]["groups"]
    return groups


def dashboards_of(found: Release) -> dict[str, str]:
    maps = [each for each in found.of("ConfigMap") if "config.yml" not in each["data"]]
    return {name: text for each in maps for name, text in each["data"].items()}


def dumped(groups: Any) -> str:
    return yaml.dump(groups, Dumper=yaml.CSafeDumper, sort_keys=True)


@cache
def every() -> Release:
    """With another value for every threshold."""
    on = {"enabled": True}
    return render({**MINIMAL, "thresholds": EVERY, "prometheusRule": on, "dashboards": on})


def test_rules_are_those_of_the_repository_byte_for_byte() -> None:
    committed = yaml.safe_load((ROOT / "alerts/celigo.rules.yml").read_text(encoding="utf-8"))
    assert dumped(groups_of(release("monitoring"))) == dumped(committed["groups"])


def test_dashboards_are_those_of_the_repository_byte_for_byte() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "dashboards").glob("celigo-*.json")}
    assert len(committed) == 8
    assert dashboards_of(release("monitoring")) == committed


def test_thresholds_do_what_they_do_for_the_commands_that_export() -> None:
    expected = parse_thresholds(yaml.safe_dump(dict(EVERY)), "thresholds")
    assert dumped(groups_of(every())) == dumped(yaml.safe_load(rules_file(expected))["groups"])
    assert dashboards_of(every()) == boards(expected)
    assert dashboards_of(release("thresholds")) == boards(OWN)


def test_every_threshold_was_changed_and_none_is_left() -> None:
    assert EVERY.keys() == default_thresholds().values.keys()
    changed = parse_thresholds(yaml.safe_dump(dict(EVERY)), "thresholds").values
    assert not {name for name, text in default_thresholds().values.items() if changed[name] == text}
    assert "%{" not in every().texts["templates/prometheusrule.yaml"]


def expected_groups(values: Values, thresholds: Thresholds) -> list[dict[str, Any]]:
    """The groups with what the other values of the rules change, worked out by other means."""
    mine = values["prometheusRule"]
    groups = yaml.safe_load(rules_file(thresholds))["groups"]
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") not in mine["disabled"]]
        for rule in group["rules"]:
            if "alert" in rule:
                rule["labels"] = {**mine["alertLabels"], **rule["labels"]}
    return [*groups, *mine["extraGroups"]]


def test_alerts_can_be_left_out_labelled_and_added() -> None:
    assert dumped(groups_of(release("thresholds"))) == dumped(expected_groups(SETS["thresholds"], OWN))


def test_a_group_without_rules_is_left_out() -> None:
    names = {
        group["name"]: [rule.get("alert") for rule in group["rules"]] for group in groups_of(release("monitoring"))
    }
    alone = next(name for name, alerts in names.items() if all(alerts))
    found = render({**MINIMAL, "prometheusRule": {"enabled": True, "disabled": names[alone]}})
    assert {group["name"] for group in groups_of(found)} == names.keys() - {alone}


@pytest.mark.parametrize("name", ["monitoring", "thresholds", "names"])
def test_promtool_accepts_the_rules(name: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": groups_of(release(name))}), encoding="utf-8")
    ran = subprocess.run(
        [required_tool("promtool"), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "SUCCESS" in ran.stdout


def test_alerts_link_to_dashboards_when_it_is_known_where_grafana_is() -> None:
    def links(name: str) -> set[str]:
        rules = [rule for group in groups_of(release(name)) for rule in group["rules"] if rule.get("annotations")]
        return {rule["annotations"]["dashboard"][:28] for rule in rules if "dashboard" in rule["annotations"]}

    assert links("monitoring") == set()
    assert links("thresholds") == {"https://grafana.example.com/"}


@pytest.mark.parametrize("name", ["monitoring", "thresholds", "names"])
def test_each_dashboard_is_one_configmap_that_fits_into_a_cluster_and_the_sidecar_finds(name: str) -> None:
    found, mine = release(name), SETS[name]["dashboards"]
    maps = [each for each in found.of("ConfigMap") if "config.yml" not in each["data"]]
    assert [len(each["data"]) for each in maps] == [1] * 8
    for each in maps:
        (text,) = each["data"].values()
        assert len(json.dumps(each).encode()) < 1024 * 1024
        assert json.loads(text)["uid"].startswith("celigo-")
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        folder = each["metadata"].get("annotations", {}).get(mine.get("folderAnnotation", "grafana_folder"))
        assert folder == (mine.get("folder", "Celigo") or None)


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"slow_interval": "5m"}, "thresholds.slow_interval: expected a duration from 1s to 4m"),
        ({"down_for": "0m"}, "thresholds.down_for: expected a duration from 1s to 366d"),
        ({"down_for": "367d"}, "thresholds.down_for"),
        ({"runbook_url": "https://a.example/%{job}"}, "thresholds.runbook_url"),
    ],
)
def test_a_threshold_that_the_schema_cannot_judge_is_refused_by_name(thresholds: Values, said: str) -> None:
    assert said in refusal({**MINIMAL, "thresholds": thresholds, "prometheusRule": {"enabled": True}})
