"""What a series costs Prometheus: a real one keeps two hours of an account's document, at a sample a minute.

It scrapes every second, so that the two hours pass in two minutes; memory is what is more than before the first scrape.
Values stand still, as most of an account does, but that is no saving that counts: a sample is a byte or two of it.
"""

import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from tests.bench.refreshes import bench
from tests.bench.rules import served
from tests.e2e.processes import Prometheus, until

FLOWS = 2_000
SAMPLES = 120
"""Of each series: as many as a chunk of Prometheus has, and as two hours have minutes."""

INTERVAL = "1s"
"""How often it scrapes."""

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """Of one Prometheus that has nothing else; bytes. `samples` are those of each series."""

    series: int
    samples: int
    resident: float
    heap: float
    scrape_seconds: float

    @property
    def resident_of_a_series(self) -> float:
        """Resident bytes."""
        return self.resident / self.series

    @property
    def heap_of_a_series(self) -> float:
        """Bytes of its heap that are in use: what is left after a collection of garbage."""
        return self.heap / self.series


def measure() -> Head:
    """Read the account, then let Prometheus scrape what it looks like."""
    with bench(FLOWS) as held:
        held.settle()
        document = held.exporter.scrape()
    return kept(document, SAMPLES)


def kept(document: bytes, samples: int) -> Head:
    """What a Prometheus that has scraped this document so often holds of it."""
    with tempfile.TemporaryDirectory() as folder, served(document) as port:
        running = Prometheus("prometheus", Path(folder), [f"127.0.0.1:{port}"], INTERVAL)
        with running as prometheus:
            prometheus.answering(f"{prometheus.url}/-/ready")
            return _head(prometheus, samples)


def _head(prometheus: Prometheus, samples: int) -> Head:
    before = _own(prometheus)
    until(lambda: prometheus.query(f"max(count_over_time(up[1h])) >= {samples}"), f"{samples} scrapes", 600)
    after = _own(prometheus)
    ((_, seconds),) = prometheus.query("avg_over_time(scrape_duration_seconds[1h])")
    return Head(
        round(after["prometheus_tsdb_head_series"]),
        samples,
        after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"],
        after["go_memstats_heap_inuse_bytes"] - before["go_memstats_heap_inuse_bytes"],
        seconds,
    )


def _own(prometheus: Prometheus) -> dict[str, float]:
    text = requests.get(f"{prometheus.url}/metrics", timeout=60).text
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}


def content(found: Head) -> dict[str, Any]:
    """As JSON has it."""
    each = {"resident_of_a_series": found.resident_of_a_series, "heap_of_a_series": found.heap_of_a_series}
    return {**asdict(found), **each}


def show(found: Head) -> None:
    """Print the figures as a table."""
    table = Table("what", "figure", title=f"{found.series:,} series of {found.samples} samples in Prometheus")
    table.add_row("memory of a series", f"{found.resident_of_a_series / _KIB:.2f} KiB resident")
    table.add_row("its share of the heap", f"{found.heap_of_a_series / _KIB:.2f} KiB in use")
    table.add_row("a scrape", f"{found.scrape_seconds:.2f} s")
    Console(width=110).print(table)
