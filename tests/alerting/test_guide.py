"""docs/troubleshooting.md leaves out no heading, cause or code of the troubleshooting guide, and names what exists.

`guide.txt` has the guide's headings, codes and causes, one a line; what is said to a cause is ours.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from promql_parser import parse

from exporter import check
from exporter.rules.source import alerts
from tests.alerting.expression import selectors
from tests.alerting.labels import labels
from tests.alerting.members import impossible
from tests.alerting.needs import Needs
from tests.alerting.pages import page

GUIDE = (Path(__file__).with_name("guide.txt")).read_text(encoding="utf-8").splitlines()
PAGE = page("troubleshooting.md")
HEAD = ["In the guide", "Metrics", "Alerts", "`celigo-exporter check` shows"]
ALERTS = {alert.alert for alert in alerts()}
NEEDS = Needs()
SAID = " ".join(
    re.sub(r'"\s*\n\s*f?"', "", module.read_text(encoding="utf-8")) for module in Path(check.__path__[0]).glob("*.py")
)


def rows() -> Iterator[list[str]]:
    """Cells of every row of every table, without heads."""
    for line in PAGE.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells != HEAD and set(cells) != {"---"}:
            yield cells


ROWS = list(rows())


def test_every_line_of_the_guide_has_exactly_one_row_in_its_order() -> None:
    assert [row[0].strip("`") for row in ROWS] == GUIDE
    assert len(set(GUIDE)) == len(GUIDE)


def test_the_guides_codes_and_the_statuses_are_among_them() -> None:
    codes = {"unauthorized", "forbidden", "connection_timeout", "rate_limit_exceeded"}
    codes |= {"FIELD_VALIDATION_ERROR", "DUPLICATE_RECORD", "CONNECTION_ERROR", "LOOKUP_NOT_FOUND"}
    codes |= {"400", "401", "403", "404", "409", "422", "429", "500", "502", "503"}
    assert codes <= set(GUIDE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_cell_of_a_row_is_empty(row: list[str]) -> None:
    assert len(row) == len(HEAD)
    assert all(row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_metrics_labels_and_label_values_that_exist(row: list[str]) -> None:
    named = [text for text in re.findall(r"`([^`]+)`", row[1]) if text.startswith("celigo_")]
    assert named
    for text in named:
        labels(parse(text), NEEDS.recorded)
        assert [line for part in selectors(parse(text)) for line in impossible(part)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_leads_to_alerts_that_exist(row: list[str]) -> None:
    links = re.findall(r"\[(\w+)\]\(runbooks\.md#(\w+)\)", row[2])
    assert links
    for name, anchor in links:
        assert name in ALERTS
        assert anchor == name.lower()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_quotes_what_check_says(row: list[str]) -> None:
    for quoted in re.findall(r"\*([^*]+)\*", row[3]):
        assert quoted in SAID


def test_every_alert_about_the_api_is_reached_from_the_guide() -> None:
    reached = set(re.findall(r"\[(\w+)\]\(runbooks", PAGE))
    about_the_api = {alert.alert for alert in alerts() if alert.about == "account" and "Api" in alert.alert}
    assert about_the_api <= reached
