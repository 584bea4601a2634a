"""The sample account: everything the inventory endpoints list.

`build_account` is a pure function of the options and the start of the simulation,
so that two simulators with the same seed answer with the same bytes.
"""

from dataclasses import dataclass, field

from exporter.simulator.flow_factory import FlowFactory
from exporter.simulator.identity import object_id, stream
from exporter.simulator.licenses import Entitlement, License, account_entitlements, account_licenses
from exporter.simulator.names import APPLICATIONS, NASTY_NAMES, REGIONS
from exporter.simulator.options import DAY_MS, SimulatorOptions
from exporter.simulator.resources import Agent, Connection, Flow, Integration, Notification, Step

_CONNECTION_CAP = 500
_NASTY_INTEGRATION = 2
_OFFLINE_CONNECTION = 17
_CONCURRENCY = 5


@dataclass(slots=True)
class Account:
    """All resources of one account, each list in order of creation."""

    user_id: str
    start_ms: int
    integrations: list[Integration] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    integration_by_id: dict[str, Integration] = field(default_factory=dict)
    connection_by_id: dict[str, Connection] = field(default_factory=dict)
    flow_by_id: dict[str, Flow] = field(default_factory=dict)
    licenses: list[License] = field(default_factory=list)
    entitlements: dict[str, Entitlement] = field(default_factory=account_entitlements)
    _flows_by_home: dict[str, list[Flow]] = field(default_factory=dict)

    @property
    def license_id(self) -> str:
        """The id of the account's own licence."""
        return self.licenses[0].id

    @property
    def connector_license_id(self) -> str:
        """The id of the licence of an integration app."""
        return self.licenses[1].id

    def index(self) -> None:
        """Build the look-up tables; called once after the lists are complete."""
        self.integration_by_id = {row.id: row for row in self.integrations}
        self.connection_by_id = {row.id: row for row in self.connections}
        self.flow_by_id = {row.id: row for row in self.flows}

    def live_integrations(self) -> list[Integration]:
        """Return the integrations that were not deleted."""
        return [row for row in self.integrations if not row.deleted]

    def live_flows(self) -> list[Flow]:
        """Return the flows that were not deleted."""
        return [row for row in self.flows if not row.deleted]

    def live_flows_of(self, integration_id: str) -> list[Flow]:
        """Return the flows of an integration that were not deleted, with `none` those outside any.

        An account is asked this for each of its integrations, so it does not go through all flows each time.
        """
        if not self._flows_by_home:
            for flow in self.flows:
                self._flows_by_home.setdefault(flow.integration_id or "none", []).append(flow)
        return [row for row in self._flows_by_home.get(integration_id, ()) if not row.deleted]

    def flows_moved(self) -> None:
        """Note that flows may be in other integrations than before."""
        self._flows_by_home = {}

    def live_connections(self) -> list[Connection]:
        """Return the connections that were not deleted."""
        return [row for row in self.connections if not row.deleted]


def build_account(options: SimulatorOptions, start_ms: int) -> Account:
    """Return the account of `options.seed` with `options.flows` flows."""
    seed = options.seed
    account = Account(user_id=object_id(seed, "user"), start_ms=start_ms)
    account.licenses = account_licenses(seed, start_ms)
    if options.flows:
        count = options.integrations or integration_count(options.flows)
        account.agents = _agents(seed, start_ms)
        account.integrations = [_integration(seed, n, start_ms) for n in range(count)]
        account.connections = _connections(seed, count, account, start_ms)
        _register_connections(account)
        factory = FlowFactory(options, account.integrations, account.connections, start_ms)
        account.flows, account.steps = factory.build()
        account.notifications = _notifications(seed, account, start_ms)
    account.index()
    return account


def integration_count(flows: int) -> int:
    """Return how many integrations an account with so many flows has."""
    return max(4, flows // 12) if flows >= 12 else max(1, flows // 3)


def _agents(seed: int, start_ms: int) -> list[Agent]:
    rows = (("warehouse-dc1", "heartbeat"), ("finance-vm", "offline"), ("lab-agent", "online"))
    return [
        Agent(n, object_id(seed, "agent", n), name, signal, start_ms - (400 + n) * DAY_MS)
        for n, (name, signal) in enumerate(rows)
    ]


def _integration(seed: int, ordinal: int, start_ms: int) -> Integration:
    draws = stream(seed, "integration", ordinal)
    source, target = draws.sample(APPLICATIONS, 2)
    name = f"{source.name} to {target.name}"
    if ordinal >= 4:
        name = f"{name} {draws.choice(REGIONS)}"
    if ordinal % 40 == _NASTY_INTEGRATION:
        name = NASTY_NAMES[(ordinal // 40) % len(NASTY_NAMES)]
    return Integration(
        ordinal=ordinal,
        id=object_id(seed, "integration", ordinal),
        name=name,
        sandbox=ordinal % 12 == 3,
        created_ms=start_ms - draws.randrange(100, 900) * DAY_MS,
        modified_ms=start_ms - draws.randrange(1, 90) * DAY_MS,
        tag=draws.choice((None, None, "EU", "core")),
        connector_id=object_id(seed, "connector", ordinal % 3) if ordinal % 9 == 5 else None,
    )


def _connections(seed: int, integrations: int, account: Account, start_ms: int) -> list[Connection]:
    # At least one for every application, and one more that may be offline from the start.
    count = min(_CONNECTION_CAP, max(len(APPLICATIONS) + 2, 2 * integrations + 2))
    return [_connection(seed, n, account, start_ms) for n in range(count)]


def _connection(seed: int, ordinal: int, account: Account, start_ms: int) -> Connection:
    draws = stream(seed, "connection", ordinal)
    application = APPLICATIONS[ordinal % len(APPLICATIONS)]
    owner = account.integrations[ordinal % len(account.integrations)]
    name = f"{application.name} {'sandbox' if owner.sandbox else 'production'}"
    if ordinal >= len(APPLICATIONS):
        name = f"{name} {ordinal // len(APPLICATIONS) + 1}"
    if ordinal % 50 == 5:
        name = NASTY_NAMES[ordinal // 50 % len(NASTY_NAMES)]
    on_premise = application.name == "Warehouse SQL" or (application.type == "ftp" and ordinal % 2 == 0)
    offline_since = start_ms - 3 * DAY_MS if ordinal % 60 == _OFFLINE_CONNECTION else None
    return Connection(
        ordinal=ordinal,
        id=object_id(seed, "connection", ordinal),
        name=name,
        type=application.type,
        assistant=application.assistant,
        sandbox=owner.sandbox,
        integration_id=owner.id,
        agent_id=account.agents[ordinal % 3].id if on_premise else None,
        created_ms=start_ms - draws.randrange(100, 800) * DAY_MS,
        concurrency=None if application.type == "rdbms" else _CONCURRENCY,
        offline_since_ms=offline_since,
    )


def _register_connections(account: Account) -> None:
    for integration in account.integrations:
        integration.connection_ids = tuple(c.id for c in account.connections if c.integration_id == integration.id)


def _notifications(seed: int, account: Account, start_ms: int) -> list[Notification]:
    wanted: list[tuple[str, str]] = [("flow", row.id) for row in account.flows[::2]]
    wanted += [("integration", row.id) for row in account.integrations[::3]]
    wanted += [("connection", row.id) for row in account.connections[::2]]
    wanted.append(("integration", "none"))
    return [
        Notification(n, object_id(seed, "notification", n), kind, resource, n % 4 == 0, start_ms - n % 300 * DAY_MS)
        for n, (kind, resource) in enumerate(wanted)
    ]
