"""What a server asks for before the next attempt, and how long to wait when it does not."""

import math
from email.utils import formatdate
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.retry import backoff, parse_retry_after
from tests.clocks import EPOCH

MAXIMUM = 120.0

TABLE: dict[str, tuple[str | None, float | None]] = {
    "none": (None, None),
    "empty": ("", None),
    "blank": ("   ", None),
    "zero": ("0", 0.0),
    "seconds": ("17", 17.0),
    "leading zeros": ("0017", 17.0),
    "surrounding blanks": (" 17 ", 17.0),
    "the maximum": ("120", 120.0),
    "over the maximum": ("121", MAXIMUM),
    "a year": ("31536000", MAXIMUM),
    "a number longer than Python converts": ("9" * 5000, MAXIMUM),
    "word": ("soon", None),
    "unit": ("5s", None),
    "list": ("5, 10", None),
    "hexadecimal": ("0x10", None),
    "digits that are not ascii": ("٣", None),
    "underscores": ("1_0", None),
    "infinity": ("inf", None),
    "not a number": ("nan", None),
    "exponent": ("1e1", None),
    "date": (formatdate(EPOCH + 30, usegmt=True), 30.0),
    "date with a zero offset": (formatdate(EPOCH + 30), 30.0),
    "past date": (formatdate(EPOCH - 30, usegmt=True), 0.0),
    "date far ahead": (formatdate(EPOCH + 86400, usegmt=True), MAXIMUM),
    "present": (formatdate(EPOCH, usegmt=True), 0.0),
    "old date form": ("Saturday, 29-Aug-26 10:40:30 GMT", 30.0),
    "C date form": ("Sat Aug 29 10:40:30 2026", 30.0),
    "broken date": ("Sat, 99 Aug 2026 10:40:30 GMT", None),
    "half a date": ("Sat, 29 Aug", None),
}


@pytest.mark.parametrize(("value", "expected"), TABLE.values(), ids=TABLE.keys())
def test_retry_after_is_read_as_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value, EPOCH, MAXIMUM) == expected


@pytest.mark.parametrize("value", ["-1", "-99999", "-0"])
def test_nobody_can_ask_for_less_than_nothing(value: str) -> None:
    assert parse_retry_after(value, EPOCH, MAXIMUM) in (None, 0.0)


@given(st.text(), st.floats(0, 4e9), st.floats(0, 1e6))
def test_whatever_the_header_says_the_wait_is_bounded(value: str, now: float, maximum: float) -> None:
    seconds = parse_retry_after(value, now, maximum)
    assert seconds is None or (math.isfinite(seconds) and 0.0 <= seconds <= maximum)


@given(st.integers(0, 10**9), st.floats(0, 1e6))
def test_whole_seconds_are_obeyed_up_to_the_maximum(seconds: int, maximum: float) -> None:
    assert parse_retry_after(str(seconds), EPOCH, maximum) == min(float(seconds), maximum)


@given(st.integers(-(10**6), 10**6))
def test_a_date_is_obeyed_up_to_the_maximum(ahead: int) -> None:
    header = formatdate(EPOCH + ahead, usegmt=True)
    assert parse_retry_after(header, EPOCH, MAXIMUM) == min(max(float(ahead), 0.0), MAXIMUM)


@given(st.text(alphabet="0123456789 ,:-+GMTSatAugSunJan", max_size=40))
def test_things_that_look_like_dates_never_raise(value: str) -> None:
    seconds = parse_retry_after(value, EPOCH, MAXIMUM)
    assert seconds is None or 0.0 <= seconds <= MAXIMUM


@pytest.mark.parametrize("attempt", [0, 1, 2, 3, 4, 10, 64, 1000, 10**6])
@pytest.mark.parametrize("draw", [0.0, 0.25, 0.999999, 1.0])
def test_backoff_stays_between_nothing_and_its_cap(attempt: int, draw: float) -> None:
    assert 0.0 <= backoff(attempt, lambda: draw) <= 20.0


def test_backoff_grows_until_its_cap() -> None:
    waits = [backoff(attempt, lambda: 1.0, base=0.5, cap=20.0) for attempt in range(12)]
    assert waits == sorted(waits)
    assert waits[0] <= 1.0
    assert waits[-1] == 20.0
    growing = [wait for wait in waits if wait < 20.0]
    assert all(after == 2 * before for before, after in pairwise(growing[1:]))


def test_backoff_has_full_jitter() -> None:
    top = backoff(3, lambda: 1.0)
    assert backoff(3, lambda: 0.0) == 0.0
    assert backoff(3, lambda: 0.5) == pytest.approx(top / 2)


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0.001, 10), st.floats(0.001, 100))
def test_backoff_obeys_any_base_and_cap(attempt: int, draw: float, base: float, cap: float) -> None:
    assert 0.0 <= backoff(attempt, lambda: draw, base=base, cap=cap) <= cap
