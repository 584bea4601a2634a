"""What Grafana asks, as far as these tests ask in its place: by tables, of what it is known to do."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.dashboards import steps
from tests.dashboards.asking import asked, opened
from tests.dashboards.choosing import chosen, options, series_text
from tests.dashboards.filling import Value, filled, legend
from tests.dashboards.reading import Board, Variable, read
from tests.dashboards.source import Answer, DataSource, Request, text_of, variable_request

HOUR = 3600
NAME_AND_ID = r"""/^(?=.*flow_name="(?<text>(?:[^"\\]|\\.)*)")(?=.*flow_id="(?<value>[^"]*)")/"""


@pytest.mark.parametrize(
    ("span", "points", "least", "step", "rate"),
    [
        (6 * HOUR, 240, 60, 60, 240),  # 90 s are rounded to a minute
        (HOUR, 240, 60, 60, 240),
        (HOUR, 240, 15, 15, 60),
        (24 * HOUR, 240, 60, 300, 360),
        (24 * HOUR, 1920, 60, 60, 240),  # a minute is the least, and is not rounded
        (7 * 24 * HOUR, 240, 60, 1800, 1860),
        (30 * 24 * HOUR, 240, 60, 10_800, 10_860),
    ],
)
def test_the_step_is_round_and_a_rate_looks_over_four_samples(
    span: int, points: int, least: int, step: int, rate: int
) -> None:
    assert steps.step(span, points, least) == step
    assert steps.rate_interval(step, least) == rate


def test_points_lie_on_whole_steps() -> None:
    assert steps.grid(1_780_000_059, 1_780_000_119, 60) == (1_780_000_020, 1_780_000_080)


ONE = Value(("it's",), ("It is",))
FEW = Value(("a.b", "c"), ("A", "C"), many=True)
SINGLE = Value(("a.b",), ("A",), many=True)
ALL = Value((), many=True, literal=".*")
NOBODY = Value((), many=True)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (ONE, "$x", r"it\\'s"),
        (ONE, "${x}", r"it\\'s"),
        (ONE, "${x:raw}", "it's"),
        (ONE, "${x:text}", "It is"),
        (SINGLE, "$x", r"a\\.b"),
        (SINGLE, "${x:regex}", r"a\.b"),
        (FEW, "$x", r"(a\\.b|c)"),
        (FEW, "${x:regex}", r"(a\.b|c)"),
        (FEW, "${x:pipe}", "a.b|c"),
        (FEW, "${x:text}", "A + C"),
        (ALL, "$x", ".*"),
        (ALL, "${x:regex}", ".*"),
        (ALL, "${x:text}", "All"),
        (NOBODY, "$x", "()"),
        (ONE, "$1 $xy", "$1 $xy"),
    ],
)
def test_what_is_chosen_goes_into_a_text_in_the_form_that_is_asked_for(value: Value, form: str, text: str) -> None:
    assert filled(form, {"x": value}) == text


def test_a_legend_has_labels_and_what_is_chosen_as_people_know_it() -> None:
    assert legend("{{ status }} of $x {{none}}", {"status": "failed"}, {"x": FEW}) == "failed of A + C "


def variable(**options: Any) -> Variable:
    return Variable("flow", "query", **options)


@pytest.mark.parametrize(
    ("given", "found", "texts", "values"),
    [
        ({}, ["b", "a", "b"], ["b", "a"], ["b", "a"]),
        ({"sort": 1}, ["b", "C", "a"], ["C", "a", "b"], ["C", "a", "b"]),
        ({"sort": 2}, ["b", "C", "a"], ["b", "a", "C"], ["b", "a", "C"]),
        ({"sort": 3}, ["x10", "x9"], ["x9", "x10"], ["x9", "x10"]),
        ({"sort": 5}, ["b", "C", "a"], ["a", "b", "C"], ["a", "b", "C"]),
        ({"regex": "/^a(.)/"}, ["ab", "xb"], ["b"], ["b"]),
        ({"regex": "/^a/"}, ["ab", "xb"], ["ab"], ["ab"]),
        (
            {"regex": NAME_AND_ID, "sort": 5},
            [series_text({"__name__": "i", "flow_id": "2", "flow_name": "Ünïts → A"}), 'i{flow_name="B",flow_id="1"}'],
            ["B", "Ünïts → A"],
            ["1", "2"],
        ),
    ],
)
def test_options_are_those_that_fit_in_the_order_that_is_asked_for(
    given: Mapping[str, Any], found: Sequence[str], texts: Sequence[str], values: Sequence[str]
) -> None:
    made = options(variable(**given), found)
    assert [option.text for option in made] == texts
    assert [option.value for option in made] == values


@pytest.mark.parametrize(
    ("given", "wanted", "value"),
    [
        ({}, None, Value(["1"], ["A"])),
        ({}, "B", Value(["2"], ["B"])),
        ({}, "2", Value(["2"], ["B"])),
        ({"multi": True}, None, Value(["1"], ["A"], many=True)),
        ({"multi": True, "include_all": True}, None, Value(["1", "2"], ["A", "B"], many=True)),
        ({"multi": True, "include_all": True, "all_value": ".*"}, None, ALL),
        ({"multi": True, "include_all": True, "all_value": ".*"}, "A", Value(["1"], ["A"], many=True)),
    ],
)
def test_everything_is_chosen_where_that_is_possible_else_the_first(
    given: Mapping[str, Any], wanted: str | None, value: Value
) -> None:
    offered = options(variable(regex=NAME_AND_ID), [f'i{{flow_name="{n}",flow_id="{i}"}}' for n, i in ("A1", "B2")])
    assert chosen(variable(**given), offered, wanted) == value


@pytest.mark.parametrize(
    ("query", "path", "params"),
    [
        ("label_values(up, account)", "label/account/values", {"match[]": "up"}),
        ('label_values(up{a="b, c"}, account)', "label/account/values", {"match[]": 'up{a="b, c"}'}),
        ("label_values(account)", "label/account/values", {}),
        ('up{a="b"}', "series", {"match[]": 'up{a="b"}'}),
    ],
)
def test_the_options_of_a_variable_are_those_of_the_time_that_is_shown(
    query: str, path: str, params: Mapping[str, str]
) -> None:
    window = {"start": "1000.000", "end": "4600.000"}
    assert variable_request(query, 4600, HOUR) == Request(path, {**params, **window}, query)


def test_a_query_for_options_is_about_the_present() -> None:
    request = variable_request("query_result(count(up) > 1)", 4600, HOUR)
    assert (request.path, request.params) == ("query", {"query": "count(up) > 1", "time": "4600.000"})
    assert text_of({"metric": {"__name__": "up", "a": "b"}, "value": [4600, "3"]}) == 'up{a="b"} 3 4600000'


class Remembering(DataSource):
    """Answers every request with the same series, and remembers it."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", 1_780_000_119)
        self.requests: list[Request] = []

    def ask(self, request: Request) -> tuple[Answer, Sequence[Any]]:
        self.requests.append(request)
        return Answer(request.query, 1), ["prod"] if request.path.startswith("label/") else [{"metric": {}}]


def board() -> Board:
    return read("""{"title": "A board", "time": {"from": "now-6h", "to": "now"}, "templating": {"list": [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        {"name": "account", "type": "query", "query": {"query": "label_values(up, account)", "refId": "a"}},
        {"name": "environment", "type": "query", "query": "label_values(up{account=\\"$account\\"}, environment)"}]},
        "annotations": {"list": [{"name": "Off", "expr": "x{a=\\"$account\\"} == 0", "step": "60s"}]},
        "panels": [{"type": "text"}, {"type": "row", "panels": [{"type": "table", "title": "T", "maxDataPoints": 240,
        "targets": [{"expr": "x{a=\\"$account\\"}", "instant": true, "range": false},
        {"expr": "rate(x[$__rate_interval]) + $__range_s", "instant": false, "range": true}]}]}]}""")


def test_a_variable_is_filled_with_those_before_it() -> None:
    source = Remembering()
    ready = opened(board(), source)
    assert [request.query for request in source.requests] == [
        "label_values(up, account)",
        'label_values(up{account="prod"}, environment)',
    ]
    assert [one.title for one in ready.variables] == ["account", "environment"]


def test_a_panel_asks_for_the_present_or_for_a_line_also_in_a_closed_row() -> None:
    source = Remembering()
    ready = opened(board(), source)
    (table,) = asked(ready, source, ready.board.asking())
    instant, line = source.requests[2:]
    assert (table.title, table.series, table.errors) == ("T", 2, [])
    assert (instant.path, instant.params) == ("query", {"query": 'x{a="prod"}', "time": "1780000119.000"})
    assert line.path == "query_range"
    assert line.params["query"] == "rate(x[240s]) + 21600"
    assert [line.params[name] for name in ("start", "end", "step")] == ["1779978480", "1780000080", "60"]


def test_an_annotation_is_asked_for_as_a_line_by_its_own_step() -> None:
    source = Remembering()
    ready = opened(board(), source)
    (mark,) = asked(ready, source, [mark.panel() for mark in ready.board.marks])
    assert (mark.title, mark.kind) == ("Off", "annotation")
    assert (source.requests[-1].path, source.requests[-1].params["step"]) == ("query_range", "60")
