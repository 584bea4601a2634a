"""Memory and state stay flat: a month of life leaves no more behind than a day.

`make prove` runs 1,000 simulated hours with every collector on; `make test` twenty-two.
"""

import gc
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from exporter.config.settings import Collectors, JobsSettings
from tests.simulation.series import Scraped
from tests.simulation.storm import memory_folder
from tests.simulation.world import DAY, HOUR, World

PROVE = bool(os.environ.get("PROVE"))
HOURS, WARM_UP, STEP = (1000, 100, 25) if PROVE else (22, 10, 1)
RETENTION = 2 * DAY if PROVE else 5 * HOUR
TOLERANCE = 0.05
EVERY = 900.0 if PROVE else 300.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What there is at one moment: objects of the exporter, bytes of its state and of the process, ids it keeps."""

    hour: int
    objects: int
    state_bytes: int
    resident_bytes: int
    ids: int


def exporters_objects() -> Counter[str]:
    """Living objects whose class is the exporter's own."""
    gc.collect()
    names = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    return Counter(
        name for name in names if name.startswith("exporter.") and not name.startswith("exporter.simulator.")
    )


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measured(world: World, hour: int) -> Measure:
    """All of it now."""
    assert world.fleet is not None
    state = world.fleet.accounts[0].ledger._state
    path = Path(world.settings.state.path or "")
    size = sum(part.stat().st_size for part in path.parent.iterdir())
    ids = len(state.counted) + len(state.pending)
    return Measure(hour, exporters_objects().total(), size, resident_bytes(), ids)


def life() -> list[Measure]:
    """A small account whose own memory reaches back no further than the warm-up."""
    names = ("health", "inventory", "connections")
    slow = {name: replace(getattr(Collectors(), name), interval=EVERY) for name in names}
    jobs = JobsSettings(interval=EVERY, retention=RETENTION)
    collectors = Collectors(**slow, jobs=jobs, errors=Collectors().errors)
    options: dict[str, Any] = {"flows": 16, "seed": 5, "backlog": False}
    options |= {"retention_seconds": RETENTION, "history_seconds": RETENTION / 2}
    found = []
    with memory_folder() as folder, World(folder, collectors=collectors, **options) as world:
        world.scraped = Scraped(newest_only=True)
        world.scrape_every = EVERY
        for hour in range(0, HOURS, STEP):
            if hour >= WARM_UP:
                found.append(measured(world, hour))
            world.hours(STEP)
            world.simulator.forget_requests()
        found.append(measured(world, HOURS))
        assert world.differences() == []
    return found


@pytest.mark.timeout(3 * 3600)
def test_a_thousand_hours_leave_nothing_behind() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = pool.submit(life).result()
    for each in found:
        print(each)
    half = len(found) // 2
    early, late = found[:half], found[half:]
    for name in ("objects", "state_bytes", *(("resident_bytes",) if PROVE else ())):
        before, after = (max(getattr(each, name) for each in part) for part in (early, late))
        print(f"{name}: at most {before} until hour {early[-1].hour}, {after} until hour {late[-1].hour}")
        assert after <= before * (1 + TOLERANCE), name
    assert max(each.ids for each in found) < 2000
