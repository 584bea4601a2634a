"""Whole documents of whole accounts, as they are kept in tests/expose/golden, and what they may never say."""

import pytest

from exporter.expose.catalogue import CATALOGUE
from exporter.expose.render import Format
from tests.expose.kit import parsed_families
from tests.expose.scenarios import GOLDEN, HOSTILE, SITUATIONS, golden_file
from tests.expose.test_promtool import check_metrics

FORMATS = pytest.mark.parametrize("fmt", list(Format), ids=lambda fmt: fmt.name.lower())
EACH = pytest.mark.parametrize("name", SITUATIONS)

OF_RUNS = (
    "celigo_flow_runs_total",
    "celigo_active_runs",
    "celigo_flow_last_run_status",
    "celigo_run_queue_wait_seconds",
)


def document(name: str, fmt: Format = Format.TEXT) -> bytes:
    return SITUATIONS[name]().document(fmt)


def samples(name: str) -> list[str]:
    return [line for line in document(name).decode().splitlines() if not line.startswith("#")]


def of(name: str, *families: str) -> list[str]:
    return [line for line in samples(name) if line.startswith(families)]


@FORMATS
@EACH
def test_a_document_is_the_golden_one(name: str, fmt: Format) -> None:
    assert document(name, fmt).decode() == golden_file(name, fmt).read_bytes().decode()


def test_there_is_a_golden_file_for_each_situation_and_no_other() -> None:
    expected = {golden_file(name, fmt) for name in SITUATIONS for fmt in Format}
    assert set(GOLDEN.iterdir()) == expected


@EACH
def test_promtool_has_nothing_to_say(name: str) -> None:
    assert check_metrics(document(name)) == (0, "")


@FORMATS
@EACH
def test_a_document_has_no_series_twice_and_no_family_twice(name: str, fmt: Format) -> None:
    lines = document(name, fmt).decode().split("\n")
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))
    types = [line for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def test_a_healthy_account_shows_everything_that_needs_no_trouble() -> None:
    shown = {line.split()[2] for line in document("healthy").decode().splitlines() if line.startswith("# TYPE")}
    missing = {metric.name for metric in CATALOGUE} - shown
    assert missing == {
        "celigo_api_cache_requests_total",
        "celigo_api_clock_skew_seconds",
        "celigo_exporter_build_info",
        "celigo_exporter_config_last_reload_success_timestamp_seconds",
        "celigo_exporter_config_last_reload_successful",
        "celigo_exporter_config_reloads_total",
        "celigo_exporter_replica_accounts",
        "celigo_exporter_replica_leading",
        "celigo_exporter_replica_terms_total",
        "celigo_exporter_replicas",
        "celigo_flow_owner_info",
        "celigo_flow_slo_freshness_seconds",
        "celigo_flow_last_delivery_timestamp_seconds",
        "celigo_exporter_catch_up_ratio",
        "celigo_exporter_state_failures_total",
        "celigo_exporter_state_persistent",
        "celigo_exporter_state_size_bytes",
        "celigo_exporter_collector_disabled",
        "celigo_exporter_objects",
        "celigo_exporter_series_dropped_total",
        "celigo_exporter_watermark_timestamp_seconds",
        "celigo_exporter_web_config_last_reload_successful",
        "celigo_exporter_web_config_last_reload_success_timestamp_seconds",
        "celigo_exporter_web_refusals_total",
    }


def test_runs_that_are_unknown_are_absent_and_the_rest_is_there() -> None:
    assert of("jobs-fail", *OF_RUNS) == []
    assert of("jobs-fail", "celigo_flow_enabled") == of("healthy", "celigo_flow_enabled")
    assert len(of("jobs-fail", "celigo_flow_open_errors")) == 2


def test_an_empty_account_shows_its_zeros_and_no_flow() -> None:
    assert {line.rpartition(" ")[2] for line in of("empty-account", "celigo_active_runs")} == {"0.0"}
    assert of("empty-account", "celigo_open_errors_sampled_ratio")[0].endswith(" 1.0")
    assert of("empty-account", "celigo_flow_", "celigo_integration_", "celigo_connection_", "celigo_step_") == []


def test_with_a_wrong_token_it_is_down_and_nothing_is_made_up() -> None:
    (up,) = of("token-is-wrong", "celigo_up")
    assert up.endswith(" 0.0")
    assert of("token-is-wrong", "celigo_flow_", "celigo_integration_", "celigo_active_runs", "celigo_connection_") == []


def test_a_refused_collector_says_that_it_is_switched_off() -> None:
    (line,) = of("connections-are-refused", "celigo_exporter_collector_disabled")
    assert 'collector="connections"' in line
    assert 'reason="forbidden"' in line


@FORMATS
def test_hostile_names_come_back_from_a_parser_as_they_were(fmt: Format) -> None:
    families = parsed_families(document("hostile-names", fmt).decode(), fmt)
    labels = {family.name: [sample.labels for sample in family.samples] for family in families}
    names = {row["flow_id"]: row["flow_name"] for row in labels["celigo_flow_info"]}
    assert names == HOSTILE
    assert {row["account"] for row in labels["celigo_flow_info"]} == {'acme "EU"'}
    assert {row["environment"] for row in labels["celigo_flow_info"]} == {"back\\slash"}
