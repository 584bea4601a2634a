"""The file of rules: what every alert carries, and that Prometheus takes it, whatever the thresholds."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql_parser import parse

from exporter.config.problem import ConfigError
from exporter.config.quantity import parse_duration
from exporter.rules.compose import FILE_NAME, TROUBLE, rules_file
from exporter.rules.export import ALERTMANAGER, export
from exporter.rules.source import GROUPS, Alert, Recording, alerts, groups
from exporter.rules.thresholds import DEFAULTS, default_thresholds, parse_thresholds
from tests.alerting.expression import selectors, series
from tests.alerting.labels import labels
from tests.alerting.needs import Needs
from tests.conftest import required_tool

BOARDS = Path(__file__).parents[2] / "exporter" / "dashboards" / "boards"
BUNDLED = Path(__file__).parents[2] / "alerts"
COMMITTED = yaml.safe_load((BUNDLED / FILE_NAME).read_text(encoding="utf-8"))
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in COMMITTED["groups"] for rule in group["rules"] if "alert" in rule
}
ALERTS = pytest.mark.parametrize("alert", list(alerts()), ids=lambda alert: alert.alert)

IDENTITY = {
    "account": {"account"},
    "integration": {"integration_name", "account"},
    "flow": {"flow_name"},
    "connection": {"connection_name"},
    "agent": {"agent_name"},
}
"""What a summary names at least one of."""


def checked(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return subprocess.run(
        [required_tool("promtool"), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )


def test_the_committed_files_are_what_the_command_writes(tmp_path: Path) -> None:
    export(str(tmp_path), default_thresholds())
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written.keys() == {FILE_NAME, DEFAULTS.name, ALERTMANAGER.name}
    for name, text in written.items():
        assert (BUNDLED / name).read_text(encoding="utf-8") == text, (
            f"{name}: run `celigo-exporter rules export alerts`"
        )


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    answer = checked((BUNDLED / FILE_NAME).read_text(encoding="utf-8"), tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "SUCCESS" in answer.stdout


_TEXTS = {
    "job": "x|y",
    "classes": "value",
    "runbook_url": "https://wiki/a",
    "app_url": "https://app",
    "grafana_url": "https://grafana",
}


def test_promtool_takes_the_rules_with_every_threshold_changed(tmp_path: Path) -> None:
    changed = []
    for name, value in default_thresholds().values.items():
        other = _TEXTS.get(name)
        if other is None:
            other = "3m30s" if name == "slow_interval" else "7m" if re.search(r"[a-z]", value) else "7"
        changed.append(f"{name}: {other}")
    text = rules_file(parse_thresholds("\n".join(changed), "FILE"))
    answer = checked(text, tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "${" not in text
    assert "7m" in text


def test_groups_come_in_order_and_nothing_stands_twice() -> None:
    assert [group["name"] for group in COMMITTED["groups"]] == [f"celigo.{name}" for name in GROUPS]
    names = [rule.alert for rule in alerts()]
    recorded = [rule.record for group in groups() for rule in group.rules if isinstance(rule, Recording)]
    assert len(names) == len(set(names)) >= 50
    assert len(recorded) == len(set(recorded))


def test_what_an_alert_reads_is_recorded_in_its_own_group_or_in_those_of_recordings_alone_before_it() -> None:
    """Groups run beside each other: what another group of alerts records may be three minutes old."""
    common: set[str] = set()
    for group in groups():
        own = {rule.record for rule in group.rules if isinstance(rule, Recording)}
        alone = len(own) == len(group.rules)
        for rule in group.rules:
            read = {series(part) for part in selectors(parse(default_thresholds().fill(rule.expr)))}
            assert {name for name in read if name.startswith("celigo:")} <= common | own, rule
        common |= own if alone else set()


def test_recordings_stand_before_the_alerts_of_their_group() -> None:
    for group in COMMITTED["groups"]:
        kinds = ["alert" in rule for rule in group["rules"]]
        assert kinds == sorted(kinds), group["name"]


def test_all_slow_groups_and_no_other_have_the_interval_that_is_a_threshold() -> None:
    text = yaml.safe_load(rules_file(parse_thresholds("slow_interval: 1m", "FILE")))
    slow = {group["name"]: group["interval"] for group in text["groups"] if "interval" in group}
    names = ("names", "history", "throughput", "objectives", "errors")
    assert slow == {"celigo.days": "15m"} | {f"celigo.{name}": "1m" for name in names}


@pytest.mark.parametrize("value", ["5m", "241s", "0s"])
def test_an_interval_with_gaps_between_what_is_recorded_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f'slow_interval: expected a duration from 1s to 4m.* got "{value}"'):
        parse_thresholds(f"slow_interval: {value}", "FILE")


def test_what_is_recorded_is_made_of_what_was_recorded_before() -> None:
    known: set[str] = set()
    for rule in (rule for group in groups()[:2] for rule in group.rules):
        assert isinstance(rule, Recording)
        used = set(re.findall(r"celigo:[a-z0-9_:]+", rule.expr))
        assert used <= known, rule.record
        known.add(rule.record)


def test_every_recorded_series_is_used() -> None:
    text = rules_file(default_thresholds())
    for rule in (rule for group in groups()[:2] for rule in group.rules):
        assert isinstance(rule, Recording)
        others = text.replace(f"record: {rule.record}\n", "")
        assert re.search(rf"{re.escape(rule.record)}(?![a-z0-9_:])", others), rule.record


@ALERTS
def test_an_alert_can_be_routed_and_leads_to_its_runbook(alert: Alert) -> None:
    rule = RULES[alert.alert]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["scope"] == alert.about
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{alert.alert.lower()}")
    assert ("link" in rule["annotations"]) == (alert.about != "exporter")


@cache
def linked() -> dict[str, str]:
    """Links to dashboards by alert, when Grafana has an address."""
    text = yaml.safe_load(rules_file(parse_thresholds("grafana_url: https://grafana", "FILE")))
    rules = [rule for group in text["groups"] for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: rule["annotations"]["dashboard"] for rule in rules}


@ALERTS
def test_an_alert_leads_to_a_dashboard_that_chooses_what_it_is_about_once_grafana_has_an_address(alert: Alert) -> None:
    assert "dashboard" not in RULES[alert.alert]["annotations"]
    link = linked()[alert.alert]
    uid = link.removeprefix("https://grafana/d/").partition("?")[0]
    board = json.loads((BOARDS / f"{uid}.json").read_text(encoding="utf-8"))
    chosen = set(re.findall(r"[?&]var-([a-z]+)=", link))
    assert chosen <= {variable["name"] for variable in board["templating"]["list"]}
    assert ({"account", "environment"} <= chosen) == (alert.about != "exporter")
    assert alert.about in chosen | {"exporter", "agent"}


@ALERTS
def test_an_alert_names_what_it_is_about(alert: Alert) -> None:
    annotations = RULES[alert.alert]["annotations"]
    for name in ("summary", "description"):
        labels = set(re.findall(r"\$labels\.([a-z_]+)", annotations[name]))
        assert alert.about == "exporter" or labels & IDENTITY[alert.about], name
    assert "\n" not in annotations["summary"]
    assert not annotations["summary"].endswith(".")
    assert annotations["description"].rstrip("{ }end").endswith(".")
    assert len(re.sub(r"\{\{.*?\}\}", "", annotations["summary"])) < 90


@ALERTS
def test_an_alert_tells_a_number_or_what_is_off(alert: Alert) -> None:
    text = alert.summary + alert.description
    assert "$value" in text or "query" in text or re.search(r"\$\{[a-z_]+\}| for | off | not |cannot|fails| hit ", text)


@ALERTS
def test_an_alert_joins_the_names_of_its_subject_once(alert: Alert) -> None:
    expression = RULES[alert.alert]["expr"]
    if alert.about == "exporter":
        assert "group_left" not in expression
        return
    if alert.about == "flow":
        assert re.fullmatch(
            rf'max without \(trouble\) \(celigo:flow_trouble_named:\w+\{{trouble="{alert.alert}"\}}\)', expression
        )
        return
    last = expression.rstrip().splitlines()[-1]
    assert re.fullmatch(r"\* on \([a-z_, ]+\) group_left \([a-z_, ]+\) celigo:[a-z]+_labels", last)


@ALERTS
def test_an_alert_that_waits_on_time_is_silent_while_what_it_reads_is_stale(alert: Alert) -> None:
    """Ages grow by themselves while nothing is read; the exporter's own and what is years ahead are exempt."""
    if re.search(r"time\(\) - [^)]*celigo_(flow|connection)", alert.expr.replace("\n", " ")):
        grows = "last_modified" not in alert.expr
        assert not grows or "celigo:collector_stale_seconds" in alert.expr


def test_values_are_taken_from_one_of_several_replicas() -> None:
    """A selector that meets another by a join stands in an aggregation, or two exporters would break the rule."""
    for group in COMMITTED["groups"]:
        for rule in group["rules"]:
            flat = " ".join(rule["expr"].split())
            assert not re.search(r"[-+*/<>] (on \([^)]*\) )?celigo_", flat), rule


def test_the_names_of_flows_are_joined_once_in_a_group_to_all_conditions_before_them() -> None:
    for group in COMMITTED["groups"][4:]:
        flows = [rule["alert"] for rule in group["rules"] if rule.get("labels", {}).get("scope") == "flow"]
        order = [rule["labels"]["trouble"] for rule in group["rules"] if rule.get("record") == TROUBLE]
        assert order == flows
        joins = [rule for rule in group["rules"] if "celigo:flow_labels" in rule["expr"]]
        assert len(joins) == bool(flows)
        for rule in joins:
            conditions = [place for place, other in enumerate(group["rules"]) if other.get("record") == TROUBLE]
            assert group["rules"].index(rule) == conditions[-1] + 1
            assert rule["expr"].startswith(f'{TROUBLE}{{trouble=~"{"|".join(flows)}"}}')


def test_a_condition_of_a_flow_is_identified_by_nothing_but_the_flow() -> None:
    """Or two series of it would meet in the join."""
    needs = Needs()
    for alert in alerts():
        if alert.about == "flow":
            held = labels(parse(default_thresholds().fill(alert.expr)), needs.recorded)
            assert held == {"account", "environment", "flow_id"}, alert.alert


SLOW_BY_THEMSELVES = {
    "CeligoFlowRunVeryLong": "the run began a day ago",
    "CeligoFlowRetryingTooLong": "the run began an hour ago",
    "CeligoFlowDurationRegression": "the run has ended, so the connection was up",
    "CeligoFlowEmptyRuns": "so have they all",
    "CeligoOpenErrorsGrowing": "it takes six hours",
}
"""Alerts that an excuse silences and that fire at once, each with why that is not too early."""


def test_an_alert_that_an_offline_connection_silences_waits_until_that_is_known() -> None:
    values = default_thresholds()
    known = seconds_of(values.fill("${slow_interval}")) + 60
    waits = {
        alert.alert: seconds_of(values.fill(alert.lasting)) for alert in alerts() if re.search("_excused", alert.expr)
    }
    assert len(waits) > 15
    assert {name for name, wait in waits.items() if wait < known} == set(SLOW_BY_THEMSELVES)


def seconds_of(duration: str) -> float:
    found = parse_duration(duration)
    return 0.0 if found is None else found
