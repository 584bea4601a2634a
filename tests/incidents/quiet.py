"""Weeks of ordinary life, in which nobody should be woken: `python -m tests.incidents.quiet`.

`--seeds N` are so many accounts, from `--first N` on, and `--days N` how long each is watched.

What happens in them is drawn from the seed: deployments that switch flows off for minutes and edit them, blips of the
API and of connections, single failures, weekends on which nothing comes in, the load of a month's end, changes of
clocks, restarts of the exporter. Everything passes by itself; the errors that runs raise are retried or resolved within
hours, as people do.
"""

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from tests.incidents.judge import Episode, episodes
from tests.incidents.promtool import firings
from tests.incidents.rules import shipped
from tests.incidents.scenario import AccountShape, Member, Scenario, Step
from tests.incidents.spans import Span
from tests.incidents.stage import play

HOUR, DAY = 60, 24 * 60
BEGIN = "2026-03-05T00:00:00Z"
"""A Thursday; clocks change in America on the 8th and in Europe on the 29th, the month ends on the 31st."""

WARM_UP = 2 * HOUR
SCRAPED_EVERY = 5
"""Minutes. People scrape more often; this is as rarely as Prometheus' memory of five minutes allows."""

_CAST = {
    "shop": Member(integration="any"),
    "released": Member(flows="scheduled", count=3, of="shop", schedule="? 12,42 * ? * *", seconds=40.0),
    "night": Member(
        flow="scheduled", schedule="? 15 2 ? * *", timezone="America/New_York", seconds=1500.0, records=900
    ),
    "office": Member(flow="scheduled", schedule="? 5 8-18 ? * 1-5", timezone="Europe/Berlin", seconds=90.0),
    "orders": Member(flow="listener", arrives_every=Span(12)),
    "erp": Member(connection_of="night"),
    "warehouse": Member(agent="any"),
}
_OWNERSHIP = [
    # One bad night is for the morning: a run that fails, or brings less than half, is made up for by the next.
    {"match": {"flow": "Night"}, "team": "finance", "tier": "gold", "freshness": "50h"},
    {"match": {"name": "Released .*"}, "team": "commerce", "tier": "silver", "freshness": "3h"},
]


@dataclass(frozen=True)
class Quiet:
    """What fired in one account's weeks."""

    seed: int
    days: int
    happened: Counter[str]
    episodes: tuple[Episode, ...]

    def of(self, severity: str) -> list[Episode]:
        """Alerts of one severity, the earliest first."""
        return [episode for episode in self.episodes if episode.labels["severity"] == severity]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.of(severity))} {severity}" for severity in ("critical", "warning", "info"))
        events = ", ".join(f"{count} {kind}" for kind, count in sorted(self.happened.items()))
        lines = [f"seed {self.seed}, {self.days} days: {counts}; {events}"]
        for episode in (*self.of("critical"), *self.of("warning")):
            about = [
                value for name, value in episode.labels.items() if name in ("flow_name", "connection_name", "collector")
            ]
            lines.append(
                f"  day {episode.begin / DAY:.2f}: {episode.name} {' '.join(about)}, {episode.end - episode.begin} min"
            )
        return "\n".join(lines)


def lived(seed: int, days: int) -> Quiet:
    """Let an account live so many days, and tell what fired."""
    scenario, rules = ordinary(seed, days), shipped()
    fired = firings(play(scenario, rules.series), rules, scenario.minutes, (), SCRAPED_EVERY)
    found = episodes(fired, WARM_UP, scenario.minutes, SCRAPED_EVERY)
    happened = Counter(step.inject or f"exporter {step.exporter}" for step in scenario.steps)
    return Quiet(seed, days, happened, tuple(found))


def ordinary(seed: int, days: int) -> Scenario:
    """The weeks of one seed."""
    draws = random.Random(seed)
    steps = [step for day in range(days) for step in _day(draws, day)]
    return Scenario(
        title=f"{days} ordinary days of seed {seed}",
        begin=BEGIN,
        lasts=Span(days * DAY),
        warm_up=Span(WARM_UP),
        warm_up_every=Span(SCRAPED_EVERY),
        scrape_every=Span(SCRAPED_EVERY),
        account=AccountShape(
            flows=16, seed=seed, history=Span(DAY), failure_rate=0.004, error_rate=0.004, unresolved_share=0.0
        ),
        settings={"ownership": _OWNERSHIP, "collectors": {"inventory": {"last_exports_per_run": 0}}},
        cast=_CAST,
        steps=(*_settled(), *steps),
        expect=(),
    )


def _settled() -> Iterator[Step]:
    """An account that has room left in its licence, which the sample account has not."""
    for entitlement in ("flows", "endpoints", "agents", "trading_partners"):
        options = {"entitlement": entitlement, "share": 0.6}
        yield Step(at=Span(0), inject="entitlement_used", options=options)


def _day(draws: random.Random, day: int) -> Iterator[Step]:
    """What happens on one day, by chance; day 0 is a Thursday."""
    weekday = (day + 3) % 7
    if weekday in (1, 3):
        yield from _deployment(draws, day)
    if draws.random() < 0.6:
        yield _passing(draws, day, 2, 4, "status", status=draws.choice((500, 502, 503)))
    if draws.random() < 0.3:
        yield _passing(draws, day, 2, 6, "rate_limited", retry_after=5, path="/v1/jobs", probability=0.3)
    if draws.random() < 0.3:
        yield _passing(draws, day, 5, 10, "slow", seconds=3)
    if draws.random() < 0.2:
        yield _passing(draws, day, 2, 3, draws.choice(("reset", "truncated", "html")), probability=0.5)
    if draws.random() < 0.4:
        yield _passing(draws, day, 3, 9, "connection_offline", connection="erp")
    if draws.random() < 0.1:
        yield _passing(draws, day, 2, 4, "agent_offline", agent="warehouse")
    if draws.random() < 0.15:
        yield Step(at=_moment(draws, day), exporter="restart")
    if weekday == 5:
        # From Saturday to Monday morning nobody orders.
        yield Step(
            at=Span(day * DAY), lasting=Span(2 * DAY + 5 * HOUR), inject="schedule_stopped", options={"flow": "orders"}
        )
    if day in (25, 26):
        yield Step(
            at=Span(day * DAY), lasting=Span(DAY), inject="flow_records", options={"flow": "night", "records": 9000}
        )
        yield Step(
            at=Span(day * DAY), lasting=Span(DAY), inject="flow_slow", options={"flow": "night", "seconds": 4500}
        )


def _deployment(draws: random.Random, day: int) -> Iterator[Step]:
    """Flows are switched off together, edited, and switched on again within minutes."""
    at, lasting = Span(day * DAY + 13 * HOUR + draws.randrange(120)), Span(draws.randrange(3, 8))
    yield Step(at=at, lasting=lasting, inject="flow_disabled", options={"flow": "released"})
    yield Step(at=at, inject="flow_edited", options={"flow": "released"})


def _passing(draws: random.Random, day: int, least: int, most: int, kind: str, **options: Any) -> Step:
    """An incident that is over after some minutes."""
    lasting = Span(draws.randrange(least, most + 1))
    return Step(at=_moment(draws, day), lasting=lasting, inject=kind, options=options)


def _moment(draws: random.Random, day: int) -> Span:
    return Span(day * DAY + draws.randrange(1, DAY))


def all_lived(seeds: Sequence[int], days: int) -> Iterator[Quiet]:
    """The weeks of all seeds, as many at once as there are processors, each as soon as it is over."""
    if len(seeds) == 1:
        yield lived(seeds[0], days)
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from (future.result() for future in as_completed([pool.submit(lived, seed, days) for seed in seeds]))


def main(arguments: Sequence[str]) -> int:
    """The command; 1 when there was a critical alert."""
    parser = argparse.ArgumentParser(prog="python -m tests.incidents.quiet", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--days", type=int, default=28)
    wanted = parser.parse_args(arguments)
    critical = 0
    for quiet in all_lived(range(wanted.first, wanted.first + wanted.seeds), wanted.days):
        print(quiet, flush=True)
        critical += len(quiet.of("critical"))
    return int(critical > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
