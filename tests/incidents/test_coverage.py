"""The matrix is whole: every alert is in it, and everything that has to be covered."""

from pathlib import Path

import pytest

from tests.incidents.matrix import scenarios
from tests.incidents.rules import shipped
from tests.incidents.scenario import read

WANTED = (
    *("token revoked", "token expired", "wrong region", "missing scope", "DNS", "TLS", "timeouts", "5xx"),
    *("429 from us", "429 from others", "truncated answers", "malformed answers", "exporter down", "collector stale"),
    *("clock skew", "flow disabled", "unscheduled", "missed once", "missed thrice", "delayed by a long run"),
    *("DST skip upcoming", "many flows overdue", "all flows of an integration switched off", "run stuck"),
    *("run stalled", "very long", "queued", "retrying for long", "failing once", "failing three times"),
    *("partial errors at 1 %", "partial errors at 30 %", "empty runs", "error storm by classification", "slow growth"),
    *("ageing", "expiring", "unassigned", "connection offline 10 min", "connection offline 20 min"),
    *("connection offline 2 h", "flapping", "with 40 flows on it", "queue growing", "concurrency cut", "agent offline"),
    *("licence expiring in 20 days", "entitlement at 95 %", "listener silent", "freshness objective burning fast"),
    *("freshness objective burning slow", "record objective burning fast", "record objective burning slow"),
    *("broken since edited", "series cap hit", "list truncated", "configuration not reloaded"),
)
FEWEST = 40


@pytest.fixture(scope="module")
def covered() -> frozenset[str]:
    return frozenset(each for file in scenarios() for each in read(file).covers)


@pytest.mark.parametrize("what", WANTED)
def test_it_is_covered(what: str, covered: frozenset[str]) -> None:
    assert what in covered


@pytest.mark.parametrize("alert", shipped().alerts)
def test_every_alert_is_expected_somewhere(alert: str) -> None:
    assert any(expected.alert == alert for file in scenarios() for expected in read(file).expect)


def test_there_are_many_scenarios_and_each_names_only_alerts_that_exist() -> None:
    assert len(scenarios()) >= FEWEST
    named = {expected.alert for file in scenarios() for expected in read(file).expect}
    assert named <= set(shipped().alerts)


def test_the_page_about_alerts_says_how_many_incidents_they_were_tried_on() -> None:
    page = (Path(__file__).parents[2] / "docs/alerting.md").read_text(encoding="utf-8")
    assert f" {len(scenarios())} incidents, " in page
