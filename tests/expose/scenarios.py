"""Accounts in a few situations, from the views that collectors publish to the document.

`python -m tests.expose.scenarios` writes the golden files anew; read the difference before it is committed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.api.endpoints import Endpoint
from exporter.api.telemetry import Telemetry
from exporter.collect.active import ActiveRun, ActiveRunsView
from exporter.collect.agents import AgentFacts, AgentsView
from exporter.collect.audit import AuditCounts
from exporter.collect.connections import ConnectionFacts, ConnectionsView
from exporter.collect.expectations import Expected
from exporter.collect.health import ChecksView, HealthView
from exporter.collect.inventory import FlowFacts, InventoryView
from exporter.collect.jobs import FinishedRunsView
from exporter.collect.last_exports import LastExportsView
from exporter.collect.licenses import LicensesView, UsageView
from exporter.collect.model import AccountModel, Part
from exporter.collect.notifications import NotificationsView
from exporter.collect.open_errors import OpenErrorsView
from exporter.collect.resolved import Resolved, ResolvedView
from exporter.collect.rollup import OpenCount
from exporter.collect.runner import CollectorStatus
from exporter.collect.schedules import SchedulesView
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.step_records import StepRecordsView
from exporter.collect.steps import StepFacts
from exporter.collectors import COLLECTORS, blocks
from exporter.collectors import PARTS as EVERY_PART
from exporter.config.settings import Collectors
from exporter.expose.document import Documents
from exporter.expose.families import Scope
from exporter.expose.render import Format
from exporter.expose.self_metrics import OwnMetrics, Sources
from exporter.expose.snapshot import AccountSnapshots
from exporter.ledger.history import FlowHistory
from exporter.ledger.tally import FinishedRun, FlowTally, IntegrationTally
from tests.clocks import EPOCH, ManualClock
from tests.expose.kit import ACME

GOLDEN = Path(__file__).with_name("golden")
PARTS = (*EVERY_PART, "checks")
INTERVALS = {name: getattr(Collectors(), name).interval for name in COLLECTORS}
CHECKS = ("auth", "integrations", "connections", "flows", "jobs", "errors")
HOSTILE = {
    "quote": 'say "hi"',
    "backslash": "C:\\new\\table",
    "lines": "two\nlines",
    "injection": '"} 1\nceligo_up{account="other"} 0 #',
    "template": "%s {0} {{x}} ${y}",
    "unicode": "Bestellungen für 東京 🚚 \u202e",
    "control": "bell\x07 nul\x00 tab\t",
    "spaces": "  ",
    "empty": "",
}


@dataclass(frozen=True)
class Situation:
    """Views by part, failures by collector, and the account's labels."""

    views: Mapping[str, object]
    failing: Mapping[str, str] = field(default_factory=dict)
    disabled: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default=ACME)

    def document(self, fmt: Format) -> bytes:
        """What a scrape of this account alone serves."""
        clock = ManualClock()
        return Documents([self.snapshots(clock)], clock).content(None, fmt, compressed=False).content

    def snapshots(self, clock: ManualClock) -> AccountSnapshots:
        """The account at the clock's first instant."""
        model = AccountModel(tuple(Part(name, 300.0) for name in PARTS))
        for part, view in self.views.items():
            model.publish(part, view, clock.monotonic())
        telemetry = Telemetry(clock)
        telemetry.exchange(Endpoint.TOKEN_INFO, "200", 0.2, 64)
        sources = Sources(
            telemetry,
            INTERVALS,
            self._statuses,
            lambda: 9.5,
            backfill=lambda: 0.5,
            available=lambda: {"/v1/audit": True},
            token_expires=EPOCH + 86400.0,
        )
        return AccountSnapshots(self.scope, model, blocks(all_steps=False), clock, OwnMetrics(sources))

    def _statuses(self) -> Mapping[str, CollectorStatus]:
        return {name: self._status(name, interval) for name, interval in INTERVALS.items()}

    def _status(self, name: str, interval: float) -> CollectorStatus:
        reason = self.failing.get(name)
        return CollectorStatus(
            name,
            interval,
            success=reason is None,
            last_success=EPOCH if reason is None else None,
            duration=1.5,
            requests=4,
            errors={} if reason is None else {reason: 2},
            disabled=self.disabled.get(name),
        )


def healthy_views() -> dict[str, object]:
    return {
        "health": HealthView(up=True),
        "checks": ChecksView(dict.fromkeys(CHECKS, True)),
        "inventory": InventoryView(
            {"i1": "Shop to ERP", "none": "Standalone flows"},
            {
                "f1": FlowFacts(
                    "f1", "Orders", "i1", True, True, "scheduled", ("s0", "s1"), EPOCH - 9000.0, EPOCH - 600.0
                ),
                "f2": FlowFacts("f2", "Refunds", "i1", False, False, "chained"),
                "f3": FlowFacts("f3", "Nightly export", "none", True, False, "on_demand"),
            },
            complete=True,
            listeners_known=True,
        ),
        "steps": StepsView(
            StepListing({"s0": StepFacts("Read orders", "export", "HTTPExport", "c1", "delta")}, True),
            StepListing(
                {
                    "s1": StepFacts("Import orders", "import", "NetSuiteImport", "c2"),
                    "s9": StepFacts("Old import", "import", "HTTPImport", ""),
                },
                True,
            ),
        ),
        "last_exports": LastExportsView({"f1": EPOCH - 660.0}),
        "step_records": StepRecordsView({("f1", "s1"): (107, 3, 1)}, frozenset({"f1"})),
        "resolved_errors": ResolvedView({"i1": Resolved(2, 5), "none": Resolved()}),
        "schedules": SchedulesView(
            expected={"f1": Expected(EPOCH + 300.0, 0)},
            intervals={"f1": 900.0},
            unreadable=frozenset({"f2"}),
            silences={"f3": 7200.0},
            skips={"f1": EPOCH + 18_000_000.0},
        ),
        "finished_runs": finished_runs(),
        "active_runs": ActiveRunsView((ActiveRun("j9", "f1", "running", EPOCH - 60.0, (3, 0, 0), EPOCH - 5.0),), 1),
        "open_errors": open_errors(),
        "connections": ConnectionsView(
            {
                "c1": ConnectionFacts(
                    "c1", "Shop", "http", online=True, queued=3, debug_until=EPOCH + 3600.0, concurrency=5
                ),
                "c2": ConnectionFacts("c2", "ERP", "netsuite", online=False, agent_id="a1"),
            }
        ),
        "agents": AgentsView({"a1": AgentFacts("a1", "warehouse", True, EPOCH - 9.0), "a2": AgentFacts("a2", "lab")}),
        "audit": AuditCounts(EPOCH, counts={("flow", "update", "ui"): 12, ("other", "create", "sso"): 1}),
        "notifications": NotificationsView(frozenset({"f3"})),
        "licenses": LicensesView({"l1": ("platform", EPOCH + 86400.0)}, {"flows": 1000, "agents": 0}),
        "entitlement_usage": UsageView({"flows": 412}),
    }


def finished_runs() -> FinishedRunsView:
    runs = [
        FinishedRun("j1", "f1", "i1", "completed", EPOCH - 1300.0, EPOCH - 1200.0, 90.0, 10.0, (100, 2, 1)),
        FinishedRun("j2", "f1", "i1", "failed", EPOCH - 700.0, EPOCH - 600.0, 95.5, 4.5, (7, 1, 0)),
    ]
    flow, integration, history = FlowTally(), IntegrationTally(), FlowHistory()
    faultless = FinishedRun("j0", "f1", "i1", "completed", EPOCH - 2200.0, EPOCH - 2100.0, 80.0, 1.0, (50, 0, 0))
    for run in (faultless, *runs, *runs[:1] * 4):
        history = history.ran(run)
    for run in runs:
        flow, integration = flow.counted(run).seen(run), integration.counted(run)
    flows = {"f1": flow, "f2": FlowTally(), "f3": FlowTally()}
    integrations = {"i1": integration, "none": IntegrationTally()}
    return FinishedRunsView(flows, integrations, True, {"flow": 1, "retry": 0}, {"f1": history})


def open_errors() -> OpenErrorsView:
    return OpenErrorsView(
        flows={"f1": OpenCount(3, EPOCH - 620.0, "i1"), "f2": OpenCount(0, None, "i1")},
        integrations={"i1": 3},
        steps={("f1", "s1"): 3},
        oldest={"f1": EPOCH - 86400.0},
        classifications={"i1": {"value": 2, "missing": 1}},
        sources={"i1": {"application": 3}},
        codes={"422": 2, "other": 1},
        folded_codes=0,
        sampled_ratio=1.0,
        ages={"i1": {"1h": 3, "24h": 1, "7d": 0, "25d": 0}},
        expiring={"i1": 1},
        unassigned={"i1": 2},
        flow_steps={"f1": (("s1", 3),)},
    )


def _empty_views() -> dict[str, object]:
    return {
        "health": HealthView(up=True),
        "checks": ChecksView(dict.fromkeys(CHECKS, True)),
        "inventory": InventoryView(),
        "finished_runs": FinishedRunsView({}, {}, True, {"flow": 0, "retry": 0}),
        "active_runs": ActiveRunsView(()),
        "open_errors": OpenErrorsView({}, {}, {}, {}, {}, {}, {}, 0, 1.0),
        "connections": ConnectionsView(),
        "agents": AgentsView(),
        "audit": AuditCounts(EPOCH),
        "notifications": NotificationsView(),
        "licenses": LicensesView(),
        "entitlement_usage": UsageView(),
        "steps": StepsView(StepListing({}, True), StepListing({}, True)),
        "resolved_errors": ResolvedView({}),
        "schedules": SchedulesView(),
    }


def _hostile_views() -> dict[str, object]:
    flows = {key: FlowFacts(key, text, "i1", True, False, "on_demand") for key, text in HOSTILE.items()}
    connections = {key: ConnectionFacts(key, text, text, online=True, agent_id=text) for key, text in HOSTILE.items()}
    integrations = {"i1": HOSTILE["injection"], "i2": HOSTILE["unicode"]}
    agents = {key: AgentFacts(key, text, True) for key, text in HOSTILE.items()}
    return {
        "inventory": InventoryView(integrations, flows),
        "connections": ConnectionsView(connections),
        "agents": AgentsView(agents),
    }


def _without(views: Mapping[str, object], *parts: str) -> dict[str, object]:
    return {part: view for part, view in views.items() if part not in parts}


def _jobs_fail() -> Situation:
    views = _without(healthy_views(), "finished_runs", "active_runs")
    views["checks"] = ChecksView({check: check != "jobs" for check in CHECKS})
    return Situation(views, failing={"jobs": "server_error"})


def _token_is_wrong() -> Situation:
    views: dict[str, object] = {"health": HealthView(up=False), "checks": ChecksView({"auth": False})}
    return Situation(views, failing=dict.fromkeys(INTERVALS, "unauthorized"))


def _connections_are_refused() -> Situation:
    views = _without(healthy_views(), "connections", "open_errors", "finished_runs")
    return Situation(views, failing={"connections": "forbidden"}, disabled={"connections": "forbidden"})


SITUATIONS: Mapping[str, Callable[[], Situation]] = {
    "healthy": lambda: Situation(healthy_views()),
    "empty-account": lambda: Situation(_empty_views()),
    "jobs-fail": _jobs_fail,
    "token-is-wrong": _token_is_wrong,
    "connections-are-refused": _connections_are_refused,
    "hostile-names": lambda: Situation(_hostile_views(), scope=Scope('acme "EU"', "back\\slash")),
}
"""What the golden files show."""


def golden_file(name: str, fmt: Format) -> Path:
    """Where the expected document of a situation is kept."""
    return GOLDEN / f"{name}.{fmt.name.lower()}"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, situation in SITUATIONS.items():
        for fmt in Format:
            golden_file(name, fmt).write_bytes(situation().document(fmt))
