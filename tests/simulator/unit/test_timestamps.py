"""Writing and reading instants as the contract says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.timestamps import iso, parse_instant


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_788_000_000_007, "2026-08-29T10:40:00.007Z"),
        (1_709_164_800_999, "2024-02-29T00:00:00.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds(ms: int, text: str) -> None:
    assert iso(ms) == text


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-08-29T10:40:00.007Z", 1_788_000_000_007),
        ("2026-08-29T10:40:00Z", 1_788_000_000_000),
        ("2026-08-29T12:40:00+02:00", 1_788_000_000_000),
        ("2026-08-29T10:40:00", 1_788_000_000_000),
        ("2026-08-29", 1_787_961_600_000),
        ("1788000000007", 1_788_000_000_007),
    ],
)
def test_every_form_a_filter_may_take_is_read(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-08-29T99:00Z", "12", "1e12", "-1788000000000"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_what_is_written_is_read_back_exactly(ms: int) -> None:
    assert parse_instant(iso(ms)) == ms
