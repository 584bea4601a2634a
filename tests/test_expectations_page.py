"""docs/expectations.md says what the code does: every metric, label value and number it names."""

import re
from pathlib import Path

from exporter.collect.expectations import LATE_SECONDS, MOST_MISSED
from exporter.collect.history import KEPT_SHARE
from exporter.collect.silence import HOURS_LEAST, WEEKS_LEAST, WEEKS_MOST
from exporter.config.keys import COLLECTORS, OWNER
from exporter.config.settings import HistorySettings
from exporter.expose.catalogue import CATALOGUE
from exporter.ledger.history import BASELINE_LEAST, BASELINE_RUNS
from exporter.reference import VALUES

PAGE = (Path(__file__).parents[1] / "docs" / "expectations.md").read_text()


def test_every_metric_it_names_exists() -> None:
    named = set(re.findall(r"celigo_[a-z_]+", PAGE))
    assert named <= {metric.name for metric in CATALOGUE}
    assert len(named) >= 15


def test_every_label_value_it_names_is_a_member() -> None:
    members = {(label, value) for label, _, values in VALUES for value in values}
    assert set(re.findall(r'(\w+)="([^"]+)"', PAGE)) <= members


def test_every_key_it_names_exists() -> None:
    assert "collectors.history.depth" in PAGE
    assert "depth" in {key.name for key in COLLECTORS["history"]}
    assert "silence" in {key.name for key in OWNER}


def test_the_numbers_are_those_of_the_code() -> None:
    assert (LATE_SECONDS, MOST_MISSED) == (120.0, 1000)
    assert (BASELINE_RUNS, BASELINE_LEAST) == (50, 5)
    assert (WEEKS_LEAST, WEEKS_MOST, HOURS_LEAST) == (2, 4, 24)
    assert (HistorySettings().depth, KEPT_SHARE) == (15 * 86_400.0, 0.5)
