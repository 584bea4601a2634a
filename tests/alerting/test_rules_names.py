"""The rules name what exists: metrics, labels, label values, recordings and thresholds."""

import re
from collections.abc import Iterator, Mapping

import pytest
from promql_parser import Expr, parse

from exporter.rules.source import Alert, Recording, alerts, groups
from exporter.rules.thresholds import default_thresholds
from tests.alerting.expression import selectors, series
from tests.alerting.labels import METRICS, TARGET, labels
from tests.alerting.members import impossible
from tests.alerting.needs import FOREIGN, Needs, composed, family, placeholders

NEEDS = Needs()
RULES: Mapping[str, Expr] = {**NEEDS.recorded, **NEEDS.alerting}
ALERTS = {alert.alert: alert for alert in alerts()}
TEMPLATES = {rule.alert: " ".join(rule.annotations.values()) for rule in composed() if rule.alert}
OF_SUBJECT = {
    "exporter": set(TARGET),
    "account": {"account", "environment", "region"},
    "integration": {"account", "environment", "region", "integration_id", "integration_name"},
    "flow": {"account", "environment", "region", "integration_id", "integration_name", "flow_id", "flow_name"},
    "connection": {"account", "environment", "region", "connection_id", "connection_name", "type", "agent_id"},
    "agent": {"account", "environment", "region", "agent_id", "agent_name"},
}


def queries_in(template: str) -> Iterator[str]:
    """Queries that an annotation asks Prometheus for, with some text in each place."""
    for query in re.findall(r'printf "((?:[^"\\]|\\.)*)"', template):
        yield re.sub("%q", '"x"', query)


def shown_in(template: str) -> set[str]:
    return set(re.findall(r"\$labels\.(\w+)", template))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_metric_and_label_of_a_rule_exists(rule: str) -> None:
    labels(RULES[rule], NEEDS.recorded)
    for name in map(series, selectors(RULES[rule])):
        assert name in NEEDS.recorded or name in FOREIGN or family(name) in METRICS


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_rule_reads_recordings_only_that_stand_before_it(rule: str) -> None:
    order = list(RULES)
    for name in map(series, selectors(RULES[rule])):
        assert name not in NEEDS.recorded or order.index(name) < order.index(rule)


def test_every_recording_is_read_by_some_alert() -> None:
    read = {series(part) for expression in RULES.values() for part in selectors(expression)}
    asked = [parse(query) for text in TEMPLATES.values() for query in queries_in(text)]
    told = {series(part) for query in asked for part in selectors(query)}
    assert set(NEEDS.recorded) <= read | told


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_label_value_that_a_rule_asks_for_can_occur(rule: str) -> None:
    assert [line for part in selectors(RULES[rule]) for line in impossible(part)] == []


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_an_alert_says_what_it_is_about_and_texts_name_labels_it_has(alert: str) -> None:
    held = labels(RULES[alert], NEEDS.recorded)
    assert OF_SUBJECT[ALERTS[alert].about] <= held
    assert shown_in(TEMPLATES[alert]) <= held
    for query in queries_in(TEMPLATES[alert]):
        labels(parse(query), NEEDS.recorded)


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_no_alert_is_about_an_address_or_a_bucket(alert: str) -> None:
    held = labels(RULES[alert], NEEDS.recorded)
    assert "le" not in held
    assert ALERTS[alert].about == "exporter" or not held & TARGET


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_an_alerts_own_labels_hide_none_that_it_is_made_with(alert: str) -> None:
    own = ALERTS[alert].labels
    assert not own.keys() & (labels(RULES[alert], NEEDS.recorded) | {"severity", "scope", "alertname"})
    assert all(re.fullmatch(r"[a-z_]+", word) for entry in own.items() for word in entry)


def test_every_threshold_is_used_and_every_placeholder_has_one() -> None:
    texts = ["${runbook_url} ${app_url} ${grafana_url}"]
    for group in groups():
        texts.append(group.interval or "")
        for rule in group.rules:
            said = [rule.lasting, rule.summary, rule.description] if isinstance(rule, Alert) else []
            texts += [rule.expr, *said]
    assert frozenset().union(*map(placeholders, texts)) == set(default_thresholds().values)


def test_no_placeholder_is_left_in_the_composed_rules() -> None:
    for rule in composed():
        assert "${" not in rule.expr + " ".join(rule.annotations.values())


@pytest.mark.parametrize(
    ("alert", "profile"),
    [
        ("CeligoFlowOverdue", "lean"),
        ("CeligoConnectionOffline", "lean"),
        ("CeligoFlowMissedRuns", "standard"),
        ("CeligoExporterBudgetExhausted", "lean"),
        ("CeligoFlowEmptyRuns", "full"),
        ("CeligoUnassignedErrors", "full"),
    ],
)
def test_what_only_silences_an_alert_or_names_its_owner_is_no_need(alert: str, profile: str) -> None:
    assert NEEDS.profile(alert) == profile


def test_thresholds_of_an_alert_are_found_through_what_is_recorded() -> None:
    assert NEEDS.thresholds(ALERTS["CeligoFlowMissedRuns"]) == [
        *("grace_ratio", "grace_least", "grace_most", "missed_runs", "recovery"),
    ]


def test_every_recording_has_a_name_of_this_exporters() -> None:
    for group in groups():
        for rule in group.rules:
            assert not isinstance(rule, Recording) or re.fullmatch(r"celigo:[a-z_]+(:[a-z0-9]+)?", rule.record)
