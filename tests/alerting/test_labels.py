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
    ],
)
def test_a_label_that_a_metric_does_not_have_is_seen(text: str) -> None:
    with pytest.raises(Wrong):
        labels(parse(text), {})
