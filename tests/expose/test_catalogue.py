"""The catalogue keeps the names, types, labels and tiers of the contract, and each of its lines follows the rules."""

import re
from pathlib import Path

import pytest

from exporter.api import telemetry
from exporter.api.endpoints import Endpoint
from exporter.expose import catalogue
from exporter.expose.catalogue import CATALOGUE, own
from exporter.expose.catalogue.own import OWN
from exporter.expose.families import Metric
from exporter.expose.render import help_text
from exporter.ledger import tally

CONTRACT = Path(__file__).parents[1] / "contract" / "metrics.md"
TIERS = {"L": "lean", "S": "standard", "F": "full"}
Line = tuple[str, tuple[str, ...], str]

LATER = {
    "celigo_connection_target_concurrency": "no field of the API is known to hold it",
}
"""Names of the contract that this release does not export, and why."""

ADDED = {
    "celigo_account_info",
    "celigo_exporter_collector_disabled",
    "celigo_exporter_config_reloads_total",
    "celigo_exporter_catch_up_ratio",
    "celigo_exporter_endpoint_available",
    "celigo_exporter_replicas",
    "celigo_exporter_replica_accounts",
    "celigo_exporter_replica_leading",
    "celigo_exporter_replica_terms_total",
    "celigo_exporter_state_persistent",
    "celigo_exporter_state_failures_total",
    "celigo_exporter_state_size_bytes",
    "celigo_exporter_web_config_last_reload_successful",
    "celigo_exporter_web_config_last_reload_success_timestamp_seconds",
    "celigo_exporter_web_refusals_total",
    "celigo_flow_last_delivery_timestamp_seconds",
    "celigo_runs_unknown_total",
}
"""Names that this release adds to the contract."""

FORBIDDEN_LABELS = {
    "account", "environment", "le", "quantile", "job", "instance", "run_id", "job_id", "message", "error", "error_id",
    "trace_key", "email", "user", "url", "query", "date", "cron", "schedule", "path", "name", "host",
}  # fmt: skip
"""What must not be a label of the metric's own: taken, unbounded, or personal."""

IDENTIFYING_LABELS = {
    "integration_id", "integration_name", "flow_id", "flow_name", "step_id", "step_name", "connection_id",
    "connection_name", "agent_id", "agent_name",
}  # fmt: skip
BOUNDED_LABELS = {
    "check", "endpoint", "method", "code", "type", "reason", "result", "collector", "family", "kind", "version",
    "revision", "python_version", "trigger", "state", "status", "outcome", "step_type", "adaptor_type",
    "classification", "source", "backend", "team", "tier", "older_than", "by", "resource_type", "event", "entitlement",
    "license_id", "region",
}  # fmt: skip

METRICS = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


def rows_of_the_contract() -> dict[str, Line]:
    """Type, labels and tier by name, read from the contract's tables."""
    found: dict[str, Line] = {}
    for row in CONTRACT.read_text(encoding="utf-8").splitlines():
        if not row.startswith("| `celigo_"):
            continue
        names, kind, labels, *_, tier = (cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|")))
        for name in _names(names):
            found[name] = (kind.split()[0], _labels(labels), TIERS[tier])
    return found


def _names(cell: str) -> list[str]:
    """Names of a row; for one that starts with dots, the dots stand for what its words follow in the first."""
    first, *rest = re.findall(r"`([^`]+)`", cell)
    return [
        first,
        *(name if name.startswith("celigo_") else _undotted(first, name.removeprefix("...")) for name in rest),
    ]


def _undotted(first: str, tail: str) -> str:
    shared = next(tail[:size] for size in range(len(tail), 0, -1) if tail[:size] in first)
    return first[: first.index(shared)] + tail


def _labels(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", cell)))


CONTRACT_ROWS = rows_of_the_contract()


def test_the_contract_was_read_to_its_end() -> None:
    assert len(CONTRACT_ROWS) == CONTRACT.read_text(encoding="utf-8").count("\n| `celigo_") + 3
    assert {"celigo_up", "celigo_entitlement_limit"} <= set(CONTRACT_ROWS)


@METRICS
def test_a_metric_is_as_the_contract_has_it(metric: Metric) -> None:
    if metric.name in ADDED:
        assert metric.name not in CONTRACT_ROWS
    else:
        kind, labels, tier = CONTRACT_ROWS[metric.name]
        assert (metric.type, metric.labels, metric.tier) == (kind, labels, tier)


def test_every_name_of_the_contract_is_exported_or_known_to_come_later() -> None:
    exported = {metric.name for metric in CATALOGUE}
    assert exported - ADDED | set(LATER) == set(CONTRACT_ROWS)
    assert not exported & set(LATER)


def test_the_order_is_that_of_the_contract() -> None:
    order = list(CONTRACT_ROWS)
    places = [order.index(metric.name) for metric in CATALOGUE if metric.name not in ADDED]
    assert places == sorted(places)


def test_a_name_comes_once() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_every_constant_is_named_after_its_metric_and_in_the_catalogue() -> None:
    constants = {name: value for name, value in vars(catalogue).items() if isinstance(value, Metric)}
    assert {value.name: name for name, value in constants.items()} == {
        value.name: value.name.removeprefix("celigo_").upper() for value in constants.values()
    }
    assert set(constants.values()) | set(OWN) == set(CATALOGUE)


@METRICS
def test_the_name_follows_the_rules(metric: Metric) -> None:
    assert re.fullmatch(r"celigo_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.type == "counter")
    name = metric.name.removesuffix("_by_age")  # a distribution over ages, not an age
    assert not re.search(r"_(bucket|count|sum|created|ms|milliseconds|minutes|hours|days|kb|mb|percent|age)(_|$)", name)
    assert metric.type != "histogram" or metric.name.endswith(("_seconds", "_bytes"))
    assert "timestamp" not in metric.name or metric.name.endswith("_timestamp_seconds")


@METRICS
def test_facts_are_gauges_whose_names_say_so(metric: Metric) -> None:
    holds_a_name = any(label.endswith("_name") for label in metric.labels)
    assert not holds_a_name or metric.name.endswith("_info")
    assert not metric.name.endswith("_info") or (metric.type == "gauge" and "Always 1." in metric.help)


@METRICS
def test_labels_are_bounded_and_never_personal(metric: Metric) -> None:
    assert not set(metric.labels) & FORBIDDEN_LABELS
    assert set(metric.labels) <= IDENTIFYING_LABELS | BOUNDED_LABELS
    assert len(set(metric.labels)) == len(metric.labels) <= 5


@METRICS
def test_help_is_a_sentence_for_a_stranger(metric: Metric) -> None:
    text = help_text(metric)
    assert re.fullmatch(r"[A-Z][^\n\"\\]*\. From [^\n\"\\]+\.", text)
    assert 6 <= len(metric.help.split()) <= 30
    assert len(text) <= 200
    assert metric.name not in text


@METRICS
def test_help_names_the_call_the_number_comes_from(metric: Metric) -> None:
    paths = set(re.findall(r"(?:GET|POST) (/v1/\S+)", metric.source))
    assert paths or metric in OWN or metric.source == own.CONFIGURATION
    assert paths <= {endpoint.value for endpoint in Endpoint}


@METRICS
def test_the_state_of_a_switch_says_what_both_values_mean(metric: Metric) -> None:
    if metric.help.startswith("Whether"):
        assert metric.type == "gauge"
        assert "(1)" in metric.help
        assert "(0)" in metric.help


@METRICS
def test_only_histograms_have_buckets_and_these_grow(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.type == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert all(bound > 0 for bound in metric.buckets)


def test_only_the_build_the_state_the_settings_and_the_access_belong_to_no_account() -> None:
    assert [metric.name for metric in CATALOGUE if not metric.scoped] == [
        "celigo_exporter_build_info",
        "celigo_exporter_state_persistent",
        "celigo_exporter_state_failures_total",
        "celigo_exporter_state_size_bytes",
        "celigo_exporter_replicas",
        "celigo_exporter_replica_accounts",
        "celigo_exporter_replica_terms_total",
        "celigo_exporter_config_last_reload_successful",
        "celigo_exporter_config_last_reload_success_timestamp_seconds",
        "celigo_exporter_config_reloads_total",
        "celigo_exporter_web_config_last_reload_successful",
        "celigo_exporter_web_config_last_reload_success_timestamp_seconds",
        "celigo_exporter_web_refusals_total",
    ]


@pytest.mark.parametrize(
    ("metric", "buckets"),
    [
        (catalogue.INTEGRATION_RUN_DURATION_SECONDS, tally.DURATION_BUCKETS),
        (catalogue.RUN_QUEUE_WAIT_SECONDS, tally.QUEUE_WAIT_BUCKETS),
        (own.API_REQUEST_DURATION_SECONDS, telemetry.DURATION_BUCKETS),
    ],
    ids=lambda value: value.name if isinstance(value, Metric) else "",
)
def test_buckets_are_those_that_observations_are_sorted_into(metric: Metric, buckets: tuple[float, ...]) -> None:
    assert metric.type == "histogram"
    assert metric.buckets == buckets
