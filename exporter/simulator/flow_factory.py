"""Makes the flows of the sample account and their steps.

One account holds every shape a flow can have (contract 3.4): several generators,
one with a schedule of its own, routers with branches, legacy single steps, lookups,
shared exports, chains, listeners, disabled flows and flows that never ran.
"""

from random import Random

from exporter.simulator.cadence import Cadence, draw_behaviour, draw_cadence, generator_schedule
from exporter.simulator.failures import ERROR_KINDS
from exporter.simulator.identity import object_id, stream
from exporter.simulator.names import APPLICATIONS, NASTY_NAMES, OBJECTS, REGIONS, Application
from exporter.simulator.options import DAY_MS, SimulatorOptions
from exporter.simulator.resources import Branch, Connection, Flow, Generator, Integration, Step

_HAND_MADE = 24
_STANDALONE_EVERY = 15
_OPAQUE_EVERY, _OPAQUE = 200, 35
_CHAINABLE = ("quarter", "hourly", "two_hourly", "daily", "weekday", "chained", "office")


class FlowFactory:
    """Builds all flows of an account in order; `build` is called once."""

    def __init__(
        self,
        options: SimulatorOptions,
        integrations: list[Integration],
        connections: list[Connection],
        start_ms: int,
    ) -> None:
        self._options = options
        self._integrations = integrations
        self._start_ms = start_ms
        self._steps: list[Step] = []
        self._connections: dict[tuple[bool, int], list[Connection]] = {}
        for connection in connections:
            key = (connection.sandbox, connection.ordinal % len(APPLICATIONS))
            self._connections.setdefault(key, []).append(connection)

    def build(self) -> tuple[list[Flow], list[Step]]:
        """Return the flows and every export and import they use."""
        flows: list[Flow] = []
        parent: Flow | None = None
        for ordinal in range(self._options.flows):
            draws = stream(self._options.seed, "flow", ordinal)
            cadence = draw_cadence(ordinal, draws, parent is not None)
            flow = self._flow(ordinal, cadence, draws, flows[-1] if flows else None)
            flows.append(flow)
            if flow.trigger == "chained" and parent is not None:
                parent.run_next = (*parent.run_next, flow.id)
            if cadence.kind in _CHAINABLE and flow.enabled:
                parent = flow
        return flows, self._steps

    def _flow(self, ordinal: int, cadence: Cadence, draws: Random, previous: Flow | None) -> Flow:
        home = self._home(ordinal)
        sandbox = home is not None and home.sandbox
        source, target = draws.sample(range(len(APPLICATIONS)), 2)
        thing = draws.choice(OBJECTS)
        legacy = ordinal % 23 == 8 and cadence.trigger == "scheduled"
        generators = self._generators(ordinal, cadence, draws, home, source, thing, previous)
        processors, branches = self._processors(ordinal, draws, home, target, thing, legacy=legacy)
        enabled = not _is_disabled(ordinal)
        options = self._options
        return Flow(
            ordinal=ordinal,
            id=object_id(options.seed, "flow", ordinal),
            name=_flow_name(ordinal, APPLICATIONS[source], APPLICATIONS[target], thing, draws),
            integration_id=home.id if home else None,
            sandbox=sandbox,
            enabled=enabled,
            trigger=cadence.trigger,
            schedule=cadence.schedule,
            timezone=cadence.timezone,
            generators=generators[:1] if legacy else generators,
            processors=processors,
            branches=branches,
            legacy=legacy,
            opaque_schedule=ordinal % _OPAQUE_EVERY == _OPAQUE and cadence.trigger == "scheduled",
            auto_resolve=draws.random() < 0.6,
            behaviour=draw_behaviour(cadence, draws, options.error_rate, options.failure_rate, len(ERROR_KINDS)),
            created_ms=self._start_ms - draws.randrange(40, 700) * DAY_MS,
            modified_ms=self._start_ms - draws.randrange(1, 40) * DAY_MS,
            debug_until_ms=self._start_ms + 1_800_000 if ordinal % 41 == 6 else None,
            last_executed_ms=None if _never_ran(ordinal, cadence) else self._start_ms - 35 * DAY_MS,
        )

    def _home(self, ordinal: int) -> Integration | None:
        if ordinal % _STANDALONE_EVERY == _STANDALONE_EVERY - 1:
            return None
        return self._integrations[ordinal % len(self._integrations)]

    def _generators(
        self,
        ordinal: int,
        cadence: Cadence,
        draws: Random,
        home: Integration | None,
        source: int,
        thing: str,
        previous: Flow | None,
    ) -> tuple[Generator, ...]:
        if cadence.trigger == "listener":
            return (Generator(self._export(f"On {thing}", home, None, "webhook")),)
        if ordinal % 10 == 6 and previous is not None and previous.trigger != "listener":
            shared = Generator(previous.generators[0].step)
        else:
            kind = draws.choice((None, "delta", "delta", "once"))
            shared = Generator(self._export(f"Get {thing}", home, source, kind))
        if ordinal % 9 != 4 or cadence.trigger != "scheduled":
            return (shared,)
        more = [Generator(self._export(f"Get {thing} of {draws.choice(REGIONS)}", home, source, "delta"))]
        if ordinal % 2 == 0:
            own = generator_schedule(draws)
            more.append(Generator(self._export(f"Get all {thing} nightly", home, source, None), own))
        return (shared, *more)

    def _processors(
        self, ordinal: int, draws: Random, home: Integration | None, target: int, thing: str, *, legacy: bool
    ) -> tuple[tuple[Step, ...], tuple[Branch, ...]]:
        first = self._import(f"Create {thing}", home, target)
        if legacy:
            return (first,), ()
        if ordinal % 11 == 5:
            other = self._import(f"Archive {thing}", home, (target + 3) % len(APPLICATIONS))
            return (), (Branch("EU", (first,)), Branch("rest of the world", (other,)))
        steps = [first]
        if draws.random() < 0.4:
            steps.insert(0, self._export(f"Look up {thing}", home, target, None, is_lookup=True))
        if draws.random() < 0.3:
            steps.append(self._import(f"Write back {thing}", home, (target + 5) % len(APPLICATIONS)))
        return tuple(steps), ()

    def _export(
        self,
        name: str,
        home: Integration | None,
        application: int | None,
        export_type: str | None,
        *,
        is_lookup: bool = False,
    ) -> Step:
        adaptor = "WebhookExport" if application is None else APPLICATIONS[application].export_adaptor
        return self._step("export", name, adaptor, home, application, export_type, is_lookup=is_lookup)

    def _import(self, name: str, home: Integration | None, application: int) -> Step:
        adaptor = APPLICATIONS[application].import_adaptor
        return self._step("import", name, adaptor, home, application, None, is_lookup=False)

    def _step(
        self,
        kind: str,
        name: str,
        adaptor: str,
        home: Integration | None,
        application: int | None,
        export_type: str | None,
        *,
        is_lookup: bool,
    ) -> Step:
        ordinal = len(self._steps)
        sandbox = home is not None and home.sandbox
        step = Step(
            ordinal=ordinal,
            id=object_id(self._options.seed, kind, ordinal),
            name=NASTY_NAMES[ordinal % len(NASTY_NAMES)] if ordinal % 37 == 11 else name,
            kind=kind,
            adaptor=adaptor,
            export_type=export_type,
            is_lookup=is_lookup,
            connection_id=None if application is None else self._connection_id(sandbox, application, ordinal),
            integration_id=home.id if home else None,
            sandbox=sandbox,
            created_ms=self._start_ms - (700 - ordinal % 650) * DAY_MS,
        )
        self._steps.append(step)
        return step

    def _connection_id(self, sandbox: bool, application: int, ordinal: int) -> str | None:
        # A connection that is down from the start would pause every flow of its application.
        for side in (sandbox, not sandbox):
            usable = [row for row in self._connections.get((side, application), []) if row.offline_since_ms is None]
            if usable:
                return usable[ordinal % len(usable)].id
        return None


def _is_disabled(ordinal: int) -> bool:
    # The flows that make a small account lively stay on.
    return ordinal >= 8 and ordinal % 10 == 3


def _never_ran(ordinal: int, cadence: Cadence) -> bool:
    return (_is_disabled(ordinal) and ordinal % 20 == 3) or (cadence.trigger == "on_demand" and ordinal % 2 == 1)


def _flow_name(ordinal: int, source: Application, target: Application, thing: str, draws: Random) -> str:
    region = draws.choice(REGIONS)
    if ordinal % 6 == 4 and (ordinal < _HAND_MADE * 3 or ordinal % 300 == 4):
        return NASTY_NAMES[ordinal // 6 % len(NASTY_NAMES)]
    suffix = f" ({region})" if ordinal >= _HAND_MADE else ""
    return f"{source.name} {thing} → {target.name}{suffix}"
