"""How many series an account of 10,000 flows has in each profile; what docs/metrics.md tells is written from here."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from exporter.account import AccountRuntime
from exporter.config.settings import (
    PROFILES,
    Account,
    Collectors,
    ErrorsSettings,
    HistorySettings,
    InventorySettings,
    JobsSettings,
    Profile,
    RateLimit,
    Settings,
    TokenSource,
)
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.document import Documents
from exporter.expose.render import Format
from exporter.ledger.store import MemoryStore
from exporter.reference import MEASURED
from exporter.serve.demo import OWNERSHIP
from tests.e2e.clock import SkippingClock
from tests.e2e.processes import until

REFRESHES = 2
"""The second one sees what the first one's views made due, and lets the history be read."""

UNLIMITED = RateLimit(10_000.0, 10_000)
"""The budget would only add waiting, which is neither CPU nor memory."""

PATIENT = Collectors(
    jobs=JobsSettings(timeout=3600.0),
    errors=ErrorsSettings(timeout=3600.0, flows_per_run=10_000, steps_per_run=10_000),
    inventory=InventorySettings(timeout=3600.0, last_exports_per_run=10_000),
    history=HistorySettings(timeout=3600.0, pages_per_run=10_000),
)
"""Nothing is left for a later run."""

Counts = Mapping[str, int]


def series_by_profile(url: str) -> dict[str, Counts]:
    """Series by family for each profile, of the account at `url`."""
    return {profile: _series(url, profile) for profile in PROFILES}


def _series(url: str, profile: Profile) -> Counts:
    with read_whole(url, profile) as (runtime, clock):
        counts: Counter[str] = Counter()
        for block in runtime.current(clock.monotonic()):
            counts.update(block.series)
        return {metric.name: counts[metric.name] for metric in CATALOGUE if metric.name in counts}


@contextmanager
def read_whole(url: str, profile: Profile) -> Iterator[tuple[AccountRuntime, SkippingClock]]:
    """The account at `url` once everything of it was read."""
    clock = SkippingClock()
    account = Account("bench", TokenSource(env="T"), url, None, rate_limit=UNLIMITED)
    settings = Settings((account,), PATIENT, profile=profile, ownership=OWNERSHIP)
    runtime = AccountRuntime(account, settings, {"T": "demo-token"}, clock, MemoryStore())
    try:
        for _ in range(REFRESHES):
            _refresh(runtime, clock)
        if runtime.reads_history:
            until(lambda: runtime.backfill == 1.0, "the history is read", 900)
        _refresh(runtime, clock)
        failed = [name for name, status in runtime.statuses().items() if not status.success]
        if failed:
            raise RuntimeError(f"{profile}: {', '.join(failed)} failed")
        yield runtime, clock
    finally:
        runtime.close()


def whole_document(url: str) -> bytes:
    """What a scrape of the account at `url` answers in profile full once everything of it was read."""
    with read_whole(url, "full") as (runtime, clock):
        return Documents([runtime], clock).content(None, Format.TEXT, compressed=False).content


def _refresh(runtime: AccountRuntime, clock: SkippingClock) -> None:
    clock.advance(301)
    for future in runtime.trigger():
        future.result()


def write(flows: int, profiles: Mapping[str, Counts]) -> None:
    """Keep the figures for docs/metrics.md; `make docs` reads them."""
    text = json.dumps({"flows": flows, "profiles": profiles}, indent=2)
    MEASURED.write_text(text + "\n", encoding="utf-8")


def show(flows: int, profiles: Mapping[str, Counts]) -> None:
    """Print the figures as a table."""
    table = Table("family", *profiles, title=f"series of an account of {flows:,} flows")
    for metric in CATALOGUE:
        cells = [held.get(metric.name) for held in profiles.values()]
        if any(cells):
            table.add_row(metric.name, *("" if cell is None else f"{cell:,}" for cell in cells))
    table.add_section()
    table.add_row("families", *(str(len(held)) for held in profiles.values()))
    table.add_row("series", *(f"{sum(held.values()):,}" for held in profiles.values()))
    Console(width=110).print(table)
