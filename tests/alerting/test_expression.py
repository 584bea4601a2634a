"""Expressions are taken apart as Prometheus would."""

import pytest

from exporter.rules.expression import (
    Aggregation,
    Binary,
    Call,
    Constant,
    Matching,
    Selector,
    parse,
    selectors,
)
from tests.alerting.labels import Wrong, labels

A, B, C = Selector("a"), Selector("b"), Selector("c")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("a ^ b ^ c", Binary("^", A, Binary("^", B, C))),
        ("a or b unless c", Binary("or", A, Binary("unless", B, C))),
        ("a > b and c", Binary("and", Binary(">", A, B), C)),
        ("(a or b) and c", Binary("and", Binary("or", A, B), C)),
        ("-a ^ b", Binary("-", Constant("0"), Binary("^", A, B))),
        ("a > bool 0.5e3", Binary(">", A, Constant("0.5e3"), as_bool=True)),
        ("sum by (x) (a)", Aggregation("sum", (A,), ("x",))),
        ("sum(a) without (x, y)", Aggregation("sum", (A,), ("x", "y"), without=True)),
        ("topk(5, a)", Aggregation("topk", (Constant("5"), A))),
        ("max_over_time(a[1h:5m] offset -1w)", Call("max_over_time", (A,))),
        ("a @ 5 # said", A),
        ("# said\n  a", A),
        ('a{b="c,}", d=~"e|f"}', Selector("a", (("b", "=", "c,}"), ("d", "=~", "e|f")))),
        ('{b!="c"}', Selector("", (("b", "!=", "c"),))),
        ("a * on (x) group_left (y) b", Binary("*", A, B, Matching("on", ("x",), "group_left", ("y",)))),
        ("a * on (x) group_left b", Binary("*", A, B, Matching("on", ("x",), "group_left"))),
        ("a / ignoring (x) b", Binary("/", A, B, Matching("ignoring", ("x",)))),
        ("on:a + by", Binary("+", Selector("on:a"), Selector("by"))),
    ],
)
def test_an_expression_is_read_by_the_rules_of_precedence(text: str, meant: object) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    "text", ["", "a +", "(a", "a)", "sum by (x (a)", "a{b=", "a[1h", "+ * a", "a b", "a ? b", 'a{b="c}']
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_selectors_come_from_left_to_right() -> None:
    assert list(selectors(parse("sum(a) / f(b, c)"))) == [A, B, C]


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
