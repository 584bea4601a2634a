"""What the log tells of a bug: enough to find it, nothing of what the code was working on."""

import pytest

from exporter.bugs import bug_fields


def fails(depth: int, text: str) -> None:
    if depth:
        fails(depth - 1, text)
    raise ValueError(text)


def caught(depth: int = 0, text: str = "x") -> Exception:
    with pytest.raises(ValueError, match=r".*") as failure:
        fails(depth, text)
    return failure.value


def test_class_and_places_are_told() -> None:
    fields = bug_fields(caught())
    assert fields["exception"] == "ValueError"
    assert str(fields["at"]).startswith("test_bugs.py:")
    assert " fails < test_bugs.py:" in str(fields["at"])


def test_the_text_is_not_told() -> None:
    assert "jane.roe@example.com" not in repr(bug_fields(caught(text="record of jane.roe@example.com")))


def test_no_folder_of_the_machine_is_told() -> None:
    assert "/" not in str(bug_fields(caught())["at"])


def test_a_deep_recursion_stays_one_short_line() -> None:
    at = str(bug_fields(caught(depth=200))["at"])
    assert at.count(" < ") == 11
    assert "\n" not in at


def test_an_exception_that_was_never_raised_has_no_places() -> None:
    assert bug_fields(KeyError("x")) == {"exception": "KeyError", "at": ""}
