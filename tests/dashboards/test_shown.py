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

NOT_SHOWN: Mapping[str, str] = {
    "celigo_flow_schedule_configured": "flows that have lost their schedule are shown as the condition of an alert",
    "celigo_exporter_config_last_reload_success_timestamp_seconds": "tells since when; see docs/reload.md",
    "celigo_exporter_config_reloads_total": "for whoever runs the exporter; see docs/reload.md",
    "celigo_exporter_web_config_last_reload_successful": "for whoever runs the exporter; docs/web.md has its alert",
    "celigo_exporter_web_config_last_reload_success_timestamp_seconds": "tells since when; see docs/web.md",
    "celigo_exporter_web_refusals_total": "for whoever runs the exporter; docs/web.md has its query",
    "celigo_exporter_replicas": "for whoever runs several; see docs/replicas.md",
    "celigo_exporter_replica_accounts": "same",
    "celigo_exporter_replica_leading": "same",
    "celigo_exporter_replica_terms_total": "same",
    "celigo_flow_schedule_unreadable": "shown as the condition of an alert",
}
"""Metrics that no board needs, with the reason."""


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
    assert metric in SHOWN | NOT_SHOWN.keys()


def test_a_reason_is_given_only_for_metrics_that_are_there_and_not_shown() -> None:
    for metric, reason in NOT_SHOWN.items():
        assert metric in METRICS
        assert metric not in SHOWN
        assert reason
