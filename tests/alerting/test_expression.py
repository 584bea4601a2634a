"""Nothing that an expression is made of is passed over."""

from promql_parser import parse

from tests.alerting.expression import selectors, series


def test_selectors_come_from_left_to_right_out_of_everything_that_can_hold_one() -> None:
    text = "topk(scalar(a), -b) / on () (max_over_time(c[1h:5m]) unless rate(d[5m] offset 1w)) > 0 or {e='f'}"
    assert [series(part) for part in selectors(parse(text))] == ["a", "b", "c", "d", ""]
