"""One call with everything around it: budget, token, attempts, counting. Above it are only rows and pages."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from exporter.api.budget import Budget
from exporter.api.endpoints import Call, Endpoint
from exporter.api.errors import ApiError, NotFound, OtherStatus, PayloadError, RateLimited, Timeout, Unauthorized
from exporter.api.failures import server_time
from exporter.api.paging import first_target
from exporter.api.refresh import Refresh
from exporter.api.retry import backoff
from exporter.api.server_clock import ServerClock
from exporter.api.telemetry import Telemetry
from exporter.api.token import TokenProvider
from exporter.api.transport import Answer, Exchange, Transport
from exporter.clock import Clock
from exporter.config.settings import Limits
from exporter.logs import context, new_id
from exporter.secret import Secret

T = TypeVar("T")

_METHOD_NOT_ALLOWED = 405

_log = logging.getLogger(__name__)


class Caller:
    """Makes the calls of one account. Thread-safe."""

    def __init__(
        self,
        transport: Transport,
        budget: Budget,
        token: TokenProvider,
        limits: Limits,
        clock: Clock,
        telemetry: Telemetry,
        uniform: Callable[[], float],
        server: ServerClock,
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._token = token
        self._limits = limits
        self._clock = clock
        self._telemetry = telemetry
        self._uniform = uniform
        self._server = server

    def answer(self, call: Call, target: str | None, refresh: Refresh) -> Answer:
        """The answer to `call`, or to its later page at `target` (path and query). Raises ApiError.

        The later page of a reading POST is asked with the same body, and with GET where POST is refused (contract 1.6).
        """
        try:
            return self._answer(call, target or first_target(call), refresh)
        except (NotFound, OtherStatus) as error:
            refused = isinstance(error, NotFound) or error.status == _METHOD_NOT_ALLOWED
            if call.body is None or target in (None, first_target(call)) or not refused:
                raise
            return self._answer(replace(call, body=None), target or "", refresh)

    def judged(self, endpoint: Endpoint, decode: Callable[[], T]) -> T:
        """What `decode` makes of an answer; counts the call as succeeded, or as failed when its content is unusable."""
        try:
            decoded = decode()
        except PayloadError as error:
            self._telemetry.error(endpoint, error.type)
            self._telemetry.outcome(endpoint, error)
            raise
        self._telemetry.outcome(endpoint, None)
        return decoded

    def _answer(self, call: Call, target: str, refresh: Refresh) -> Answer:
        try:
            return self._attempts(call, target, refresh)
        except ApiError as error:
            self._telemetry.outcome(call.endpoint, error)
            raise

    def _attempts(self, call: Call, target: str, refresh: Refresh) -> Answer:
        attempt, sent_count, renewed, failure = 0, 0, False, None
        call_id = new_id()
        while True:
            attempt, sent_count = attempt + 1, sent_count + 1
            with context(call_id=call_id, attempt=sent_count):
                outcome, sent = self._attempt(call, target, refresh, failure)
            if isinstance(outcome, Answer):
                return outcome
            failure = outcome
            if isinstance(outcome, Unauthorized) and not renewed and self._token.refreshed_after_401(sent):
                renewed, attempt = True, attempt - 1
            else:
                self._wait_or_raise(outcome, attempt, refresh)
            self._telemetry.retry(call.endpoint, outcome.type)

    def _attempt(
        self, call: Call, target: str, refresh: Refresh, before: ApiError | None
    ) -> tuple[Answer | ApiError, Secret]:
        try:
            waited = self._budget.acquire(refresh, call.endpoint.value)
        except Timeout:
            if before is not None:
                raise before from None
            raise
        token = self._token.current()
        exchange = self._transport.send(call, target, token, refresh, self._clock.time())
        refresh.requests += 1
        self._telemetry.exchange(
            call.endpoint, exchange.code, exchange.seconds, exchange.body_bytes, method=call.method
        )
        _tell(call, exchange, waited)
        self._note_skew(exchange)
        if isinstance(exchange.outcome, ApiError):
            self._telemetry.error(call.endpoint, exchange.outcome.type)
        return exchange.outcome, token

    def _wait_or_raise(self, failure: ApiError, attempt: int, refresh: Refresh) -> None:
        """Wait before the next attempt; raises `failure` when there is none to be made.

        A 429 pauses the whole account, so that no other worker runs into it meanwhile; its wait happens in the budget.
        """
        wait = max(backoff(attempt, self._uniform), failure.retry_after or 0.0)
        if isinstance(failure, RateLimited):
            wait = failure.retry_after if failure.retry_after is not None else wait
            self._budget.pause(wait)
            _log.warning(
                "the API asks for a pause", extra={"fields": {"endpoint": failure.endpoint, "pause_seconds": wait}}
            )
        last = not failure.retryable or attempt >= self._limits.attempts
        if last or wait >= refresh.remaining or refresh.stop.is_set():
            raise failure
        if not isinstance(failure, RateLimited) and refresh.wait(refresh.stop, wait):
            raise failure

    def _note_skew(self, exchange: Exchange) -> None:
        """Compare the response's Date with the local clock.

        The header has whole seconds and was written somewhere between sending and now, so only what exceeds that
        uncertainty is skew.
        """
        server = server_time(exchange.date)
        if server is None:
            return
        self._server.heard(server, self._clock.monotonic() - exchange.seconds)
        latest = self._clock.time() - server
        earliest = latest - exchange.seconds - 1.0
        self._telemetry.skew(earliest if earliest > 0 else min(latest, 0.0))


def _tell(call: Call, exchange: Exchange, waited: float) -> None:
    failed = exchange.outcome if isinstance(exchange.outcome, ApiError) else None
    _log.debug(
        "a request was sent",
        extra={
            "fields": {
                "endpoint": call.endpoint.value,
                "method": call.method,
                "status": exchange.code,
                "error": failed.type if failed is not None else "",
                "duration_seconds": exchange.seconds,
                "body_bytes": exchange.body_bytes,
                "waited_seconds": waited,
                "upstream_request_id": exchange.request_id,
            }
        },
    )
