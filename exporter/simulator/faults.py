"""Faults: HTTP answers that go wrong on purpose, chosen by endpoint."""

import fnmatch
import re
import threading
from dataclasses import dataclass, field, replace
from random import Random

import msgspec

from exporter.simulator import fault_bodies, fault_rows
from exporter.simulator.identity import stream
from exporter.simulator.messages import Answer, Request
from exporter.simulator.router import TEMPLATES
from exporter.simulator.wire import Delivery, Reply

_HOLDER = re.compile(r"\{[^}]*\}")
_REPLACED = frozenset(
    {
        "status", "unauthorized", "forbidden", "rate_limited", "hang", "reset", "html", "empty_body", "huge",
        "gzip_bomb", "redirect",
    }
)  # fmt: skip
_ALTERED = frozenset(
    {
        "wrong_shape", "null_list", "missing_ids", "wrong_types", "bad_dates", "numbers_as_strings", "loop",
        "duplicated_rows", "shuffled_rows",
    }
)  # fmt: skip
# What the route must know before it answers. A loop is one of these too, and alters the answer besides.
_REWRITTEN = frozenset({"late_rows"})
_DISTORTED = frozenset({"slow", "truncated", "invalid_json"})
FAULT_KINDS = _REPLACED | _ALTERED | _REWRITTEN | _DISTORTED


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong and where.

    `path` is a path template, in which the names of place holders do not matter,
    a pattern with `*`, or `*` for all. `count` requests are hit, then the fault is gone;
    None means until lifted. `probability` is 0..1. The rest concerns single kinds:
    `status`, `body` (json, message, html), `retry_after` (seconds; `http_date` writes it as
    a date), `seconds` (delay of `slow`, age at which
    `late_rows` appear), `bytes` (of huge and gzip_bomb), `location` (redirect), `row` (id of the
    only row that cannot be read).
    """

    kind: str
    path: str = "*"
    method: str | None = None
    count: int | None = None
    probability: float = 1.0
    status: int | None = None
    body: str = "json"
    retry_after: int = 1
    http_date: bool = False
    seconds: float = 1.0
    bytes: int = 64 * 1024 * 1024
    location: str = "https://elsewhere.example/v1/flows"
    row: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises ValueError with one clear line."""
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"unknown fault {self.kind!r}")
        if self.kind == "status" and self.status is None:
            raise ValueError("status is missing")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status must lie between 200 and 599")
        if self.body not in fault_bodies.STATUS_BODIES:
            raise ValueError(f"body must be one of {', '.join(fault_bodies.STATUS_BODIES)}")
        if not 0 <= self.probability <= 1:
            raise ValueError("probability must lie between 0 and 1")
        if self.count is not None and self.count < 1:
            raise ValueError("count must be at least 1")
        if self.seconds < 0 or self.bytes < 0 or self.retry_after < 0:
            raise ValueError("seconds, bytes and retry_after must not be negative")
        if self.row is not None and self.kind not in fault_rows.MANGLED:
            raise ValueError(f"row goes with {', '.join(fault_rows.MANGLED)} only")
        if not any(_fits(self.path, template) for template in TEMPLATES):
            raise ValueError("path fits no endpoint")

    def hits(self, request: Request, template: str) -> bool:
        """Whether the fault concerns this request."""
        if self.method is not None and self.method != request.method:
            return False
        return self.path == "*" or _fits(self.path, template)


@dataclass(slots=True)
class _Active:
    spec: FaultSpec
    draws: Random
    left: int | None


@dataclass(frozen=True, slots=True)
class Strike:
    """The faults that hit one request, oldest first. Delays add up."""

    specs: tuple[FaultSpec, ...] = ()

    def instead(self, now: float) -> Reply | None:
        """Return the reply that takes the place of the true one, if any. `now` is unix seconds."""
        for spec in self.specs:
            if spec.kind in _REPLACED:
                return self._delayed(_replacement(spec, now))
        return None

    def rewritten(self, request: Request) -> Request:
        """Return the request as the route shall see it.

        A looping jobs list forgets its cursor. Rows that come late are left out by the jobs list
        itself, which knows the simulated time and cuts the page; of several delays the longest counts.
        """
        if any(spec.kind == "loop" for spec in self.specs):
            request = request.without("createdAt_lte", "after")
        late = max((spec.seconds for spec in self.specs if spec.kind == "late_rows"), default=0.0)
        return replace(request, late_ms=round(late * 1000)) if late else request

    def altered(self, answer: Answer, request: Request) -> Answer:
        """Return the answer with its content changed."""
        for spec in self.specs:
            if spec.row is not None:
                answer = fault_rows.mangled_row(spec.kind, spec.row, answer, request)
            elif spec.kind in _ALTERED:
                answer = fault_rows.ALTERATIONS[spec.kind](answer, request)
        return answer

    def distorted(self, reply: Reply) -> Reply:
        """Return the reply with its bytes or its delivery changed."""
        for spec in self.specs:
            if spec.kind == "invalid_json":
                reply = replace(
                    reply, status=200, headers=fault_bodies.JSON_HEADERS, body=fault_bodies.broken(reply.body)
                )
            elif spec.kind == "truncated":
                body = reply.body or b'{"errors":['
                delivery: Delivery = "truncated"
                reply = replace(reply, body=body[: max(1, len(body) // 2)], length=len(body) + 512, delivery=delivery)
        return self._delayed(reply)

    def _delayed(self, reply: Reply) -> Reply:
        seconds = sum(spec.seconds for spec in self.specs if spec.kind == "slow")
        return replace(reply, delay_seconds=seconds)


@dataclass(slots=True)
class FaultSet:
    """The active faults by incident id. Thread-safe."""

    seed: int
    _active: dict[int, _Active] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, incident_id: int, spec: FaultSpec) -> None:
        """Let a fault begin."""
        with self._lock:
            self._active[incident_id] = _Active(spec, stream(self.seed, "fault", incident_id), spec.count)

    def remove(self, incident_id: int) -> None:
        """Let a fault end; one that is gone already is no mistake."""
        with self._lock:
            self._active.pop(incident_id, None)

    def lasting(self) -> frozenset[int]:
        """Return the ids of the faults that still have requests to hit."""
        with self._lock:
            return frozenset(self._active)

    def strike(self, request: Request, template: str) -> Strike:
        """Return the faults that hit this request, and use them up."""
        with self._lock:
            hit = [(n, a) for n, a in self._active.items() if a.spec.hits(request, template) and _chance(a)]
            for incident_id, active in hit:
                if active.left is not None:
                    active.left -= 1
                    if not active.left:
                        del self._active[incident_id]
            return Strike(tuple(active.spec for _, active in hit))


def _fits(path: str, template: str) -> bool:
    return fnmatch.fnmatchcase(_HOLDER.sub("{}", template), _HOLDER.sub("{}", path))


def _chance(active: _Active) -> bool:
    return active.spec.probability >= 1.0 or active.draws.random() < active.spec.probability


def _replacement(spec: FaultSpec, now: float) -> Reply:
    match spec.kind:
        case "hang":
            return Reply(0, delivery="hang")
        case "reset":
            return Reply(0, delivery="reset")
        case "unauthorized":
            return fault_bodies.status_reply(401, "message")
        case "forbidden":
            return fault_bodies.status_reply(403, "message")
        case "rate_limited":
            return fault_bodies.rate_limited(spec.retry_after, now if spec.http_date else None)
        case "html":
            return fault_bodies.status_reply(200, "html")
        case "empty_body":
            return Reply(200, fault_bodies.JSON_HEADERS)
        case "huge":
            return fault_bodies.huge(spec.bytes)
        case "gzip_bomb":
            return fault_bodies.gzip_bomb(spec.bytes)
        case "redirect":
            return Reply(302, (("Location", spec.location),))
        case _:
            return fault_bodies.status_reply(spec.status or 500, spec.body)
