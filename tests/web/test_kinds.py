"""Values that only a web configuration file has."""

import pytest

from exporter.web.kinds import parse_go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1s", 1.0),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("100ms", 0.1),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("1ns", 1e-9),
        ("1m30s", 90.0),
        ("1h", 3600.0),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "1", "-1s", "s", "1 s", "1d", "1s1", "1s ", "\u0661s", ".s", "1e3s", "9999999999s"]
)
def test_what_go_would_not_read_so_is_none(text: str) -> None:
    assert parse_go_duration(text) is None
