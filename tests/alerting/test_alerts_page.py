"""docs/alerts.md is what the rules say."""

import re
from pathlib import Path

import pytest

from exporter.rules.source import Alert, alerts, groups
from exporter.rules.thresholds import Thresholds, default_thresholds
from tests.alerting.alerts_page import FILE_NAME, TITLES, alerts_page, meanings, readable, write
from tests.alerting.needs import Needs
from tests.alerting.pages import page

PAGE = page(FILE_NAME)
ALERTS = {alert.alert: alert for alert in alerts()}
NEEDS = Needs()
DEFAULTS = default_thresholds().values


def test_the_committed_page_is_made_from_the_rules() -> None:
    assert alerts_page() == PAGE, "run `make docs`"


def test_the_page_can_be_written_anywhere(tmp_path: Path) -> None:
    assert write(tmp_path).read_text(encoding="utf-8") == PAGE


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_every_alert_has_one_row_with_a_link_to_its_runbook(alert: str) -> None:
    link = f"| [{alert}](runbooks.md#{alert.lower()}) | {ALERTS[alert].severity} | {ALERTS[alert].about}"
    (row,) = [line for line in PAGE.splitlines() if line.startswith(link)]
    assert f" | {NEEDS.profile(alert)} | " in row


def test_every_group_that_alerts_has_a_title() -> None:
    assert set(TITLES) == {group.name for group in groups() if any(isinstance(rule, Alert) for rule in group.rules)}


@pytest.mark.parametrize("name", DEFAULTS, ids=str)
def test_every_threshold_has_one_row_with_its_default_and_a_meaning(name: str) -> None:
    default = DEFAULTS[name].replace("|", "\\|")
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | `{default}` | ")]
    assert all(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1])


def test_no_template_is_left_in_what_an_alert_says() -> None:
    before_thresholds = PAGE.split("## Thresholds")[0]
    assert not re.search(r"\{\{|\$", before_thresholds)


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("{{ $labels.flow_name }} waits {{ $value | humanizeDuration }}", "*flow_name* waits *duration*"),
        (
            "{{ $value | humanizePercentage }} of {{ $value }} and {{ $value | humanize }}",
            "*share* of *number* and *number*",
        ),
        ("for ${time}", "for 5m"),
    ],
)
def test_templates_and_placeholders_are_shown_for_people(summary: str, shown: str) -> None:
    assert readable(summary, Thresholds({"time": "5m"})) == shown


def test_a_meaning_stands_beside_its_threshold_or_above_it() -> None:
    said = {name: meaning for entries in meanings().values() for name, meaning in entries.items()}
    assert list(said) == list(DEFAULTS)
    assert said["down_for"] == "the exporter cannot be scraped"
    assert said["grace_ratio"] == "of the schedule's interval may pass after a tick"
    assert said["app_url"].startswith("Where integrator.io's own pages are.")
