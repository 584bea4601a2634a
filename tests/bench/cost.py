"""`make bench`: what a scrape and a refresh cost, and how that grows, each figure beside what was promised of it.

Everything is a real process on loopback: a simulated account that stands still, the exporter, and what it is compared
with. The exporter's own clock is moved on, so that no refresh is waited for.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import lines, plan, scrapes
from tests.bench.lines import Line
from tests.bench.refreshes import Bench, Refresh, bench

PARTS = ("scrape", "refresh", "sizes")
SIZES = (10, 100, 1_000, 10_000)
LARGEST = 50_000
FEW = 10
"""Flows that change at each size: as many at the largest as at the smallest."""

PERCENT = 100
SAMPLE = 300
"""Flows that the loops ask about; what they would take for all is reckoned from these."""

MIB = 1 << 20

SMALLEST = 1_000
"""Growth is told from here on: what a refresh takes anyway is most of what a smaller account costs."""


FLAT = 5
"""A change may cost more where many times as many flows did not change: a fifth as many times, of what is far more."""


@dataclass(frozen=True, slots=True)
class Size:
    """An account of so many flows: refreshes in which nothing changed and in which ten flows did, and memory."""

    flows: int
    unchanged: Refresh
    changed: Refresh
    resident_mib: float

    @property
    def more_cpu(self) -> float:
        """Seconds that the change takes."""
        return self.changed.cpu_seconds - self.unchanged.cpu_seconds


@dataclass(frozen=True, slots=True)
class Loops:
    """What the straightforward collector takes for all flows, reckoned from those it asked about."""

    requests: float
    cpu_seconds: float


@dataclass(slots=True)
class Cost:
    """All that was measured."""

    flows: int
    scrape: scrapes.Scrapes | None = None
    unchanged: Refresh | None = None
    percent: Refresh | None = None
    resident_mib: float | None = None
    loops: Loops | None = None
    sizes: Sequence[Size] = ()


def measure(flows: int, parts: Sequence[str], *, largest: bool) -> Cost:
    """The chosen parts; sizes beyond `flows` are left out, but for the largest when it is asked for."""
    cost = Cost(flows)
    with bench(flows) as held:
        held.settle()
        if "refresh" in parts:
            cost.unchanged, cost.percent = held.unchanged(), held.changed(max(1, flows // PERCENT))
            cost.resident_mib = held.resident_mib()
            cost.loops = _loops(held)
        own = _size(held) if "sizes" in parts else None
        if "scrape" in parts:
            cost.scrape = scrapes.measure(held)
    if own is not None:
        smaller = [_settled_size(each) for each in SIZES if each < flows]
        cost.sizes = [*smaller, own, *([_settled_size(LARGEST)] if largest and flows < LARGEST else [])]
    return cost


def _settled_size(flows: int) -> Size:
    with bench(flows) as held:
        held.settle()
        return _size(held)


def _size(held: Bench) -> Size:
    return Size(held.size, *held.both(min(FEW, held.size)), held.resident_mib())


def _loops(held: Bench) -> Loops:
    command = [sys.executable, "-m", "tests.bench.loops", held.account.url, str(SAMPLE)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    share = found["all"] / found["flows"]
    return Loops(
        found["listing_requests"] + share * found["requests"],
        found["listing_cpu_seconds"] + share * found["cpu_seconds"],
    )


def lines_of(cost: Cost) -> list[Line]:
    """Each promise of the issue with its figure; the bounds are those for 10,000 flows and profile standard."""
    return [*_of_scrapes(cost), *_of_refreshes(cost), *_of_sizes(cost)]


def _of_scrapes(cost: Cost) -> Iterator[Line]:
    found = cost.scrape
    if found is None:
        return
    size = f"{found.series:,} series, {found.bytes / MIB:.1f} MiB, {found.bytes_compressed / MIB:.2f} MiB compressed"
    yield Line("a gzip scrape", found.exporter, "ms", size)
    yield Line("scrape / bare copy of the same bytes", found.exporter / found.bare, "x", _ms(found.bare), most=2)
    if found.pushgateway is None:
        yield Line("Pushgateway / scrape", 0, "x", "prometheus-pushgateway is not installed", least=50)
    else:
        of = _ms(found.pushgateway)
        yield Line("Pushgateway / scrape", found.pushgateway / found.exporter, "x", of, least=50)
    of = _ms(found.library)
    yield Line("prometheus-client's server / scrape", found.library / found.exporter, "x", of, least=250)
    of = f"{_ms(found.quiet)} without, {found.beside_count} scrapes beside, slowest {found.beside_slowest:,.0f} ms"
    yield Line("a scrape while a refresh runs, more", found.beside - found.quiet, "ms", of, most=20)
    of = "nothing is due"
    yield Line(f"{scrapes.SCRAPERS} scrapers at once: requests", found.requests_nothing_due, "", of, most=0)
    of = f"an hour in which all is due {scrapes.AN_HOUR} times; one scraper: {found.requests_one_scraper:,}"
    more = found.requests_many_scrapers - found.requests_one_scraper
    # A second run of the cheapest collector would be one in each refresh. What becomes due by itself in the seconds
    # that measuring takes is fewer.
    yield Line(f"{scrapes.SCRAPERS} scrapers at once: more requests", more, "", of, most=scrapes.AN_HOUR - 1)


def _of_refreshes(cost: Cost) -> Iterator[Line]:
    if cost.unchanged is None or cost.percent is None or cost.loops is None or cost.resident_mib is None:
        return
    nothing, percent, loops = cost.unchanged, cost.percent, cost.loops
    changed = max(1, cost.flows // PERCENT)
    yield Line("refresh, nothing changed: CPU", nothing.cpu_seconds, "s", _wall(nothing), most=1.0)
    yield Line("refresh, 1 % of the flows changed: CPU", percent.cpu_seconds, "s", _wall(percent), most=1.5)
    allowed = plan.requests_of_a_round(cost.flows)
    yield Line("refresh, nothing changed: requests", nothing.requests, "", "contract 6", most=allowed)
    allowed += plan.requests_of_a_change(changed)
    yield Line("refresh, 1 % of the flows changed: requests", percent.requests, "", "contract 6", most=allowed)
    of = f"{loops.requests:,.0f} requests, reckoned from {SAMPLE} flows"
    yield Line("a loop over all flows / refresh: requests", loops.requests / nothing.requests, "x", of)
    of = f"{loops.cpu_seconds:,.1f} s"
    yield Line("a loop over all flows / refresh: CPU", loops.cpu_seconds / nothing.cpu_seconds, "x", of)
    yield Line("the same, 1 % of the flows changed", loops.cpu_seconds / percent.cpu_seconds, "x", of)
    yield Line("memory", cost.resident_mib, "MiB", "resident, after these refreshes", most=250)


def _of_sizes(cost: Cost) -> Iterator[Line]:
    large = [each for each in cost.sizes if each.flows >= SMALLEST]
    for place, after in enumerate(large[1:], 1):
        yield from _growth(large[0], after, bound=True)
        if place > 1:
            yield from _growth(large[place - 1], after, bound=False)
    if len(cost.sizes) > 1:
        first, last = cost.sizes[0], cost.sizes[-1]
        for each in large:
            of = f"in an account of {each.flows:,} flows"
            yield Line(f"{FEW} of {each.flows:,} flows changed: more CPU", each.more_cpu, "s", of)
            if each is not large[0] and large[0].more_cpu > 0:
                yield _growth_of_change(large[0], each)
        per_flow = (last.resident_mib - first.resident_mib) * 1024 / (last.flows - first.flows)
        yield Line("memory of a flow", per_flow, "KiB", f"between {first.flows:,} and {last.flows:,} flows")


def _growth(before: Size, after: Size, *, bound: bool) -> Iterator[Line]:
    times = after.flows / before.flows
    of, name = f"{times:.0f} times as many flows", f"{before.flows:,} to {after.flows:,} flows"
    most = times if bound else None
    cpu = after.unchanged.cpu_seconds / before.unchanged.cpu_seconds
    yield Line(f"{name}: CPU of a refresh", cpu, "x", of, most=most)
    requests = after.unchanged.requests / before.unchanged.requests
    yield Line(f"{name}: requests of a refresh", requests, "x", of, most=most)


def _growth_of_change(before: Size, after: Size) -> Line:
    times = after.flows / before.flows
    what = f"{before.flows:,} to {after.flows:,} flows: more CPU of {FEW} changed ones"
    most = times / FLAT if times >= FLAT * FLAT else None
    return Line(what, after.more_cpu / before.more_cpu, "x", f"{times:.0f} times as many did not change", most=most)


def _ms(value: float) -> str:
    return f"{value:,.1f} ms"


def _wall(found: Refresh) -> str:
    return f"in {found.wall_seconds:.2f} s of time, mean of half an hour"


def content(cost: Cost) -> dict[str, Any]:
    """As JSON has it."""
    return {**asdict(cost), "lines": [line.content() for line in lines_of(cost)]}


def show(cost: Cost) -> None:
    """Print everything."""
    lines.show(f"an account of {cost.flows:,} flows, profile standard", lines_of(cost))
    if cost.sizes:
        _show_sizes(cost.sizes)


def _show_sizes(sizes: Sequence[Size]) -> None:
    columns = ("flows", "requests", "CPU", f"requests, {FEW} changed", f"CPU, {FEW} changed", "change itself", "memory")
    table = Table(*columns, title="a refresh, by the size of the account")
    for each in sizes:
        unchanged, changed = each.unchanged, each.changed
        table.add_row(
            f"{each.flows:,}",
            f"{unchanged.requests:,.0f}",
            f"{unchanged.cpu_seconds:.3f} s",
            f"{changed.requests:,.0f}",
            f"{changed.cpu_seconds:.3f} s",
            f"{changed.requests - unchanged.requests:,.0f}, {each.more_cpu:.3f} s",
            f"{each.resident_mib:,.0f} MiB",
        )
    Console(width=150).print(table)
