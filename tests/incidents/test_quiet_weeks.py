"""Ordinary weeks wake nobody: no critical alert, hardly a warning, whatever the deployments, blips and single failures.

`make prove` lets five accounts live for four weeks each and prints what fired; `make test` one for a day.
"""

import os

import pytest

from tests.incidents.quiet import Quiet, all_lived, ordinary

LONG = bool(os.environ.get("PROVE"))
SEEDS = range(1, 6) if LONG else range(1, 2)
DAYS = 28 if LONG else 1
WARNINGS_A_WEEK = 0.5
"""So many warnings a week and account, at most."""


@pytest.mark.timeout(4 * 3600)
def test_nobody_is_woken_in_ordinary_weeks() -> None:
    lived: list[Quiet] = []
    for quiet in all_lived(SEEDS, DAYS):
        print(quiet, flush=True)
        lived.append(quiet)
    counts = {severity: sum(len(quiet.of(severity)) for quiet in lived) for severity in ("critical", "warning", "info")}
    print(f"{len(lived)} accounts over {DAYS} days: {counts}")
    assert counts["critical"] == 0
    assert counts["warning"] <= WARNINGS_A_WEEK * len(lived) * DAYS / 7
    assert {episode.labels["severity"] for quiet in lived for episode in quiet.episodes} >= {"info"}


def test_ordinary_weeks_are_not_empty() -> None:
    kinds = {step.inject or f"exporter {step.exporter}" for seed in range(1, 6) for step in ordinary(seed, 28).steps}
    assert kinds >= {
        "status",
        "rate_limited",
        "slow",
        "connection_offline",
        "agent_offline",
        "flow_disabled",
        "flow_edited",
        "schedule_stopped",
        "flow_records",
        "flow_slow",
        "exporter restart",
    }
