"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.quantity import format_duration, format_size, parse_duration, parse_size
from tests.config.speed import ANY_SPEED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("1ms", 0.001),
        ("30s", 30.0),
        ("5m", 300.0),
        ("90m", 5400.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1w", 604_800.0),
        ("1w1d1h1m1s1ms", 694_861.001),
        ("007s", 7.0),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "30",
        "s",
        "30 s",
        "30S",
        "1.5h",
        "-1s",
        "+1s",
        "1m1h",
        "1s1s",
        "1y",
        "30s\n",
        " 30s",
        "1e3s",
        "\u0663\u0660s",
        "1" * 10 + "s",
    ],
    ids=repr,
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@ANY_SPEED
@given(st.integers(0, 10**12))
def test_a_written_duration_reads_as_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.05, "50ms"),
        (60, "1m"),
        (90, "1m30s"),
        (86_400, "1d"),
        (90_061.5, "1d1h1m1s500ms"),
        (1_209_600, "14d"),
    ],
)
def test_a_duration_is_written_with_the_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "count"), [("0B", 0), ("17B", 17), ("64KiB", 65_536), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824)]
)
def test_a_size_is_read_in_bytes(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "64", "64MB", "64mib", "1.5GiB", "-1B", "64 MiB", "MiB", "1TiB", "٦٤MiB", "1MiB1KiB", "1" * 19 + "B"],
    ids=repr,
)
def test_what_is_no_size_is_none(text: str) -> None:
    assert parse_size(text) is None


@ANY_SPEED
@given(st.integers(0, 10**15))
def test_a_written_size_reads_as_the_same(count: int) -> None:
    assert parse_size(format_size(count)) == count


@ANY_SPEED
@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    assert isinstance(parse_duration(text), float | None)
    assert isinstance(parse_size(text), int | None)
