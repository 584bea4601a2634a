"""Plays a scenario in virtual time: a world with a scrape a minute, in which things go wrong when they are due.

A collection that takes longer than a minute, such as one against a silent API, does not stop time: whatever is due
meanwhile happens, and a scrape meanwhile gets what is there, as it would from the exporter's server.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from requests import PreparedRequest

from exporter.collectors import COLLECTORS
from exporter.config.load import parse_settings
from exporter.config.problem import ConfigError
from exporter.config.settings import Settings
from exporter.expose.render import Format
from exporter.serve.fleet import Fleet
from exporter.serve.reload import Reloader
from exporter.simulator.server import Simulator
from tests.incidents.agenda import Action, agenda_of
from tests.incidents.cast import Cast, casting
from tests.incidents.minute_clock import MinuteClock
from tests.incidents.quick import quick
from tests.incidents.scenario import Scenario, ScenarioError
from tests.incidents.spans import Span
from tests.incidents.tape import Tape
from tests.incidents.wire_cuts import cut
from tests.simulation.truth import Truth
from tests.simulation.world import MINUTE, Killed, World

_OVERLAP = 2 * 60
"""Minutes that jobs are listed back at the first sight; the exporter's history begins before that."""

_OTHERS = frozenset(COLLECTORS) - {"health"}
_NO_SPACE = sqlite3.OperationalError("database or disk is full")
# What SQLite itself says; without it the file would be taken for damaged.
_NO_SPACE.sqlite_errorname = "SQLITE_FULL"
_CAST_OPTIONS = ("flow", "connection", "integration", "agent", "row")


@dataclass(frozen=True)
class Played:
    """What was recorded, who played, and when it began (Unix seconds)."""

    tape: Tape
    cast: Cast
    begin: float


class Stage(World):
    """A world that a scenario is played in; for one use, in `with`."""

    def __init__(self, folder: Path, scenario: Scenario, names: frozenset[str]) -> None:
        self.begin = _begin(scenario)
        self._minutes = MinuteClock(self.begin)
        self._agenda = agenda_of(scenario)
        self._scenario = scenario
        with casting(scenario.cast) as cast:
            super().__init__(folder, clock=self._minutes, **_account_options(scenario))
        self.cast = cast
        durable = any(step.exporter or step.disk for step in scenario.steps)
        self.settings = _settings(scenario, self.simulator, folder if durable else None)
        self.tape = self.scraped = Tape(self.begin, names)
        self.truth = _Untold(self.simulator)
        self._incidents: dict[str, list[int]] = {}
        self._cuts: dict[str, str] = {}
        self._full: dict[str, Any] = {}
        self._bad_files: set[str] = set()
        self._collecting = False
        self._failure: Exception | None = None
        self._minutes.on_minute = self._on_minute

    def play(self) -> Played:
        """Let everything happen. Raises ScenarioError for a step that the account cannot carry out."""
        for _ in range(self._scenario.minutes + 1):
            # Time may be further already, when a collection took long.
            self.clock.advance(max(0.0, self._next - self.clock.true()))
            self._next += MINUTE
            if self._failure is not None:
                raise ScenarioError(str(self._failure)) from self._failure
        return Played(self.tape, self.cast, self.begin)

    def _on_minute(self, minute: int) -> None:
        if minute > self._scenario.minutes or self._failure is not None:
            return
        try:
            for action in self._agenda.pop(minute, ()):
                self._carry_out(action)
        except (ScenarioError, LookupError, ValueError) as failure:
            self._failure = failure
            return
        if self._due(minute):
            self._scrape_at(minute)

    def _due(self, minute: int) -> bool:
        """Whether a scrape is due; the end of the warm-up is scraped as often as what follows."""
        scenario = self._scenario
        warming = minute < scenario.warm_up - scenario.warm_up_every
        every = scenario.warm_up_every if warming else scenario.scrape_every
        return (minute - scenario.warm_up) % every == 0

    def _scrape_at(self, minute: int) -> None:
        if self.fleet is None:
            self.tape.miss(minute)
        elif self._collecting:
            self._look_at_the_api(self.fleet)
            self.fleet.trigger(_OTHERS)
            self.tape.add(self.clock.true(), self.fleet.documents.content(None, Format.TEXT, compressed=False).content)
        else:
            self._collecting = True
            try:
                self.scrape()
            finally:
                self._collecting = False

    def _look_at_the_api(self, fleet: Fleet) -> None:
        """Run the health collector beside the one under way, as its own thread would; others wait their turn."""
        for workers in self._workers:
            before = len(workers._tasks)
            fleet.trigger({"health"})
            if len(workers._tasks) > before:
                future, task = workers._tasks.pop()
                task()
                future.set_result(None)

    def _carry_out(self, action: Action) -> None:
        step = action.step
        if action.lifting:
            self._lift(action.key)
        elif step.inject is not None:
            self._incidents.setdefault(action.key, []).extend(self._inject(step.inject, step.options))
        elif step.wire is not None:
            self._cuts[action.key] = step.wire
        elif step.disk is not None:
            self._full[action.key] = mock.patch.object(self._state(), "_save", side_effect=_NO_SPACE)
            self._full[action.key].start()
        elif step.file is not None:
            self._reload(bad=True)
            self._bad_files.add(action.key)
        elif step.clock is not None:
            self.clock.step_wall(step.clock)
        elif step.exporter is not None:
            self._switch(step.exporter)

    def _inject(self, kind: str, options: Mapping[str, Any]) -> Iterator[int]:
        """One incident, or one for each of many flows that the name in its options stands for."""
        key = next((key for key in _CAST_OPTIONS if options.get(key) in self.cast.parts), None)
        for target in (None,) if key is None else self.cast.ids(options[key]):
            named = options if key is None else {**options, key: target}
            yield self.simulator.inject(kind, **named)

    def _state(self) -> object:
        if self.fleet is None:
            raise ScenarioError("steps: the exporter is down, and its disk cannot be filled")
        return self.fleet.state

    def _reload(self, *, bad: bool) -> None:
        def load() -> Settings:
            if bad:
                raise ConfigError("a mistake")
            return self.settings

        if self.fleet is None:
            raise ScenarioError("steps: the exporter is down, and cannot be told to reload")
        Reloader(self.fleet, load).reload()

    def _lift(self, key: str) -> None:
        if key in self._bad_files:
            self._bad_files.discard(key)
            self._reload(bad=False)
        self._cuts.pop(key, None)
        if (full := self._full.pop(key, None)) is not None:
            full.stop()
        for incident in reversed(self._incidents.pop(key, [])):
            self.simulator.lift(incident)

    def _switch(self, state: str) -> None:
        if state in ("down", "restart"):
            self.kill()
        if state in ("up", "restart"):
            self.start()
        if self._collecting:
            raise Killed

    def _before_request(self, request: PreparedRequest) -> None:
        super()._before_request(request)
        for kind in self._cuts.values():
            cut(kind, request, self.clock)


class _Untold(Truth):
    """Alerts are judged here, not counters; reading them would cost a quarter of the time."""

    def mark(self, *, same: bool = False) -> None:
        del same


@contextmanager
def stage(scenario: Scenario, names: frozenset[str]) -> Iterator[Stage]:
    """A stage for `scenario`; series of the families `names` are recorded."""
    counted = "limits" in scenario.settings
    with (
        tempfile.TemporaryDirectory(prefix="incident-") as folder,
        Stage(Path(folder), scenario, names) as staged,
        quick(None if counted else names),
    ):
        yield staged


def play(scenario: Scenario, names: frozenset[str]) -> Played:
    """Play it from begin to end."""
    with stage(scenario, names) as staged:
        return staged.play()


def _begin(scenario: Scenario) -> float:
    try:
        return datetime.fromisoformat(scenario.begin).timestamp()
    except ValueError:
        raise ScenarioError(f"begin: {scenario.begin!r} is no instant such as 2026-09-01T10:00:00Z") from None


def _account_options(scenario: Scenario) -> dict[str, Any]:
    shape = scenario.account
    options = {name: getattr(shape, name) for name in shape.__struct_fields__ if name != "history"}
    if options["unresolved_share"] is None:
        del options["unresolved_share"]
    return {**options, "history_seconds": 60.0 * shape.history}


def _settings(scenario: Scenario, simulator: Simulator, folder: Path | None) -> Settings:
    """The scenario's settings over the harness's, read as a settings file is.

    The exporter looks no further back than the account goes: what is scheduled once a day and has never run would be
    overdue since then.
    """
    own = dict(scenario.settings)
    depth = Span(max(0, scenario.account.history - _OVERLAP))
    collectors = {"history": {"depth": str(depth)}, **own.pop("collectors", {})}
    account = {"name": "acme", "base_url": simulator.url, "token_env": "TOKEN", **own.pop("account", {})}
    content: dict[str, Any] = {"profile": "full", "accounts": [account], "collectors": collectors}
    if folder is not None:
        content["state"] = {"path": str(folder / "state.db")}
    try:
        return parse_settings(yaml.safe_dump({**content, **own}), "settings", {"TOKEN": simulator.token})
    except ConfigError as error:
        raise ScenarioError(f"settings: {error.key}: {error.problem}") from None
