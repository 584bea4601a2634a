"""`make bench`: the cost of a refresh and of a scrape for an account of 2,000 flows.

The simulator runs in a process of its own, so that CPU and memory are the exporter's alone. The scrape is compared with
prometheus-client's rendering of the same families in the same run; absolute times belong to the machine. `--series`
counts the series of each profile instead, of 10,000 flows, and `--write` keeps the figures for docs/metrics.md.
`--rules` lets a real Prometheus evaluate the alert rules over 10,000 flows. `--boards` asks one everything that the
dashboards ask; with `--keep` the account's document is read once and used again within the hour, and
`--only` times one board. `--page` times the page at `/`.
"""

import argparse
import gc
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families as parse_text
from rich.console import Console
from rich.table import Table

from exporter.account import AccountRuntime
from exporter.api.endpoints import Endpoint
from exporter.config.settings import Account, Settings, TokenSource
from exporter.expose.document import Documents
from exporter.expose.families import Distribution, Series
from exporter.expose.render import Format
from exporter.ledger.store import MemoryStore
from tests.bench import boards, page, rules, series
from tests.bench.series import UNLIMITED
from tests.e2e.clock import SkippingClock
from tests.e2e.processes import EXPORTER, Program, free_port

ROUNDS = 7
KEPT_FOR = 3600
"""Seconds. In an older document every flow is late."""


def main() -> int:
    """Measure and print; with `--json` as one JSON document."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--flows", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--series", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--boards", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--only", metavar="BOARD")
    wanted = parser.parse_args()
    if wanted.series:
        return count_series(wanted.flows or 10_000, write=wanted.write)
    if wanted.rules:
        with simulated(wanted.flows or 10_000) as url:
            rules.show(wanted.flows or 10_000, rules.measure(url))
        return 0
    if wanted.page:
        page.show(wanted.flows or 10_000)
        return 0
    if wanted.boards:
        return time_boards(wanted.flows or 10_000, wanted.keep, wanted.only)
    wanted.flows = wanted.flows or 2000
    with simulated(wanted.flows) as url:
        figures = measure(url)
    if wanted.json:
        json.dump(figures, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(wanted.flows, figures)
    return 0


def count_series(flows: int, *, write: bool) -> int:
    """Count and print the series of each profile."""
    with simulated(flows) as url:
        profiles = series.series_by_profile(url)
    series.show(flows, profiles)
    if write:
        series.write(flows, profiles)
    return 0


def time_boards(flows: int, keep: Path | None, only: str | None) -> int:
    """Time and print every board; 1 when one takes too long."""
    kept = keep / f"document-{flows}.prom" if keep is not None else None
    if kept is not None and kept.exists() and time.time() - kept.stat().st_mtime < KEPT_FOR:
        document = kept.read_bytes()
    else:
        with simulated(flows) as url:
            document = series.whole_document(url)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(document)
    timings = boards.measure(document.decode(), only)
    boards.show(flows, timings)
    return 0 if timings.all_quick else 1


@contextmanager
def simulated(flows: int) -> Iterator[str]:
    """URL of a simulated account whose time stands still, in a process of its own."""
    port, control = free_port(), free_port()
    command = [*EXPORTER, "simulator", f"--flows={flows}"]
    with Program([*command, f"--listen=127.0.0.1:{port}", f"--control=127.0.0.1:{control}"]) as program:
        program.answering(f"http://127.0.0.1:{control}/time")
        requests.post(f"http://127.0.0.1:{control}/time", json={"frozen": True}, timeout=30).raise_for_status()
        yield f"http://127.0.0.1:{port}"


def measure(url: str) -> dict[str, Any]:
    """All figures by name."""
    clock = SkippingClock()
    account = Account("bench", TokenSource(env="T"), url, None, rate_limit=UNLIMITED)
    figures: dict[str, Any] = {"rss_before_mib": rss_mib()}
    runtime = AccountRuntime(account, Settings((account,)), {"T": "demo-token"}, clock, MemoryStore())
    try:
        figures["first_refresh"] = refresh(runtime, clock)
        figures["unchanged_refresh"], figures["refreshes_until_all_read"] = settled(runtime, clock)
        gc.collect()
        figures["rss_after_mib"] = rss_mib()
        figures["scrape"] = scrape(runtime, clock)
    finally:
        runtime.close()
    return figures


def refresh(runtime: AccountRuntime, clock: SkippingClock) -> dict[str, float]:
    """Let every collector run once: requests, CPU seconds of this process, wall seconds. Rendering is part of it."""
    clock.advance(301)
    cpu, wall = time.process_time(), time.perf_counter()
    for future in runtime.trigger():
        future.result()
    Documents([runtime], clock).content(None, Format.TEXT, compressed=True)
    return {
        "requests": sum(status.requests or 0 for status in runtime.statuses().values()),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }


def settled(runtime: AccountRuntime, clock: SkippingClock) -> tuple[dict[str, float], int]:
    """A refresh after everything was read (the drill-down is capped per run), and how many it took to get there."""
    for count in range(2, 200):
        refresh(runtime, clock)
        asked = runtime.telemetry.series("celigo_api_requests_total")
        again = refresh(runtime, clock)
        if drilled(runtime.telemetry.series("celigo_api_requests_total")) == drilled(asked):
            return again, 2 * count - 2
    raise RuntimeError("the drill-down never ends")


def drilled(asked: Series) -> float:
    """Requests below the roll-ups so far."""
    paths = {Endpoint.FLOW_ERRORS.value, Endpoint.STEP_ERRORS.value}
    return sum(float(count) for key, count in asked.items() if key[0] in paths and not isinstance(count, Distribution))


def scrape(runtime: AccountRuntime, clock: SkippingClock) -> dict[str, Any]:
    """Milliseconds of a scrape: served again, and prometheus-client's rendering of the same families."""
    documents = Documents([runtime], clock)
    text = documents.content(None, Format.TEXT, compressed=False).content
    families = Parsed(list(parse_text(text.decode())))
    ours = median_ms(lambda: documents.content(None, Format.TEXT, compressed=False))
    ours_gzip = median_ms(lambda: documents.content(None, Format.TEXT, compressed=True))
    first = median_ms(lambda: Documents([runtime], clock).content(None, Format.TEXT, compressed=True))
    library = median_ms(lambda: generate_latest(families))
    library_gzip = median_ms(lambda: gzip.compress(generate_latest(families)))
    return {
        "series": sum(1 for line in text.splitlines() if not line.startswith(b"#")),
        "bytes": len(text),
        "bytes_gzip": len(gzip.compress(text)),
        "served_ms": ours,
        "served_gzip_ms": ours_gzip,
        "joined_and_compressed_ms": first,
        "library_ms": library,
        "library_gzip_ms": library_gzip,
        "library_to_served": library / ours,
        "library_gzip_to_served_gzip": library_gzip / ours_gzip,
    }


class Parsed:
    """A collector of ready families, as prometheus-client's renderer takes it."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families."""
        return iter(self._families)


def median_ms(work: Callable[[], object]) -> float:
    """Median of some timed calls, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def rss_mib() -> float:
    """Resident memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def show(flows: int, figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    table = Table("what", "figure", title=f"an account of {flows:,} flows")
    for name in ("first_refresh", "unchanged_refresh"):
        row = figures[name]
        text = f"{row['requests']:.0f} requests, {row['cpu_seconds']:.2f} s CPU, {row['wall_seconds']:.2f} s"
        table.add_row(name.replace("_", " "), text)
    table.add_row("refreshes until all was read", str(figures["refreshes_until_all_read"]))
    grown = figures["rss_after_mib"] - figures["rss_before_mib"]
    per_flow = f"{grown * 1024 / max(1, flows):.1f} KiB a flow"
    table.add_row(
        "memory", f"{figures['rss_after_mib']:.0f} MiB resident, {grown:.0f} MiB of it the account, {per_flow}"
    )
    row = figures["scrape"]
    table.add_row("document", f"{row['series']:,} series, {row['bytes']:,} bytes, {row['bytes_gzip']:,} compressed")
    table.add_row("scrape, unchanged", f"{row['served_ms']:.3f} ms, gzip {row['served_gzip_ms']:.3f} ms")
    table.add_row("scrape, joined and compressed anew", f"{row['joined_and_compressed_ms']:.1f} ms")
    table.add_row(
        "prometheus-client, same families", f"{row['library_ms']:.1f} ms, gzip {row['library_gzip_ms']:.1f} ms"
    )
    table.add_row(
        "its rendering / our scrape",
        f"{row['library_to_served']:,.0f} x, gzip {row['library_gzip_to_served_gzip']:,.0f} x",
    )
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
