"""Pages written by hand name what exists, and leave nothing out."""

import re
from pathlib import Path

from exporter.simulator.incidents import KNOWN_KINDS

ROOT = Path(__file__).parents[1]


def kinds_in_tables(page: str) -> set[str]:
    cells = [
        line.split("|")[1] for line in page.splitlines() if line.startswith("| `") and "/" not in line.split("|")[1]
    ]
    return {kind for cell in cells for kind in re.findall(r"`(\w+)`", cell)}


def test_the_simulators_page_lists_exactly_the_incidents_that_exist() -> None:
    assert kinds_in_tables((ROOT / "docs/simulator.md").read_text()) == set(KNOWN_KINDS)


def test_every_relative_link_leads_to_a_file() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_stays_under_two_hundred_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
