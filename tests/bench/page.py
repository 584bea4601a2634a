"""What the page costs: all flows of one large account in trouble, and many accounts on the overview."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from exporter.serve.page.endpoint import PageEndpoint
from exporter.serve.page.render import render
from exporter.serve.page.trouble import Troubles
from tests.serve.page.crowd import crowd, fill

_ACCOUNTS = 300
_ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time, and bytes."""

    what: str
    news: float
    again: float
    kept: float
    size: int
    compressed: int


def measure(accounts: int, flows: int) -> Cost:
    """A page after all readings are new, another one of the same readings, and one that is kept."""
    with crowd(accounts, flows) as (fleet, clock):
        troubles, endpoint = Troubles(), PageEndpoint(fleet)
        page = render(fleet, troubles)
        news, again, kept = [], [], []
        for _ in range(_ROUNDS):
            for runtime in fleet.accounts:
                fill(runtime, clock, flows)
            news.append(_ms(lambda: render(fleet, troubles)))
            again.append(_ms(lambda: render(fleet, troubles)))
            endpoint.rendered((None, 1))
            kept.append(_ms(lambda: endpoint.rendered((None, 1))))
    name = f"{accounts} account{'s' if accounts > 1 else ''} of {flows:,} flows"
    return Cost(name, _middle(news), _middle(again), _middle(kept), len(page.content), len(page.compressed))


def show(flows: int) -> None:
    """Measure and print."""
    columns = (
        "everything is in trouble",
        "readings are new",
        "the same again",
        "within a second",
        "bytes",
        "compressed",
    )
    table = Table(*columns, title="a page")
    for cost in (measure(1, 100), measure(1, flows), measure(_ACCOUNTS, 100)):
        times = (f"{each:.2f} ms" for each in (cost.news, cost.again, cost.kept))
        table.add_row(cost.what, *times, f"{cost.size:,}", f"{cost.compressed:,}")
    Console(width=120).print(table)


def _ms(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return (time.thread_time() - started) * 1000


def _middle(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]
