"""A time of trouble for one world, drawn from one seed: faults, outages, kills, late rows and changes of the account.

Every scrape is judged while it rages: a counter above the truth, or one that fell, is wrong at any time; after a good
reading each counter equals the truth of that moment, but for rows that the listing holds back on purpose.
"""

import gc
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.simulation.series import labels_of
from tests.simulation.truth import RECORDS, RETRIES, RUNS
from tests.simulation.world import DAY, HOUR, JOBS_ONLY, MINUTE, World

FAULTS: tuple[tuple[str, float, dict[str, object]], ...] = (
    ("status", 0.012, {"status": 500}),
    ("status", 0.008, {"status": 503, "body": "html"}),
    ("reset", 0.010, {}),
    ("truncated", 0.008, {}),
    ("invalid_json", 0.005, {}),
    ("rate_limited", 0.003, {"retry_after": 2}),
    ("html", 0.003, {}),
    ("hang", 0.001, {}),
)
"""Of every request a share; 5 % together."""

OUTAGES: tuple[tuple[str, dict[str, object]], ...] = (
    ("reset", {}), ("status", {"status": 503}), ("hang", {}), ("unauthorized", {}), ("forbidden", {}),
    ("rate_limited", {"retry_after": 60}), ("status", {"status": 400, "path": "/v1/jobs"}),
    ("truncated", {"path": "/v1/jobs"}),
)  # fmt: skip

Event = tuple[float, Callable[[], None]]

_COUNTERS = tuple(f"{metric}{{".encode() for metric in (RUNS, RECORDS, RETRIES))

LATE_SECONDS = 1500.0
_LIVELY = 24
_DOWNTIMES = (0, 0, 0, 1, 2, 5, 15, 45)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how large and how bad."""

    seed: int
    days: float = 7.0
    flows: int = 300
    kills: int = 50
    outages: int = 10
    longest_outage_hours: float = 3.0
    scrape_every: float = MINUTE


@dataclass(slots=True)
class Report:
    """What came of it. `wrong` are lines about numbers that were wrong at a scrape or at the end."""

    seed: int
    period: float
    runs: int = 0
    retries: int = 0
    records: int = 0
    scrapes: int = 0
    exact: int = 0
    kills: int = 0
    outages: int = 0
    requests: int = 0
    failed: int = 0
    vanished: int = 0
    unknown: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = self.failed / max(1, self.requests)
        return ", ".join(
            (
                f"seed {self.seed}: {self.runs} runs",
                f"{self.retries} retries",
                f"{self.records} records",
                f"{self.scrapes} scrapes every {self.period:g} s ({self.exact} compared to the run)",
                f"{self.kills} kills",
                f"{self.outages} outages",
                f"{self.requests} requests between them ({share:.1%} failed)",
                f"{self.vanished} runs vanished ({self.unknown} seen before)",
                f"{len(self.wrong)} differences",
            )
        )


class Storm:
    """Runs one plan."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._random = Random(plan.seed)
        self._report = Report(plan.seed, plan.scrape_every)
        self._late_until = 0.0
        self._late: int | None = None
        self._errors_before = (0.0, 0.0)
        self._values: dict[bytes, float] = {}
        self._twice: list[int] = []
        self._away = False

    def run(self) -> Report:
        """The whole plan, and a quiet hour at its end."""
        world = self._world
        world.scrape_every = self._plan.scrape_every
        world.minutes(1, self._judge)
        faults = [world.simulator.inject(kind, probability=share, **more) for kind, share, more in FAULTS]
        for at, what in self._agenda():
            world.minutes(max(0.0, (at - world.now) // MINUTE), self._judge)
            what()
        world.minutes(max(0.0, (self._plan.days * DAY - world.now) // MINUTE), self._judge)
        for incident in faults:
            world.simulator.lift(incident)
        self._hold_back(on=False)
        world.start()
        world.minutes(60, self._judge)
        self._finish()
        return self._report

    def _agenda(self) -> list[Event]:
        draws, end = self._random, self._plan.days * DAY
        agenda: list[Event] = [(draws.uniform(HOUR, end), self._kill) for _ in range(self._plan.kills)]
        agenda += [(draws.uniform(HOUR, end - 4 * HOUR), self._outage) for _ in range(self._plan.outages)]
        agenda += [(draws.uniform(0, end), self._change) for _ in range(round(4 * self._plan.days))]
        for day in range(0, int(self._plan.days), 2):
            agenda += [(day * DAY + 2 * HOUR, lambda: self._hold_back(on=True))]
            agenda += [(day * DAY + 14 * HOUR, lambda: self._hold_back(on=False))]
        return sorted(agenda, key=lambda event: event[0])

    def _kill(self) -> None:
        world, draws = self._world, self._random
        where = draws.choice(("request", "request", "commit", "commit", "between"))
        if where == "request":
            world.kill_before_request = draws.randrange(6)
        elif where == "commit":
            world.kill_at_commit = draws.randrange(10)
        else:
            world.kill()
        for _ in range(10):
            if world.fleet is None:
                break
            world.minutes(1, self._judge)
        world.kill()
        self._report.kills += 1
        world.minutes(draws.choice(_DOWNTIMES))
        world.start()

    def _outage(self) -> None:
        kind, more = self._random.choice(OUTAGES)
        incident = self._world.simulator.inject(kind, **more)
        self._away = True
        self._world.minutes(self._random.uniform(5, 60 * self._plan.longest_outage_hours), self._judge)
        self._world.simulator.lift(incident)
        self._away = False
        self._report.outages += 1

    def _change(self) -> None:
        """A flow is moved, renamed, deleted or switched off, or loses a run."""
        engine, draws = self._world.simulator.engine, self._random
        living = engine.account.live_flows()
        # The first flows of an account are its liveliest: without them a week has few runs.
        flow = draws.choice([each for each in living if each.ordinal >= _LIVELY] or living)
        what = draws.choice(
            ("flow_moved", "flow_renamed", "flow_disabled", "run_vanished", "run_vanished", "flow_deleted")
        )
        more = {
            "flow_moved": {"integration": draws.choice(engine.account.live_integrations()).id},
            "flow_renamed": {"name": f"renamed {draws.randrange(1000)}"},
        }.get(what, {})
        self._world.simulator.inject(what, flow=flow.id, **more)
        self._report.vanished += what == "run_vanished"

    def _hold_back(self, *, on: bool) -> None:
        if on and self._late is None:
            self._late = self._world.simulator.inject("late_rows", path="/v1/jobs", seconds=LATE_SECONDS)
            self._twice = [
                self._world.simulator.inject(kind, path="/v1/jobs", probability=0.3)
                for kind in ("duplicated_rows", "shuffled_rows")
            ]
        elif not on and self._late is not None:
            for incident in (self._late, *self._twice):
                self._world.simulator.lift(incident)
            self._late, self._late_until = None, self._world.clock.true() + 900.0

    def _judge(self) -> None:
        world, scraped = self._world, self._world.scraped
        if world.fleet is None or not scraped.at or scraped.at[-1] < world.clock.true():
            return
        self._report.scrapes += 1
        self._count_requests()
        self._wrong("above the truth", world.truth.overcounted(scraped))
        self._wrong("fell", self._fallen())
        read_at = scraped.value("celigo_exporter_collector_last_success_timestamp_seconds", collector="jobs") or 0.0
        complete = read_at >= world.scrape_began and scraped.value("celigo_exporter_catch_up_ratio") == 1.0
        if complete and self._late is None and world.clock.true() > self._late_until:
            self._report.exact += 1
            self._wrong("not the truth", [line for line in world.differences() if not line.startswith(RETRIES)])

    def _fallen(self) -> list[str]:
        """Counters of living flows that are lower than ever before, absence in between or not."""
        fallen = []
        for series, value in self._world.scraped.changed.items():
            if not series.startswith(_COUNTERS):
                continue
            if value < self._values.get(series, 0.0) and labels_of(series)["flow_id"] in self._world.truth.living:
                fallen.append(f"{series.decode()} {value} after {self._values[series]}")
            self._values[series] = value
        return fallen

    def _count_requests(self) -> None:
        scraped = self._world.scraped
        now = tuple(
            sum(scraped.now(name).values()) for name in ("celigo_api_requests_total", "celigo_api_errors_total")
        )
        before = self._errors_before if now[0] >= self._errors_before[0] else (0.0, 0.0)
        if not self._away:
            self._report.requests += round(now[0] - before[0])
            self._report.failed += round(now[1] - before[1])
        self._errors_before = (now[0], now[1])

    def _wrong(self, how: str, lines: list[str]) -> None:
        at = self._world.now / HOUR
        self._report.wrong += [f"hour {at:.2f}: {how}: {line}" for line in lines[:5]]

    def _finish(self) -> None:
        world, report = self._world, self._report
        self._wrong("at the end", world.differences())
        report.runs, report.retries, report.records = (world.truth.total(name) for name in (RUNS, RETRIES, RECORDS))
        report.unknown = int(world.scraped.value("celigo_runs_unknown_total", type="flow") or 0)
        if report.unknown > report.vanished:
            report.wrong.append(f"{report.unknown} runs given up, {report.vanished} vanished")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one, since synchronising a disk thousands of times is not what is tested."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def weather(plan: Plan) -> Report:
    """Run one plan from its beginning to its end."""
    # A sixth of the time would go into looking for cycles among millions of objects that live as long as the account.
    gc.set_threshold(200_000, 20, 100)
    # Hundreds of failures are told while it rages; without a handler each would end up between the reports.
    logging.getLogger("exporter").addHandler(logging.NullHandler())
    with memory_folder() as folder, World(folder, seed=plan.seed, flows=plan.flows, collectors=JOBS_ONLY) as world:
        return Storm(world, plan).run()
