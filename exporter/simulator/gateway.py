"""The front of the API: log, faults, token, rate limit, then the route."""

from dataclasses import replace
from email.utils import formatdate

from exporter.simulator.access import TokenGate
from exporter.simulator.bucket import Bucket
from exporter.simulator.clock import SimClock
from exporter.simulator.engine import Engine
from exporter.simulator.faults import FaultSet, Strike
from exporter.simulator.journal import Journal
from exporter.simulator.messages import Answer, Refused, Request, bare, envelope
from exporter.simulator.router import Match, Router
from exporter.simulator.wire import Reply, packed, plain_reply

UNKNOWN_TEMPLATE = "unknown"


class Gateway:
    """Turns requests into replies. Thread-safe."""

    def __init__(
        self, engine: Engine, clock: SimClock, bucket: Bucket, journal: Journal, faults: FaultSet, gate: TokenGate
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._bucket = bucket
        self._journal = journal
        self._faults = faults
        self._gate = gate
        self._router = Router()

    def handle(self, request: Request) -> Reply:
        """Answer one request; never raises for anything a client can send."""
        match = self._router.match(request.path)
        template = match.route.template if match else UNKNOWN_TEMPLATE
        authorized = self._gate.knows(request) and self._gate.denial() is None
        entry = self._journal.arrived(request, template, authorized=authorized)
        strike = self._faults.strike(request, template)
        reply = self._reply(request, match, strike, authorized=authorized)
        if self._engine.options.compress:
            reply = packed(reply, request.headers)
        entry.status = 0 if reply.delivery in ("reset", "hang") else reply.status
        stamp = formatdate(self._clock.now(), usegmt=True)
        return replace(reply, headers=(("Date", stamp), ("X-Request-Id", f"sim-{entry.seq:012d}"), *reply.headers))

    def _reply(self, request: Request, match: Match | None, strike: Strike, *, authorized: bool) -> Reply:
        instead = strike.instead(self._clock.now())
        if instead is not None:
            return instead
        request = strike.rewritten(request)
        answer = self._refusal(request, match, authorized=authorized)
        if answer is not None or match is None:
            return strike.distorted(plain_reply(answer or envelope(404, "not_found", "No such path.")))
        request = replace(request, params=match.params)
        with self._engine.lock:
            self._engine.advance(self._clock.now_ms())
            try:
                answer = match.route.handlers[request.method](self._engine, request)
            except Refused as refused:
                answer = refused.answer
            # Encoded under the lock: the content refers to what the engine changes.
            reply = plain_reply(strike.altered(answer, request))
        return strike.distorted(reply)

    def _refusal(self, request: Request, match: Match | None, *, authorized: bool) -> Answer | None:
        if not authorized:
            denial = self._gate.denial() if self._gate.knows(request) else None
            return denial or bare(401, "Unauthorized")
        wait_seconds = self._bucket.take()
        if wait_seconds:
            headers = (("Retry-After", str(wait_seconds)),)
            return envelope(429, "rate_limited", "Too many requests.", headers)
        if match is not None and request.method not in match.route.handlers:
            allowed = ", ".join(sorted(match.route.handlers))
            return envelope(405, "method_not_allowed", f"Use {allowed}.", (("Allow", allowed),))
        return None
