"""A day of an account that keeps changing leaves nothing behind: memory, threads, sockets, descriptors stay flat.

`make prove` lets 24 virtual hours pass at 1,000 flows, `make test` one at 60. In both a leak is planted afterwards, and
the rule that found nothing finds it.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.leaks import Churn, Measure, Plan, complaints, live
from tests.e2e.moved import Moved
from tests.e2e.simulated import SimulatedAccount
from tests.recorder import RECORDER

PROVE = bool(os.environ.get("PROVE"))
PLAN = (
    Plan(flows=1000, hours=24, warm_up=26, warm_up_step=5, each_hour=20, sample_minutes=15)
    if PROVE
    else Plan(flows=60, hours=1, warm_up=1, warm_up_step=1, each_hour=6, sample_minutes=5)
)
"""A day of warm-up: what is known of a flow grows until each of its schedules had its turn."""

LEAKING_HOURS = 1

SETTINGS = """accounts:
  - {{name: acme, base_url: '{url}', token_env: TOKEN, rate_limit: {{requests_per_second: 300, burst: 1000}}}}
state: {{path: {folder}/state.db}}
"""


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_a_day_of_churn_leaves_nothing_behind_and_a_leak_would_be_found(tmp_path: Path) -> None:
    options = {"history_seconds": 3600.0, "backlog": False, "unresolved_share": 0.0}  # errors come, and go again
    simulated = SimulatedAccount(PLAN.flows + PLAN.spare, integrations=PLAN.flows // 30, **options)
    with simulated as account, Moved(tmp_path, SETTINGS.format(url=account.url, folder=tmp_path)) as exporter:
        exporter.answering(f"{exporter.url}/-/ready")
        churn = Churn(account, PLAN)
        churn.begin()
        live(exporter, churn, PLAN.warm_up, PLAN.warm_up_step)
        flat = live(exporter, churn, PLAN.hours)
        exporter.plant_leak()
        leaking = live(exporter, churn, LEAKING_HOURS)
        printed = exporter.stdout() + exporter.stderr()
    RECORDER.printed("leak", printed)
    told(flat)
    assert complaints(flat) == []
    assert {line.partition(":")[0] for line in complaints(leaking)} == {"threads", "descriptors", "sockets", "resident"}
    assert "Traceback" not in printed


def told(measures: list[Measure]) -> None:
    for number, each in enumerate(measures):
        print(number, f"{each.resident / (1 << 20):.1f} MiB", each.threads, each.descriptors, each.sockets, each.series)


HELD = Measure(resident=100_000, threads=12, descriptors=17, sockets=12, series=1000)


def test_what_comes_and_goes_is_no_leak() -> None:
    more = Measure(resident=104_000, threads=14, descriptors=19, sockets=13, series=1050)
    assert complaints([HELD, more, HELD, HELD, more, more, more, HELD]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("threads", 13), ("descriptors", 18), ("sockets", 13), ("resident", 106_000), ("series", 1101)],
)
def test_one_more_in_all_of_the_last_hours_is_a_leak(name: str, value: int) -> None:
    kept = replace(HELD, **{name: value})
    assert [line.partition(":")[0] for line in complaints([HELD] * 6 + [kept] * 2)] == [name]


def test_memory_that_more_series_take_is_no_leak() -> None:
    assert complaints([HELD] * 6 + [replace(HELD, resident=112_000, series=1090)] * 2) == []
    assert complaints([HELD] * 6 + [replace(HELD, resident=116_000, series=1090)] * 2) != []
