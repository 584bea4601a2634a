"""A day of an account that keeps changing leaves nothing behind: memory, threads, sockets, descriptors stay flat.

`make prove` lets 24 virtual hours pass at 1,000 flows, `make test` two at 60. In both a leak is planted afterwards, and
the rule that found nothing finds it.
"""

import os
from pathlib import Path

import pytest

from tests.e2e.leaks import Churn, Plan, complaints, live
from tests.e2e.moved import Moved
from tests.e2e.proc import Held
from tests.e2e.simulated import SimulatedAccount
from tests.recorder import RECORDER

PROVE = bool(os.environ.get("PROVE"))
PLAN = (
    Plan(flows=1000, hours=24, warm_up=6, each_hour=20, sample_minutes=15)
    if PROVE
    else Plan(flows=60, hours=2, warm_up=1, each_hour=6, sample_minutes=5)
)
LEAKING_HOURS = 1

SETTINGS = """accounts:
  - {{name: acme, base_url: '{url}', token_env: TOKEN, rate_limit: {{requests_per_second: 300, burst: 1000}}}}
state: {{path: {folder}/state.db}}
"""


@pytest.mark.e2e
@pytest.mark.timeout(3600)
def test_a_day_of_churn_leaves_nothing_behind_and_a_leak_would_be_found(tmp_path: Path) -> None:
    simulated = SimulatedAccount(PLAN.flows + PLAN.spare, history_seconds=3600.0, integrations=PLAN.flows // 30)
    with simulated as account, Moved(tmp_path, SETTINGS.format(url=account.url, folder=tmp_path)) as exporter:
        exporter.answering(f"{exporter.url}/-/ready")
        churn = Churn(account, PLAN)
        churn.begin()
        live(exporter, churn, PLAN.warm_up)
        flat = live(exporter, churn, PLAN.hours - PLAN.warm_up)
        exporter.plant_leak()
        leaking = live(exporter, churn, LEAKING_HOURS)
        printed = exporter.stdout() + exporter.stderr()
    RECORDER.printed("leak", printed)
    told(flat)
    assert complaints(flat) == []
    assert {line.partition(":")[0] for line in complaints(leaking)} == {"threads", "descriptors", "sockets", "resident"}
    assert "Traceback" not in printed


def told(measures: list[Held]) -> None:
    for number, each in enumerate(measures):
        print(number, f"{each.resident / (1 << 20):.1f} MiB", each.threads, each.descriptors, each.sockets)


HELD = Held(resident=100_000, threads=12, descriptors=17, sockets=12)


def test_what_comes_and_goes_is_no_leak() -> None:
    more = Held(resident=104_000, threads=14, descriptors=19, sockets=13)
    assert complaints([HELD, more, HELD, HELD, more, more, more, HELD]) == []


@pytest.mark.parametrize("name", ["threads", "descriptors", "sockets", "resident"])
def test_one_more_in_all_of_the_last_hours_is_a_leak(name: str) -> None:
    values = {"resident": 106_000, "threads": 13, "descriptors": 18, "sockets": 13}
    kept = Held(**{**{each: getattr(HELD, each) for each in values}, name: values[name]})
    assert [line.partition(":")[0] for line in complaints([HELD] * 6 + [kept] * 2)] == [name]
