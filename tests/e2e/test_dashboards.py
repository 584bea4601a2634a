"""Every query of every board on a real Prometheus that has watched the demo's account for a while.

Variables are filled from that account, as somebody's browser would; what only shows in an hour or a week is listed.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from msgspec import structs

from exporter.dashboards.bundle import boards
from tests.dashboards.asking import Answered, Opened, asked, opened
from tests.dashboards.reading import Shown, read
from tests.dashboards.source import DataSource
from tests.e2e.troubled import MEANWHILE, Troubled, troubled

EMPTY: Mapping[tuple[str, str], str] = {
    ("celigo-connections.json", "Where is debug logging on?"): "it is over everywhere in the demo's account",
    ("celigo-errors.json", "Change in 24 hours"): "Prometheus has not watched for a day",
    ("celigo-integration.json", "Records, of a week ago"): "nor for a week",
}
"""Panels that have nothing to show after some minutes, and why; each of the others has."""

SOON = (
    'celigo:flow_labels{team="commerce"}',
    "celigo_flow_baseline_run_duration_seconds",
)
"""What is known before anything happens."""

THEN = (
    "celigo:connection_down",
    "celigo:agent_down",
    "celigo:flow_disabled",
    "sum(increase(celigo_audit_events_total[5m])) > 0",
    'sum(rate(celigo_api_errors_total{type="rate_limited"}[5m])) > 0',
    'sum(rate(celigo_api_errors_total{type="unavailable"}[5m])) > 0',
    'sum by (status) (rate(celigo_integration_runs_total{status="failed"}[5m])) > 0',
    'ALERTS{alertstate="firing", alertname="CeligoFlowFailingRepeatedly"}',
    'ALERTS{alertstate="firing", alertname="CeligoFlowQueued"}',
    'celigo:flow_trouble{trouble="CeligoFlowOverdue"}',
    'celigo:flow_trouble_named:objectives{trouble="CeligoFreshnessSloBreached"}',
)
"""What Prometheus sees of the troubles before the boards are asked."""

RECENT = Shown("now-15m", "now")
"""What somebody chooses who has watched for some minutes: of a day, a line would have a point or none."""


@pytest.fixture(scope="module")
def account(prometheus_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    with troubled(tmp_path_factory.mktemp("boards"), prometheus_binary) as account:
        for query in SOON:
            account.sees(query)
        account.find_spare()
        account.inject(MEANWHILE)
        for query in THEN:
            account.sees(query)
        yield account


def shown(account: Troubled) -> Iterator[tuple[str, Opened, DataSource]]:
    """Every board for its own range of time, ready to ask; where one flow is chosen, the one with most trouble."""
    wanted = {"flow": account.parts["shown"], "integration": account.integration, "connection": account.parts["spare"]}
    # Lines end on a whole minute: the next one, as what is newest now is not too old then.
    source = DataSource(account.prometheus.url, math.ceil(time.time() / 60) * 60)
    for name, text in boards(account.thresholds).items():
        board = read(text)
        one = {variable.name for variable in board.variables if not variable.many}
        yield name, opened(board, source, {name: value for name, value in wanted.items() if name in one}), source


def test_prometheus_answers_every_query_of_every_board_without_an_error(account: Troubled) -> None:
    answers, errors = [], []
    for name, board, source in shown(account):
        marks = asked(board, source, [mark.panel() for mark in board.board.marks])
        found = [*board.variables, *asked(board, source, board.board.asking()), *marks]
        answers += [answer for one in found for answer in one.answers]
        errors += [f"{name}: {error}" for one in found for error in one.errors]
    silent = sum(not answer.series for answer in answers)
    print(f"{len(answers)} queries, {len(errors)} errors, {silent} queries find nothing")
    assert not errors
    assert answers


def test_every_variable_has_something_to_choose(account: Troubled) -> None:
    empty = [(name, one.title) for name, board, _ in shown(account) for one in board.variables if not one.series]
    assert not empty


def test_nearly_every_panel_shows_something_and_the_others_are_known_with_a_reason(account: Troubled) -> None:
    panels: dict[tuple[str, str], Answered] = {}
    for name, board, source in shown(account):
        recent = replace(board, board=structs.replace(board.board, time=RECENT))
        panels |= {(name, panel.title): panel for panel in asked(recent, source, recent.board.asking())}
    empty = {place for place, panel in panels.items() if not panel.series}
    share = 1 - len(empty) / len(panels)
    print(f"{len(panels)} panels, {share:.1%} with data; without:")
    for name, title in sorted(empty):
        print(f"{name}: {title}: {EMPTY.get((name, title), 'for no known reason')}")
    assert empty == EMPTY.keys()
    assert share >= 0.95
