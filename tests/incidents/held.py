"""One case for each scenario file of a group; a module of tests per group, so that processes share the matrix."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from exporter.rules.source import alerts
from tests.incidents.matrix import name_of, scenarios, tried
from tests.incidents.rules import shipped
from tests.incidents.scenario import ScenarioError, read

Case = Callable[[str], None]

_SECONDS, _LONG_SECONDS = 900, 1800
"""How long a case may take on a machine that does much else."""


def matrix_of(group: str) -> Case:
    """The test of a group's scenarios; see `played`."""
    chosen = played()

    @pytest.mark.e2e
    @pytest.mark.parametrize("name", [_case(file) for file in scenarios(group) if file in chosen])
    def test_it_is_detected_in_time_and_nothing_else_is_alerted(name: str) -> None:
        (file,) = scenarios(name)
        assert tried(file, shipped()).verdict.problems == []

    return test_it_is_detected_in_time_and_nothing_else_is_alerted


@cache
def played() -> frozenset[Path]:
    """With `make prove` all scenarios, else of each group a short one that brings the most critical alerts.

    A scenario takes some twelve seconds of a processor; all of them would double the time of `make test`.
    """
    files = scenarios()
    if os.environ.get("PROVE"):
        return frozenset(files)
    critical = {alert.alert for alert in alerts() if alert.severity == "critical"}
    short = {file: len(brought & critical) for file in files for brought, long in [_brings(file)] if not long}
    groups = {file.parent for file in short}
    return frozenset(max((file for file in short if file.parent == group), key=short.__getitem__) for group in groups)


def _case(file: Path) -> object:
    _, long = _brings(file)
    return pytest.param(name_of(file), marks=pytest.mark.timeout(_LONG_SECONDS if long else _SECONDS))


def _brings(file: Path) -> tuple[frozenset[str], bool]:
    """Alerts that are expected, and whether it is long; one that cannot be read is played, for its test to tell."""
    try:
        scenario = read(file)
    except ScenarioError:
        return frozenset(alert.alert for alert in alerts()), False
    return frozenset(expected.alert for expected in scenario.expect), scenario.long
