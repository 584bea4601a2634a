"""Numbers, times and names as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.serve.page.words import (
    SHOWN_CHARACTERS,
    UNKNOWN,
    ago,
    count,
    counted,
    in_words,
    share,
    size,
    span,
    visible,
)

NOW = 1_788_000_000.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (90, "90 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 d"),
    ],
)
def test_a_length_of_time_is_told_in_the_largest_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_what_never_was_is_told_so() -> None:
    assert ago(None, NOW) == "never"
    assert ago(NOW - 60, NOW) == "60 s ago"


@pytest.mark.parametrize("instant", [float("inf"), float("-inf"), float("nan"), 1e300, -1e15])
def test_what_is_no_date_is_told_as_nothing(instant: float) -> None:
    assert in_words(instant) == ""


def test_a_date_is_told_in_utc() -> None:
    assert in_words(NOW) == "2026-08-29 10:40:00 UTC"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (10, 10, "100 %"), (1, 3, "33 %"), (0, 0, UNKNOWN)],
)
def test_a_share_is_whole_only_when_nothing_is_missing(part: float, whole: float, text: str) -> None:
    assert share(part, whole) == text


def test_numbers_have_their_nouns() -> None:
    assert (counted(1, "flow"), counted(1234, "flow"), counted(2, "family", "families")) == (
        "1 flow",
        "1,234 flows",
        "2 families",
    )
    assert count(None) == UNKNOWN
    assert [size(number) for number in (7, 2048, 3 * 1024**2, 5.5 * 1024**3)] == [
        "7 B",
        "2.0 KiB",
        "3.0 MiB",
        "5.5 GiB",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Bestellungen → ERP (Größe „L“)", "Bestellungen → ERP (Größe „L“)"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("nothing\x00\x1b[31m", "nothing\ufffd\ufffd[31m"),
        ("half a pair \ud83d", "half a pair \ufffd"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
    ],
)
def test_every_character_of_a_name_can_be_seen(name: str, shown: str) -> None:
    assert visible(name) == shown


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_name_is_one_short_line_that_can_be_sent(name: str) -> None:
    shown = visible(name)
    assert len(shown) <= SHOWN_CHARACTERS
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1
