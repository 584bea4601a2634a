"""Every metric is shown on some board, or it is said why not."""

import json
from collections.abc import Iterator, Mapping

import pytest

from exporter.dashboards.bundle import FOLDER
from exporter.expose.catalogue import CATALOGUE
from exporter.rules.compose import TROUBLE
from tests.alerting.expression import selectors, series
from tests.alerting.needs import family
from tests.dashboards.lint.board import Board
from tests.dashboards.lint.known import NEEDS

NOT_SHOWN: Mapping[str, str] = {}
"""Metrics that no board needs, with the reason."""

NOT_YET = frozenset(
    {
        "celigo_health_check_success",
        "celigo_api_retries_total",
        "celigo_api_response_bytes_total",
        "celigo_api_cache_requests_total",
        "celigo_api_rate_limit_tokens",
        "celigo_api_rate_limit_wait_seconds_total",
        "celigo_api_token_expiry_timestamp_seconds",
        "celigo_api_clock_skew_seconds",
        "celigo_exporter_collector_success",
        "celigo_exporter_collector_duration_seconds",
        "celigo_exporter_collector_requests",
        "celigo_exporter_collector_errors_total",
        "celigo_exporter_collector_disabled",
        "celigo_exporter_endpoint_available",
        "celigo_exporter_watermark_timestamp_seconds",
        "celigo_exporter_catch_up_ratio",
        "celigo_exporter_truncated_lists_total",
        "celigo_exporter_rows_rejected_total",
        "celigo_exporter_series",
        "celigo_exporter_series_dropped_total",
        "celigo_exporter_objects",
        "celigo_exporter_snapshot_timestamp_seconds",
        "celigo_exporter_backfill_ratio",
        "celigo_exporter_state_persistent",
        "celigo_exporter_state_failures_total",
        "celigo_exporter_state_size_bytes",
        "celigo_flow_schedule_configured",
        "celigo_flow_schedule_unreadable",
        "celigo_flow_runs_total",
        "celigo_flow_retries_total",
        "celigo_runs_unknown_total",
        "celigo_flow_baseline_max_empty_runs",
        "celigo_open_errors_by_code",
        "celigo_integration_open_errors_unassigned",
        "celigo_integration_errors_resolved_total",
        "celigo_open_errors_sampled_ratio",
        "celigo_connection_flows",
        "celigo_connection_debug_until_timestamp_seconds",
        "celigo_agent_info",
        "celigo_agent_last_heartbeat_timestamp_seconds",
        "celigo_agent_connections",
    }
)
"""Shown by boards that are being made; when all are there, this set goes, and what is left moves to `NOT_SHOWN`."""


def _shown() -> Iterator[str]:
    """Metrics in queries, and those that the recorded series in them are made of."""
    for path in FOLDER.glob("*.json"):
        board = Board(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for query in board.queries:
            for selector in selectors(query.expression) if query.expression else ():
                yield from _behind(series(selector))


def _behind(name: str) -> Iterator[str]:
    if name in NEEDS.recorded:
        for selector in selectors(NEEDS.recorded[name]):
            yield from _behind(series(selector))
    elif not name.startswith(TROUBLE):
        yield family(name)


SHOWN = frozenset(_shown())
METRICS = [metric.name for metric in CATALOGUE]


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_shown_or_it_is_said_why_not(metric: str) -> None:
    assert metric in SHOWN | NOT_SHOWN.keys() | NOT_YET


def test_a_reason_is_given_only_for_metrics_that_are_there_and_not_shown() -> None:
    for metric, reason in NOT_SHOWN.items():
        assert metric in METRICS
        assert metric not in SHOWN
        assert reason
