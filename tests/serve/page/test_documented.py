"""The page about the page says what is so, and its pictures are there."""

import re
from pathlib import Path
from typing import get_args

from exporter.collect.health import CHECKS
from exporter.serve.page import flows, overview
from exporter.serve.page.standing import TONES, Word
from exporter.serve.page.words import SHOWN_CHARACTERS
from tests.serve.pictures import PICTURES

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "status-page.md").read_text("utf-8")


def test_every_state_is_explained_and_no_other() -> None:
    section = TEXT.partition("## States of an account")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(TONES) == set(get_args(Word))


def test_bounds_and_checks_are_those_of_the_code() -> None:
    assert f"{overview.ACCOUNTS} at a time" in TEXT
    assert f"cut to {SHOWN_CHARACTERS} characters" in TEXT
    assert (flows.ROWS, "the ten that are overdue" in TEXT) == (10, True)
    assert ", ".join(f"`{name}`" for name in CHECKS) in TEXT


def test_every_picture_is_shown_and_small() -> None:
    assert set(re.findall(r"\(images/([\w-]+)\.png\)", TEXT)) == set(PICTURES)
    for name in PICTURES:
        picture = (DOCS / "images" / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 200_000
