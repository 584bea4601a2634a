"""docs/runbooks.md has a section for each alert, and each says what is so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from promql_parser import parse

from exporter.rules.export import ALERTMANAGER
from exporter.rules.source import Alert, alerts, groups
from exporter.rules.thresholds import default_thresholds
from tests.alerting.alerts_page import TITLES
from tests.alerting.labels import labels
from tests.alerting.needs import Needs, composed
from tests.alerting.pages import PARTS, Section, chapters, complaints, page, queries

PAGE = page("runbooks.md")
CHAPTERS = chapters(PAGE)
SECTIONS = {section.name: section for sections in CHAPTERS.values() for section in sections}
ALERTS = {alert.alert: alert for alert in alerts()}
NEEDS = Needs()


def said(section: Section, beginning: str) -> set[str]:
    """Alerts in the sentence of *Hiding* that begins so."""
    sentence = re.search(rf"{beginning} (Celigo[^.]*)\.", section.parts["Hiding"])
    return set(re.findall(r"Celigo\w+", sentence[1])) if sentence else set()


def test_each_group_has_its_chapter_with_its_alerts_in_order_and_nothing_else() -> None:
    expected = {
        TITLES[group.name]: [rule.alert for rule in group.rules if isinstance(rule, Alert)]
        for group in groups()
        if group.name in TITLES
    }
    assert {title: [section.name for section in sections] for title, sections in CHAPTERS.items()} == expected
    assert list(CHAPTERS) == list(expected)
    assert set(SECTIONS) == set(ALERTS)


def test_every_link_to_a_runbook_leads_to_a_section() -> None:
    anchors = {name.lower() for name in SECTIONS}
    address = default_thresholds().values["runbook_url"]
    for rule in composed():
        if rule.alert:
            assert rule.annotations["runbook_url"] == f"{address}#{rule.alert.lower()}"
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE)) <= anchors


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_a_section_has_every_part_in_order(alert: str) -> None:
    parts = SECTIONS[alert].parts
    assert tuple(parts) == PARTS
    assert all(len(text) > len("none") for text in parts.values())
    assert re.search(r"(^| )1\. ", parts["Causes"])
    assert list(queries(parts["Confirm"]))


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_a_section_begins_with_severity_subject_and_profile(alert: str) -> None:
    rule = ALERTS[alert]
    assert SECTIONS[alert].lead == f"{rule.severity.capitalize()} · {rule.about} · `{NEEDS.profile(alert)}`"


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_a_section_names_exactly_the_thresholds_that_change_its_alert(alert: str) -> None:
    text = SECTIONS[alert].parts["Thresholds"]
    assert sorted(re.findall(r"`(\w+)`", text)) == sorted(NEEDS.thresholds(ALERTS[alert]))
    assert text == "none." or "`" in text


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_every_query_of_a_section_names_metrics_and_labels_that_exist(alert: str) -> None:
    for query in queries(SECTIONS[alert].parts["Confirm"]):
        labels(parse(query), NEEDS.recorded)


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    assert complaints(list(queries(PAGE)), tmp_path) == ""


def test_prometheus_complains_about_what_is_no_query(tmp_path: Path) -> None:
    assert "could not parse" in complaints(["celigo_up =="], tmp_path)


def test_every_metric_and_recording_named_in_the_text_exists() -> None:
    for name in re.findall(r"`(celigo[_:][a-z0-9_:]+)", PAGE):
        labels(parse(name), NEEDS.recorded)


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_a_section_says_when_a_rule_is_silent(alert: str) -> None:
    text = SECTIONS[alert].parts["Hiding"]
    behind = NEEDS.recordings(alert)
    excused = bool(behind & {"celigo:flow_excused", "celigo:integration_excused"})
    late = "celigo:collector_stale_seconds" in behind
    assert ("while a connection is down" in text) == excused
    assert bool(re.search(r"the collector .* is late", text)) == late


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_what_hides_an_alert_says_so_as_well(alert: str) -> None:
    section = SECTIONS[alert]
    for other in said(section, "Hides"):
        assert alert in said(SECTIONS[other], "Hidden by")
    for other in said(section, "Hidden by"):
        assert alert in said(SECTIONS[other], "Hides")


def _inhibited() -> Iterator[tuple[str, str]]:
    """Pairs of alerts of the example for Alertmanager, without those it chooses by scope."""
    for rule in yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))["inhibit_rules"]:
        if not any(matcher.startswith("scope") for matcher in rule["target_matchers"]):
            pattern = {side: rule[f"{side}_matchers"][0].split('"')[1] for side in ("source", "target")}
            matching = {side: [name for name in ALERTS if re.fullmatch(text, name)] for side, text in pattern.items()}
            yield from ((source, target) for source in matching["source"] for target in matching["target"])


def test_the_sections_hide_what_the_example_for_alertmanager_hides() -> None:
    assert {(name, other) for name in SECTIONS for other in said(SECTIONS[name], "Hides")} == set(_inhibited())
