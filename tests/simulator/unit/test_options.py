"""Settings that no account could have are refused; the token is not shown."""

from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.options import SimulatorOptions


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"flows": -1}, "flows"),
        ({"page_size": 0}, "page"),
        ({"job_page_size": 0}, "page"),
        ({"history_seconds": -1.0}, "history"),
        ({"history_seconds": 100.0, "retention_seconds": 50.0}, "retention"),
        ({"bucket_size": 0}, "bucket"),
        ({"bucket_rate": 0.0}, "bucket"),
        ({"failure_rate": 1.1}, "rates"),
        ({"error_rate": -0.1}, "rates"),
        ({"unresolved_share": 1.1}, "shares"),
        ({"tls_cert": Path("c")}, "TLS"),
        ({"tls_key": Path("k")}, "TLS"),
    ],
    ids=str,
)
def test_an_impossible_setting_is_refused_by_name(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        SimulatorOptions(**changes)


def test_the_token_is_not_in_the_representation() -> None:
    assert "very-secret" not in repr(SimulatorOptions(token="very-secret"))


def test_options_are_a_value() -> None:
    assert SimulatorOptions() == SimulatorOptions()
    assert SimulatorOptions().retention_ms == 30 * 86_400_000
