"""SECURITY.md promises nothing without the name of a test that holds it."""

import re
from pathlib import Path

import pytest

from tests.named import missing_test

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text()
CLAIMS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| Cannot", "| ---"))
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[0])
def test_every_claim_has_a_reason_and_a_test_that_exists(claim: list[str]) -> None:
    _, reason, test = claim
    assert reason
    assert missing_test(test.strip("`")) is None


def test_it_speaks_of_everybody_who_might_attack() -> None:
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == [
        "On the scrape port",
        "In the API: a hostile or compromised answer",
        "In the names of flows",
        "In the configuration",
        "In the state file",
        "In Redis",
        "On the network between",
        "In the supply chain",
    ]
    assert "## What is not protected" in PAGE


def test_a_test_that_is_not_there_would_be_found() -> None:
    assert missing_test("tests/test_security_page.py::test_that_nobody_wrote") is not None
    assert missing_test("tests/nowhere.py") is not None
    assert missing_test("exporter/cli.py") is not None
    assert missing_test("tests/test_security_page.py::test_a_test_that_is_not_there_would_be_found") is None


def test_no_finding_of_the_static_analysis_is_waived_without_a_reason() -> None:
    waived = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in [*(ROOT / "exporter").rglob("*.py"), *(ROOT / "dashboards").rglob("*.py")]
        for line in path.read_text().splitlines()
        if re.search(r"# noqa(?!: [A-Z0-9, ]+ - \S)|# nosec", line)
    ]
    assert not waived
