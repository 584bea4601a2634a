"""The control API: incidents, time, ground truth and the request log, as JSON on a port of its own."""

import math
from collections.abc import Callable, Mapping

import msgspec

from exporter.simulator.clock import SimClock
from exporter.simulator.engine import Engine
from exporter.simulator.incidents import KNOWN_KINDS, BadIncident, IncidentDesk
from exporter.simulator.journal import Journal
from exporter.simulator.messages import Answer, Request
from exporter.simulator.resources import JsonObject
from exporter.simulator.truth import ground_truth, run_rows
from exporter.simulator.wire import Reply, plain_reply

_LONGEST_ADVANCE = 400 * 86_400.0
_HELP: JsonObject = {
    "GET /incidents": "active incidents",
    "POST /incidents": 'start one: {"kind": "...", ...}; answers its id',
    "DELETE /incidents/{id}": "lift one",
    "DELETE /incidents": "lift all",
    "GET /time": "now (unix seconds), speed, frozen",
    "POST /time": '{"frozen": true}, {"speed": 10}, {"advance": 3600}',
    "GET /truth": "ground truth as of now",
    "GET /truth/runs?since=&until=": "job rows whose life touches a window of unix seconds",
    "GET /requests?since=": "request log after a sequence number",
    "DELETE /requests": "forget the request log",
    "kinds": list(KNOWN_KINDS),
}

Handler = Callable[[Request], Answer]


class Rejected(ValueError):
    """Bad input; the text is one clear line."""


class TimeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What POST /time takes; at least one of the three."""

    frozen: bool | msgspec.UnsetType = msgspec.UNSET
    speed: float | msgspec.UnsetType = msgspec.UNSET
    advance: float | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Refuse what the clock would refuse, before anything is changed."""
        if self.frozen is self.speed is self.advance is msgspec.UNSET:
            raise ValueError("one of frozen, speed, advance is needed")
        if self.speed is not msgspec.UNSET and not 0 < self.speed <= 1_000_000:
            raise ValueError("speed must be more than 0 and at most 1000000")
        if self.advance is not msgspec.UNSET and not 0 <= self.advance <= _LONGEST_ADVANCE:
            raise ValueError("advance must lie between 0 and 34560000 seconds")


class Control:
    """Answers requests to the control port. Thread-safe."""

    def __init__(self, engine: Engine, clock: SimClock, desk: IncidentDesk, journal: Journal) -> None:
        self._engine = engine
        self._clock = clock
        self._desk = desk
        self._journal = journal
        self._routes: Mapping[str, Mapping[str, Handler]] = {
            "/": {"GET": lambda _: Answer(200, _HELP)},
            "/incidents": {"GET": self._list, "POST": self._inject, "DELETE": self._lift_all},
            "/time": {"GET": self._time, "POST": self._set_time},
            "/truth": {"GET": lambda _: Answer(200, ground_truth(self._engine, self._clock.now_ms()))},
            "/truth/runs": {"GET": self._runs},
            "/requests": {"GET": self._requests, "DELETE": self._clear},
        }

    def handle(self, request: Request) -> Reply:
        """Answer one request; bad input is a 400 with one line in `error`."""
        handlers = self._routes.get(request.path)
        if handlers is None and request.path.startswith("/incidents/"):
            handlers = {"DELETE": self._lift}
        if handlers is None:
            return _failed(404, "there is no such path; GET / lists them")
        if request.method not in handlers:
            return _failed(405, f"use {', '.join(handlers)}")
        try:
            return plain_reply(handlers[request.method](request))
        except (Rejected, BadIncident) as error:
            return _failed(400, str(error))
        except LookupError as error:
            return _failed(404, str(error.args[0]))

    def _list(self, request: Request) -> Answer:
        del request
        return Answer(200, {"incidents": self._desk.active()})

    def _inject(self, request: Request) -> Answer:
        options = _object(request)
        return Answer(201, {"id": self._desk.inject(options), **options})

    def _lift(self, request: Request) -> Answer:
        text = request.path.removeprefix("/incidents/")
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise Rejected("an incident id is a number")
        try:
            self._desk.lift(int(text))
        except KeyError:
            raise LookupError("there is no such incident") from None
        return Answer(204)

    def _lift_all(self, request: Request) -> Answer:
        del request
        self._desk.lift_all()
        return Answer(204)

    def _time(self, request: Request) -> Answer:
        del request
        clock = self._clock
        return Answer(200, {"now": clock.now(), "speed": clock.speed, "frozen": clock.frozen})

    def _set_time(self, request: Request) -> Answer:
        try:
            change = msgspec.convert(_object(request), TimeChange)
        except msgspec.ValidationError as error:
            raise Rejected(str(error)) from None
        if change.advance is not msgspec.UNSET:
            self._clock.advance(change.advance)
        if change.speed is not msgspec.UNSET:
            self._clock.set_speed(change.speed)
        if change.frozen is not msgspec.UNSET:
            switch = self._clock.freeze if change.frozen else self._clock.resume
            switch()
        return self._time(request)

    def _runs(self, request: Request) -> Answer:
        since, until = _number(request, "since", 0.0), _number(request, "until", float("inf"))
        return Answer(200, {"runs": run_rows(self._engine, self._clock.now_ms(), since, until)})

    def _requests(self, request: Request) -> Answer:
        since = _number(request, "since", 0.0)
        return Answer(200, {"total": self._journal.total, "requests": self._journal.rows(int(since))})

    def _clear(self, request: Request) -> Answer:
        del request
        self._journal.clear()
        return Answer(204)


def _failed(status: int, line: str) -> Reply:
    return plain_reply(Answer(status, {"error": line}))


def _object(request: Request) -> JsonObject:
    try:
        content: object = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected("the body is not JSON") from None
    if not isinstance(content, dict):
        raise Rejected("the body must be a JSON object")
    return content


def _number(request: Request, name: str, default: float) -> float:
    text = request.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise Rejected(f"{name} must be a number") from None
    if not math.isfinite(value):
        raise Rejected(f"{name} must be a finite number")
    return value
