"""A metric or label that an expression names without its being there is seen."""

import pytest
from promql_parser import parse

from tests.alerting.labels import Wrong, labels


@pytest.mark.parametrize(
    "text",
    [
        "celigo_nothing",
        "celigo_up{flow_id='x'}",
        "sum by (flow_id) (celigo_up)",
        "celigo_up * on (flow_id) celigo_flow_enabled",
        "celigo_flow_enabled * on (flow_id) group_left (team) celigo_flow_info",
        "celigo_flow_enabled + celigo_up",
        "celigo_flow_enabled and celigo_up",
        "celigo_flow_enabled unless ignoring (team) celigo_flow_enabled",
        "celigo_up * on (account) group_right (flow_name) celigo_flow_enabled",
        "label_replace(celigo_up, 'x', '$1', 'flow_id', '(.*)')",
        "label_join(celigo_up, 'x', ',', 'flow_id', 'account')",
        "ALERTS{reason='x'}",
    ],
)
def test_a_label_that_a_metric_does_not_have_is_seen(text: str) -> None:
    with pytest.raises(Wrong):
        labels(parse(text), {})


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("sum by (account) (celigo_up) or vector(0)", {"account"}),
        ("label_replace(sum by (account) (celigo_up), 'x', '$1', 'account', '(.*)')", {"account", "x"}),
        ("label_join(sum by (account) (celigo_up), 'x', ',', 'account')", {"account", "x"}),
        ("count_values by (account) ('x', celigo_up)", {"account", "x"}),
        ("scalar(celigo_up)", set()),
        ("sum by (account) (celigo_up) == on (account) max by (account, environment) (celigo_up)", {"account"}),
        ("sum by (account) (celigo_up) * on (account) group_right () made", {"account", "kind"}),
        ("sum by (account, job) (celigo_up) - ignoring (job) sum by (account) (celigo_up)", {"account"}),
    ],
)
def test_what_joins_calls_and_aggregations_leave_is_known(text: str, held: set[str]) -> None:
    assert labels(parse(text), {"made": frozenset({"account", "kind"})}) == held
