"""Weeks of trouble end in exact counters: every finished run counted once, whatever fails, dies, comes late or twice.

`make prove` runs 20 accounts of 300 flows over 7 days each, scraped every two, three or five minutes; `make test` a
small account over half a day, scraped every minute.
"""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import pytest

from tests.simulation.storm import Plan, weather

SHORT = Plan(seed=11, days=0.5, flows=24, kills=8, outages=1, longest_outage_hours=1.5)
# Rarer scrapes leave wider gaps to read at once, denser ones more moments at which something may go wrong.
PERIODS = (120.0, 300.0, 300.0, 180.0, 300.0)
LONG = [Plan(seed, scrape_every=PERIODS[seed % len(PERIODS)]) for seed in range(1, 21)]
PLANS = LONG if os.environ.get("PROVE") else [SHORT]
RUNS_A_DAY = 50_000 / 7 if os.environ.get("PROVE") else 1_000


@pytest.mark.timeout(4 * 3600)
def test_faults_kills_and_outages_lose_and_repeat_nothing() -> None:
    differences, runs = 0, 0
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        plans = {pool.submit(weather, plan): plan for plan in PLANS}
        for future in as_completed(plans):
            plan, report = plans[future], future.result()
            print(report, *report.wrong[:5], sep="\n  ", flush=True)
            differences, runs = differences + len(report.wrong), runs + report.runs
            assert report.runs >= RUNS_A_DAY * plan.days
            assert (report.kills, report.outages) == (plan.kills, plan.outages)
            assert report.exact > 50 * plan.days
            assert 0.03 < report.failed / report.requests < 0.09
    print(f"{len(PLANS)} accounts over {PLANS[0].days:g} days: {runs} runs, {differences} differences")
    assert differences == 0
