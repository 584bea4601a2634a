"""The harness can fail: whatever differs from what a scenario expects is a problem of its own kind."""

from collections.abc import Callable, Mapping

import pytest

from tests.incidents.cast import Cast
from tests.incidents.judge import Verdict, episodes, judge
from tests.incidents.promtool import Firing, evaluated, firings, reported
from tests.incidents.rules import rules_of
from tests.incidents.scenario import parse
from tests.incidents.stage import Played
from tests.incidents.tape import Tape

RULES = rules_of(
    """
groups:
- name: few
  rules:
  - alert: Unreachable
    expr: celigo_up == 0
    for: 5m
    labels: {severity: critical, scope: account}
    annotations:
      summary: "{{ $labels.account }} cannot be reached"
      description: "Since a while."
      runbook_url: "https://docs.example/#unreachable"
  - alert: Down
    expr: max by (job) (up) == 0
    labels: {severity: critical, scope: exporter}
    annotations: {summary: "Down for {{ $labels.nothing | humanize }}", runbook_url: "https://docs.example/#down"}
"""
)
BEGIN = 1_788_000_000.0
WARM_UP, LASTS = 10, 60
UP = b'celigo_up{account="acme",environment="production"} %d\n'

EXPECTED = "{alert: Unreachable, within: [5m, 6m], resolves: [30m, 31m], labels: {severity: critical, account: acme}}"

Judged = Callable[..., Verdict]


def played(up: Callable[[int], bool], exporter: Callable[[int], bool] = lambda _: True) -> Played:
    """A tape on which the API is up or not by minutes after the warm-up."""
    tape = Tape(BEGIN, frozenset({"celigo_up"}))
    for minute in range(WARM_UP + LASTS + 1):
        if exporter(minute - WARM_UP):
            tape.add(BEGIN + 60 * minute, UP % up(minute - WARM_UP))
        else:
            tape.miss(minute)
    return Played(tape, Cast(), BEGIN)


def verdict(recorded: Played, *expected: str) -> Verdict:
    lines = "".join(f"  - {line}\n" for line in expected)
    text = f"title: t\nsteps: []\nwarm_up: {WARM_UP}m\nlasts: {LASTS}m\nexpect:{' []' if not expected else ''}\n{lines}"
    scenario = parse(text, "t.yml")
    fired = firings(recorded, RULES, scenario.minutes, [each.alert for each in scenario.expect])
    return judge(scenario, recorded.cast, episodes(fired, scenario.warm_up, scenario.minutes))


def outage(minute: int) -> bool:
    """Whether the API is up: not from 0m to 30m."""
    return not 0 <= minute < 30


def test_what_is_as_expected_is_no_problem() -> None:
    judged = verdict(played(outage), EXPECTED)
    assert judged.problems == []
    (line,) = judged.lines
    assert (line.detected, line.resolved) == (5, 30)


CHANGES: Mapping[str, tuple[tuple[str, str], str]] = {
    "late": (("[5m, 6m]", "[2m, 4m]"), "Unreachable: late: fired after 5m, expected 2m to 4m"),
    "early": (("[5m, 6m]", "[6m, 8m]"), "Unreachable: early: fired after 5m, expected 6m to 8m"),
    "resolved late": (("[30m, 31m]", "[20m, 25m]"), "Unreachable: resolved late: after 30m, expected 20m to 25m"),
    "resolved early": (("[30m, 31m]", "[40m, 45m]"), "Unreachable: resolved early: after 30m, expected 40m to 45m"),
    "resolved at all": ((", resolves: [30m, 31m]", ""), "Unreachable: resolved after 30m, expected to last"),
    "another label": (("severity: critical", "severity: info"), "label severity is 'critical', expected 'info'"),
    "a label that is missing": (("account: acme", "team: sales"), "label team is 'missing', expected 'sales'"),
    "too few": (("resolves", "count: 2, resolves"), "Unreachable: did not fire"),
}


@pytest.mark.parametrize(("change", "problem"), CHANGES.values(), ids=CHANGES)
def test_what_differs_is_said(change: tuple[str, str], problem: str) -> None:
    (said,) = verdict(played(outage), EXPECTED.replace(*change)).problems
    assert problem in said


def test_an_alert_that_does_not_fire_is_said() -> None:
    (said,) = verdict(played(lambda _: True), EXPECTED).problems
    assert said == "Unreachable: did not fire (severity=critical, account=acme)"


def test_an_alert_that_nobody_expects_is_said() -> None:
    judged = verdict(played(outage))
    (said,) = judged.problems
    assert "fired after 5m, expected by nobody" in said
    assert judged.false_alarms == 1


def test_an_alert_that_comes_again_is_one_too_many() -> None:
    judged = verdict(played(lambda minute: outage(minute) and not 40 <= minute < 50), EXPECTED)
    (said,) = judged.problems
    assert "fired after 45m, expected by nobody" in said


def test_an_alert_in_the_warm_up_is_nobody_s() -> None:
    (said,) = verdict(played(lambda minute: minute >= -2)).problems
    assert "fired after -5m, expected by nobody" in said


def test_an_alert_that_does_not_resolve_is_said() -> None:
    (said,) = verdict(played(lambda minute: minute < 0), EXPECTED).problems
    assert said == "Unreachable: did not resolve, expected 30m to 31m"


def test_texts_with_holes_are_said() -> None:
    recorded = played(lambda _: True, lambda minute: minute < 10)
    problems = verdict(recorded, "{alert: Down, within: [10m, 10m]}").problems
    assert any("annotation description is missing" in problem for problem in problems)
    assert any("annotation summary has 'error expanding' in it" in problem for problem in problems)


def test_series_end_with_the_exporter_and_its_target_is_down() -> None:
    recorded = played(lambda _: False, lambda minute: minute < 0)
    fired = {(firing.name, firing.minute - WARM_UP) for firing in firings(recorded, RULES, WARM_UP + LASTS, [])}
    assert max(minute for name, minute in fired if name == "Unreachable") == -1
    assert min(minute for name, minute in fired if name == "Down") == 0


def test_of_two_replicas_each_series_is_there_and_the_second_is_late() -> None:
    told = evaluated(played(lambda minute: minute < 0), RULES, WARM_UP + LASTS, [], replicas=2)
    found = episodes((one for one in told if isinstance(one, Firing)), WARM_UP, WARM_UP + LASTS)
    assert [(each.labels["instance"], each.begin) for each in found] == [("exporter:10940", 5), ("replica:10940", 6)]


def test_an_alert_is_over_at_the_first_evaluation_without_it() -> None:
    labels = (("alertname", "A"),)
    (found,) = episodes([Firing(minute, labels) for minute in (10, 20)], 0, 60, every=10)
    assert (found.begin, found.resolved) == (10, 30)


@pytest.mark.parametrize(
    ("said", "minute"), [("50m", 50), ("25h30m", 1530), ("1d", 1440), ("1w", 10080), ("169h10m", 10150)]
)
def test_minutes_are_read_as_promtool_says_them(said: str, minute: int) -> None:
    report = f'    expr: "up", time: {said}, \n        got:[\n  got: {{alertname="A"}} 1E+00\n'
    assert [firing.minute for firing in reported(report)] == [minute]


def test_firings_of_a_minute_without_another_are_two_episodes() -> None:
    labels = (("alertname", "A"),)
    found = episodes([Firing(minute, labels) for minute in (3, 4, 6, 9)], 0, 9)
    assert [(each.begin, each.resolved) for each in found] == [(3, 5), (6, 7), (9, None)]
