"""Which collectors, parts and blocks an account has, by its settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from exporter.api.client import CeligoClient
from exporter.collect.agents import AGENTS_BLOCK, AgentsCollector
from exporter.collect.audit import AUDIT_BLOCK
from exporter.collect.base import Block, Collector
from exporter.collect.connections import CONNECTIONS_BLOCK, ConnectionsCollector
from exporter.collect.errors import ErrorsCollector
from exporter.collect.errors_families import OPEN_ERRORS_BLOCK, RESOLVED_ERRORS_BLOCK
from exporter.collect.errors_image import ErrorsImage
from exporter.collect.governance import LISTS, GovernanceCollector
from exporter.collect.health import CHECKS_BLOCK, HEALTH_BLOCK, HealthCollector
from exporter.collect.history import HistoryCollector
from exporter.collect.inventory import InventoryCollector
from exporter.collect.inventory_families import inventory_block
from exporter.collect.jobs import JobsCollector
from exporter.collect.jobs_families import ACTIVE_RUNS_BLOCK, RUNS_BLOCK
from exporter.collect.kept_notes import audit_note, resolved_note
from exporter.collect.last_exports import LAST_EXPORTS_BLOCK
from exporter.collect.licenses import ENTITLEMENT_USAGE_BLOCK, LICENSES_BLOCK, SANDBOX
from exporter.collect.model import AccountModel, Part
from exporter.collect.notifications import notifications_block
from exporter.collect.optional import Availability
from exporter.collect.ownership import Ownership, ownership_blocks
from exporter.collect.schedules import SCHEDULES_BLOCK, SchedulesCollector
from exporter.collect.step_info import step_info_block
from exporter.collect.step_listings import KEPT_BY_CLIENT
from exporter.collect.step_records import STEP_RECORDS_BLOCK
from exporter.collect.topology import FLOW_CONNECTIONS_BLOCK, ORPHANS_BLOCK, connection_flows_block
from exporter.config.settings import Account, Collectors, ErrorsSettings, Profile, Settings
from exporter.ledger.runs import RunLedger

COLLECTORS = tuple(each.name for each in fields(Collectors))
"""Names of all collectors, as `collect[]` and the configuration take them."""


def blocks(*, all_steps: bool) -> tuple[Block, ...]:
    """The blocks of one account; `all_steps` names every step, not only those with open errors."""
    return (
        HEALTH_BLOCK,
        CHECKS_BLOCK,
        inventory_block(),
        RUNS_BLOCK,
        ACTIVE_RUNS_BLOCK,
        OPEN_ERRORS_BLOCK,
        RESOLVED_ERRORS_BLOCK,
        CONNECTIONS_BLOCK,
        AGENTS_BLOCK,
        AUDIT_BLOCK,
        notifications_block(),
        LICENSES_BLOCK,
        ENTITLEMENT_USAGE_BLOCK,
        SCHEDULES_BLOCK,
        FLOW_CONNECTIONS_BLOCK,
        connection_flows_block(),
        LAST_EXPORTS_BLOCK,
        STEP_RECORDS_BLOCK,
        ORPHANS_BLOCK,
        step_info_block(all_steps=all_steps),
    )


_IN_EVERY_RUN = {
    "health": "health",
    "inventory": "inventory",
    "steps": "inventory",
    "last_exports": "inventory",
    "step_records": "jobs",
    "connections": "connections",
    "finished_runs": "jobs",
    "active_runs": "jobs",
    "open_errors": "errors",
    "resolved_errors": "errors",
    "agents": "agents",
    "audit": "governance",
    "schedules": "schedules",
}
"""Each part of the model that is published in every run, and the collector that does."""

PARTS: Mapping[str, str] = {**_IN_EVERY_RUN, **dict.fromkeys(LISTS, "governance")}
"""Each part of the model that a collector publishes, and which one."""

BACKGROUND = frozenset({"history"})
"""Collectors that no scrape waits for."""

RANKS: Mapping[str, int] = {
    "health": 0,
    "jobs": 1,
    "inventory": 2,
    "connections": 2,
    "agents": 2,
    "schedules": 3,
    "errors": 3,
    "governance": 3,
    "history": 4,
}
"""Which run begins first when not all can: whether an account is there at all, what ran, what there is, details."""

UNUSED_IN_LEAN = frozenset({"governance", "history"})
"""Collectors none of whose families are in the lean profile."""


def running(name: str, settings: Settings) -> bool:
    """Whether the collector is switched on and has something to tell in the profile."""
    enabled: bool = getattr(settings.collectors, name).enabled
    return enabled and (settings.profile != "lean" or name not in UNUSED_IN_LEAN)


def blocks_of(settings: Settings, ownership: Ownership) -> tuple[Block, ...]:
    """All blocks of an account."""
    all_steps = settings.profile == "full"
    owned = ownership_blocks(ownership) if settings.ownership else ()
    return (*blocks(all_steps=all_steps), *owned)


def parts_of(collectors: Collectors) -> Iterator[Part]:
    """Every part of an account's model, and how long its views last."""
    staleness = {name: getattr(collectors, name).staleness_seconds for name in COLLECTORS}
    for part, collector in _IN_EVERY_RUN.items():
        yield Part(part, staleness[collector] + (KEPT_BY_CLIENT if part == "steps" else 0.0))
    for part in LISTS:
        yield Part(part, collectors.governance.lists_staleness_seconds)
    yield Part("checks", max(staleness.values()))


@dataclass(frozen=True, slots=True)
class CollectorSet:
    """The collectors of one account; `running` are those that are on."""

    jobs: JobsCollector
    schedules: SchedulesCollector
    history: HistoryCollector
    inventory: InventoryCollector
    errors: ErrorsCollector
    others: tuple[Collector, ...]
    settings: Settings

    @property
    def running(self) -> tuple[Collector, ...]:
        """Those that are on, in the order of `COLLECTORS`."""
        named = (self.inventory, self.errors, self.jobs, self.schedules, self.history)
        found: dict[str, Collector] = {each.name: each for each in (*self.others, *named)}
        return tuple(found[name] for name in COLLECTORS if running(name, self.settings))

    def restore(self, errors: ErrorsImage | None, positions: Mapping[str, float] | None) -> None:
        """Begin with what those of another replica knew."""
        if errors is not None:
            self.errors.restore(errors)
        if positions is not None:
            self.inventory.restore(positions)

    def go_on(self, before: Self) -> None:
        """Begin with what other collectors remember of the same account and keep nowhere else."""
        self.inventory.go_on(before.inventory)
        self.errors.go_on(before.errors)
        self.jobs.go_on(before.jobs)


def collectors_of(
    account: Account,
    settings: Settings,
    client: CeligoClient,
    model: AccountModel,
    ledger: RunLedger,
    availability: Availability,
    ownership: Ownership,
) -> CollectorSet:
    """Make all collectors of an account."""
    chosen, memory, full = settings.collectors, ledger.memory, settings.profile == "full"
    resolved = resolved_note(memory)
    return CollectorSet(
        jobs=JobsCollector(client, chosen.jobs, ledger, step_records=full),
        schedules=SchedulesCollector(
            client, chosen.schedules, model, memory, chosen.jobs.overlap, ownership.silence_of
        ),
        history=HistoryCollector(client, chosen.history, ledger, chosen.jobs),
        inventory=InventoryCollector(client, chosen.inventory, full=full),
        errors=ErrorsCollector(
            client,
            _errors_settings(chosen.errors, settings.profile),
            settings.filters,
            resolved=full,
            load=resolved.load,
            save=resolved.save,
        ),
        others=(
            HealthCollector(client, chosen.health),
            ConnectionsCollector(client, chosen.connections),
            AgentsCollector(client, chosen.agents, availability),
            GovernanceCollector(
                client, chosen.governance, availability, audit_note(memory), sandbox=account.environment == SANDBOX
            ),
        ),
        settings=settings,
    )


def _errors_settings(settings: ErrorsSettings, profile: Profile) -> ErrorsSettings:
    """No family of the lean profile needs what lies below the roll-ups."""
    return replace(settings, flows_per_run=0, steps_per_run=0) if profile == "lean" else settings
