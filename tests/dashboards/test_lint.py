"""Every board keeps the rules, and each kind of breach is found where it is."""

import copy
import json

import pytest

from exporter.dashboards.bundle import FOLDER
from tests.dashboards import planted as plant
from tests.dashboards.lint import CHECKS, findings
from tests.dashboards.lint.board import Board, Json

BOARDS: dict[str, Json] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}
FLEET = "celigo-fleet"
ROWS = "celigo-governance"

RUNS = "celigo_flow_runs_total{account=~'$account'}"
SILENCE = "celigo_flow_expected_max_silence_seconds"
WAY = "/d/celigo-governance/x?var-datasource=${datasource}&var-account=${account:queryparam}"
ALL = f"{WAY}&${{environment:queryparam}}&${{__url_time_range}}"
WITH_WAY = (
    "label_replace(max by (account, environment, alertname, subject, integration_name, team) (label_replace(ALERTS, "
    '"subject", "", "alertname", "")), "way", "{}?x=y", "alertname", ".*")'
)
OTHER = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}
RED = {"mode": "fixed", "fixedColor": "red"}
LIKE_RUNS = {"kind": "timeseries", "legendFormat": "{{status}}"}

DEFECTS: dict[str, list[plant.Plant]] = {
    "data source": [
        plant.given("stat", datasource=OTHER),
        plant.given("stat", datasource=None),
        plant.asking("celigo_up", datasource="Prometheus"),
        plant.marked(datasource={"type": "grafana", "uid": "-- Grafana --"}),
        plant.chosen(datasource=OTHER),
        plant.head(__inputs=[{"name": "DS_PROMETHEUS"}]),
    ],
    "data source variable": [plant.one_more_variable("another", hide=2)],
    "uid": [plant.head(uid="celigo-else"), plant.head(uid="fleet"), plant.head(id=7)],
    "schema version": [plant.head(schemaVersion=37)],
    "tag": [plant.head(tags=[])],
    "board title": [
        plant.head(title="Fleet"),
        plant.head(description=""),
        plant.head(title=BOARDS[ROWS]["title"]),
    ],
    "grid": [
        plant.placed(0, x=1),
        plant.placed(1, x=-1),
        plant.placed(1, h=1),
        plant.placed(-1, w=-1),
        plant.placed(-1, w=1),
        plant.placed(-1, y=2),
    ],
    "id": [plant.with_one_id, plant.given("stat", id=None)],
    "size": [],
    "first screen": [plant.lower_last_line],
    "title": [
        plant.given("stat", title=""),
        plant.given("stat", title="From celigo_up"),
        plant.given("stat", title="Flow 5f0c1a2b3c4d5e6f70819203"),
        plant.called_the_same,
    ],
    "description": [plant.given("table", description="Flows."), plant.given("stat", description="")],
    "unit": [
        plant.shown("stat", unit=""),
        plant.shown("timeseries", unit=None),
        plant.on("table", plant.without_units_of_columns),
    ],
    "no value": [plant.shown("stat", noValue=""), plant.shown("table", noValue=" ")],
    "limit": [
        plant.steps(None, 5),
        plant.steps(0, 1),
        plant.steps(None, "%{api_slow.seconds}", 1),
        plant.steps(None, 1, mode="percentage"),
        plant.steps(None, "5"),
        plant.overridden("table", "Alert", thresholds={"mode": "absolute", "steps": [{"value": None}, {"value": 80}]}),
    ],
    "place": [
        plant.steps(None, "%{nothing}"),
        plant.steps(None, "%{stalled}"),
        plant.asking("celigo_up > %{nothing.seconds}"),
        plant.given("stat", description="An alert comes above %{nothing}, and pages when it lasts."),
        plant.head(description="%{nothing}"),
    ],
    "colour": [
        plant.steps(None, 1, colour="#ff0000"),
        plant.shown("stat", color={"mode": "palette-classic"}),
        plant.shown("stat", color=RED),
        plant.shown("stat", mappings=[{"type": "value", "options": {"1": {"text": "on", "color": "green"}}}]),
        plant.overridden("timeseries", "completed", color=RED),
        plant.overridden("timeseries", "completed", color={"mode": "continuous-GrYlRd"}),
        plant.marked(iconColor="red"),
    ],
    "query": [
        plant.asking("sum("),
        plant.asking("celigo_up{account=$account}"),
        plant.asking("rate(celigo_api_requests_total[$account])"),
        plant.marked(expr="celigo_up ="),
        plant.chosen(query={"query": "label_values(celigo_up{, account)", "refId": "account"}),
    ],
    "name": [
        plant.asking("celigo_nothing"),
        plant.asking("celigo:nothing"),
        plant.asking("sum(celigo_up{flow_id='x'})"),
        plant.asking("sum by (flow_id) (celigo_up)"),
        plant.asking("celigo_flow_enabled * on (flow_id) group_left (team) celigo_flow_info"),
        plant.asking("sum(ALERTS{reason='x'})"),
        plant.marked(expr="celigo_nothing"),
        plant.chosen(query={"query": "label_values(celigo_nothing, account)", "refId": "account"}),
    ],
    "value": [
        plant.asking("count(celigo_active_runs{status='sleeping'})"),
        plant.asking("count(celigo_active_runs{status!='sleeping'})"),
        plant.asking("count(celigo_active_runs{status=~'running|sleeping'})"),
        plant.asking("count(ALERTS{severity='urgent'})"),
        plant.asking("count(ALERTS{alertname='CeligoNothing'})"),
        plant.asking("count(celigo:flow_trouble{trouble='CeligoAgentOffline'})"),
        plant.asking("count(celigo_exporter_collector_success{collector='nothing'})"),
    ],
    "window": [
        plant.asking(f"sum(rate({RUNS}[1m]))"),
        plant.asking(f"sum(increase({RUNS}[$__interval]))"),
        plant.asking(f"max(max_over_time(sum(rate({RUNS}[2m]))[1h:]))"),
    ],
    "counter": [
        plant.asking(f"sum({RUNS})"),
        plant.asking(f"max(max_over_time({RUNS}[1h]))"),
        plant.asking(f"sum({RUNS} and celigo_flow_runs_total)"),
        plant.asking("sum(celigo_integration_run_duration_seconds_sum)"),
    ],
    "gauge": [
        plant.asking("sum(rate(celigo_active_runs[5m]))"),
        plant.asking("sum(increase(celigo:flow_blocked[5m]))"),
    ],
    "profile": [
        plant.asking(f"count({SILENCE})"),
        plant.asking("count(celigo:flow_silent_seconds)"),
        plant.asking("count(celigo:flow_trouble{trouble='CeligoListenerFlowSilent'})"),
        plant.asking(f"count({SILENCE}) or vector(0)"),
    ],
    "legend": [
        plant.on("timeseries", lambda panel: panel["targets"][0].update(legendFormat="{{flow_id}}")),
        plant.on("timeseries", lambda panel: panel["targets"][0].update(legendFormat="all of them")),
        plant.on("timeseries", lambda panel: panel["targets"][0].pop("legendFormat")),
        plant.on("timeseries", plant.twice_asked),
    ],
    "column": [
        plant.on("table", plant.one_more_column),
        plant.on("table", lambda panel: panel["options"].update(sortBy=[{"displayName": "Nothing", "desc": True}])),
        plant.on("table", lambda panel: panel["targets"][0].update(refId="Y")),
    ],
    "override": [
        plant.overridden("table", "Nothing", unit="s"),
        plant.overridden("timeseries", "finished", unit="s"),
        plant.overridden("timeseries", ".*", matcher="byRegexp", unit="s"),
    ],
    "apart": [plant.on("timeseries", lambda panel: panel["fieldConfig"].update(overrides=[]))],
    "annotation": [plant.marked(titleFormat="{{flow_id}}"), plant.marked(titleFormat=""), plant.alike_marks],
    "variable defined": [
        plant.asking('count(celigo_up{account=~"$acount"})'),
        plant.given("stat", title="Runs of $flow"),
        plant.linked("https://example.com/${flow}"),
        plant.marked(expr='count(celigo_up{account=~"[[acount]]"})', titleFormat="Up"),
        plant.asking(f"sum(rate({RUNS}[$__rate]))"),
    ],
    "variable used": [plant.one_more_variable("unused", type="custom", query="5m,1h")],
    "choice": [
        plant.chosen(query={"query": "label_values(celigo_up, flow_id)", "refId": "account"}),
        plant.chosen(query={"query": "celigo_flow_info", "refId": "account"}, regex='/team="(?<value>.*)"/'),
    ],
    "links above": [
        plant.head(links=[]),
        plant.head(links=[{"type": "dashboards", "title": "Celigo", "includeVars": False, "keepTime": True}]),
        plant.head(links=[{"type": "dashboards", "title": "Celigo", "includeVars": True, "keepTime": False}]),
    ],
    "link target": [
        plant.linked(ALL.replace("governance", "nowhere")),
        plant.on("table", lambda panel: panel["targets"][0].update(expr=WITH_WAY.format("celigo-nowhere"))),
    ],
    "link variables": [
        plant.linked(f"{ALL}&var-flow=${{__field.name}}"),
        plant.linked(ALL.replace("var-account", "var-accounts")),
        plant.linked(ALL.replace("var-datasource=${datasource}&", "")),
    ],
    "link time": [plant.linked(ALL.replace("&${__url_time_range}", ""))],
    "link field": [
        plant.linked("${__data.fields.app}/flows/${__data.fields.step_id}", kind="table"),
        plant.linked("${__data.fields[step_id]}", kind="table"),
        plant.linked("https://example.com/${__field.labels.flow_id}"),
    ],
}
"""By the kind of finding that names them, planted into the board on the wall."""


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_keeps_the_rules(name: str) -> None:
    assert [str(found) for found in findings(name, BOARDS)] == []


def found_in(name: str, defect: plant.Plant) -> tuple[str, list[tuple[str, str]]]:
    """Where a defect was planted, and kinds and places of what was found."""
    board = copy.deepcopy(BOARDS[name])
    where = defect(board)
    found = findings(name, {**BOARDS, name: board})
    assert all(str(one).startswith(f"{name}: {one.where}") and "\n" not in str(one) for one in found)
    return where, [(one.kind, one.where) for one in found]


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, defects in DEFECTS.items() for number in range(len(defects))]
)
def test_a_planted_defect_is_found_where_it_is(kind: str, number: int) -> None:
    where, found = found_in(FLEET, DEFECTS[kind][number])
    assert (kind, where) in found
    assert kind == "grid" or {place for _, place in found} == {where}


@pytest.mark.parametrize("folded", [False, True])
def test_too_many_panels_are_found(folded: bool) -> None:
    where, found = found_in(ROWS, plant.many(folded, 33 if folded else 26))
    assert found == [("size", where)]


def test_many_panels_in_a_collapsed_row_are_fine() -> None:
    count = len(Board(ROWS, BOARDS[ROWS]).panels)
    assert found_in(ROWS, plant.many(True, 32 - count)) == ("", [])


def test_a_row_that_is_not_a_line_by_itself_is_found() -> None:
    where, found = found_in(ROWS, plant.rows_moved)
    assert ("grid", where) in found


def test_something_is_planted_for_every_kind_of_finding() -> None:
    assert DEFECTS.keys() == CHECKS.keys()


def test_a_link_with_all_that_was_chosen_is_fine() -> None:
    assert found_in(FLEET, plant.linked(ALL))[1] == []
    everything = "/d/celigo-governance?${__all_variables}&var-datasource=${datasource}&${__url_time_range}"
    assert found_in(FLEET, plant.linked(everything))[1] == []


@pytest.mark.parametrize(
    "expr",
    [
        f"sum(rate({RUNS}[$__rate_interval]))",
        f"sum(increase({RUNS}[$__range]))",
        f"count({RUNS})",
        "sum(celigo_active_runs unless on (account) celigo_flow_runs_total)",
        "sum(changes(celigo_flow_last_modified_timestamp_seconds[2m]))",
        'count(celigo_active_runs{status=~"$account"})',
        'count(ALERTS{alertname=~"Celigo.+"})',
        "sum(scrape_samples_scraped)",
    ],
)
def test_what_may_be_asked_is_not_complained_about(expr: str) -> None:
    assert found_in(FLEET, plant.asking(expr))[1] == []
