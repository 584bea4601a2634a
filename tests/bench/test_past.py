"""What the measured rules find in their past: a sample wherever they look, or they would be measured on nothing."""

import yaml

from tests.bench.past import EVALUATED_FOR, moments, recorded

NOW = 1_780_000_020
DAY = 86_400


def read(expression: str) -> list[int]:
    """How long ago, in seconds, `x` is read by an evaluation at NOW or in the minutes after it."""
    rules = yaml.safe_dump({"groups": [{"name": "g", "rules": [{"record": "r", "expr": expression}]}]})
    return sorted(NOW - moment for moment in moments(rules, NOW)["x"])


def test_what_is_read_as_it_is_now_has_no_past() -> None:
    assert read("x > 0 and on (a) sum by (a) (x)") == []


def test_an_offset_is_one_sample_for_each_evaluation() -> None:
    assert read("x - x offset 1h") == [3600 - 60 * minute for minute in range(EVALUATED_FOR)][::-1]


def test_a_range_is_a_sample_a_minute() -> None:
    assert read("rate(x[5m])") == [60, 120, 180, 240]
    assert max(read("rate(x[5m] offset 1h)")) == 3600 + 240


def test_a_range_of_a_day_is_cut_to_six_hours() -> None:
    assert max(read("rate(x[1d])")) == 6 * 3600 - 60


def test_a_subquery_is_a_sample_at_each_of_its_steps_on_the_grid_that_prometheus_has() -> None:
    found = read("max_over_time(x[1d:6h])")
    assert [(NOW - ago) % (DAY / 4) for ago in found] == [0, 0, 0, 0]
    assert max(found) < DAY


def test_a_recorded_series_is_that_of_its_rule_without_the_names() -> None:
    document = 'celigo_flow_open_errors{account="a",environment="e",flow_id="f",other="x"} 3.0\n'
    assert list(recorded(document)) == ['celigo:flow_open_errors{account="a",environment="e",flow_id="f"} 3.0']


def test_only_series_with_the_label_that_the_rule_asks_for_are_recorded() -> None:
    line = 'celigo_integration_records_total{account="a",environment="e",integration_id="i",outcome="%s"} 3.0'
    name = "celigo:integration_records_success:increase1h"
    assert list(recorded(line % "error")) == []
    assert list(recorded(line % "success")) == [f'{name}{{account="a",environment="e",integration_id="i"}} 3.0']
