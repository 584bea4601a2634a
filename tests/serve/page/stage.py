"""Exporters on simulated accounts, as the page is to show them: healthy, failing, with hostile names."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from exporter.config.settings import Account, Collectors, HistorySettings, Limits, RateLimit, Settings, TokenSource
from exporter.serve.demo import OWNERSHIP
from exporter.serve.fleet import Fleet
from exporter.simulator.options import SimulatorOptions
from exporter.simulator.server import Simulator
from tests.e2e.processes import until
from tests.serve.rig import ShiftedClock, served

TOKEN = "demo-token-7c1e"
VARIABLE = "CELIGO_TOKEN"
PLENTY = RateLimit(requests_per_second=2000.0, burst=2000)

HOSTILE = (
    "<script>window.hit = 1</script>",
    '"><img src=x onerror="window.hit = 1">',
    "</style></title><svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "invoice \u202egnp.exe\u2066 \u200f right to left",
    "line one\nline two\ttab\x00\x1b[31m",
    "n" * 1000,
    "{{ 7 * 7 }} {% raw %} ${alert(1)} ' onmouseover='window.hit=1",
)
"""Names that somebody may give to a flow, an integration or a connection. `window.hit` tells that one was run."""


@dataclass
class Stage:
    """The exporter's address and everything behind it."""

    url: str
    fleet: Fleet
    clock: ShiftedClock
    simulators: Sequence[Simulator]

    def collect(self, times: int = 1, seconds: float = 301.0) -> None:
        """Let time pass and everything be read, some times over; each time is scraped."""
        for _ in range(times):
            self.clock.advance(seconds)
            before = self._runs()
            self.fleet.trigger()
            until(lambda: all(self._runs()[key] > runs for key, runs in before.items()), "every collector has run")  # noqa: B023
            for account in self.fleet.accounts:
                account.current(self.clock.monotonic())

    def _runs(self) -> dict[tuple[str, str], int]:
        """How often each collector has run; also those that no scrape waits for."""
        rows = [(each.account.name, *pair) for each in self.fleet.accounts for pair in each.statuses().items()]
        return {(account, name): status.version for account, name, status in rows}

    def flows(self, simulator: int = 0) -> list[dict[str, Any]]:
        """Flows that are on and scheduled, in the order of their ids."""
        truth: Any = self.simulators[simulator].truth()
        rows = [flow for flow in truth["flows"] if flow["enabled"] and flow["scheduled"]]
        return sorted(rows, key=lambda flow: str(flow["id"]))

    def connections(self, simulator: int = 0) -> list[dict[str, Any]]:
        """Its connections."""
        truth: Any = self.simulators[simulator].truth()
        return [row for row in truth["connections"] if not row["deleted"]]


@contextmanager
def stage(
    *names: str,
    flows: int = 12,
    past: float = 7200.0,
    budget: RateLimit = PLENTY,
    account: Mapping[str, Any] | None = None,
) -> Iterator[Stage]:
    """An exporter of simulated accounts of these names, which say that they are in the EU.

    `account` has more options of the simulator.
    """
    clock = ShiftedClock()
    with ExitStack() as stack:
        unlimited: dict[str, Any] = {"bucket_rate": 1e6, "bucket_size": 10**6}
        options = SimulatorOptions(
            flows=flows, token=TOKEN, base_clock=clock.time, history_seconds=past, **unlimited, **(account or {})
        )
        simulators = [
            stack.enter_context(Simulator(replace(options, seed=seed))) for seed, _ in enumerate(names, start=1)
        ]
        accounts = tuple(
            Account(name, TokenSource(env=VARIABLE), each.url, "eu", rate_limit=budget)
            for name, each in zip(names, simulators, strict=True)
        )
        # A run that the account does not know of, as it was not there then, would count as missed.
        collectors = Collectors(history=HistorySettings(depth=past / 2))
        settings = Settings(accounts, collectors, Limits(attempts=1), profile="full", ownership=OWNERSHIP)
        fleet = stack.enter_context(Fleet(settings, {VARIABLE: TOKEN}, clock))
        yield Stage(stack.enter_context(served(fleet)), fleet, clock, simulators)


def trouble(held: Stage, simulator: int = 0) -> None:
    """Flows that stop, fail and raise errors, and a connection that goes offline."""
    account, flows = held.simulators[simulator], held.flows(simulator)
    for flow in flows[:3]:
        account.inject("schedule_stopped", flow=flow["id"])
    for flow in flows[3:5]:
        account.inject("flow_failing", flow=flow["id"])
    account.inject("error_storm", flow=flows[5]["id"], count=340, age_seconds=9 * 86400)
    account.inject("connection_offline", connection=held.connections(simulator)[0]["id"])


def hostile(held: Stage, simulator: int = 0) -> None:
    """The flows in trouble have hostile names, and so have their integrations."""
    account, flows = held.simulators[simulator], held.flows(simulator)
    for flow, name in zip(flows, HOSTILE, strict=False):
        account.inject("flow_renamed", flow=flow["id"], name=name)
        account.inject("flow_failing", flow=flow["id"])
    homes = dict.fromkeys(flow["integration_id"] for flow in flows if flow["integration_id"] not in (None, "none"))
    for home, name in zip(homes, HOSTILE, strict=False):
        account.inject("integration_renamed", integration=home, name=name)
