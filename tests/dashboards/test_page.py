"""The page about the dashboards, and the table of where an alert shows."""

import re
from pathlib import Path

import pytest

from dashboards.source.boards import BOARDS
from dashboards.source.page import FILE_NAME, page
from dashboards.source.where import WHERE
from exporter.rules.source import alerts

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / FILE_NAME).read_text(encoding="utf-8")
TITLES = {board.uid: [placed.panel.title for row in board.rows for placed in row.panels] for board in BOARDS}
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_page_is_what_the_boards_say() -> None:
    assert page() == PAGE, "`make docs` writes it"


@pytest.mark.parametrize("uid", TITLES)
def test_a_board_has_its_picture_of_a_screen_that_is_1920_pixels_wide(uid: str) -> None:
    assert f"(images/dashboards/{uid}.png)" in PAGE
    picture = (DOCS / "images" / "dashboards" / f"{uid}.png").read_bytes()
    assert picture.startswith(PNG)
    assert int.from_bytes(picture[16:20], "big") == 1920


def test_the_first_board_fits_one_screen() -> None:
    picture = (DOCS / "images" / "dashboards" / "celigo-fleet.png").read_bytes()
    assert int.from_bytes(picture[20:24], "big") <= 1080


def test_captions_say_that_pictures_are_previews() -> None:
    captions = re.findall(r"!\[([^\]]*)\]", PAGE)
    assert len(captions) == len(BOARDS)
    assert all(caption.startswith("Preview of ") for caption in captions)


def test_no_picture_is_left_of_a_board_that_is_gone() -> None:
    assert {path.stem for path in (DOCS / "images" / "dashboards").iterdir()} == set(TITLES)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_board_answers_questions(board: object) -> None:
    answers = getattr(board, "answers", ())
    assert len(answers) >= 3
    assert all(answer.endswith("?") and f"- {answer}" in PAGE for answer in answers)


def test_every_alert_has_a_panel_on_which_it_shows() -> None:
    assert list(WHERE) == [alert.alert for alert in alerts()]


@pytest.mark.parametrize(("uid", "title"), sorted(set(WHERE.values())))
def test_the_panel_is_there(uid: str, title: str) -> None:
    assert title in TITLES[uid]
