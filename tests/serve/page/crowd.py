"""Accounts with as many flows as a test wants, all of them in trouble, without a simulator."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from exporter.account import AccountRuntime
from exporter.collect.connections import ConnectionFacts, ConnectionsView
from exporter.collect.expectations import Expected
from exporter.collect.health import HealthView
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.rollup import OpenCount
from exporter.collect.schedules import SchedulesView
from exporter.config.settings import Account, Settings, TokenSource
from exporter.ledger.tally import FinishedRun, FlowTally, Streak
from exporter.serve.fleet import Fleet
from tests.clocks import ManualClock


class Idle:
    """Workers that never work: hundreds of accounts would start thousands of threads."""

    def __init__(self, *_: object) -> None:
        """Nothing to start."""

    def submit(self, task: Callable[[], None]) -> Future[None]:
        """Refuse: nothing is to be read."""
        raise NotImplementedError(task)

    def close(self, seconds: float) -> bool:
        """Nothing to end."""
        return seconds >= 0


@contextmanager
def crowd(accounts: int, flows: int) -> Iterator[tuple[Fleet, ManualClock]]:
    """A fleet whose every flow is overdue, failing and full of errors, and whose every connection is offline."""
    clock = ManualClock()
    listed = tuple(Account(f"account-{n:03}", TokenSource(env="T"), region="eu") for n in range(accounts))
    with Fleet(Settings(listed), {"T": "prober-token-4f1c"}, clock, Idle) as fleet:
        for runtime in fleet.accounts:
            fill(runtime, clock, flows)
        yield fleet, clock


def fill(runtime: AccountRuntime, clock: ManualClock, flows: int) -> None:
    """Publish what collectors would have read."""
    now, wall = clock.monotonic(), clock.time()
    ids = [f"f{number:05}" for number in range(flows)]
    names = {flow_id: f"Flow {number} from the shop to the warehouse" for number, flow_id in enumerate(ids)}
    facts = {key: FlowFacts(key, name, "i1", True, True, "scheduled", (f"s{key}",)) for key, name in names.items()}
    views: dict[str, object] = {
        "health": HealthView(up=True),
        "inventory": InventoryView({"i1": "Shop to warehouse"}, facts, complete=True, listeners_known=True),
        "schedules": SchedulesView({key: Expected(wall - 9000 - n, 3) for n, key in enumerate(ids)}),
        "finished_runs": FinishedRunsView({key: tally(key, wall - n) for n, key in enumerate(ids)}, {}, True, {}),
        "open_errors": open_errors(ids, wall),
        "connections": connections(max(1, flows // 20)),
    }
    for part, view in views.items():
        runtime.model.publish(part, view, now)


def tally(flow_id: str, ended_at: float) -> FlowTally:
    run = FinishedRun("r", flow_id, "i1", "failed", ended_at - 60, ended_at, 60.0, 0.0, (0, 1, 0))
    return FlowTally(runs=(0, 4, 0), last=run, failed=Streak(4))


def open_errors(ids: list[str], wall: float) -> OpenErrorsView:
    counts = {key: OpenCount(7, wall, "i1") for key in ids}
    oldest = {key: wall - 86400 - n for n, key in enumerate(ids)}
    return OpenErrorsView(counts, {"i1": 7 * len(ids)}, {}, oldest, {}, {}, {}, 0, 1.0)


def connections(count: int) -> ConnectionsView:
    rows = [ConnectionFacts(f"c{n}", f"Warehouse {n}", "http", online=False, queued=n) for n in range(count)]
    return ConnectionsView({row.id: row for row in rows}, complete=True)
