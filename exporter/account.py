"""One account at run time: its client, model, ledger, collectors and rendered snapshot, and their threads."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from exporter import logs
from exporter.api.budget import Budget, Shared
from exporter.api.client import CeligoClient
from exporter.api.refresh import Away
from exporter.api.telemetry import DURATIONS, Telemetry
from exporter.api.token import TokenProvider
from exporter.clock import Clock
from exporter.collect.active import ActiveRunsView
from exporter.collect.agents import AgentsView
from exporter.collect.connections import ConnectionsView
from exporter.collect.gate import Gate
from exporter.collect.health import checks_view
from exporter.collect.inventory import InventoryView
from exporter.collect.model import AccountModel
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.optional import Availability
from exporter.collect.ownership import Ownership
from exporter.collect.runner import CollectorRunner, CollectorStatus
from exporter.collect.step_listings import StepsView
from exporter.collect.workers import Executor, Workers
from exporter.collectors import BACKGROUND, RANKS, blocks_of, collectors_of, parts_of
from exporter.config.settings import Account, Settings
from exporter.expose.blocks import RenderedBlock
from exporter.expose.catalogue import OPEN_ERRORS_BY_CODE
from exporter.expose.families import Distribution, Scope, Series
from exporter.expose.selection import Extent
from exporter.expose.self_metrics import OwnMetrics, Sources
from exporter.expose.snapshot import AccountSnapshots, Served
from exporter.image import Image, LiveImage
from exporter.ledger.runs import RunLedger
from exporter.ledger.store import Store
from exporter.succession import Given, Lasting, lasting

CLOSE_SECONDS = 2.0
"""How long closing waits for requests that hang."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What an account that replicas share has besides. `now` is milliseconds by the clock that `image` goes by.

    `elsewhere`: another replica refreshes it, and this runtime reads nothing.
    """

    tokens: Shared
    now: int = 0
    image: Image | None = None
    elsewhere: bool = False


class AccountRuntime:
    """One account, thread-safe; `store` keeps its ledger, `workers` makes its threads, `gate` lets its runs begin.

    With `before`, the runtime of the same account under other settings, `store` is the ledger that it hands over (see
    `RunLedger.handing_over`), and what was read and counted goes on as far as it still holds; `before` itself is left
    as it is. `budget` is the one that held for the account until now. `sharing` is for replicas.

    Raises TokenUnreadable when there is no token to start with.
    """

    def __init__(
        self,
        account: Account,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        store: Store | RunLedger,
        workers: Callable[[str, int], Executor] = Workers,
        *,
        before: "AccountRuntime | None" = None,
        budget: Budget | None = None,
        sharing: Sharing | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.account = account
        self.settings = settings
        self.profile = settings.profile
        self.elsewhere = sharing is not None and sharing.elsewhere
        self.gate = gate or Gate(clock)
        self._clock = clock
        self._stop = threading.Event()
        held = None if before is None else lasting(Given(before.account, before.settings), Given(account, settings))
        same = before if held is not None and held.same_api else None
        self.telemetry: Telemetry = Telemetry(
            clock, None if before is None else before.telemetry, same_api=same is not None
        )
        self._token = TokenProvider(account.token, environ, clock)
        self._client: CeligoClient = CeligoClient(
            account,
            settings.limits,
            self._token,
            clock,
            self.telemetry,
            budget=budget if before is None else before.budget,
            shared=None if sharing is None else sharing.tokens,
            before=None if same is None else same._client,
        )
        self._availability: Availability = Availability(account.name, clock) if same is None else same._availability
        readings = {} if before is None or held is None else before.model.readings(held.parts)
        self.model: AccountModel = AccountModel(tuple(parts_of(settings.collectors)), readings)
        self.ledger = store if isinstance(store, RunLedger) else RunLedger(store)
        ownership = Ownership(settings.ownership)
        self._collectors = collectors_of(
            account, settings, self._client, self.model, self.ledger, self._availability, ownership
        )
        self._runners = {
            collector.name: CollectorRunner(account.name, collector, self.model, clock)
            for collector in self._collectors.running
        }
        self._futures: dict[str, Future[None]] = {}
        self._folded: int = 0 if before is None else before._folded
        self._folded_version = 0
        self._lock = threading.Lock()  # guards _futures and _folded
        if before is not None and held is not None:
            self._go_on(before, held)
        if sharing is not None and sharing.image is not None:
            self._restore(sharing.image, sharing.now)
        self._snapshots: AccountSnapshots = AccountSnapshots(
            Scope(account.name, account.environment),
            self.model,
            blocks_of(settings, ownership),
            clock,
            OwnMetrics(self._sources(), settings.profile),
            Extent(settings.profile, settings.filters, settings.limits.series),
            None if before is None else before._snapshots,
        )
        self.model.published = lambda: self._snapshots.build(clock.monotonic())
        self._workers = workers(f"account-{account.name}", max(1, len(self._runners)))

    def _go_on(self, before: "AccountRuntime", held: Lasting) -> None:
        for name, runner in self._runners.items():
            if name in before._runners:
                runner.go_on(before._runners[name], fresh=held.same_api, on_time=name in held.on_time)
        if held.same_api:
            self._collectors.go_on(before._collectors)

    def _restore(self, image: Image, now: int) -> None:
        """Begin where another replica was."""
        if image.live is not None:
            passed = max(0.0, (now - image.live.at) / 1000)
            for name, runner in self._runners.items():
                if name in image.live.runners:
                    runner.restore(image.live.runners[name], passed)
            carried: dict[str, Series] = {name: dict(series) for name, series in image.live.requests.items()}
            self.telemetry.carry_on({**carried, DURATIONS: dict(image.live.durations)})
        self._collectors.restore(image.errors, image.positions)

    def image(self, parts: Collection[str], now: int) -> Image:
        """Those parts of what another replica can begin with; `now` is what its `now` is compared with."""
        counted = self.telemetry.counted()
        durations = [(key, row) for key, row in counted[DURATIONS].items() if isinstance(row, Distribution)]
        requests = {
            name: [(key, float(row)) for key, row in series.items() if not isinstance(row, Distribution)]
            for name, series in counted.items()
            if name != DURATIONS
        }
        runners = {name: runner.image() for name, runner in self._runners.items()}
        return Image(
            live=LiveImage(now, runners, requests, durations) if "live" in parts else None,
            errors=self._collectors.errors.image() if "errors" in parts else None,
            positions=self._collectors.inventory.positions if "positions" in parts else None,
        )

    @property
    def busy(self) -> bool:
        """Whether a collector runs."""
        with self._lock:
            return any(not future.done() for future in self._futures.values())

    @property
    def runtime(self) -> "AccountRuntime":
        """Itself: an account that is this exporter's alone has one runtime from start to end."""
        return self

    def trigger(self, names: Collection[str] | None = None) -> list[Future[None]]:
        """Start what is due among the collectors `names` (None: all); futures of their runs under way.

        Runs that nobody should wait for are not among them, nor is any while the account hangs: whoever scrapes all
        accounts would wait for it each time.
        """
        chosen = [runner for name, runner in self._runners.items() if names is None or name in names]
        with self._lock:
            for runner in chosen:
                if not self._stop.is_set() and runner.claim():
                    self._futures[runner.collector.name] = self._begin(runner)
            waited = (runner.collector.name for runner in chosen if runner.collector.name not in BACKGROUND)
            under_way = [] if self.gate.slow(self) else [self._futures.get(name) for name in waited]
            return [future for future in under_way if future is not None and not future.done()]

    def _begin(self, runner: CollectorRunner) -> Future[None]:
        lost = partial(runner.lost, stop=self._stop)
        return self.gate.submit(self, RANKS[runner.collector.name], self._workers, partial(self._run, runner), lost)

    def current(self, now: float) -> tuple[RenderedBlock, ...]:
        """Rendered families at monotonic instant `now`."""
        return self._snapshots.current(now)

    @property
    def served(self) -> Served:
        """What `current` told last. Waits for nobody."""
        return self._snapshots.newest

    def statuses(self) -> Mapping[str, CollectorStatus]:
        """Newest status of each collector that is on."""
        return {name: runner.status for name, runner in self._runners.items()}

    @property
    def ready(self) -> bool:
        """Whether a first run of a collector has ended, well or not, if there is any; never asks the API."""
        statuses = self.statuses().values()
        return not statuses or any(status.success is not None for status in statuses)

    @property
    def runs_watermark(self) -> float | None:
        """Every run created before this instant (Unix seconds) has been read; None before the first reading."""
        return self.ledger.watermark("flow")

    @property
    def catch_up(self) -> float | None:
        """The share of the runs since the last reading that has been read; None before the first reading."""
        return self._collectors.jobs.catch_up

    @property
    def reads_history(self) -> bool:
        """Whether the history is read at all."""
        return "history" in self._runners

    @property
    def backfill(self) -> float | None:
        """The share of the history that has been read; None before the first sight, or when it is not read at all."""
        return self._collectors.history.ratio if self.reads_history else None

    def stop(self) -> None:
        """Let no new request start, and every wait end. Returns at once."""
        self._stop.set()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop and close the connections. Takes at most about `seconds` when a request hangs."""
        self.stop()
        self.gate.forget(self)
        self._workers.close(max(0.0, seconds))
        self._client.close()

    @property
    def budget(self) -> Budget:
        """What it may ask."""
        return self._client.budget

    def tokens(self) -> float:
        """Requests that the budget would let start at once."""
        return self.budget.tokens()

    def reread_token(self) -> None:
        """Look for the token again; one that cannot be read leaves the last one in use."""
        with logs.context(account=self.account.name):
            self._token.reread()

    def _run(self, runner: CollectorRunner, away: Away) -> None:
        runner.run(self._stop, away)
        if self._stop.is_set():
            return  # what was cut short tells nothing about the API
        now = self._clock.monotonic()
        self.model.publish("checks", checks_view(self.telemetry.outcomes(), self.settings.collectors, now), now)
        if runner.collector.name == "jobs" and "schedules" in self._runners:
            self._collectors.schedules.tell(self.model.publish, now)
        if runner.collector.name == "errors":
            self._count_folded(now)

    def _count_folded(self, now: float) -> None:
        reading = self.model.reading("open_errors", now)
        # A run that published nothing left nothing out.
        if reading is not None and reading.version != self._folded_version:
            view: OpenErrorsView = reading.view
            with self._lock:
                self._folded += view.folded_codes
            self._folded_version = reading.version

    def _sources(self) -> Sources:
        return Sources(
            exchanges=self.telemetry,
            intervals={name: runner.status.interval for name, runner in self._runners.items()},
            statuses=self.statuses,
            tokens=self.tokens,
            watermarks=self._watermarks,
            catch_up=lambda: self.catch_up,
            backfill=lambda: self.backfill,
            objects=self.objects,
            dropped=self.dropped,
            available=self._availability.known,
            token_expires=self.account.token_expires,
            region=self.account.region,
        )

    def _watermarks(self) -> Mapping[str, float]:
        watermark = self.runs_watermark
        return {} if watermark is None else {"jobs": watermark}

    def objects(self) -> Mapping[str, float]:
        """Objects in memory by kind; a kind whose part is not known has no entry."""
        now, counts = self._clock.monotonic(), {}
        if (inventory := self.model.view("inventory", InventoryView, now)) is not None:
            counts["flow"] = float(len(inventory.flows))
            counts["integration"] = float(len(inventory.integrations))
        if (steps := self.model.view("steps", StepsView, now)) is not None:
            known = {"export": steps.exports, "import": steps.imports}
            counts |= {kind: float(len(listing.facts)) for kind, listing in known.items() if listing is not None}
        if (connections := self.model.view("connections", ConnectionsView, now)) is not None:
            counts["connection"] = float(len(connections.connections))
        if (agents := self.model.view("agents", AgentsView, now)) is not None:
            counts["agent"] = float(len(agents.agents))
        if (active := self.model.view("active_runs", ActiveRunsView, now)) is not None:
            counts["active_run"] = float(len(active.runs))
            counts["pending_run"] = float(active.pending)
        return counts

    def dropped(self) -> Mapping[tuple[str, str], int]:
        """Series that were folded into others so far, by family and reason."""
        with self._lock:
            return {(OPEN_ERRORS_BY_CODE.name, "label_bound"): self._folded}
