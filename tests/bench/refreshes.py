"""What a refresh costs the exporter: requests by the account's own log, CPU by the kernel.

A refresh is what one scrape starts when every collector is due, five minutes after the last one; a rendering of the
document, compressed, is part of it. Six of them are half an hour, in which listings that are read less often come once.
"""

import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.e2e.moved import Moved
from tests.e2e.proc import cpu_seconds, resident_bytes
from tests.e2e.simulated import SimulatedAccount, contracts_account

STEP = 301
"""Seconds. The longest interval by default is 300."""

HALF_AN_HOUR = 6
MOST_UNTIL_SETTLED = 40

_READ_BACK = re.compile(rb"^celigo_exporter_backfill_ratio\S* 1\.0$", re.MULTILINE)

SETTINGS = """accounts:
  - {{name: bench, base_url: '{url}', token_env: TOKEN, rate_limit: {{requests_per_second: 300, burst: 1000}}}}
profile: standard
collectors:
  inventory: {{timeout: 1h}}
  jobs: {{timeout: 1h}}
  errors: {{timeout: 1h, flows_per_run: 10000, steps_per_run: 10000}}
  history: {{timeout: 1h, pages_per_run: 10000}}
"""
"""Nothing is left for a later run, so that each refresh is whole."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """One of them, or the mean of several. `drilled` are the requests below the roll-ups of errors."""

    requests: float
    drilled: float
    cpu_seconds: float
    wall_seconds: float


@dataclass(slots=True)
class Bench:
    """An account and the exporter that reads it."""

    account: SimulatedAccount
    exporter: Moved
    flows: Sequence[str]
    size: int
    _changed: int = 0

    def refresh(self) -> Refresh:
        """One refresh of whatever there is now."""
        self.account.requests()
        self.exporter.advance(STEP)
        cpu, wall = cpu_seconds(self.exporter.pid), perf_counter()
        self.exporter.scrape()
        cpu, wall = cpu_seconds(self.exporter.pid) - cpu, perf_counter() - wall
        paths = [str(row["path"]) for row in self.account.requests()]
        return Refresh(len(paths), sum(map(_is_drill_down, paths)), cpu, wall)

    def settle(self) -> int:
        """Refresh until everything was read, also of the past; how many it took."""
        lines = 0
        for number in range(1, MOST_UNTIL_SETTLED):
            found, before = self.refresh(), lines
            document = self.exporter.scrape()
            lines = document.count(b"\n")
            if lines == before and not found.drilled and _READ_BACK.search(document):
                return number
        raise RuntimeError("the account is never read to its end")

    def unchanged(self, count: int = HALF_AN_HOUR) -> Refresh:
        """The mean of refreshes in which nothing changed."""
        return mean([self.refresh() for _ in range(count)])

    def changed(self, flows: int, count: int = HALF_AN_HOUR) -> Refresh:
        """The mean of refreshes before each of which that many flows ran and had an error."""
        found = []
        for _ in range(count):
            self.account.change(self.next_flows(flows))
            found.append(self.refresh())
        return mean(found)

    def both(self, flows: int, count: int = HALF_AN_HOUR) -> tuple[Refresh, Refresh]:
        """`unchanged` and `changed`, twice in turn, and of each the one that took less CPU: noise only ever adds."""
        pairs = [(self.unchanged(count), self.changed(flows, count)) for _ in range(2)]
        unchanged, changed = (min(each, key=lambda found: found.cpu_seconds) for each in zip(*pairs, strict=True))
        return unchanged, changed

    def next_flows(self, count: int) -> Sequence[str]:
        """Other flows each time, until it is the first one's turn again."""
        first = self._changed
        self._changed += count
        return [self.flows[(first + each) % len(self.flows)] for each in range(count)]

    def resident_mib(self) -> float:
        """Memory of the exporter now."""
        return resident_bytes(self.exporter.pid) / (1 << 20)

    def cpu_of(self, work: Callable[[], object]) -> float:
        """CPU seconds of the exporter while something is done."""
        before = cpu_seconds(self.exporter.pid)
        work()
        return cpu_seconds(self.exporter.pid) - before


@contextmanager
def bench(flows: int) -> Iterator[Bench]:
    """An account of so many flows, and an exporter that has not read all of it yet."""
    with TemporaryDirectory() as folder, contracts_account(flows) as account:
        exporter = Moved(Path(folder), SETTINGS.format(url=account.url))
        with exporter:
            exporter.answering(f"{exporter.url}/-/ready")
            yield Bench(account, exporter, account.flows(), flows)


def mean(found: Sequence[Refresh]) -> Refresh:
    """Of each figure."""
    return Refresh(
        statistics.mean(each.requests for each in found),
        statistics.mean(each.drilled for each in found),
        statistics.mean(each.cpu_seconds for each in found),
        statistics.mean(each.wall_seconds for each in found),
    )


def _is_drill_down(path: str) -> bool:
    return path.startswith("/v1/flows/") and path.endswith("/errors")
